// `assess --factorial`, and what `assessment report` says of training and documents.
import { z } from "zod";
import type { AssessFlags } from "./assessments.ts";
import { type Client, ERRORS } from "./client.ts";
import { outcome, type VerbContext } from "./context.ts";
import { RUN_FIELDS, runShape } from "./follow.ts";
import { usage } from "./outcome.ts";
import { nodeShape } from "./pages.ts";
import { selection, thingOf } from "./things.ts";
import type { Json } from "./verbs.ts";

const started = z.object({ assessment: nodeShape, run: runShape });

/** Asks a base and a model made from it, each without and with documents. @throws EspalierError USAGE */
export async function assessFactorial(context: VerbContext, flags: AssessFlags): Promise<Json> {
  const { candidate, kb, grader, system, sample, seed, by, ...rest } = flags;
  const [model, base] = candidate;
  if (model === undefined || candidate.length > 2)
    throw usage(
      `--factorial takes one --candidate, or two, and ${candidate.length} are named`,
      "Name the tuned model; its base is known, and may be named as the second.",
    );
  const isSampled = sample !== undefined || by !== undefined;
  const kind = by === undefined ? "random" : "stratified";
  const { assessment, run } = await context.client.mutate(
    `mutation Factorial($input: StartFactorialInput!) { startFactorial(input: $input) { __typename
      ... on AssessmentSuccess { assessment { ${selection("Assessment")} } run { ${RUN_FIELDS} } } ${ERRORS} } }`,
    {
      input: {
        ...rest,
        model,
        base,
        knowledgeBases: kb ?? [],
        systemPrompt: system,
        graders: grader,
        ...(isSampled ? { sample: { kind, size: sample, seed, by } } : {}),
      },
    },
    started,
  );
  return outcome(context, run.id, { ...thingOf(assessment), status: "queued", runId: run.id });
}

const EFFECT = "estimate low high p adjustedP";
const EFFECTS = `training { ${EFFECT} } documents { ${EFFECT} } interaction { ${EFFECT} }`;
const effect = z.object({
  estimate: z.number(),
  low: z.number(),
  high: z.number(),
  adjustedP: z.number().nullable(),
});
const effects = z.object({ training: effect, documents: effect, interaction: effect }).nullable();
const shape = z.object({
  assessment: z
    .object({
      factorial: z
        .object({
          n: z.number(),
          sentence: z.string(),
          warnings: z.array(z.string()),
          score: effects,
          latencyMs: effects,
          costUsd: effects,
        })
        .nullable(),
    })
    .nullable(),
});

/** What training, documents and both bring; nothing where the assessment is no such comparison. */
export async function factorialReport(client: Client, name: string): Promise<{ factorial?: Json }> {
  const { assessment } = await client.query(
    `query Factorial($name: String!) { assessment(name: $name) { factorial { n sentence warnings
      score { ${EFFECTS} } latencyMs { ${EFFECTS} } costUsd { ${EFFECTS} } } } }`,
    { name },
    shape,
  );
  const found = assessment?.factorial;
  if (!found) return {};
  const measure = (of: z.infer<typeof effects>): Json =>
    of &&
    (["training", "documents", "interaction"] as const).map((name) => {
      const { estimate, low, high, adjustedP } = of[name];
      return { effect: name, estimate, ci95: [low, high], ...(adjustedP === null ? {} : { p: adjustedP }) };
    });
  const { n, sentence, warnings } = found;
  return {
    factorial: {
      n,
      sentence,
      ...(warnings.length > 0 ? { warnings } : {}),
      score: measure(found.score),
      latencyMs: measure(found.latencyMs),
      costUsd: measure(found.costUsd),
    },
  };
}
