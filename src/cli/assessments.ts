// `assess` and `assessment`: started, reported, gone on with and written to a file.
import { open, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import { newSecret } from "../kit/ids.ts";
import { tookText } from "../kit/took.ts";
import { type Client, ERRORS } from "./client.ts";
import { outcome, type VerbContext } from "./context.ts";
import { RUN_FIELDS, runShape } from "./follow.ts";
import { withFile } from "./grader-file.ts";
import { usage } from "./outcome.ts";
import { nodeShape } from "./pages.ts";
import { selection, thingOf } from "./things.ts";
import type { Json } from "./verbs.ts";

const started = z.object({ assessment: nodeShape, run: runShape });
const STARTED = `... on AssessmentSuccess { assessment { ${selection("Assessment")} } run { ${RUN_FIELDS} } } ${ERRORS}`;

export type AssessFlags = {
  name: string;
  candidate: readonly string[];
  dataset: string;
  grader: readonly string[];
  split?: string;
  question?: string;
  reference?: string;
  sample?: number;
  seed?: number;
  by?: string;
  system?: string;
  kb?: readonly string[];
  maxTokens?: number;
  temperature?: number;
  concurrency?: number;
} & JudgeFlags;
type JudgeFlags = { judge?: readonly string[]; judgeMode?: string; criteria?: string; judgePrompt?: string };

/** Every judge is told the same. */
const judgesOf = ({ judge, judgeMode: mode, criteria, judgePrompt: prompt }: JudgeFlags) =>
  judge?.map((model) => ({ model, mode, criteria, prompt }));

/** Asks candidates about rows of a dataset and scores their answers. */
export async function assess(context: VerbContext, flags: AssessFlags): Promise<Json> {
  const { name, dataset, split, question, reference, sample, seed, by, system, kb } = flags;
  const { maxTokens, temperature, concurrency } = flags;
  const isSampled = sample !== undefined || by !== undefined;
  const kind = by === undefined ? "random" : "stratified";
  const { assessment, run } = await context.client.mutate(
    `mutation Assess($input: StartAssessmentInput!) { startAssessment(input: $input) { __typename ${STARTED} } }`,
    {
      input: {
        name,
        dataset,
        split,
        question,
        reference,
        maxTokens,
        temperature,
        concurrency,
        graders: await Promise.all(flags.grader.map(withFile)),
        judges: judgesOf(flags),
        candidates: flags.candidate.map((model) => ({ model, systemPrompt: system, knowledgeBases: kb })),
        ...(isSampled ? { sample: { kind, size: sample, seed, by } } : {}),
      },
    },
    started,
  );
  return outcome(context, run.id, { ...thingOf(assessment), status: "queued", runId: run.id });
}

/** Asks what has no answer yet, or failed. */
export async function resume(context: VerbContext, name: string): Promise<Json> {
  const { assessment, run } = await context.client.mutate(
    `mutation Resume($id: ID!) { resumeAssessment(id: $id) { __typename ${STARTED} } }`,
    { id: name },
    started,
  );
  return outcome(context, run.id, { ...thingOf(assessment), status: "queued", runId: run.id });
}

/** Scores the answers of an assessment anew, as an assessment of its own. */
export async function scoreAgain(
  context: VerbContext,
  id: string,
  flags: { name: string; grader: readonly string[] } & JudgeFlags,
): Promise<Json> {
  const { assessment, run } = await context.client.mutate(
    `mutation Again($id: ID!, $name: String!, $graders: [String!]!, $judges: [JudgeInput!]) {
      scoreAgain(id: $id, name: $name, graders: $graders, judges: $judges) { __typename ${STARTED} } }`,
    { id, name: flags.name, graders: await Promise.all(flags.grader.map(withFile)), judges: judgesOf(flags) },
    started,
  );
  return outcome(context, run.id, { ...thingOf(assessment), status: "queued", runId: run.id });
}

const intervalShape = z
  .object({ n: z.number(), mean: z.number(), low: z.number(), high: z.number() })
  .nullable();
const shareShape = z.object({ share: z.number() }).nullable();
const effortShape = z.object({ seconds: z.number().nullable(), costUsd: z.number().nullable() }).nullable();
const reported = z.object({
  assessment: z
    .object({
      id: z.string(),
      name: z.string(),
      forecast: effortShape,
      actual: effortShape,
      report: z.object({
        sentence: z.string(),
        unscored: z.number(),
        candidates: z.array(
          z.object({
            candidate: z.object({ name: z.string() }),
            interval: intervalShape,
            answered: z.number(),
            failed: z.number(),
            medianLatencyMs: z.number().nullable(),
            costUsd: z.number().nullable(),
          }),
        ),
        judges: z.array(
          z.object({
            label: z.string(),
            judgements: z.number(),
            failed: z.number(),
            unread: z.number(),
            consistency: shareShape,
            preferredFirst: shareShape,
            costUsd: z.number().nullable(),
          }),
        ),
        agreements: z.array(
          z.object({
            first: z.string(),
            second: z.string(),
            n: z.number(),
            share: z.number(),
            kappa: z.number().nullable(),
          }),
        ),
        pairs: z.array(
          z.object({
            first: z.object({ name: z.string() }),
            second: z.object({ name: z.string() }),
            wins: z.number(),
            ties: z.number(),
            losses: z.number(),
            adjustedP: z.number(),
          }),
        ),
      }),
    })
    .nullable(),
});
type Reported = NonNullable<z.infer<typeof reported>["assessment"]>;

/** What an assessment found; `p` is corrected for the number of pairs. */
export async function report({ client, isJson }: VerbContext, name: string): Promise<Json> {
  const { id, report: found, ...rest } = await reportOf(client, name);
  const candidates = found.candidates.map((one) => ({
    name: one.candidate.name,
    n: one.interval?.n ?? 0,
    score: one.interval?.mean ?? null,
    ci95: one.interval ? [one.interval.low, one.interval.high] : null,
    answered: one.answered,
    failed: one.failed,
    latencyMs: one.medianLatencyMs,
    cost: one.costUsd,
  }));
  const pairs = found.pairs.map(({ first, second, wins, ties, losses, adjustedP }) => ({
    ...{ a: first.name, b: second.name, wins, ties, losses, p: adjustedP },
  }));
  const { factorialReport } = await import("./factorial.ts");
  const judges = found.judges.map(({ consistency, preferredFirst, costUsd: cost, ...one }) => ({
    ...one,
    consistency: consistency?.share ?? null,
    preferredFirst: preferredFirst?.share ?? null,
    cost,
  }));
  const ends = {
    pairs,
    ...(judges.length > 0 || found.agreements.length > 0 ? { judges, agreements: found.agreements } : {}),
    ...(await factorialReport(client, name)),
    verdict: found.sentence,
    unscored: found.unscored,
  };
  if (isJson) return { id, kind: "assessment", status: "ready", ...rest, candidates, ...ends };
  // For people: the verdict is what they came for.
  return { candidates, ...ends, took: tookText(rest.actual, rest.forecast) };
}

async function reportOf(client: Client, name: string): Promise<Reported> {
  const { assessment } = await client.query(
    `query Report($name: String!) { assessment(name: $name) { id name
      forecast { seconds costUsd } actual { seconds costUsd } report { sentence unscored
      candidates { candidate { name } interval { n mean low high } answered failed medianLatencyMs costUsd }
      judges { label judgements failed unread consistency { share } preferredFirst { share } costUsd }
      agreements { first second n share kappa }
      pairs { first { name } second { name } wins ties losses adjustedP } } } }`,
    { name },
    reported,
  );
  if (assessment) return assessment;
  throw new EspalierError("ASSESSMENT_NOT_FOUND", `there is no assessment "${name.slice(0, 120)}"`, {
    hint: "`espalier list assessments` shows the names.",
    value: name.slice(0, 120),
    status: 404,
  });
}

const FORMATS = ["csv", "jsonl", "html"];

/** Writes the answers with their scores, or the report, to a file, complete or not at all. */
export async function exportAnswers(
  { client }: VerbContext,
  name: string,
  { format, to }: { format: string; to: string },
): Promise<Json> {
  if (!FORMATS.includes(format))
    throw usage(`--format ${format} is not known`, `Choose one of ${FORMATS.join(", ")}.`);
  const { id } = await reportOf(client, name);
  const response = await client.request(`/files/${id}.${format}`);
  const target = resolve(to);
  // Beside the target, so that the rename stays on one file system.
  const temp = join(dirname(target), `.espalier-${newSecret(6)}`);
  let sizeBytes = 0;
  try {
    const out = await open(temp, "wx");
    try {
      for await (const part of response.body ?? []) {
        await out.writeFile(part);
        sizeBytes += part.byteLength;
      }
      await out.sync();
    } finally {
      await out.close();
    }
    await rename(temp, target);
  } finally {
    await rm(temp, { force: true });
  }
  return { id, kind: "assessment", name, status: "exported", path: target, sizeBytes };
}
