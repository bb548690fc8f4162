// What is deleted through the API comes back as it was: models with what serves them, datasets, conversations.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
const errors = "... on UserError { code text: message }";
const withRun = z.looseObject({ run: z.object({ id: z.string() }) });
let world: World;

const begin = async (name: string, input: string): Promise<void> => {
  const typename = `${name[0]?.toUpperCase()}${name.slice(1)}Success`;
  const query = `mutation { ${name}(input: ${input}) { __typename ... on ${typename} { run { id } } ${errors} } }`;
  await world.succeeded(withRun.parse(await world.act(query)).run.id);
};
async function importRows(name: string): Promise<void> {
  const rows = '{"prompt":"q","completion":"a"}\n'.repeat(8);
  const uploadId = await world.upload("rows.jsonl", new TextEncoder().encode(rows));
  await begin("importDataset", `{ name: "${name}", uploadId: "${uploadId}" }`);
}
const remove = async (id: string): Promise<string> => {
  const query = `mutation ($id: ID!) { delete(id: $id, confirm: true) { __typename ... on DeleteSuccess { id } ${errors} } }`;
  return z.looseObject({ id: z.string() }).parse(await world.act(query, { id })).id;
};
const undelete = (id: string) =>
  world.act(
    `mutation ($id: ID!) { undelete(id: $id) { __typename ... on UndeleteSuccess { id name } ${errors} } }`,
    { id },
  );
const trash = async () =>
  z
    .object({
      trash: z.object({
        nodes: z.array(
          z.object({ id: z.string(), kind: z.string(), name: z.string(), alongside: z.array(z.string()) }),
        ),
      }),
    })
    .parse(await world.graphql("{ trash { nodes { id kind name alongside } } }")).trash.nodes;
async function answerOf(model: string): Promise<number> {
  const body = { model, messages: [{ role: "user", content: "q1" }], temperature: 0, max_tokens: 4 };
  const response = await world.fetch("/v1/chat/completions", { method: "POST", body: JSON.stringify(body) });
  await response.text();
  return response.status;
}

beforeAll(async () => {
  world = await startWorld([["read"]]);
  await writeToyModel(join(world.folder, "toy"));
  await begin("importModel", `{ name: "toy", path: ${JSON.stringify(join(world.folder, "toy"))} }`);
  await importRows("rows");
  await begin("deployModel", `{ modelId: "toy", name: "live", precision: FP32 }`);
  await world.act(
    `mutation { registerModel(input: { liveId: "live", alias: "pet" }) { __typename ${errors} } }`,
  );
});
afterAll(() => world?.close());

test("a base model takes what serves it along, and brings it back answering", async () => {
  const before = await world.graphql("{ models { nodes { id kind name usable } } }");
  const id = await remove("toy");
  expect(await answerOf("pet")).toBe(404);
  expect(await trash()).toEqual([{ id, kind: "base", name: "toy", alongside: ["live", "pet"] }]);
  expect(await undelete(id)).toMatchObject({ id, name: "toy" });
  expect(await world.graphql("{ models { nodes { id kind name usable } } }")).toEqual(before);
  expect(await answerOf("pet")).toBe(200);
  expect(await trash()).toEqual([]);
  await expect(undelete(id)).rejects.toThrow("NOT_IN_TRASH");
});

test("a live model and an alias come back each by itself; the alias not before what it names", async () => {
  const alias = await remove("pet");
  const live = await remove("live");
  await expect(undelete(alias)).rejects.toThrow("SOURCE_DELETED");
  await undelete(live);
  await undelete(alias);
  expect(await answerOf("pet")).toBe(200);
});

test("a dataset comes back with its versions, beside one that took its name; trainings on it stay readable", async () => {
  await world.act(
    `mutation { startTraining(input: { name: "t", baseId: "toy", datasetVersionId: "rows", method: "sft" }) { __typename ${errors} } }`,
  );
  const id = await remove("rows");
  const list = "{ trainings { nodes { name datasetVersion { rowCount } } } }";
  expect(await world.graphql(list)).toEqual({ trainings: { nodes: [{ name: "t", datasetVersion: null }] } });
  await importRows("rows");
  expect(await undelete(id)).toMatchObject({ id, name: "rows_2" });
  expect(await world.graphql(list)).toEqual({
    trainings: { nodes: [{ name: "t", datasetVersion: { rowCount: 8 } }] },
  });
});

test("a conversation comes back with its messages, and only who may chat sees that it is gone", async () => {
  const sent = await world.act(
    `mutation { sendMessage(input: { model: "toy", text: "q1", maxTokens: 2 }) { __typename ... on SendMessageSuccess { conversation { id } } ${errors} } }`,
  );
  const { id } = z.looseObject({ conversation: z.object({ id: z.string() }) }).parse(sent).conversation;
  const read = `{ conversations { nodes { id title messages { nodes { role text } } } } }`;
  await remove(id);
  expect(await world.graphql(read)).toEqual({ conversations: { nodes: [] } });
  expect((await trash()).map(({ kind, name }) => [kind, name])).toEqual([["conversation", "q1"]]);
  const answer = await world.fetch("/graphql", {
    method: "POST",
    key: world.key("read"),
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ trash { nodes { id } } }" }),
  });
  expect(await answer.json()).toEqual({ data: { trash: { nodes: [] } } });
  await undelete(id);
  expect(JSON.stringify(await world.graphql(read))).toContain('"role":"assistant"');
});
