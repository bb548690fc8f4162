// What an assessment was expected to take when it was started, kept beside what it took.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { z } from "zod";
import { assessments } from "../schema/tables/assessments.ts";
import { limits } from "../src/kit/limits.ts";
import { cli } from "./assess-kit.ts";
import { AGAIN, ERRORS, RESUME, START, started } from "./assessment-kit.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
const effort = z.object({ seconds: z.number().nullable(), costUsd: z.number().nullable() });
const shape = z.object({
  assessment: z.object({ id: z.string(), forecast: effort.nullable(), actual: effort.nullable() }),
});
const preview = z.object({
  assessmentPreview: z.object({
    forecast: effort.extend({
      parts: z.array(z.object({ name: z.string(), costUsd: z.number().nullable() })),
    }),
  }),
});
const READ =
  "query ($name: String!) { assessment(name: $name) { id forecast { seconds costUsd } actual { seconds costUsd } } }";
const PREVIEW = `query ($input: StartAssessmentInput!) { assessmentPreview(input: $input) { __typename
  ... on AssessmentPreviewSuccess { forecast { seconds costUsd parts { name costUsd } } } ${ERRORS} } }`;

let world: World;
const kit = createProviderKit(() => world);
const ROWS = 6;
/** Models with a price, and one without. */
let priced: string;
let free: string;
let judge: string;
/** While set, the priced model answers nothing. */
let isDown = false;

const input = (more: object = {}) => ({
  ...{ dataset: "rows", question: "Say {{question}}.", reference: "answer", graders: ["exact"] },
  ...{ candidates: [{ model: priced }], maxTokens: 50, ...more },
});
const read = async (name: string) => shape.parse(await world.graphql(READ, { name })).assessment;
const forecastOf = async (wish: object) =>
  preview.parse(await world.graphql(PREVIEW, { input: wish })).assessmentPreview.forecast;
async function start(name: string, wish: object): Promise<void> {
  const { run } = started.parse(await world.act(START, { input: { ...wish, name } }));
  await world.succeeded(run.id);
}

