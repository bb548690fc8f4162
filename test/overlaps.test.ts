// Whether a candidate was trained on an assessment's rows, or may look them up, through the API: found by lineage, with
// the rows and the scores without them.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { ERRORS, ROWS, SAID, trainTuned, withRun } from "./overlaps-kit.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(120_000);
const START = `mutation ($input: StartAssessmentInput!) { startAssessment(input: $input) { __typename
  ... on AssessmentSuccess { run { id } } ${ERRORS} } }`;
const CHECK = `mutation ($id: ID!) { checkOverlap(id: $id) { __typename
  ... on CheckOverlapSuccess { run { id } } ${ERRORS} } }`;
const OVERLAPS = `query ($name: String!) { assessment(name: $name) { overlapRun { id status error { message } }
  overlaps { rows
    candidates { origin exact near meaning questionOnly lookedUpRows trained { dataset rows } lookedUp { knowledgeBase chunks } }
    measures { embedder meaningRows }
    steps { without leftOut candidates { interval { n mean } } pairs { n difference low high p } }
    found(first: 50) { nodes { row how level similarity hasQuestion hasAnswer counts source sourceRow question reference foundQuestion foundAnswer } } } } }`;
const shape = z.object({
  assessment: z.object({
    overlapRun: z.object({ id: z.string(), status: z.string(), error: z.unknown() }).nullable(),
    overlaps: z
      .object({
        rows: z.number(),
        candidates: z.array(z.looseObject({ origin: z.string() })),
        measures: z.looseObject({ embedder: z.string().nullable() }),
        steps: z.array(z.looseObject({ without: z.string(), leftOut: z.number() })),
        found: z.object({ nodes: z.array(z.looseObject({ row: z.number(), level: z.string() })) }),
      })
      .nullable(),
  }),
});
let world: World;
const kit = createProviderKit(() => world);
const read = async (name: string) => shape.parse(await world.graphql(OVERLAPS, { name })).assessment;
/** What the newest check found, once its run has ended. */
async function checked(name: string) {
  const { overlapRun } = await read(name);
  if (!overlapRun) throw new Error("nothing is checked");
  await world.succeeded(overlapRun.id);
  const { overlaps } = await read(name);
  if (!overlaps) throw new Error("nothing was found out");
  return overlaps;
}

