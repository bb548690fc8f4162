// Collecting through the API: answers that a candidate lost become rows of a dataset, once, with where they came from.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { projects } from "../schema/tables/accounts.ts";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { newId } from "../src/kit/ids.ts";
import { createCollectKit, ERRORS } from "./collect-kit.ts";
import { createUser } from "./command.ts";
import { createProviderKit } from "./provider-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
/** What every provider of these tests answers. */
const SAID = "Hello wörld";
let world: World;
let acme = "";
const kit = createProviderKit(() => world);

const { preview, refused, collect, latest, importRows } = createCollectKit(() => world);
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
    const last = '{ dataset(name: "target") { lastCollected { added alreadyThere } } }';
    expect(await world.graphql(last)).toEqual({ dataset: { lastCollected: { added: 1, alreadyThere: 1 } } });
    // The same again adds nothing, and makes no version.
    await collect({ ...input, confirm: true });
    expect(await world.graphql(last)).toEqual({ dataset: { lastCollected: { added: 0, alreadyThere: 2 } } });
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

test("the command line shows first, asks to be told that measured rows may be learned, and names the dataset", async () => {
  const user = createUser();
  const env = { ESPALIER_URL: world.server.url, ESPALIER_KEY: world.key("admin") };
  const args = ["dataset", "collect", "--from-assessment", "all", "--candidate", acme, "--name", "by-hand"];
  const shown = await user.json([...args, "--show", "1"], { env });
  expect(shown).toMatchObject({ code: 0, document: { rowCount: 4, warnings: [{ code: "ROWS_MEASURED" }] } });
  expect(await user.json(args, { env })).toMatchObject({
    code: 4,
    document: { error: { code: "CONFIRM_NEEDED" } },
  });
  const made = await user.json([...args, "--row", "1", "--row", "3", "--yes", "--wait"], { env });
  expect(made).toMatchObject({ code: 0, document: { kind: "dataset", name: "by-hand", status: "ready" } });
  expect(await latest("by-hand")).toMatchObject({ number: 1, rowCount: 2 });
  await user.close();
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
