// Where collected rows of a dataset version came from, as its import counted them.
import { z } from "zod";
import { t } from "../i18n.ts";

const shape = z.object({
  origins: z
    .array(z.object({ kind: z.enum(["assessment", "feedback"]), name: z.string(), rows: z.number() }))
    .min(1),
});

const words: Record<string, string> = {
  rating: t("thumbs in chat"),
  edit: t("replies mended in chat"),
  vote: t("votes in chat"),
};

/** What the latest collecting added; none after another import. */
export function collectedFacts(last: { added: number; alreadyThere: number } | null): [string, string][] {
  if (last === null) return [];
  const added = t("{{count}} rows added", { count: last.added });
  const there = t("already there: {{count}}", { count: last.alreadyThere });
  return [[t("Collected last"), last.alreadyThere > 0 ? `${added}, ${there}` : added]];
}

/** The fact for the page; none where no row was collected. */
export function originFacts(statistics: unknown, rowCount: number): [string, string][] {
  const found = shape.safeParse(statistics);
  if (!found.success) return [];
  const { origins } = found.data;
  const collected = origins.reduce((sum, { rows }) => sum + rows, 0);
  const named = origins.map(({ kind, name, rows }) =>
    kind === "assessment"
      ? t("{{rows}} from the assessment {{name}}", { rows, name })
      : t("{{rows}} from {{what}}", { rows, what: words[name] ?? t("chat") }),
  );
  if (collected < rowCount) named.unshift(t("{{rows}} from files", { rows: rowCount - collected }));
  return [[t("Where rows came from"), named.join(", ")]];
}
