// Assessments that go wrong, or that hardly say anything: each is told plainly, by the report or by each answer's error.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { RESUME, START, started } from "./assessment-kit.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
let world: World;
const kit = createProviderKit(() => world);
const shape = z.object({
  assessment: z.object({
    dataset: z.string(),
    report: z.object({
      sentence: z.string(),
      isClear: z.boolean(),
      candidates: z.array(
        z.object({
          interval: z
            .object({ n: z.number(), mean: z.number(), low: z.number(), high: z.number() })
            .nullable(),
          answered: z.number(),
          failed: z.number(),
        }),
      ),
      pairs: z.array(
        z.object({
          ...{ n: z.number(), wins: z.number(), ties: z.number(), losses: z.number(), p: z.number() },
          ...{
            low: z.number(),
            high: z.number(),
            detectable: z.number().nullable(),
            rowsNeeded: z.number().nullable(),
          },
        }),
      ),
    }),
    answers: z.object({
      nodes: z.array(
        z.object({
          text: z.string().nullable(),
          sent: z.array(z.object({ content: z.string() })),
          error: z.object({ code: z.string() }).nullable(),
          scores: z.array(z.object({ value: z.number().nullable() })),
        }),
      ),
    }),
  }),
});
const READ = `query ($name: String!) { assessment(name: $name) { dataset
  report { sentence isClear candidates { interval { n mean low high } answered failed }
    pairs { n wins ties losses p low high detectable rowsNeeded } }
  answers(first: 20) { nodes { text sent { content } error { code } scores { value } } } } }`;
const read = async (name: string) => shape.parse(await world.graphql(READ, { name })).assessment;
async function assess(name: string, input: object): Promise<string> {
  const common = { name, dataset: "rows", question: "{{question}}", reference: "answer", graders: ["exact"] };
  const { run } = started.parse(await world.act(START, { input: { ...common, ...input } }));
  return run.id;
}

beforeAll(async () => {
  world = await startWorld();
  await world.importRows(
    "rows",
    Array.from({ length: 8 }, (_, at) => ({ question: `q${at}`, answer: "right" })),
  );
  await world.importRows("one", [{ question: "q", answer: "right" }]);
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

test("a candidate that streams for ever, one that falls silent and one that says nothing cost their own rows only", async () => {
  const endless = await kit.provide("openai", "endless", { timeoutMs: 10_000 });
  const silent = await kit.provide("openai", "silent", { timeoutMs: 1_000 });
  const empty = await kit.provide("openai", "well", { say: () => "" });
  const good = await kit.provide("openai", "well", { say: () => "right" });
  const run = await assess("odd", {
    candidates: [endless, silent, empty, good].map(({ name }) => ({ model: `${name}/some-model` })),
    sample: { kind: "first", size: 2 },
  });
  await world.succeeded(run);
  const { report, answers } = await read("odd");
  expect(
    report.candidates.map(({ answered, failed, interval }) => [answered, failed, interval?.mean]),
  ).toEqual([
    [0, 2, undefined],
    [0, 2, undefined],
    [2, 0, 0],
    [2, 0, 1],
  ]);
  const codes = answers.nodes.flatMap(({ error }) => error?.code ?? []);
  expect(codes).toContain("PROVIDER_TIMEOUT");
  expect(
    codes.filter((code) => ["ANSWER_TOO_LONG", "PROVIDER_ANSWER_TOO_LARGE"].includes(code)),
  ).toHaveLength(2);
});

test("one row is no evidence, and the report says how little it is", async () => {
  const [good, bad] = [
    await kit.provide("openai", "well", { say: () => "right" }),
    await kit.provide("openai", "well", { say: () => "wrong" }),
  ];
  const candidates = [{ model: `${good.name}/some-model` }, { model: `${bad.name}/some-model` }];
  await world.succeeded(await assess("one row", { dataset: "one", candidates }));
  const { report } = await read("one row");
  expect(report.candidates[0]?.interval).toMatchObject({ n: 1, mean: 1, high: 1 });
  // Wilson's interval of one success in one trial.
  expect(report.candidates[0]?.interval?.low).toBeCloseTo(0.2065, 4);
  expect(report.pairs).toMatchObject([{ n: 1, wins: 1, ties: 0, losses: 0, p: 1, detectable: null }]);
  expect(report.isClear).toBe(false);
  expect(report.sentence).toStartWith("Not enough evidence that ");
});

test("two identical candidates, and answers that all tie, are no winner", async () => {
  const { name } = await kit.provide("openai", "well", { say: () => "right" });
  const candidates = [{ model: `${name}/some-model` }, { model: `${name}/some-model` }];
  await world.succeeded(await assess("twins", { candidates }));
  const { report } = await read("twins");
  expect(report.pairs).toMatchObject([
    { n: 8, wins: 0, ties: 8, losses: 0, p: 1, low: 0, high: 0, detectable: null, rowsNeeded: null },
  ]);
  expect(report.isClear).toBe(false);
  expect(report.sentence).toContain("score the same on each of the 8 rows");
  expect(report.sentence).toContain("(2)");
});

test("a newer version of the dataset changes nothing: the frozen one is asked, also when it goes on", async () => {
  let isBroken = true;
  const { name } = await kit.provide("openai", "well", {
    say: (body) => (isBroken && JSON.stringify(body).includes("q1") ? null : "right"),
  });
  await world.importRows(
    "moving",
    Array.from({ length: 4 }, (_, at) => ({ question: `q${at}`, answer: "right" })),
  );
  const run = await assess("frozen", { dataset: "moving", candidates: [{ model: `${name}/some-model` }] });
  await world.succeeded(run);
  expect((await read("frozen")).report.candidates[0]).toMatchObject({ answered: 3, failed: 1 });
  // The dataset's next version has other rows.
  await world.importRows(
    "moving",
    Array.from({ length: 9 }, (_, at) => ({ question: `new ${at}`, answer: "other" })),
  );
  isBroken = false;
  const again = started.parse(await world.act(RESUME, { id: "frozen" }));
  await world.succeeded(again.run.id);
  const { dataset, report, answers } = await read("frozen");
  expect(dataset).toBe("moving@1");
  expect(report.candidates[0]).toMatchObject({ answered: 4, failed: 0, interval: { n: 4, mean: 1 } });
  expect(answers.nodes.map(({ sent }) => sent.at(-1)?.content).sort()).toEqual(["q0", "q1", "q2", "q3"]);
});
