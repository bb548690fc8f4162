// Collecting through the API: lost answers and judged replies become rows of a dataset, once, with where they came from.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { projects } from "../schema/tables/accounts.ts";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { newId } from "../src/kit/ids.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
const ERRORS = "... on UserError { code text: message hint field value }";
const PREVIEW = `query ($input: CollectInput!) { collectPreview(input: $input) { rowCount rows
  leftOut { reason rows } warnings { code message rows needsConfirm } } }`;
const COLLECT = `mutation ($input: CollectInput!) { collectRows(input: $input) { __typename
  ... on CollectRowsSuccess { dataset { id name } run { id } collected { rowCount } } ${ERRORS} } }`;
const previewShape = z.object({
  collectPreview: z.object({
    rowCount: z.number(),
    rows: z.array(z.looseObject({})),
    leftOut: z.array(z.object({ reason: z.string(), rows: z.number() })),
    warnings: z.array(z.looseObject({ code: z.string(), needsConfirm: z.boolean() })),
  }),
});
const started = z.looseObject({
  dataset: z.object({ id: z.string(), name: z.string() }),
  run: z.object({ id: z.string() }),
});
const latestShape = z.object({
  dataset: z.object({
    latest: z.object({
      id: z.string(),
      number: z.number(),
      shape: z.string(),
      rowCount: z.number(),
      splits: z.unknown(),
      statistics: z.looseObject({ origins: z.unknown() }),
      rows: z.object({ rows: z.array(z.object({ value: z.looseObject({}) })) }),
    }),
  }),
});
/** What every provider of these tests answers. */
const SAID = "Hello wörld";
let world: World;
let acme = "";
const kit = createProviderKit(() => world);

const preview = async (input: object, key?: string) =>
  previewShape.parse(await world.graphql(PREVIEW, { input }, key)).collectPreview;
const refused = (input: object, key?: string) => world.graphql(COLLECT, { input }, key);
async function collect(input: object): Promise<void> {
  const { run } = started.parse(await world.act(COLLECT, { input }));
  await world.succeeded(run.id);
}
async function latest(name: string) {
  const query = `query ($name: String!) { dataset(name: $name) { latest { id number shape rowCount splits statistics
    rows(limit: 50) { rows { value } } } } }`;
  const { rows, ...rest } = latestShape.parse(await world.graphql(query, { name })).dataset.latest;
  return { ...rest, rows: rows.rows.map(({ value }) => value) };
}
async function importRows(name: string, rows: readonly object[], mapping?: object): Promise<void> {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const uploadId = await world.upload("rows.jsonl", new TextEncoder().encode(text));
  const answer = await world.act(
    `mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { __typename
      ... on ImportDatasetSuccess { run { id } } ${ERRORS} } }`,
    { input: { name, uploadId, mapping } },
  );
  await world.succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(answer).run.id);
}
async function assess(name: string, dataset: string, more: object = {}): Promise<void> {
  const answer = await world.act(
    `mutation ($input: StartAssessmentInput!) { startAssessment(input: $input) { __typename
      ... on AssessmentSuccess { run { id } } ${ERRORS} } }`,
    {
      input: {
        name,
        dataset,
        graders: ["exact"],
        candidates: [{ model: acme }, { model: "toy", systemPrompt: "Be short." }],
        maxTokens: 4,
        ...more,
      },
    },
  );
  await world.succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(answer).run.id);
}

