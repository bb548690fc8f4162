// Graders through the API: every kind that needs no judge scores a toy model's answers, hostile code costs nobody else
// anything, and what could never grade is refused before a model is asked.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(120_000);
const ERRORS = "... on UserError { code text: message hint field value }";
const START = `mutation ($input: StartAssessmentInput!) { startAssessment(input: $input) { __typename
  ... on AssessmentSuccess { assessment { id name } run { id } } ${ERRORS} } }`;
const started = z.looseObject({
  assessment: z.object({ id: z.string() }),
  run: z.object({ id: z.string() }),
});
const answers = z.object({
  node: z.object({
    graders: z.array(z.string()),
    report: z.object({
      candidates: z.array(z.object({ graders: z.array(z.object({ label: z.string() })) })),
    }),
    answers: z.object({
      nodes: z.array(
        z.object({
          text: z.string().nullable(),
          scores: z.array(z.object({ value: z.number().nullable(), detail: z.string().nullable() })),
        }),
      ),
    }),
  }),
});
const ANSWERS = `query ($id: ID!) { node(id: $id) { ... on Assessment { graders
  report { candidates { graders { label } } }
  answers(first: 100) { nodes { text scores { value detail } } } } } }`;
let world: World;
const kit = createProviderKit(() => world);
/** What every provider of these tests answers. */
const SAID = "Hello wörld";

async function assess(name: string, model: string, graders: readonly string[], size = 2) {
  const input = {
    name,
    dataset: "rows",
    question: "{{question}}",
    reference: "answer",
    graders,
    candidates: [{ model }],
    sample: { kind: "first", size },
    maxTokens: 4,
  };
  const { assessment, run } = started.parse(await world.act(START, { input }));
  return { id: assessment.id, run: run.id };
}
const found = async (id: string) => answers.parse(await world.graphql(ANSWERS, { id })).node;

beforeAll(async () => {
  world = await startWorld();
  const path = join(world.folder, "toy");
  await writeToyModel(path);
  const imported = await world.act(
    `mutation { importModel(input: { name: "toy", path: ${JSON.stringify(path)} }) { __typename
      ... on ImportModelSuccess { run { id } } ${ERRORS} } }`,
  );
  const shape = z.looseObject({ run: z.object({ id: z.string() }) });
  await world.succeeded(shape.parse(imported).run.id);
  const rows = Array.from({ length: 12 }, (_, at) => ({ question: `q${at}`, answer: SAID, level: at }));
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const uploadId = await world.upload("rows.jsonl", new TextEncoder().encode(text));
  const dataset = await world.act(
    `mutation { importDataset(input: { name: "rows", uploadId: "${uploadId}" }) { __typename
      ... on ImportDatasetSuccess { run { id } } ${ERRORS} } }`,
  );
  await world.succeeded(shape.parse(dataset).run.id);
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

test("all kinds score the same answer, each as it says", async () => {
  const { name } = await kit.provide("openai");
  const code = "javascript:// how far the row is\nreturn { score: row.level / 10, detail: row.question }";
  const graders = [
    ...["bleu", "rouge-1", "rouge-l", "chrf", "similarity"],
    'json-schema:{"type":"object"}',
    code,
    "javascript:answer === reference",
  ];
  const { id, run } = await assess("kinds", `${name}/some-model`, graders);
  await world.succeeded(run);
  const { answers: page, graders: labels, report } = await found(id);
  expect(labels).toEqual(graders);
  expect(page.nodes.map(({ text }) => text)).toEqual([SAID, SAID]);
  for (const [row, { scores }] of page.nodes.entries()) {
    expect(scores.slice(0, 5).map(({ value }) => Number(value?.toFixed(6)))).toEqual([1, 1, 1, 1, 1]);
    expect(scores[5]).toMatchObject({ value: 0, detail: expect.stringContaining("The answer is no JSON") });
    expect(scores.slice(6)).toEqual([
      { value: row / 10, detail: `q${row}` },
      { value: 1, detail: null },
    ]);
  }
  // On one line, because it heads a column.
  expect(report.candidates[0]?.graders[6]?.label).toBe(
    "javascript:// how far the row is return { score: row.level / 10, detail: row.qu…",
  );
  // The toy's answers are nonsense: scored by every kind all the same, or unscored with a reason.
  const toy = await assess("toy", "toy", graders);
  await world.succeeded(toy.run);
  for (const { scores } of (await found(toy.id)).answers.nodes) {
    expect(scores).toHaveLength(graders.length);
    for (const { value, detail } of scores) expect(value !== null || detail !== null).toBe(true);
  }
});

test("code that loops leaves its answers unscored and is given up; the others go on, and the server answers", async () => {
  const { name } = await kit.provide("openai");
  const { id, run } = await assess("loops", `${name}/some-model`, ["javascript:for (;;) {}", "exact"], 12);
  const waits: number[] = [];
  const isEnded = world.succeeded(run).then(() => true);
  while ((await Promise.race([isEnded, Bun.sleep(50)])) !== true) {
    const asked = performance.now();
    expect((await world.fetch("/healthz")).status).toBe(200);
    waits.push(performance.now() - asked);
  }
  expect(waits.length).toBeGreaterThan(20);
  expect(waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)]).toBeLessThan(100);
  const { nodes } = (await found(id)).answers;
  expect(nodes).toHaveLength(12);
  const why = nodes.map(({ scores }) => scores[0]?.detail ?? "");
  expect(why.filter((text) => text.includes("limit graderMs"))).toHaveLength(5);
  expect(why.filter((text) => text.includes("5 answers in a row"))).toHaveLength(7);
  expect(nodes.map(({ scores }) => [scores[0]?.value, scores[1]?.value])).toEqual(Array(12).fill([null, 1]));
});

