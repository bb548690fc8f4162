// Training and documents through the API and the command line: four candidates by one wish, recognised however they were
// made, with effects that are those of the answers' scores.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { assessWorld, cli, ERRORS } from "./assess-kit.ts";
import { createProviderKit } from "./provider-kit.ts";
import type { World } from "./world.ts";

setDefaultTimeout(120_000);
const START = `mutation ($input: StartFactorialInput!) { startFactorial(input: $input) { __typename
  ... on AssessmentSuccess { assessment { id name } run { id } } ${ERRORS} } }`;
const BY_HAND = `mutation ($input: StartAssessmentInput!) { startAssessment(input: $input) { __typename
  ... on AssessmentSuccess { run { id } } ${ERRORS} } }`;
const effect = z.object({ estimate: z.number(), low: z.number(), high: z.number() });
const tested = effect.extend({ p: z.number(), adjustedP: z.number() });
const shape = z.object({
  assessment: z.object({
    answers: z.object({
      nodes: z.array(
        z.object({
          candidateId: z.string(),
          latencyMs: z.number(),
          scores: z.array(z.object({ value: z.number() })),
        }),
      ),
    }),
    factorial: z.object({
      n: z.number(),
      sentence: z.string(),
      warnings: z.array(z.string()),
      cells: z.array(
        z.object({
          isTuned: z.boolean(),
          hasDocuments: z.boolean(),
          candidate: z.object({ candidateId: z.string(), name: z.string() }),
          interval: z.object({ n: z.number(), mean: z.number() }),
          latencyMs: z.object({ mean: z.number(), low: z.number(), high: z.number() }),
          costUsd: z.number().nullable(),
        }),
      ),
      score: z.object({ training: tested, documents: tested, interaction: tested }),
      latencyMs: z.object({ training: effect, documents: effect, interaction: effect }),
      costUsd: z.null(),
    }),
  }),
});
const TESTED = "estimate low high p adjustedP";
const FACTORIAL = `query ($name: String!) { assessment(name: $name) {
  answers(first: 100) { nodes { candidateId latencyMs scores { value } } }
  factorial { n sentence warnings
    cells { isTuned hasDocuments candidate { candidateId name } interval { n mean } latencyMs { mean low high } costUsd }
    score { training { ${TESTED} } documents { ${TESTED} } interaction { ${TESTED} } }
    latencyMs { training { estimate low high } documents { estimate low high } interaction { estimate low high } }
    costUsd { training { estimate } } } } }`;
let world: World;
const kit = createProviderKit(() => world);
const wish = {
  dataset: "rows",
  question: "{{question}}",
  // Random weights say random characters: some answers have one of these, some have not.
  graders: ["regex:[a-h]", "regex:[0-9]"],
  maxTokens: 6,
};
const started = z.looseObject({ run: z.object({ id: z.string() }) });

beforeAll(async () => {
  world = await assessWorld();
}, 120_000);
afterAll(async () => {
  await world?.close();
  await kit.close();
});

test("one wish asks all four; effects are those of the scores, row by row", async () => {
  const input = { ...wish, name: "both ways", model: "tuned", knowledgeBases: ["handbook"] };
  await world.succeeded(started.parse(await world.act(START, { input })).run.id);
  const { answers, factorial } = shape.parse(
    await world.graphql(FACTORIAL, { name: "both ways" }),
  ).assessment;
  expect(factorial.n).toBe(12);
  expect(factorial.cells.map(({ candidate: { name } }) => name)).toEqual([
    "toy",
    "toy + handbook",
    "tuned",
    "tuned + handbook",
  ]);
  expect(factorial.cells.map(({ isTuned, hasDocuments }) => [isTuned, hasDocuments])).toEqual([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ]);
  const mean = (of: readonly number[]): number => of.reduce((sum, one) => sum + one, 0) / of.length;
  const cells = factorial.cells.map(({ candidate }) => {
    const own = answers.nodes.filter(({ candidateId }) => candidateId === candidate.candidateId);
    return {
      score: mean(own.map(({ scores }) => mean(scores.map(({ value }) => value)))),
      latencyMs: mean(own.map(({ latencyMs }) => latencyMs)),
    };
  });
  factorial.cells.forEach(({ interval, latencyMs }, at) => {
    expect(interval.mean).toBeCloseTo(cells[at]?.score ?? -1, 9);
    expect(latencyMs.mean).toBeCloseTo(cells[at]?.latencyMs ?? -1, 6);
  });
  for (const measure of ["score", "latencyMs"] as const) {
    const [none = 0, documents = 0, tuned = 0, both = 0] = cells.map((cell) => cell[measure]);
    const found = factorial[measure];
    expect(found.training.estimate).toBeCloseTo((tuned - none + both - documents) / 2, 6);
    expect(found.documents.estimate).toBeCloseTo((documents - none + both - tuned) / 2, 6);
    expect(found.interaction.estimate).toBeCloseTo(both - tuned - documents + none, 6);
    for (const { estimate, low, high } of Object.values(found)) {
      expect(low).toBeLessThanOrEqual(estimate);
      expect(high).toBeGreaterThanOrEqual(estimate);
    }
  }
  // The toy answers at random, and not always the same: a grader that sees no difference would show nothing.
  expect(new Set(cells.map(({ score }) => score)).size).toBeGreaterThan(1);
  expect(factorial.sentence).toEndWith("On 12 rows.");
  expect(factorial.warnings).toEqual([]);
});

