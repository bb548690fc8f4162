// `dataset collect`: lost answers and judged replies as rows of a dataset, shown first where that is asked for.
import { z } from "zod";
import { ERRORS } from "./client.ts";
import { outcome, type VerbContext } from "./context.ts";
import { RUN_FIELDS, runShape } from "./follow.ts";
import { usage } from "./outcome.ts";
import { nodeShape } from "./pages.ts";
import { selection, thingOf } from "./things.ts";
import type { Json } from "./verbs.ts";

export type CollectFlags = {
  fromAssessment?: string;
  candidate?: string;
  lost?: string;
  against?: string;
  row?: readonly string[];
  right?: string;
  fromFeedback?: boolean;
  since?: string;
  model?: string;
  name?: string;
  into?: string;
  preferences?: boolean;
  split?: string;
  yes?: boolean;
  show?: number;
};

const collected = z.object({
  rowCount: z.number(),
  rows: z.array(z.json()),
  leftOut: z.array(z.object({ reason: z.string(), rows: z.number() })),
  warnings: z.array(z.object({ code: z.string(), message: z.string(), rows: z.number() })),
});
const COLLECTED = "rowCount rows leftOut { reason rows } warnings { code message rows }";
const previewed = z.object({ collectPreview: collected });
const started = z.object({ dataset: nodeShape, run: runShape, collected });

/** Adds the rows, or with --show only says what would be added. */
export async function collect(context: VerbContext, flags: CollectFlags): Promise<Json> {
  const input = inputOf(flags);
  if (flags.show !== undefined) {
    const { collectPreview: found } = await context.client.query(
      `query Collect($input: CollectInput!) { collectPreview(input: $input) { ${COLLECTED} } }`,
      { input },
      previewed,
    );
    return { ...found, rows: found.rows.slice(0, flags.show) };
  }
  const {
    dataset,
    run,
    collected: made,
  } = await context.client.mutate(
    `mutation Collect($input: CollectInput!) { collectRows(input: $input) { __typename
      ... on CollectRowsSuccess { dataset { ${selection("Dataset")} } run { ${RUN_FIELDS} } collected { ${COLLECTED} } } ${ERRORS} } }`,
    { input },
    started,
  );
  for (const { message } of made.warnings) context.stderr.write(`${message}\n`);
  return outcome(context, run.id, { ...thingOf(dataset), rows: made.rowCount, runId: run.id });
}

function inputOf(flags: CollectFlags): object {
  const { fromAssessment, fromFeedback, candidate, against, since, model, name, into, split, yes } = flags;
  if ((fromAssessment === undefined) === (fromFeedback !== true))
    throw usage(
      "the rows come from an assessment or from feedback",
      "Give either --from-assessment NAME or --from-feedback.",
    );
  if ((name === undefined) === (into === undefined))
    throw usage("the rows go into a new dataset or one that is there", "Give either --name or --into.");
  if (fromAssessment !== undefined && candidate === undefined)
    throw usage("an assessment needs who lost", "Give --candidate NAME.");
  const source = fromFeedback
    ? { feedback: { since: since === undefined ? undefined : momentOf(since), model } }
    : {
        assessment: {
          name: fromAssessment,
          candidate,
          lost: flags.lost?.toUpperCase(),
          against,
          rows: flags.row?.map(rowOf),
          right: flags.right?.toUpperCase(),
        },
      };
  return {
    ...source,
    as: flags.preferences ? "PREFERENCES" : "EXAMPLES",
    name,
    dataset: into,
    split,
    confirm: yes,
  };
}

function momentOf(said: string): string {
  const at = Date.parse(said);
  if (Number.isNaN(at)) throw usage(`--since ${said} is no date`, "Write it as 2026-01-31.");
  return new Date(at).toISOString();
}

function rowOf(said: string): number {
  const row = Number(said);
  if (!Number.isSafeInteger(row) || row < 0)
    throw usage(`--row ${said} is no row`, "Give the number of a row, from 0.");
  return row;
}