test("code that allocates, recurses or reaches for the host leaves its answers unscored, each with its reason", async () => {
  const { name } = await kit.provide("openai");
  const { id, run } = await assess("greedy", `${name}/some-model`, [
    "javascript:const all = []; for (;;) all.push(new Array(1e5).fill(1))",
    "javascript:(function deep() { return deep() + 1 })()",
    "javascript:return process.env",
    "chrf",
  ]);
  await world.succeeded(run);
  for (const { scores } of (await found(id)).answers.nodes)
    expect(scores).toEqual([
      { value: null, detail: expect.stringContaining("the limit graderMemoryBytes") },
      { value: null, detail: expect.stringMatching(/call stack size exceeded|nests too deeply/) },
      { value: null, detail: "The code failed: ReferenceError: process is not defined (line 1)." },
      { value: expect.closeTo(1, 9), detail: null },
    ]);
});

const wrong: [what: string, grader: string, text: string][] = [
  ["code that cannot be read", "javascript:const a = 1;\nreturn a +;", "cannot be read: SyntaxError"],
  ["code in Python", "python:return 1", "There is no grader python"],
  ["a schema that is no JSON", "json-schema:{", "is no JSON"],
  ["a schema of an unknown type", 'json-schema:{"type":"objekt"}', "it is wrong at /type"],
  ["a schema that names a file", 'json-schema:{"$ref":"file:///etc/passwd"}', "leads to nothing in it"],
  ["an embedder that is not there", "similarity:nobody", 'There is no embedder "nobody".'],
];
test.each(wrong)("refused: %s", async (_what, grader, text) => {
  const input = {
    name: "wrong",
    dataset: "rows",
    question: "{{question}}",
    reference: "answer",
    graders: [grader],
  };
  const answer = await world.graphql(START, { input: { ...input, candidates: [{ model: "toy" }] } });
  expect(answer).toMatchObject({
    startAssessment: { code: "GRADER_INVALID", field: "grader", text: expect.stringContaining(text) },
  });
  const isThere = await world.graphql('{ assessment(name: "wrong") { id } }');
  expect(isThere).toEqual({ assessment: null });
});