test("a comparison that was made by hand is recognised, in any order and among others", async () => {
  const { name } = await kit.provide("openai");
  const candidates = [
    { model: `${name}/some-model` },
    { model: "tuned", knowledgeBases: ["handbook"] },
    { model: "toy", knowledgeBases: ["handbook"] },
    { model: "tuned" },
    { model: "toy" },
  ];
  const start = async (named: string, asked: object[]) => {
    const input = { ...wish, name: named, candidates: asked, sample: { size: 2 }, maxTokens: 1 };
    await world.succeeded(started.parse(await world.act(BY_HAND, { input })).run.id);
    return world.graphql(
      "query ($name: String!) { assessment(name: $name) { factorial { n cells { candidate { name } } } } }",
      { name: named },
    );
  };
  expect(await start("by hand", candidates)).toEqual({
    assessment: {
      factorial: {
        n: 2,
        cells: ["toy", "toy + handbook", "tuned", "tuned + handbook"].map((one) => ({
          candidate: { name: one },
        })),
      },
    },
  });
  // Three of the four, and four of which one is told something else, are no such comparison.
  expect(await start("three", candidates.slice(0, 4))).toEqual({ assessment: { factorial: null } });
  const other = [...candidates.slice(1, 4), { model: "toy", systemPrompt: "Be brief." }];
  expect(await start("other prompt", other)).toEqual({ assessment: { factorial: null } });
});

const refused: [what: string, change: object, code: string, field: string][] = [
  ["no knowledge base", { knowledgeBases: [] }, "FACTORIAL_INVALID", "knowledgeBases"],
  ["an unknown knowledge base", { knowledgeBases: ["x"] }, "KNOWLEDGE_BASE_NOT_FOUND", "knowledgeBase"],
  ["an unknown model", { model: "nobody" }, "MODEL_NOT_FOUND", "model"],
  ["a base that is tuned", { base: "tuned" }, "FACTORIAL_INVALID", "base"],
  ["an unknown dataset", { dataset: "nobody" }, "DATASET_NOT_FOUND", "id"],
];
test.each(refused)("refused: %s", async (_what, change, code, field) => {
  const input = { ...wish, name: "refused", model: "tuned", knowledgeBases: ["handbook"], ...change };
  expect(await world.graphql(START, { input })).toMatchObject({ startFactorial: { code, field } });
});

test("a model of a provider is no tuned model here, and a base stands for its only tuned one", async () => {
  const { name } = await kit.provide("openai");
  const input = { ...wish, name: "elsewhere", model: `${name}/some-model`, knowledgeBases: ["handbook"] };
  expect(await world.graphql(START, { input })).toMatchObject({
    startFactorial: { code: "FACTORIAL_INVALID", field: "model" },
  });
  const made = await world.act(START, {
    input: { ...input, name: "by base", model: "toy", sample: { size: 1 }, maxTokens: 1 },
  });
  await world.succeeded(started.parse(made).run.id);
  expect(
    await world.graphql('{ assessment(name: "by base") { candidates { name } factorial { n } } }'),
  ).toMatchObject({
    assessment: { candidates: [{ name: "toy" }, {}, { name: "tuned" }, {}], factorial: { n: 1 } },
  });
});

test("the command line starts it and reports it", async () => {
  const words = "assess --name bycli --factorial --candidate tuned --kb handbook --dataset rows".split(" ");
  const more = [
    "--question",
    "{{question}}",
    "--grader",
    "regex:[a-h]",
    "--sample",
    "3",
    "--max-tokens",
    "2",
  ];
  const made = await cli(world, ...words, ...more, "--wait");
  expect(made).toMatchObject({ code: 0, json: { kind: "assessment", name: "bycli", status: "succeeded" } });
  const { code, json } = await cli(world, "assessment", "report", "bycli");
  expect(code).toBe(0);
  expect(json).toMatchObject({
    factorial: {
      n: 3,
      score: [{ effect: "training" }, { effect: "documents" }, { effect: "interaction" }],
      costUsd: null,
    },
  });
  expect((await cli(world, "assessment", "report", "three")).json["factorial"]).toBeUndefined();
  expect((await cli(world, ...words, ...more, "--candidate", "a", "--candidate", "b")).code).toBe(2);
});
