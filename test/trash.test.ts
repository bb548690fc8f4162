// What is deleted through the API comes back as it was: models with what serves them, datasets, conversations, providers.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { now } from "../src/kit/clock.ts";
import { limits } from "../src/kit/limits.ts";
import { purgeTrash } from "../src/store/trash.ts";
import { ADD, createProviderKit } from "./provider-kit.ts";
import { KEY } from "./provider-wire.ts";
import { startWorld, type World } from "./world.ts";

setDefaultTimeout(60_000);
const errors = "... on UserError { code text: message }";
const withRun = z.looseObject({ run: z.object({ id: z.string() }) });
let world: World;
const kit = createProviderKit(() => world);

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
const deciding = (name: "purge" | "undelete", success: string) =>
  `mutation ($id: ID!) { ${name}(id: $id) { __typename ... on ${success} { id name } ${errors} } }`;
const UNDELETE = deciding("undelete", "UndeleteSuccess");
const PURGE = deciding("purge", "PurgeSuccess");
const undelete = (id: string) => world.act(UNDELETE, { id });
const purge = (id: string) => world.act(PURGE, { id });
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
  world = await startWorld([["read"], ["read", "chat", "write"]]);
  await writeToyModel(join(world.folder, "toy"));
  await begin("importModel", `{ name: "toy", path: ${JSON.stringify(join(world.folder, "toy"))} }`);
  await importRows("rows");
  await begin("deployModel", `{ modelId: "toy", name: "live", precision: FP32 }`);
  await world.act(
    `mutation { registerModel(input: { liveId: "live", alias: "pet" }) { __typename ${errors} } }`,
  );
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

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

test("what is purged is gone, and no more among what can come back", async () => {
  const sent = await world.act(
    `mutation { sendMessage(input: { model: "toy", text: "q2", maxTokens: 2 }) { __typename ... on SendMessageSuccess { conversation { id } } ${errors} } }`,
  );
  const { id } = z.looseObject({ conversation: z.object({ id: z.string() }) }).parse(sent).conversation;
  await expect(purge(id)).rejects.toThrow("NOT_IN_TRASH");
  await remove(id);
  expect(await purge(id)).toMatchObject({ id, name: "q2" });
  expect(await trash()).toEqual([]);
  await expect(purge(id)).rejects.toThrow("NOT_IN_TRASH");
  await expect(undelete(id)).rejects.toThrow("NOT_IN_TRASH");
});

const providerOf = (name: string) =>
  z
    .object({
      providers: z.object({
        nodes: z.array(
          z.looseObject({
            id: z.string(),
            name: z.string(),
            models: z.array(z.object({ id: z.string(), name: z.string() })),
          }),
        ),
      }),
    })
    .transform(({ providers }) => providers.nodes.find((one) => one.name === name));
const providers =
  "{ providers { nodes { id name url hasKey timeoutMs models { id name abilities prices { input } } } } }";
async function kept(name: string) {
  const found = providerOf(name).parse(await world.graphql(providers));
  if (!found) throw new Error(`there is no provider ${name}`);
  return found;
}
/** What everything that lists or chooses models names of a provider. */
async function named(name: string): Promise<number> {
  const lists = await world.graphql(
    "{ models(kinds: [THIRD_PARTY]) { nodes { name } } providers { nodes { name models { name } } } embedders { name } }",
  );
  const v1 = await (await world.fetch("/v1/models")).text();
  return `${JSON.stringify(lists)}${v1}`.split(`"${name}`).length - 1;
}

