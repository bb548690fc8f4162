// `suite`: made of assessments, run with candidates, reported and deleted.
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import { type Client, ERRORS } from "./client.ts";
import { followOf, type VerbContext } from "./context.ts";
import { RUN_FIELDS, runShape, waitForRun } from "./follow.ts";
import { nodeShape, readAll } from "./pages.ts";
import { remove } from "./stages.ts";
import { selection, type Thing, thingOf } from "./things.ts";
import type { Json } from "./verbs.ts";

const made = z.object({ suite: nodeShape });
const SUITE = `... on SuiteSuccess { suite { ${selection("Suite")} } } ${ERRORS}`;

/** Makes a suite of assessments that are there. */
export async function createSuite(
  { client }: VerbContext,
  { name, assessment = [] }: { name: string; assessment?: readonly string[] },
): Promise<Json> {
  const { suite } = await client.mutate(
    `mutation Suite($name: String!, $assessments: [String!]) { createSuite(name: $name, assessments: $assessments) {
      __typename ${SUITE} } }`,
    { name, assessments: assessment },
    made,
  );
  return thingOf(suite);
}

/** Adds an assessment to a suite, as it is defined. */
export async function addToSuite(
  { client }: VerbContext,
  variables: { suite: string; assessment: string },
): Promise<Json> {
  const { suite } = await client.mutate(
    `mutation Add($suite: ID!, $assessment: ID!) { addToSuite(suite: $suite, assessment: $assessment) {
      __typename ${SUITE} } }`,
    variables,
    made,
  );
  return thingOf(suite);
}

export async function listSuites({ client }: VerbContext): Promise<Json> {
  return { items: (await readAll(client, "suites", selection("Suite"))).map(thingOf) };
}

const started = z.object({ suite: nodeShape, number: z.number(), runs: z.array(runShape) });

/** Asks candidates all that a suite holds; with --wait what they found. */
export async function runSuite(
  context: VerbContext,
  name: string,
  flags: { candidate: readonly string[]; system?: string; kb?: readonly string[] },
): Promise<Json> {
  const candidates = flags.candidate.map((model) => ({
    model,
    systemPrompt: flags.system,
    knowledgeBases: flags.kb,
  }));
  const { suite, number, runs } = await context.client.mutate(
    `mutation Start($suite: ID!, $candidates: [CandidateInput!]!) { startSuite(suite: $suite, candidates: $candidates) {
      __typename ... on StartSuiteSuccess { suite { ${selection("Suite")} } number runs { ${RUN_FIELDS} } } ${ERRORS} } }`,
    { suite: name, candidates },
    started,
  );
  if (!context.wait) return { ...thingOf(suite), status: "queued", number, runIds: runs.map(({ id }) => id) };
  // Each is waited for, though one fails: the others are asked all the same.
  const ends = await Promise.allSettled(runs.map(({ id }) => waitForRun(followOf(context), id)));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return suiteReport(context, suite.id, number);
}

const interval = z.object({ mean: z.number(), low: z.number(), high: z.number(), n: z.number() }).nullable();
const reported = z.object({
  suite: z
    .object({
      id: z.string(),
      name: z.string(),
      run: z
        .object({
          number: z.number(),
          createdAt: z.string(),
          sentence: z.string(),
          entries: z.array(
            z.object({
              entry: z.string(),
              dataset: z.string(),
              assessment: z.object({ name: z.string() }).nullable(),
            }),
          ),
          lines: z.array(
            z.object({
              name: z.string(),
              cells: z.array(z.object({ interval })),
              overall: z
                .object({ mean: z.number(), low: z.number(), high: z.number(), entries: z.number() })
                .nullable(),
            }),
          ),
        })
        .nullable(),
      history: z.array(
        z.object({
          number: z.number(),
          name: z.string(),
          mean: z.number(),
          low: z.number(),
          high: z.number(),
        }),
      ),
    })
    .nullable(),
});

/** What a run found, the latest when none is said, and the scores of all runs. */
export async function suiteReport(
  { client }: Pick<VerbContext, "client">,
  name: string,
  number?: number,
): Promise<Json> {
  const { suite } = await client.query(
    `query Report($name: String!, $number: Int) { suite(name: $name) { id name
      run(number: $number) { number createdAt sentence entries { entry dataset assessment { name } }
        lines { name cells { interval { mean low high n } } overall { mean low high entries } } }
      history { number name mean low high } } }`,
    { name, number },
    reported,
  );
  if (!suite) throw noSuite(name);
  const { id, run, history } = suite;
  const candidates = (run?.lines ?? []).map((line) => ({
    name: line.name,
    score: line.overall?.mean ?? null,
    ci95: line.overall ? [line.overall.low, line.overall.high] : null,
    entries: Object.fromEntries(
      (run?.entries ?? []).map(({ entry }, at) => [entry, line.cells[at]?.interval?.mean ?? null]),
    ),
  }));
  return {
    id,
    kind: "suite",
    name: suite.name,
    status: "ready",
    number: run?.number ?? 0,
    ...(run ? { createdAt: run.createdAt } : {}),
    entries: (run?.entries ?? []).map(({ entry, dataset, assessment }) => ({
      name: entry,
      dataset,
      assessment: assessment?.name ?? "deleted",
    })),
    candidates,
    history: history.map(({ number: of, name: candidate, mean, low, high }) => ({
      number: of,
      candidate,
      score: mean,
      ci95: [low, high],
    })),
    verdict: run?.sentence ?? "It was not run yet.",
  };
}

/** Deletes a suite; the assessments of its runs stay. */
export async function deleteSuite(
  context: VerbContext,
  name: string,
  flags: { yes?: boolean },
): Promise<Json> {
  return remove(context, (await suiteOf(context.client, name)).id, flags);
}

async function suiteOf(client: Client, name: string): Promise<Thing> {
  const { suite } = await client.query(
    `query Suite($name: String!) { suite(name: $name) { ${selection("Suite")} } }`,
    { name },
    z.object({ suite: nodeShape.nullable() }),
  );
  if (suite) return thingOf(suite);
  throw noSuite(name);
}

function noSuite(name: string): EspalierError {
  return new EspalierError("SUITE_NOT_FOUND", `there is no suite "${name.slice(0, 120)}"`, {
    hint: "`espalier suite list` shows the names.",
    value: name.slice(0, 120),
    status: 404,
  });
}
