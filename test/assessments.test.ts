// Assessments through the API: candidates are asked about the same rows, scored, compared; nothing is asked twice.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { ERRORS, RESUME, START, started } from "./assessment-kit.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
const interval = z.object({ n: z.number(), mean: z.number(), low: z.number(), high: z.number() });
const reportShape = z.object({
  assessment: z.object({
    rowCount: z.number(),
    report: z.object({
      sentence: z.string(),
      isClear: z.boolean(),
      unscored: z.number(),
      candidates: z.array(
        z.object({
          candidate: z.object({ name: z.string() }),
          interval: interval.nullable(),
          answered: z.number(),
          failed: z.number(),
        }),
      ),
      pairs: z.array(
        z.looseObject({
          n: z.number(),
          wins: z.number(),
          ties: z.number(),
          losses: z.number(),
          p: z.number(),
        }),
      ),
    }),
  }),
});
const REPORT = `query ($name: String!) { assessment(name: $name) { rowCount report { sentence isClear unscored
  candidates { candidate { name } interval { n mean low high } answered failed }
  pairs { n wins ties losses difference low high p adjustedP test } } } }`;
let world: World;
const kit = createProviderKit(() => world);
/** What every provider of these tests answers. */
const SAID = "Hello wörld";

const report = async (name: string) => reportShape.parse(await world.graphql(REPORT, { name })).assessment;
async function assess(input: object): Promise<{ id: string; run: string }> {
  const { assessment, run } = started.parse(await world.act(START, { input }));
  return { id: assessment.id, run: run.id };
}
beforeAll(async () => {
  world = await startWorld([["read"]]);
  const path = join(world.folder, "toy");
  await writeToyModel(path);
  const imported = await world.act(
    `mutation { importModel(input: { name: "toy", path: ${JSON.stringify(path)} }) { __typename
      ... on ImportModelSuccess { run { id } } ${ERRORS} } }`,
  );
  await world.succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(imported).run.id);
  // Of the 12 rows to be asked about, the provider is right on 9.
  const rows = Array.from({ length: 24 }, (_, at) => ({
    question: `q${at}`,
    answer: at % 4 === 0 ? "=1+1" : SAID,
    split: at % 2 === 0 ? "train" : "test",
    topic: at % 3 === 0 ? "a" : "b",
  }));
  await world.importRows(
    "rows",
    rows.map((row, at) => ({ ...row, answer: at % 8 === 1 ? "=1+1" : SAID })),
  );
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

test("candidates of both kinds are asked about the same rows and compared row by row", async () => {
  const { name, server } = await kit.provide("openai");
  const { id, run } = await assess({
    name: "both",
    dataset: "rows",
    question: "Say hello to {{question}}.",
    reference: "answer",
    graders: ["exact"],
    candidates: [{ model: `${name}/some-model` }, { model: "toy", systemPrompt: "Be short." }],
    maxTokens: 4,
  });
  await world.succeeded(run);
  const { rowCount, report: found } = await report("both");
  expect(rowCount).toBe(12);
  const [provider, toy] = found.candidates;
  expect(provider).toMatchObject({ answered: 12, failed: 0, interval: { n: 12, mean: 0.75 } });
  expect(toy).toMatchObject({ answered: 12, failed: 0, interval: { n: 12, mean: 0 } });
  expect(found.pairs).toEqual([
    expect.objectContaining({ n: 12, wins: 9, ties: 3, losses: 0, difference: 0.75, test: "mcnemar-exact" }),
  ]);
  expect(found.pairs[0]?.p).toBeCloseTo(2 / 2 ** 9, 12);
  expect(found.isClear).toBe(true);
  expect(found.sentence).toStartWith(`${name}/some-model is better than toy: +0.75 [`);
  // Each row was sent once, with its column in the question.
  expect(server.asked.length).toBe(12);
  const page = await world.graphql(
    `query ($id: ID!) { node(id: $id) { ... on Assessment { answers(first: 3) { totalCount nodes {
      row sent { role content } reference text scores { value } } } } } }`,
    { id },
  );
  expect(page).toMatchObject({
    node: {
      answers: {
        totalCount: 24,
        nodes: [{ row: 1 }, { row: 1 }, { row: 3 }],
      },
    },
  });
  expect(JSON.stringify(page)).toContain("Say hello to q1.");
  expect(JSON.stringify(page)).toContain("Be short.");
});

test("an assessment that is whole is not asked again; its rows are a file that no spreadsheet computes", async () => {
  const refused = await world.graphql(RESUME, { id: "both" });
  expect(refused).toMatchObject({ resumeAssessment: { code: "ASSESSMENT_COMPLETE", field: "id" } });
  const { node } = z
    .object({ node: z.object({ id: z.string() }) })
    .parse({ node: (await world.graphql('{ assessment(name: "both") { id } }'))["assessment"] });
  const csv = await (await world.fetch(`/files/${node.id}.csv`)).text();
  const lines = csv.trimEnd().split("\r\n");
  expect(lines[0]).toBe(
    "row,candidate,question,reference,answer,error,exact,latencyMs,inputTokens,outputTokens,costUsd",
  );
  expect(lines).toHaveLength(25);
  expect(lines.filter((line) => line.includes("'=1+1"))).toHaveLength(6);
  expect(csv).not.toMatch(/,=1\+1/);
  const jsonl = await (await world.fetch(`/files/${node.id}.jsonl`)).text();
  const parsed = jsonl
    .trimEnd()
    .split("\n")
    .map((line) => z.looseObject({ row: z.number() }).parse(JSON.parse(line)));
  expect(new Set(parsed.map(({ row }) => row)).size).toBe(12);
  const key = world.key("read");
  expect((await world.fetch(`/files/asm_${"0".repeat(26)}.csv`, { key })).status).toBe(404);
});

test("what a model failed at is asked again, and nothing else", async () => {
  const { name, server } = await kit.provide("openai", "overloaded-in-stream");
  const { run } = await assess({
    name: "flaky",
    dataset: "rows",
    question: "{{question}}",
    reference: "answer",
    graders: ["contains"],
    candidates: [{ model: `${name}/some-model` }, { model: "toy" }],
    sample: { kind: "first", size: 2 },
    maxTokens: 2,
  });
  await world.succeeded(run);
  const before = (await report("flaky")).report;
  expect(before.candidates).toMatchObject([
    { answered: 0, failed: 2, interval: null },
    { answered: 2, failed: 0 },
  ]);
  server.manner = "well";
  const asked = server.asked.length;
  const { run: again } = started.parse(await world.act(RESUME, { id: "flaky" }));
  await world.succeeded(again.id);
  expect((await report("flaky")).report.candidates).toMatchObject([
    { answered: 2, failed: 0 },
    { answered: 2, failed: 0 },
  ]);
  expect(server.asked.length - asked).toBe(2);
});

test("the same seed draws the same rows, and strata keep their shares", async () => {
  const common = {
    dataset: "rows",
    split: "train",
    question: "{{question}}",
    reference: "answer",
    graders: ["exact"],
    candidates: [{ model: "toy" }],
    maxTokens: 1,
  };
  const rowsOf = async (name: string): Promise<number[]> => {
    const answer = await world.graphql(
      "query ($name: String!) { assessment(name: $name) { answers(first: 50) { nodes { row } } } }",
      { name },
    );
    const shape = z.object({
      assessment: z.object({ answers: z.object({ nodes: z.array(z.object({ row: z.number() })) }) }),
    });
    return shape.parse(answer).assessment.answers.nodes.map(({ row }) => row);
  };
  for (const [name, sample] of [
    ["one", { size: 4, seed: 7 }],
    ["two", { size: 4, seed: 7 }],
    ["three", { kind: "stratified", size: 6, seed: 7, by: "topic" }],
  ] as const)
    await world.succeeded((await assess({ ...common, name, sample })).run);
  expect(await rowsOf("two")).toEqual(await rowsOf("one"));
  const strata = (await rowsOf("three")).map((row) => (row % 3 === 0 ? "a" : "b"));
  expect([strata.filter((one) => one === "a").length, strata.length]).toEqual([2, 6]);
});

const wrong: [what: string, change: object, code: string, field: string][] = [
  ["an unknown dataset", { dataset: "nobody" }, "DATASET_NOT_FOUND", "id"],
  ["an unknown model", { candidates: [{ model: "nobody" }] }, "MODEL_NOT_FOUND", "model"],
  ["no candidate", { candidates: [] }, "ASSESSMENT_INVALID", "candidates"],
  ["seven candidates", { candidates: Array(7).fill({ model: "toy" }) }, "ASSESSMENT_INVALID", "candidates"],
  ["an unknown column", { question: "{{questoin}}" }, "TEMPLATE_INVALID", "question"],
  ["open braces", { question: "{{question" }, "TEMPLATE_INVALID", "question"],
  ["nothing to ask", { question: " " }, "ASSESSMENT_INVALID", "question"],
  ["an unknown reference", { reference: "right" }, "MAPPED_COLUMN_MISSING", "reference"],
  ["no reference for exact", { reference: null }, "ASSESSMENT_INVALID", "reference"],
  ["an unknown grader", { graders: ["magic"] }, "GRADER_INVALID", "grader"],
  ["a regular expression that looks behind", { graders: ["regex:(?<=a)b"] }, "GRADER_INVALID", "grader"],
  ["a split without rows", { split: "validation" }, "ASSESSMENT_INVALID", "split"],
  ["an unknown split", { split: "exam" }, "ASSESSMENT_INVALID", "split"],
  ["an unknown sample", { sample: { kind: "best" } }, "ASSESSMENT_INVALID", "sample"],
  ["strata of no column", { sample: { kind: "stratified", by: "x" } }, "ASSESSMENT_INVALID", "sample.by"],
  ["a name that is a path", { name: "../x" }, "NAME_INVALID", "name"],
  ["a name that is taken", { name: "both" }, "NAME_TAKEN", "name"],
  ["too long answers", { maxTokens: 10_000_000 }, "ASSESSMENT_INVALID", "maxTokens"],
  [
    "an unknown knowledge base",
    { candidates: [{ model: "toy", knowledgeBases: ["x"] }] },
    "KNOWLEDGE_BASE_NOT_FOUND",
    "knowledgeBase",
  ],
];
test.each(wrong)("refused: %s", async (_what, change, code, field) => {
  const input = {
    name: "wrong",
    dataset: "rows",
    question: "{{question}}",
    reference: "answer",
    graders: ["exact"],
    candidates: [{ model: "toy" }],
    ...change,
  };
  const answer = z
    .object({
      startAssessment: z.looseObject({
        code: z.string(),
        hint: z.string().nullable(),
        field: z.string().nullable(),
      }),
    })
    .parse(await world.graphql(START, { input })).startAssessment;
  expect([answer.code, answer.field, answer.hint === null]).toEqual([code, field, false]);
  expect(await world.graphql('{ assessment(name: "wrong") { id } }')).toEqual({ assessment: null });
});

test("a deleted assessment comes back with its answers, and is gone once it is purged", async () => {
  const before = await report("both");
  const { assessment } = z
    .object({ assessment: z.object({ id: z.string() }) })
    .parse(await world.graphql('{ assessment(name: "both") { id } }'));
  const verb = (name: string, success: string) =>
    world.act(
      `mutation ($id: ID!) { ${name}(id: $id) { __typename ... on ${success} { id name } ${ERRORS} } }`,
      assessment,
    );
  await verb("delete", "DeleteSuccess");
  expect(await world.graphql('{ assessment(name: "both") { id } trash { nodes { kind name } } }')).toEqual({
    assessment: null,
    trash: { nodes: [{ kind: "assessment", name: "both" }] },
  });
  expect(await verb("undelete", "UndeleteSuccess")).toMatchObject({ name: "both" });
  expect(await report("both")).toEqual(before);
  await verb("delete", "DeleteSuccess");
  await verb("purge", "PurgeSuccess");
  await expect(verb("undelete", "UndeleteSuccess")).rejects.toThrow("NOT_IN_TRASH");
});

test("an endpoint that dies is not asked for ever: what was answered stays, and the rest is asked later", async () => {
  await world.importRows(
    "many",
    Array.from({ length: 120 }, (_, at) => ({ question: `q${at}` })),
  );
  let isDead = false;
  let answered = 0;
  const { name, server } = await kit.provide("openai", "well", {
    say: () => {
      if (!isDead && ++answered >= 50) isDead = true;
      return isDead ? null : "right";
    },
  });
  const other = await kit.provide("openai");
  const judge = await kit.provide("openai", "well", { say: () => '{"score": 4, "reason": "seen"}' });
  const { assessment, run } = started.parse(
    await world.act(START, {
      input: {
        name: "dying",
        dataset: "many",
        question: "{{question}}",
        graders: ["regex:right"],
        judges: [{ model: `${judge.name}/some-model`, mode: "direct" }],
        candidates: [{ model: `${name}/some-model` }, { model: `${other.name}/some-model` }],
      },
    }),
  );
  await expect(world.succeeded(run.id)).rejects.toThrow("ENDPOINT_FAILING");
  // The other candidate was asked everything meanwhile.
  const { report: found } = await report("dying");
  expect(found.candidates.map(({ interval: one }) => one?.n)).toEqual([49, 120]);
  // What was answered is judged all the same.
  expect(judge.server.asked).toHaveLength(49 + 120);
  expect(server.asked.length).toBeLessThan(110);
  isDead = false;
  answered = -1_000;
  const again = started.parse(await world.act(RESUME, { id: assessment.id }));
  await world.succeeded(again.run.id);
  expect((await report("dying")).report.candidates.map(({ interval: one }) => one?.n)).toEqual([120, 120]);
  expect(judge.server.asked).toHaveLength(240);
});