beforeAll(async () => {
  world = await startWorld([["trainer"], ["read"]]);
  await trainTuned(world);
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

test("a model that was trained here is found to have seen rows, by itself, and the scores without them are told", async () => {
  const { name } = await kit.provide("openai");
  const input = {
    name: "seen",
    dataset: "rows",
    split: "test",
    graders: ["exact"],
    candidates: [{ model: "tuned" }, { model: `${name}/some-model` }, { model: "toy" }],
    maxTokens: 1,
  };
  await world.succeeded(withRun.parse(await world.act(START, { input })).run.id);
  const found = await checked("seen");
  expect(found.rows).toBe(5);
  expect(found.candidates).toMatchObject([
    {
      origin: "trained",
      exact: 1,
      near: 1,
      meaning: 1,
      questionOnly: 1,
      trained: [{ dataset: "rows@1", rows: 4 }],
    },
    { origin: "third-party", exact: 0, near: 0, meaning: 0, trained: [] },
    { origin: "base", exact: 0, near: 0, meaning: 0, trained: [] },
  ]);
  expect(found.found.nodes).toMatchObject([
    {
      row: 0,
      level: "exact",
      counts: true,
      hasAnswer: true,
      source: "rows@1",
      sourceRow: 5,
      question: ROWS[0]?.prompt,
    },
    { row: 1, level: "near", counts: true, sourceRow: 6, foundQuestion: ROWS[6]?.prompt, foundAnswer: SAID },
    { row: 2, level: "meaning", counts: true, sourceRow: 7 },
    { row: 3, level: "near", counts: false, hasAnswer: false, sourceRow: 8 },
  ]);
  // The provider is right on four of five rows; three of them were seen by the other.
  expect(found.steps).toMatchObject([
    { without: "nothing", leftOut: 0, candidates: [{}, { interval: { n: 5, mean: 0.8 } }, {}] },
    { without: "exact", leftOut: 1, candidates: [{}, { interval: { n: 4, mean: 0.75 } }, {}] },
    { without: "near", leftOut: 2, candidates: [{}, { interval: { n: 3 } }, {}] },
    { without: "meaning", leftOut: 3, candidates: [{}, { interval: { n: 2, mean: 0.5 } }, {}] },
  ]);
  expect(found.steps[3]?.pairs).toHaveLength(3);
});

test("checked again it is found once more, and the older findings go", async () => {
  const before = (await read("seen")).overlapRun?.id;
  const { run } = withRun.parse(await world.act(CHECK, { id: "seen" }));
  expect(run.id).not.toBe(before ?? "");
  const found = await checked("seen");
  expect(found.found.nodes).toHaveLength(4);
  const { store, close } = await world.beside();
  expect(await store.db.query.overlapChecks.findMany()).toHaveLength(1);
  await close();
});

test("the command line checks, and says the same", async () => {
  const cli = async (...args: string[]): Promise<unknown> => {
    const child = Bun.spawn({
      cmd: [process.execPath, "src/main.ts", "assessment", "overlaps", ...args, "--json"],
      cwd: join(import.meta.dir, ".."),
      env: { ...process.env, ESPALIER_URL: world.server.url, ESPALIER_KEY: world.key("admin") },
      stderr: "inherit",
    });
    return JSON.parse(await new Response(child.stdout).text());
  };
  expect(await cli("seen", "--check", "--wait")).toMatchObject({ name: "seen", kind: "assessment" });
  expect(await cli("seen")).toMatchObject({
    ...{ name: "seen", rows: 5 },
    candidates: [{ candidate: "tuned", exact: 1, near: 1, meaning: 1, questionOnly: 1 }, {}, {}],
    found: [
      { row: 0, level: "exact", source: "rows@1", sourceRow: 5 },
      { row: 1, level: "near" },
      { row: 2, level: "meaning" },
      { row: 3, counts: false },
    ],
  });
  expect(await cli("nobody")).toMatchObject({ error: { code: "ASSESSMENT_NOT_FOUND" } });
});

test("what nothing was trained for here is not checked by itself; asked for, it says that nothing is known", async () => {
  const { name } = await kit.provide("openai");
  const input = {
    ...{ name: "unknown", dataset: "rows", split: "test", graders: ["exact"], maxTokens: 1 },
    candidates: [{ model: `${name}/some-model` }],
  };
  await world.succeeded(withRun.parse(await world.act(START, { input })).run.id);
  expect(await read("unknown")).toEqual({ overlapRun: null, overlaps: null });
  await world.act(CHECK, { id: "unknown" });
  const found = await checked("unknown");
  expect(found).toMatchObject({
    rows: 5,
    candidates: [{ origin: "third-party", exact: 0 }],
    found: { nodes: [] },
  });
  expect(found.steps).toHaveLength(1);
});

test("rows that a knowledge base holds are said apart, and count for nothing", async () => {
  const { name } = await kit.provide("openai");
  await world.act(
    `mutation { createKnowledgeBase(input: { name: "faq" }) { __typename ... on KnowledgeBaseSuccess { __typename } ${ERRORS} } }`,
  );
  const text = `Questions.\n\n${ROWS[0]?.prompt} ${SAID}\n`;
  const uploadId = await world.upload("faq.txt", new TextEncoder().encode(text));
  const added = await world.act(
    `mutation { addDocuments(input: { knowledgeBase: "faq", files: [{ name: "faq.txt", uploadId: "${uploadId}" }] }) { __typename
      ... on AddDocumentsSuccess { run { id } } ${ERRORS} } }`,
  );
  await world.succeeded(withRun.parse(added).run.id);
  const input = {
    ...{ name: "looked", dataset: "rows", split: "test", graders: ["exact"], maxTokens: 1 },
    candidates: [{ model: `${name}/some-model`, knowledgeBases: ["faq"] }],
  };
  await world.succeeded(withRun.parse(await world.act(START, { input })).run.id);
  const found = await checked("looked");
  expect(found.candidates).toMatchObject([
    {
      origin: "third-party",
      exact: 0,
      near: 0,
      lookedUpRows: 1,
      lookedUp: [{ knowledgeBase: "faq", chunks: 1 }],
    },
  ]);
  expect(found.found.nodes).toMatchObject([
    {
      row: 0,
      how: "looked-up",
      level: "exact",
      hasQuestion: true,
      hasAnswer: true,
      counts: false,
      source: "faq.txt",
    },
  ]);
  expect(found.steps).toHaveLength(1);
});

test("who may only read may not start a check, and what is not there is not checked", async () => {
  await expect(world.graphql(CHECK, { id: "seen" }, world.key("read"))).rejects.toThrow("chat");
  expect(await world.graphql(CHECK, { id: "nobody" })).toMatchObject({
    checkOverlap: { code: "ASSESSMENT_NOT_FOUND", field: "id" },
  });
});