test("a provider comes back with its models, its sealed key and its confirmed address; meanwhile nothing knows it", async () => {
  const models = [
    { model: "some-model", prices: { input: 2, output: 10 } },
    { model: "text-embedding-3-small" },
  ];
  const { name, server } = await kit.provide("openai", "well", { models });
  expect((await kit.complete(`${name}/some-model`)).status).toBe(200);
  const before = await kept(name);
  const seen = await named(name);
  const usage = "{ usage { nodes { model requests costUsd } } }";
  const used = await world.graphql(usage);
  const id = await remove(before.id);
  expect(await named(name)).toBe(0);
  const refused = await kit.complete(`${name}/some-model`);
  expect(refused.status).toBe(404);
  expect(JSON.stringify(refused.json)).toContain(`There is no model \\"${name}/some-model\\"`);
  expect(await world.graphql(usage)).toEqual(used);
  expect(await trash()).toEqual([
    {
      id,
      kind: "provider",
      name,
      alongside: [`${name}/text-embedding-3-small`, `${name}/some-model`],
    },
  ]);
  // What confirmed its address is in force for nobody else meanwhile.
  const other = { name: "other", kind: "openai", url: server.url, key: KEY };
  expect(await world.graphql(ADD, { input: other })).toMatchObject({
    addProvider: { code: "ADDRESS_PRIVATE" },
  });
  const asked = `mutation { undelete(id: "${id}") { __typename ... on UserError { code } } }`;
  expect(await world.graphql(asked, {}, world.key("read", "chat", "write"))).toMatchObject({
    undelete: { code: "SCOPE_MISSING" },
  });
  expect(await undelete(id)).toMatchObject({ id, name });
  expect(await kept(name)).toEqual(before);
  expect(await named(name)).toBe(seen);
  const asks = server.asked.length;
  expect((await kit.complete(`${name}/some-model`)).status).toBe(200);
  expect(server.asked.slice(asks).map(({ key }) => key)).toEqual([KEY]);
  expect(await trash()).toEqual([]);
});

test("a provider whose name is taken gets a number, and its models are called after it", async () => {
  const { name, server } = await kit.provide("openai");
  const id = await remove((await kept(name)).id);
  const input = { name, kind: "openai", url: server.url, key: KEY, allowPrivate: true };
  await world.act(ADD, { input: { ...input, models: [{ model: "some-model" }] } });
  expect(await undelete(id)).toMatchObject({ id, name: `${name}_2` });
  for (const one of [name, `${name}_2`]) expect((await kit.complete(`${one}/some-model`)).status).toBe(200);
});

test("only an admin brings a provider back or ends it, as only an admin deletes one", async () => {
  const { name } = await kit.provide("openai", "well", { models: [{ model: "some-model" }] });
  const id = await remove((await kept(name)).id);
  expect(await world.graphql("{ trash { nodes { id scope } } }")).toEqual({
    trash: { nodes: [{ id, scope: "admin" }] },
  });
  for (const query of [UNDELETE, PURGE])
    expect(JSON.stringify(await world.graphql(query, { id }, world.key("read", "chat", "write")))).toContain(
      "SCOPE_MISSING",
    );
  expect(await purge(id)).toMatchObject({ id, name });
  await expect(undelete(id)).rejects.toThrow("NOT_IN_TRASH");
});

test("a model that a provider no longer has comes back to it, unless it has it again or is deleted itself", async () => {
  const { name } = await kit.provide("openai", "well", { models: [{ model: "a" }, { model: "b" }] });
  const update = (models: string[]) =>
    world.act(
      `mutation ($input: UpdateProviderInput!) { updateProvider(input: $input) { __typename ${errors} } }`,
      { input: { provider: name, models: models.map((model) => ({ model })) } },
    );
  const { id: provider, models } = await kept(name);
  const b = models[1]?.id ?? "";
  await update(["a"]);
  expect(await trash()).toEqual([{ id: b, kind: "third-party", name: `${name}/b`, alongside: [] }]);
  expect((await kit.complete(`${name}/b`)).status).toBe(404);
  await update(["a", "b"]);
  await expect(undelete(b)).rejects.toThrow("NAME_TAKEN");
  await update(["a"]);
  await remove(provider);
  await expect(undelete(b)).rejects.toThrow(/SOURCE_DELETED/);
  await undelete(provider);
  expect(await undelete(b)).toMatchObject({ id: b, name: `${name}/b` });
  expect((await kit.complete(`${name}/b`)).status).toBe(200);
});

