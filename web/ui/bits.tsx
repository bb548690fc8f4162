// Small pieces pages share: a time, an id with copy, facts, a surface with a heading, a figure, token text.
import { ActionIcon, CopyButton, Group, Text } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { Fragment, type ReactNode } from "react";
import { t } from "../i18n.ts";
import { exactTime, plain, relativeTime } from "./format.ts";

/** A scrolling region must be reachable by keyboard. */
export const reachable = { tabIndex: 0 } as const;

/** A relative time; the exact one on hover. */
export function When(props: { at: string | null | undefined }) {
  if (!props.at) return <span className="e-muted">–</span>;
  return (
    <time dateTime={props.at} title={exactTime(props.at)}>
      {relativeTime(props.at, Date.now())}
    </time>
  );
}

/** When something was made, and by whom where that is known. */
export function Made(props: { at: string; by: string | null }) {
  return (
    <span>
      <When at={props.at} /> {props.by ? t("by {{name}}", { name: props.by }) : null}
    </span>
  );
}

export function Copyable(props: { text: string; short?: string; label: string }) {
  return (
    <Group gap={4} wrap="nowrap">
      <Text span className="e-mono" style={{ overflowWrap: "anywhere" }}>
        {props.short ?? props.text}
      </Text>
      <CopyButton value={props.text}>
        {({ copied, copy }) => (
          <ActionIcon size="sm" variant="subtle" color="gray" aria-label={props.label} onClick={copy}>
            {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          </ActionIcon>
        )}
      </CopyButton>
    </Group>
  );
}

/** Text for a terminal or a program, with copy in its corner; `copied` is what that takes along where it is more. */
export function CodeBlock(props: { text: string; copied?: string; label: string }) {
  return (
    <div className="e-code">
      <pre className="e-mono" {...reachable}>
        {props.text}
      </pre>
      <CopyButton value={props.copied ?? props.text}>
        {({ copied, copy }) => (
          <ActionIcon variant="default" aria-label={props.label} onClick={copy}>
            {copied ? <IconCheck size={16} color="var(--e-leaf)" /> : <IconCopy size={16} />}
          </ActionIcon>
        )}
      </CopyButton>
    </div>
  );
}

export function Facts(props: { items: [string, ReactNode][] }) {
  return (
    <dl className="e-facts">
      {props.items.map(([label, value]) => (
        <Fragment key={label}>
          <dt>{label}</dt>
          <dd>{typeof value === "number" ? plain(value) : value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

export function Surface(props: { title?: string; aside?: ReactNode; children: ReactNode; tone?: "blue" }) {
  return (
    <section
      className="e-surface"
      style={{ padding: 16, ...(props.tone === "blue" ? { borderColor: "var(--e-blue)" } : {}) }}
    >
      {props.title ? (
        <Group justify="space-between" mb={8}>
          <h2 style={{ margin: 0 }}>{props.title}</h2>
          {props.aside}
        </Group>
      ) : null}
      {props.children}
    </section>
  );
}

/** A figure with its name and a word about it. */
export function Tile(props: { label: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="e-tile">
      <dt>{props.label}</dt>
      <dd>
        {props.value}
        {props.note ? <small>{props.note}</small> : null}
      </dd>
    </div>
  );
}

type Token = { text: string; counts: boolean; kept: boolean };

/** Text as tokens: those that count for the loss are marked, those that are cut off are struck out. */
export function TokenText(props: { tokens: Token[] }) {
  const runs: Token[] = [];
  for (const token of props.tokens) {
    const last = runs.at(-1);
    if (last && last.counts === token.counts && last.kept === token.kept) last.text += token.text;
    else runs.push({ ...token });
  }
  return (
    <pre className="e-tokens e-mono" {...reachable}>
      {runs.map((run, index) => {
        const As = run.kept ? (run.counts ? "mark" : "span") : "del";
        // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one immutable text have no other identity
        return <As key={index}>{run.text}</As>;
      })}
    </pre>
  );
}
