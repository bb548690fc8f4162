// The log of a run, with a search.
import { TextInput } from "@mantine/core";
import { t } from "../i18n.ts";
import { said } from "../said.ts";
import { reachable, Surface } from "../ui/bits.tsx";

/** A line with its sentence in the page's language: time, level, text. */
function lineOf(line: string): string {
  const [, head = "", text = line] = /^(\S+ (?:info|warning|error) )([\s\S]*)$/.exec(line) ?? [];
  return head + said(text);
}

/** Log lines with a search; asks again while the run goes on. */
export function RunLog(props: { lines: string[]; search: string; onSearch: (text: string) => void }) {
  return (
    <Surface
      title={t("Log")}
      aside={
        <TextInput
          size="xs"
          aria-label={t("Search the log")}
          placeholder={t("Search the log")}
          value={props.search}
          onChange={(event) => props.onSearch(event.currentTarget.value)}
        />
      }
    >
      <pre className="e-log e-mono" {...reachable}>
        {props.lines.length > 0
          ? props.lines.map(lineOf).join("\n")
          : props.search
            ? t("No line matches.")
            : t("No line yet.")}
      </pre>
    </Surface>
  );
}