test("what a knowledge base asks is named before it goes, and asked again once it is back", async () => {
  const models = [{ model: "text-embedding-3-small" }, { model: "bge-reranker" }];
  const { name } = await kit.provide("openai-compatible", "well", { models });
  const [embedder, reranker] = models.map(({ model }) => `${name}/${model}`);
  await world.act(
    `mutation ($input: CreateKnowledgeBaseInput!) { createKnowledgeBase(input: $input) { __typename ${errors} } }`,
    { input: { name: "handbook", embedder, retrieval: { reranker } } },
  );
  const uploadId = await world.upload("leave.txt", new TextEncoder().encode("Leave is thirty days."));
  await begin(
    "addDocuments",
    `{ knowledgeBase: "handbook", files: [{ uploadId: "${uploadId}", name: "leave.txt" }] }`,
  );
  const warnings = async () => {
    const query = `{ retrieve(input: { knowledgeBases: ["handbook"], question: "Leave?" }) { warnings passages { text } } }`;
    const shape = z.object({
      retrieve: z.object({ warnings: z.array(z.string()), passages: z.array(z.unknown()) }),
    });
    const { retrieve } = shape.parse(await world.graphql(query));
    return [retrieve.passages.length, retrieve.warnings.length];
  };
  expect(await warnings()).toEqual([1, 0]);
  const { id } = await kept(name);
  const dependants = `query ($id: ID!) { node(id: $id) { ... on Provider { dependantCount dependants { kind name } } } }`;
  expect(await world.graphql(dependants, { id })).toEqual({
    node: {
      dependantCount: 3,
      dependants: [
        { kind: "third-party", name: embedder },
        { kind: "third-party", name: reranker },
        { kind: "knowledge", name: "handbook" },
      ],
    },
  });
  for (const refused of [
    `delete(id: "${embedder}") { __typename ${errors} }`,
    `delete(id: "${reranker}") { __typename ${errors} }`,
    `updateProvider(input: { provider: "${name}", models: [] }) { __typename ${errors} }`,
    `removeProvider(provider: "${name}") { __typename ${errors} }`,
  ])
    await expect(world.act(`mutation { ${refused} }`)).rejects.toThrow(
      /HAS_DEPENDANTS.*knowledge base handbook/,
    );
  await remove(id);
  const [passages, said] = await warnings();
  expect([passages, said]).toEqual([1, 2]);
  await undelete(id);
  expect(await warnings()).toEqual([1, 0]);
  // Under another name its reranker is the same.
  await remove(id);
  await world.act(ADD, {
    input: {
      name,
      kind: "openai-compatible",
      url: kit.wire("openai-compatible").url,
      key: KEY,
      allowPrivate: true,
      models: [],
    },
  });
  expect(await undelete(id)).toMatchObject({ id, name: `${name}_2` });
  expect(await warnings()).toEqual([1, 0]);
  await expect(
    world.act(
      `mutation { createKnowledgeBase(input: { name: "other", retrieval: { reranker: "nobody/x" } }) { __typename ${errors} } }`,
    ),
  ).rejects.toThrow(/RERANKER_NOT_FOUND.*nobody/);
});

test("the key is in no answer, and nothing of a provider is left when its time in the trash is up", async () => {
  const { name } = await kit.provide("openai");
  const { id } = await kept(name);
  await remove(id);
  const everything = await world.graphql(
    '{ trash { nodes { __typename id kind name alongside deletedAt purgedAt } } __type(name: "TrashEntry") { fields { name } } }',
  );
  expect(JSON.stringify(everything)).not.toMatch(/v1\.|sealed/i);
  const { store, close } = await world.beside();
  try {
    await purgeTrash(store, now() + limits.trashMs + 60_000);
  } finally {
    await close();
  }
  expect(await trash()).toEqual([]);
  await expect(undelete(id)).rejects.toThrow("NOT_IN_TRASH");
  expect((await kit.complete(`${name}/some-model`)).status).toBe(404);
});