beforeAll(async () => {
  world = await startWorld([["read"]]);
  await world.importRows(
    "rows",
    Array.from({ length: ROWS }, (_, at) => ({
      ...{ question: `q${at} ${"word ".repeat(at)}`, answer: "right", topic: at % 2 },
      split: at < 2 ? "test" : "train",
    })),
  );
  const prices = { input: 1, output: 2 };
  const answering = await kit.provide("openai", "well", {
    models: [{ model: "priced", prices }, { model: "free" }],
    say: () => (isDown ? null : "right"),
  });
  priced = `${answering.name}/priced`;
  free = `${answering.name}/free`;
  const judging = await kit.provide("openai", "well", {
    models: [{ model: "judge", prices }],
    say: () => '{"score": 5, "reason": "good"}',
  });
  judge = `${judging.name}/judge`;
  // All have answered before, so their speed is known.
  await start("before", input({ candidates: [{ model: priced }, { model: free }], split: "train" }));
  await start("judged before", input({ judges: [{ model: judge, mode: "direct" }] }));
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

test("what the preview says is kept, beside what came of it", async () => {
  for (const [name, more] of Object.entries({
    whole: {},
    judged: { judges: [{ model: judge, mode: "direct" }] },
    parts: { split: "train", sample: { size: 3, seed: 7 } },
    strata: { split: "train", sample: { kind: "stratified", by: "topic", size: 3 } },
  })) {
    const wish = input(more);
    const { seconds, costUsd } = await forecastOf(wish);
    expect(seconds).toBeNumber();
    await start(name, wish);
    const { forecast, actual } = await read(name);
    expect(forecast).toEqual({ seconds, costUsd });
    expect(actual?.seconds).toBeGreaterThan(0);
    expect(actual?.costUsd).toBeGreaterThan(0);
  }
  // The judge's replies come on top.
  const [whole, judged] = [await read("whole"), await read("judged")];
  expect(judged.actual?.costUsd ?? 0).toBeGreaterThan(whole.actual?.costUsd ?? 0);
});

test("scoring again forecasts the judges only, and a run that goes on keeps the forecast", async () => {
  const { id } = await read("whole");
  const asks = async (name: string, more: object): Promise<void> => {
    const made = started.parse(await world.act(AGAIN, { id, name, graders: ["contains"], ...more }));
    await world.succeeded(made.run.id);
  };
  const wish = input({ judges: [{ model: judge, mode: "direct" }] });
  const { parts } = await forecastOf(wish);
  await asks("again judged", { judges: wish["judges" as keyof typeof wish] });
  const judged = await read("again judged");
  expect(judged.forecast?.costUsd).toBe(parts.at(-1)?.costUsd ?? -1);
  expect(judged.actual?.costUsd).toBeGreaterThan(0);
  expect(judged.actual?.costUsd).toBeLessThan((await read("judged")).actual?.costUsd ?? 0);
  // Rules ask nobody: there is nothing to expect, and nothing was paid.
  await asks("again by rules", {});
  const byRules = await read("again by rules");
  expect(byRules.forecast).toBeNull();
  expect(byRules.actual?.costUsd).toBeNull();

  isDown = true;
  const { run, assessment } = started.parse(
    await world.act(START, { input: { ...input(), name: "broken" } }),
  );
  await expect(world.succeeded(run.id)).rejects.toThrow();
  isDown = false;
  const before = await read("broken");
  expect(before.forecast).not.toBeNull();
  expect(before.actual).toMatchObject({ costUsd: null });
  const again = started.parse(await world.act(RESUME, { id: assessment.id }));
  await world.succeeded(again.run.id);
  const after = await read("broken");
  expect(after.forecast).toEqual(before.forecast);
  // Both runs count.
  expect(after.actual?.seconds ?? 0).toBeGreaterThan(before.actual?.seconds ?? 0);
  expect(after.actual?.costUsd).toBeGreaterThan(0);
});

test("what has no price costs null, not nothing", async () => {
  const wish = input({ candidates: [{ model: priced }, { model: free }] });
  const { seconds } = await forecastOf(wish);
  await start("mixed", wish);
  const { forecast, actual } = await read("mixed");
  expect(forecast).toEqual({ seconds, costUsd: null });
  expect(actual?.costUsd).toBeNull();
  expect(actual?.seconds).toBeGreaterThan(0);
});

test("a start whose forecast fails starts", async () => {
  const rows = Array.from({ length: limits.assessmentRows + 1 }, () => ({ question: "q", answer: "right" }));
  await world.importRows("many", rows);
  const wish = { ...input({ dataset: "many" }), name: "too many" };
  const { run } = started.parse(await world.act(START, { input: wish }));
  await expect(world.succeeded(run.id)).rejects.toThrow("ROWS_TOO_MANY");
  expect((await read("too many")).forecast).toBeNull();
});

test("every assessment of a suite's run has its forecast, and a definition none", async () => {
  const made = await world.act(
    `mutation { createSuite(name: "both", assessments: ["whole", "parts"]) { __typename
      ... on SuiteSuccess { suite { id } } ${ERRORS} } }`,
  );
  const { suite } = z.looseObject({ suite: z.object({ id: z.string() }) }).parse(made);
  const begun = await world.act(
    `mutation ($suite: ID!, $model: String!) { startSuite(suite: $suite, candidates: [{ model: $model }]) { __typename
      ... on StartSuiteSuccess { runs { id } } ${ERRORS} } }`,
    { suite: suite.id, model: priced },
  );
  const { runs } = z.looseObject({ runs: z.array(z.object({ id: z.string() })) }).parse(begun);
  for (const { id } of runs) await world.succeeded(id);
  const [whole, parts] = [await read("both 1: whole"), await read("both 1: parts")];
  expect(parts.forecast?.costUsd).toBe((await read("parts")).forecast?.costUsd ?? -1);
  expect(whole.forecast?.costUsd).toBe((await read("whole")).forecast?.costUsd ?? -1);
  const { store, close } = await world.beside();
  const kept = await store.db.query.suiteEntries.findMany();
  expect(kept.map(({ definition }) => "forecast" in definition)).toEqual([false, false]);
  await close();
});

test("the report says it by the command line and as a page; one of before says only what it took", async () => {
  const { id, forecast, actual } = await read("judged");
  const { json } = await cli(world, "assessment", "report", "judged");
  expect(json).toMatchObject({ forecast, actual });
  const html = await (await world.fetch(`/files/${id}.html`)).text();
  expect(html).toMatch(
    /<dt>Took<\/dt><dd>[0-9.]+ s, [0-9.]+ s expected; \$[0-9.e-]+, \$[0-9.e-]+ expected<\/dd>/,
  );
  const { store, close } = await world.beside();
  await store.write(
    (tx) => tx.update(assessments).set({ forecast: null }).where(eq(assessments.id, id)),
    "test.old",
  );
  await close();
  expect((await cli(world, "assessment", "report", "judged")).json).toMatchObject({ forecast: null, actual });
  const old = await (await world.fetch(`/files/${id}.html`)).text();
  expect(old).toMatch(/<dt>Took<\/dt><dd>[0-9.]+ s; \$[0-9.e-]+<\/dd>/);
});