beforeAll(async () => {
  world = await startWorld([
    ["read", "write"],
    ["read", "write", "chat"],
  ]);
  const path = join(world.folder, "toy");
  await writeToyModel(path);
  const imported = await world.act(
    `mutation { importModel(input: { name: "toy", path: ${JSON.stringify(path)} }) { __typename
      ... on ImportModelSuccess { run { id } } ${ERRORS} } }`,
  );
  await world.succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(imported).run.id);
  acme = `${(await kit.provide("openai")).name}/some-model`;
  // The provider is right on the even rows.
  const rows = Array.from({ length: 8 }, (_, at) => ({
    prompt: `q${at}`,
    completion: at % 2 === 0 ? SAID : `a${at}`,
    split: at < 4 ? "test" : "train",
  }));
  await importRows("split", rows);
  await importRows(
    "plain",
    rows.map(({ split: _, ...row }) => row),
  );
  await assess("held", "split");
  await assess("all", "plain");
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

describe("an assessment", () => {
  test("lost rows become examples of a new version of a dataset, with their source and split, once", async () => {
    await importRows("target", [
      { prompt: "q1", completion: "a1", split: "train" },
      { prompt: "kept", completion: "kept", split: "validation" },
    ]);
    const input = {
      assessment: { name: "held", candidate: acme },
      as: "EXAMPLES",
      dataset: "target",
    };
    const { rowCount, warnings, rows } = await preview(input);
    expect(rowCount).toBe(2);
    expect(warnings).toMatchObject([{ code: "ROWS_HELD_OUT", rows: 2, needsConfirm: true }]);
    expect(rows[0]).toMatchObject({ prompt: "q1", completion: "a1", split: "train" });
    expect(await refused(input)).toMatchObject({ collectRows: { code: "CONFIRM_NEEDED", field: "confirm" } });
    await collect({ ...input, confirm: true });
    const made = await latest("target");
    // q1 was there already; the splits of the others stay as they were.
    expect(made).toMatchObject({ number: 2, rowCount: 3, splits: { train: 2, validation: 1, test: 0 } });
    expect(made.rows[2]).toEqual({
      prompt: "q3",
      completion: "a3",
      split: "train",
      collected_from: expect.objectContaining({
        assessment: "held",
        dataset: "split@1",
        row: 3,
        candidate: acme,
        score: 0,
        chosen: "reference",
      }),
    });
    expect(made.statistics.origins).toEqual([{ kind: "assessment", name: "held", rows: 1 }]);
    // The same again adds nothing, and makes no version.
    await collect({ ...input, confirm: true });
    expect(await latest("target")).toMatchObject({ number: 2, rowCount: 3 });
  });

  test("rows that go into another split than train spoil nothing", async () => {
    const from = { name: "held", candidate: acme };
    const into = { as: "EXAMPLES", dataset: "target", split: "test" };
    expect((await preview({ assessment: from, ...into })).warnings).toEqual([]);
    expect(
      await refused({ assessment: from, as: "EXAMPLES", dataset: "plain", split: "test" }),
    ).toMatchObject({
      collectRows: { code: "SPLIT_NOT_KEPT", field: "split" },
    });
  });

  test("a better answer of another candidate becomes a preference over the worse one", async () => {
    const input = {
      assessment: { name: "all", candidate: "toy", lost: "BEATEN", right: "BETTER" },
      as: "PREFERENCES",
      name: "prefs",
    };
    const { rowCount, warnings } = await preview(input);
    expect({ rowCount, codes: warnings.map(({ code }) => code) }).toEqual({
      rowCount: 4,
      codes: ["ROWS_MEASURED"],
    });
    await collect({ ...input, confirm: true });
    const made = await latest("prefs");
    expect(made).toMatchObject({ number: 1, shape: "PREFERENCE", rowCount: 4 });
    expect(made.rows[0]).toMatchObject({
      prompt: [
        { role: "system", content: "Be short." },
        { role: "user", content: "q0" },
      ],
      chosen: [{ role: "assistant", content: SAID }],
      rejected: [{ role: "assistant" }],
      collected_from: { assessment: "all", row: 0, candidate: "toy", chosen: acme },
    });
    const { statistics } = made;
    expect(statistics).toMatchObject({ trainable: false });
    // A new name that is taken is refused; examples do not go among preferences, nor preferences among examples.
    expect(await refused(input)).toMatchObject({ collectRows: { code: "NAME_TAKEN", field: "name" } });
    const { name: _, ...rest } = input;
    expect(await refused({ ...rest, as: "EXAMPLES", dataset: "prefs" })).toMatchObject({
      collectRows: { code: "SHAPE_MISMATCH", field: "dataset" },
    });
    expect(await refused({ ...rest, dataset: "plain" })).toMatchObject({
      collectRows: { code: "SHAPE_MISMATCH", field: "dataset" },
    });
  });

  test("preferences are not trained on, and the refusal says why", async () => {
    const { id } = await latest("prefs");
    const input = { name: "", baseId: "toy", datasetVersionId: id, method: "sft", parameters: {} };
    const forecast = await world.graphql(
      "query ($input: StartTrainingInput!) { trainingForecast(input: $input) { refusals { code } warnings } }",
      { input },
    );
    expect(forecast).toMatchObject({
      trainingForecast: { refusals: [{ code: "PREFERENCE_NOT_TRAINABLE" }] },
    });
    const training = await world.graphql(
      `mutation ($input: StartTrainingInput!) { startTraining(input: $input) { __typename ${ERRORS} } }`,
      { input },
    );
    expect(training).toMatchObject({ startTraining: { code: "PREFERENCE_NOT_TRAINABLE" } });
  });

  test("rows by number, and what makes no row is counted by why", async () => {
    const from = { name: "all", candidate: acme, rows: [0, 1, 2] };
    const { rowCount, leftOut } = await preview({ assessment: from, as: "PREFERENCES", name: "numbered" });
    expect({ rowCount, leftOut }).toEqual({
      rowCount: 1,
      leftOut: [{ reason: "the answer is word for word the right one", rows: 2 }],
    });
    // A system prompt has no place in a text prompt.
    const toy = await preview({
      assessment: { name: "all", candidate: "toy" },
      as: "EXAMPLES",
      dataset: "plain",
    });
    expect(toy).toMatchObject({ rowCount: 0, leftOut: [{ rows: 8 }] });
    expect(
      await refused({ assessment: { name: "all", candidate: "toy" }, as: "EXAMPLES", dataset: "plain" }),
    ).toMatchObject({ collectRows: { code: "NOTHING_TO_COLLECT" } });
  });

  test("a table is filled by its mapping, one without is refused, and no training reads where rows came from", async () => {
    await importRows("mapped", [{ question: "x", answer: "y" }], {
      prompt: "question",
      completion: "answer",
    });
    await importRows("unmapped", [{ question: "x", answer: "y" }]);
    const from = { assessment: { name: "all", candidate: acme }, as: "EXAMPLES", confirm: true };
    await collect({ ...from, dataset: "mapped" });
    const { rows, rowCount, id } = await latest("mapped");
    expect({ rowCount, second: rows[1] }).toMatchObject({
      rowCount: 5,
      second: { question: "q1", answer: "a1" },
    });
    expect(await refused({ ...from, dataset: "unmapped" })).toMatchObject({
      collectRows: { code: "SHAPE_MISMATCH", value: "unmapped" },
    });
    const seen =
      'query ($id: ID!, $mapping: JSON) { node(id: $id) { ... on DatasetVersion { renderedRow(baseId: "toy", index: 1, mapping: $mapping) { text } } } }';
    expect(JSON.stringify(await world.graphql(seen, { id }))).not.toContain("assessment");
    const mapping = { prompt: "question", completion: "{{answer}} {{collected_from}}" };
    await expect(world.graphql(seen, { id, mapping })).rejects.toThrow("PROVENANCE_MAPPED");
  });

  test("what is not there is named, and another project's assessment is not there", async () => {
    const as = { as: "EXAMPLES", name: "nowhere" };
    expect(await refused({ assessment: { name: "nobody", candidate: "x" }, ...as })).toMatchObject({
      collectRows: { code: "ASSESSMENT_NOT_FOUND" },
    });
    expect(await refused({ assessment: { name: "all", candidate: "nobody" }, ...as })).toMatchObject({
      collectRows: { code: "CANDIDATE_NOT_FOUND", field: "assessment.candidate" },
    });
    expect(await refused({ ...as })).toMatchObject({ collectRows: { code: "COLLECT_INVALID" } });
    const { store, accounts, close } = await world.beside();
    const projectId = newId("project");
    await store.write((tx) => tx.insert(projects).values({ id: projectId, name: "other", createdAt: 1 }));
    const { secret } = await accounts.createMachineKey({
      name: "other",
      scopes: ["admin"],
      project: projectId,
    });
    await close();
    expect(await refused({ assessment: { name: "all", candidate: acme }, ...as }, secret)).toMatchObject({
      collectRows: { code: "ASSESSMENT_NOT_FOUND" },
    });
  });
});

describe("feedback", () => {
  const sent = z.looseObject({
    conversation: z.object({ id: z.string() }),
    reply: z.object({ id: z.string() }),
  });
  const SENT = `__typename ... on SendMessageSuccess { conversation { id } reply { id } } ${ERRORS}`;
  async function send(input: object) {
    const made = sent.parse(
      await world.act(`mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ${SENT} } }`, {
        input: { model: acme, maxTokens: 4, temperature: 0, ...input },
      }),
    );
    const done = z.object({ node: z.object({ finishReason: z.string() }) });
    const query = "query ($id: ID!) { node(id: $id) { ... on Message { finishReason } } }";
    while (!done.safeParse(await world.graphql(query, { id: made.reply.id })).success) await Bun.sleep(10);
    return made;
  }
  const rate = (messageId: string, rating: string) =>
    world.act(
      `mutation ($messageId: ID!, $rating: Rating) { rateReply(messageId: $messageId, rating: $rating) { __typename ${ERRORS} } }`,
      { messageId, rating },
    );
  const edit = (messageId: string, text: string) =>
    world.act(
      `mutation ($messageId: ID!, $text: String!) { editReply(messageId: $messageId, text: $text) { __typename ${ERRORS} } }`,
      { messageId, text },
    );

  test("thumbs, mended replies and votes become examples and preferences, each once", async () => {
    const good = await send({ text: "good one?", system: "Be kind." });
    await rate(good.reply.id, "UP");
    const bad = await send({ text: "bad one?" });
    await rate(bad.reply.id, "DOWN");
    await edit(bad.reply.id, "A mended text.");
    const left = await send({ text: "which?", isBlind: true });
    const right = await send({ text: "which?", besideId: left.conversation.id, model: "toy", isBlind: true });
    await world.act(
      `mutation ($input: VoteInput!) { voteOnReplies(input: $input) { __typename ${ERRORS} } }`,
      {
        input: {
          messageIds: [left.reply.id, right.reply.id],
          verdict: "BETTER",
          chosenId: left.reply.id,
        },
      },
    );
    const examples = { feedback: {}, as: "EXAMPLES", name: "liked" };
    const seen = await preview(examples);
    // The thumb down leads to the same mended text as the edit: two rows of which the import keeps one.
    expect({ rowCount: seen.rowCount, leftOut: seen.leftOut }).toEqual({
      rowCount: 3,
      leftOut: [{ reason: "no reply is said to be good", rows: 1 }],
    });
    expect(seen.warnings).toMatchObject([{ code: "ROWS_PRIVATE", rows: 3, needsConfirm: false }]);
    await collect(examples);
    const made = await latest("liked");
    expect(made).toMatchObject({ shape: "MESSAGES", rowCount: 2 });
    expect(made.rows).toMatchObject([
      {
        messages: [
          { role: "system", content: "Be kind." },
          { role: "user", content: "good one?" },
          { role: "assistant", content: SAID },
        ],
        collected_from: { kind: "rating", verdict: "up", conversation: good.conversation.id, model: acme },
      },
      { messages: [{ role: "user", content: "bad one?" }, { content: "A mended text." }] },
    ]);
    await collect({ feedback: {}, as: "PREFERENCES", name: "voted" });
    const voted = await latest("voted");
    expect(voted).toMatchObject({ shape: "PREFERENCE", rowCount: 2 });
    expect(voted.rows).toMatchObject([
      { chosen: [{ content: "A mended text." }], rejected: [{ content: SAID }] },
      {
        chosen: [{ content: SAID }],
        collected_from: {
          kind: "vote",
          message: left.reply.id,
          rejectedMessage: right.reply.id,
          rejectedModel: "toy",
        },
      },
    ]);
    expect(voted.statistics.origins).toContainEqual({ kind: "feedback", name: "vote", rows: 1 });
    // Only of a model, only from a day on.
    const none = { as: "EXAMPLES", name: "none" };
    expect(await preview({ feedback: { model: "nobody" }, ...none })).toMatchObject({ rowCount: 0 });
    const later = new Date(Date.now() + 60_000).toISOString();
    expect(await preview({ feedback: { since: later }, ...none })).toMatchObject({ rowCount: 0 });
  });

  test("another's private conversation is not there, and feedback needs the scope chat", async () => {
    const { reply } = await send({ text: "private?" });
    await rate(reply.id, "UP");
    const list = z.object({ feedback: z.object({ nodes: z.array(z.object({ id: z.string() })).length(1) }) });
    const found = list.parse(await world.graphql("{ feedback(first: 1) { nodes { id } } }")).feedback.nodes;
    const ids = found.map(({ id }) => id);
    const input = { feedback: { ids }, as: "EXAMPLES", name: "stolen" };
    const other = world.key("read", "write", "chat");
    expect(await refused(input, other)).toMatchObject({
      collectRows: { code: "FEEDBACK_NOT_FOUND", field: "feedback.ids" },
    });
    expect(await preview({ ...input, feedback: {} }, other)).toMatchObject({ rowCount: 0 });
    expect(await refused(input, world.key("read", "write"))).toMatchObject({
      collectRows: { code: "SCOPE_MISSING" },
    });
  });
});

test("preferences that are imported are known by their columns, and mixed ones are a table", async () => {
  await importRows("dpo", [{ prompt: "p", chosen: "good", rejected: "bad" }]);
  expect(await latest("dpo")).toMatchObject({ shape: "PREFERENCE", statistics: { trainable: false } });
  await importRows("mixed", [
    { prompt: "p", chosen: [{ role: "assistant", content: "x" }], rejected: "bad" },
  ]);
  expect(await latest("mixed")).toMatchObject({ shape: "TABLE" });
  await collect({
    assessment: { name: "all", candidate: acme },
    as: "PREFERENCES",
    dataset: "dpo",
    confirm: true,
  });
  expect((await latest("dpo")).rows[1]).toMatchObject({ prompt: "q1", chosen: "a1", rejected: SAID });
});
