// People as graders through the API: a blind queue for each rater, what it is worth as scores, and taking back.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { ERRORS, START, started } from "./assessment-kit.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
let world: World;
const kit = createProviderKit(() => world);
const ROWS = 16;
const models: string[] = [];
const QUEUE = `{ tasks { grader row sent { content } reference first { answerId text } second { answerId text } } done total }`;
const task = z.object({
  grader: z.number(),
  row: z.number(),
  reference: z.string().nullable(),
  first: z.object({ answerId: z.string(), text: z.string() }),
  second: z.object({ answerId: z.string(), text: z.string() }).nullable(),
});
const queue = z.object({ tasks: z.array(task), done: z.number(), total: z.number() });
type Task = z.infer<typeof task>;

const queueOf = async (name: string, key = world.key("admin")) =>
  z
    .object({ assessment: z.object({ ratingQueue: queue.nullable() }) })
    .parse(
      await world.graphql(
        `query ($name: String!) { assessment(name: $name) { ratingQueue(first: 20) ${QUEUE} } }`,
        { name },
        key,
      ),
    ).assessment.ratingQueue;
const RATE = `mutation ($id: ID!, $grader: Int!, $answerId: ID!, $otherId: ID, $value: Float!) {
  rateAnswer(id: $id, grader: $grader, answerId: $answerId, otherId: $otherId, value: $value) {
    __typename ... on RateSuccess { queue ${QUEUE} } ${ERRORS} } }`;
const BACK = `mutation ($id: ID!, $grader: Int!, $answerId: ID!, $otherId: ID) {
  takeBackRating(id: $id, grader: $grader, answerId: $answerId, otherId: $otherId) {
    __typename ... on RateSuccess { queue ${QUEUE} } ${ERRORS} } }`;
const placeOf = (id: string, { grader, first, second }: Task) => ({
  ...{ id, grader, answerId: first.answerId, otherId: second?.answerId ?? null },
});
const scoresOf = async (name: string) =>
  z
    .object({
      assessment: z.object({
        report: z.object({
          candidates: z.array(
            z.object({ interval: z.object({ n: z.number(), mean: z.number() }).nullable() }),
          ),
        }),
      }),
    })
    .parse(
      await world.graphql(
        "query ($name: String!) { assessment(name: $name) { report { candidates { interval { n mean } } } } }",
        { name },
      ),
    )
    .assessment.report.candidates.map(({ interval }) => interval);
async function assess(name: string, input: object): Promise<void> {
  const all = { name, dataset: "rows", question: "{{question}}", ...input };
  await world.succeeded(started.parse(await world.act(START, { input: all })).run.id);
}

beforeAll(async () => {
  world = await startWorld([["read"], ["read", "chat"]]);
  await world.importRows(
    "rows",
    Array.from({ length: ROWS }, (_, at) => ({ question: `q${at}` })),
  );
  for (const word of ["good", "bad"])
    models.push(`${(await kit.provide("openai", "well", { say: () => word })).name}/some-model`);
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

test("two candidates are rated blind against each other by two raters, whose mean is the score", async () => {
  await assess("blind", {
    graders: ["people"],
    candidates: models.map((model) => ({ model, systemPrompt: `You are ${model}.` })),
  });
  expect(await scoresOf("blind")).toEqual([null, null]);
  const before = await queueOf("blind");
  expect(before).toMatchObject({ done: 0, total: ROWS });
  // Nothing says whose answer it is, not even a system prompt.
  expect(JSON.stringify(before)).not.toContain(models[0]);
  const other = world.key("read", "chat");
  const theirs = await queueOf("blind", other);
  // All raters come to the rows in one order, with sides of their own.
  expect(theirs?.tasks.map(({ row }) => row)).toEqual(before?.tasks.map(({ row }) => row) ?? []);
  const sides = [...(before?.tasks ?? []), ...(theirs?.tasks ?? [])].map(({ first }) => first.text);
  expect(new Set(sides)).toEqual(new Set(["good", "bad"]));
  for (const one of before?.tasks ?? [])
    await world.act(RATE, { ...placeOf("blind", one), value: one.first.text === "good" ? 1 : 0 });
  expect(await scoresOf("blind")).toEqual([
    { n: ROWS, mean: 1 },
    { n: ROWS, mean: 0 },
  ]);
  // The second rater finds them equally good.
  for (const one of theirs?.tasks ?? [])
    expect(await world.graphql(RATE, { ...placeOf("blind", one), value: 0.5 }, other)).toMatchObject({
      rateAnswer: { __typename: "RateSuccess" },
    });
  expect(await scoresOf("blind")).toEqual([
    { n: ROWS, mean: 0.75 },
    { n: ROWS, mean: 0.25 },
  ]);
  expect(await queueOf("blind")).toEqual({ tasks: [], done: ROWS, total: ROWS });
  // One always prefers the first, the other never: they agree on nothing, and no better than chance.
  const { assessment } = z
    .object({ assessment: z.object({ report: z.object({ agreements: z.array(z.unknown()) }) }) })
    .parse(
      await world.graphql(
        '{ assessment(name: "blind") { report { agreements { first second n agreed share kappa } } } }',
      ),
    );
  expect(assessment.report.agreements).toEqual([
    { first: "admin", second: "read,chat", n: ROWS, agreed: 0, share: 0, kappa: 0 },
  ]);
});

test("what was rated can be said again and taken back", async () => {
  await assess("alone", { graders: ["people"], candidates: [{ model: models[0] }] });
  const [one] = (await queueOf("alone"))?.tasks ?? [];
  if (!one) throw new Error("nothing to rate");
  expect(one.second).toBeNull();
  await world.act(RATE, { ...placeOf("alone", one), value: 0.25 });
  await world.act(RATE, { ...placeOf("alone", one), value: 0.75 });
  expect(await scoresOf("alone")).toEqual([{ n: 1, mean: 0.75 }]);
  expect(await queueOf("alone")).toMatchObject({ done: 1, total: ROWS });
  await world.act(BACK, placeOf("alone", one));
  expect(await scoresOf("alone")).toEqual([null]);
  expect((await queueOf("alone"))?.done).toBe(0);
});

test("refused: a viewer, a value that is none, an answer of another assessment, and nothing to rate", async () => {
  const [one] = (await queueOf("alone"))?.tasks ?? [];
  if (!one) throw new Error("nothing to rate");
  const said = { ...placeOf("alone", one), value: 1 };
  await expect(world.graphql(RATE, said, world.key("read"))).rejects.toThrow("SCOPE_MISSING");
  const codeOf = async (change: object): Promise<unknown> =>
    (await world.graphql(RATE, { ...said, ...change }))["rateAnswer"];
  expect(await codeOf({ value: 1.5 })).toMatchObject({ code: "RATING_INVALID", field: "value" });
  expect(await codeOf({ id: "blind" })).toMatchObject({ code: "ANSWER_NOT_FOUND", field: "answerId" });
  expect(await codeOf({ grader: 3 })).toMatchObject({ code: "ANSWER_NOT_FOUND" });
  expect(await codeOf({ otherId: one.first.answerId })).toMatchObject({ code: "ANSWER_NOT_FOUND" });
  await assess("by rule", {
    graders: ["contains"],
    reference: "question",
    candidates: [{ model: models[0] }],
  });
  expect(await queueOf("by rule")).toBeNull();
  expect(await codeOf({ id: "by rule" })).toMatchObject({ code: "NOTHING_TO_RATE" });
});
