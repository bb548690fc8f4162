// What third-party models are used for through a real server: knowledge bases, /v1, a second Espalier, costs; and who keeps them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { START, started } from "./assessment-kit.ts";
import { ADD, createProviderKit } from "./provider-kit.ts";
import { KEY } from "./provider-wire.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
const kit = createProviderKit(() => world);
const { provide, complete } = kit;
beforeAll(async () => {
  world = await startWorld([["read", "chat", "write"]]);
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

const USAGE_QUERY = "{ usage { nodes { model costUsd source requests } } }";
const usageShape = z.object({
  usage: z.object({
    nodes: z.array(
      z.object({
        model: z.string(),
        costUsd: z.number().nullable(),
        source: z.string(),
        requests: z.number(),
      }),
    ),
  }),
});

describe("knowledge", () => {
  test("a base is embedded and its passages are reranked by third parties, whose calls are recorded", async () => {
    const models = [{ model: "text-embedding-3-small", prices: { input: 4 } }, { model: "bge-reranker" }];
    const { name, server } = await provide("openai-compatible", "well", { models });
    const [embedder, reranker] = models.map(({ model }) => `${name}/${model}`);
    await world.act(
      `mutation ($input: CreateKnowledgeBaseInput!) { createKnowledgeBase(input: $input) { __typename ... on UserError { code text: message } } }`,
      { input: { name: "handbook", embedder, retrieval: { reranker } } },
    );
    const files = [
      { uploadId: await world.upload("leave.txt", Buffer.from("Leave is thirty days.")), name: "leave.txt" },
      { uploadId: await world.upload("noise.txt", Buffer.from("Silence after ten.")), name: "noise.txt" },
    ];
    const { run } = z
      .looseObject({ run: z.object({ id: z.string() }) })
      .parse(
        await world.act(
          `mutation ($input: AddDocumentsInput!) { addDocuments(input: $input) { __typename ... on AddDocumentsSuccess { run { id } } ... on UserError { code text: message } } }`,
          { input: { knowledgeBase: "handbook", files } },
        ),
      );
    await world.succeeded(run.id);
    const { retrieve } = z
      .object({
        retrieve: z.object({
          warnings: z.array(z.string()),
          passages: z.array(
            z.object({ score: z.number(), rankers: z.array(z.object({ ranker: z.string() })) }),
          ),
        }),
      })
      .parse(
        await world.graphql(
          `{ retrieve(input: { knowledgeBases: ["handbook"], question: "How many days of leave?" }) { warnings passages { score rankers { ranker } } } }`,
        ),
      );
    expect(retrieve.warnings).toEqual([]);
    expect(retrieve.passages.map(({ score }) => score)).toEqual([0.2, 0.1]);
    expect(retrieve.passages[0]?.rankers.map(({ ranker }) => ranker)).toContain("reranker");
    expect(new Set(server.asked.map(({ path }) => path))).toEqual(new Set(["/v1/embeddings", "/v1/rerank"]));
    const { usage } = usageShape.parse(await world.graphql(USAGE_QUERY));
    const used = usage.nodes.find(({ model }) => model === embedder);
    expect(used).toMatchObject({ source: "knowledge" });
    expect(used?.costUsd).toBeGreaterThan(0);
    // The base is named before its embedder is taken away.
    expect(
      await world.graphql(
        `mutation { removeProvider(provider: "${name}") { __typename ... on UserError { code text: message } } }`,
      ),
    ).toMatchObject({
      removeProvider: { code: "HAS_DEPENDANTS", text: expect.stringContaining("knowledge base handbook") },
    });
  }, 30_000);
});

describe("/v1", () => {
  test("vectors and scores of third parties come by the same door, recorded once for the key that asked", async () => {
    const models = [{ model: "text-embedding-3-small", prices: { input: 4 } }, { model: "bge-reranker" }];
    const { name } = await provide("siliconflow", "well", { models });
    const post = async (path: string, body: object): Promise<unknown> =>
      (await world.fetch(path, { method: "POST", body: JSON.stringify(body) })).json();
    const model = `${name}/text-embedding-3-small`;
    expect(await post("/v1/embeddings", { model, input: ["Hello"] })).toMatchObject({
      data: [{ embedding: [5, 0.5, -1, 2] }],
    });
    const documents = ["one", "two"];
    expect(await post("/v1/rerank", { model: `${name}/bge-reranker`, query: "q", documents })).toMatchObject({
      results: [
        { index: 1, relevance_score: 0.2 },
        { index: 0, relevance_score: 0.1 },
      ],
    });
    const listed = z
      .object({ data: z.array(z.object({ id: z.string(), kind: z.string() })) })
      .parse(await (await world.fetch("/v1/models")).json())
      .data.filter(({ id }) => id.startsWith(`${name}/`));
    expect(listed.map(({ id, kind }) => [id, kind])).toEqual([
      [`${name}/bge-reranker`, "third-party"],
      [`${name}/text-embedding-3-small`, "third-party"],
    ]);
    for (const { id } of listed)
      expect(await (await world.fetch(`/v1/models/${encodeURIComponent(id)}`)).json()).toMatchObject({ id });
    const { usage } = usageShape.parse(await world.graphql(USAGE_QUERY));
    const mine = usage.nodes.filter((node) => node.model.startsWith(`${name}/`));
    expect(mine.map((node) => [node.model, node.source, node.requests]).sort()).toEqual([
      [`${name}/bge-reranker`, "v1", 1],
      // Once to learn how long its vectors are.
      [model, "v1", 2],
    ]);
  });
});

describe("JSON", () => {
  test.each(["openai", "openai-compatible"] as const)(
    "a schema reaches %s as it was asked for",
    async (kind) => {
      const { name, server } = await provide(kind);
      const schema = {
        type: "object",
        properties: { team: { type: "string" } },
        required: ["team"],
        additionalProperties: false,
      };
      const response_format = { type: "json_schema", json_schema: { name: "answer", schema } };
      expect(await complete(`${name}/some-model`, { response_format })).toMatchObject({ status: 200 });
      expect(server.asked.at(-1)?.body).toMatchObject({
        response_format: { type: "json_schema", json_schema: { schema } },
      });
    },
  );
});

describe("a second Espalier", () => {
  test("is a provider like any other, and its refusals come through", async () => {
    const other = await startWorld([["chat"]]);
    try {
      const toy = join(other.folder, "toy");
      await writeToyModel(toy);
      const imported = await other.act(
        `mutation ($path: String!) { importModel(input: { name: "toy", path: $path }) { __typename ... on ImportModelSuccess { run { id } } } }`,
        { path: toy },
      );
      await other.succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(imported).run.id);
      const input = {
        name: "second",
        kind: "openai-compatible",
        url: `${other.server.url}/v1`,
        key: other.key("chat"),
        models: [{ model: "toy" }, { model: "nobody" }],
        allowPrivate: true,
      };
      await world.act(ADD, { input });
      const body = { temperature: 0, max_tokens: 12 };
      const here = await complete("second/toy", body);
      const there = await other.fetch("/v1/chat/completions", {
        method: "POST",
        body: JSON.stringify({ model: "toy", messages: [{ role: "user", content: "Hello" }], ...body }),
      });
      const shape = z.object({
        choices: z.array(z.object({ message: z.object({ content: z.string() }) })),
      });
      expect(here.status).toBe(200);
      expect(shape.parse(here.json)).toEqual(shape.parse(await there.json()));
      const refused = await complete("second/nobody");
      expect(refused.status).toBe(502);
      expect(JSON.stringify(refused.json)).toContain("There is no model");
    } finally {
      await other.close();
    }
  }, 60_000);
});

describe("assessments", () => {
  test("a third party's embedder grades answers by their meaning, and its calls are counted", async () => {
    // The vector of this endpoint begins with the text's length.
    const right = "four";
    const texts = await provide("openai", "well", { say: () => right });
    const models = [{ model: "text-embedding-3-small", prices: { input: 4 } }];
    const { name, server } = await provide("openai-compatible", "well", { models });
    const embedder = `${name}/text-embedding-3-small`;
    await world.importRows("near", [
      { question: "q0", answer: right },
      { question: "q1", answer: "a much longer answer" },
    ]);
    const { run } = started.parse(
      await world.act(START, {
        input: {
          ...{ name: "near", dataset: "near", question: "{{question}}", reference: "answer" },
          graders: [`similarity:${embedder}`],
          candidates: [{ model: `${texts.name}/some-model` }],
        },
      }),
    );
    await world.succeeded(run.id);
    const shape = z.object({
      assessment: z.object({
        answers: z.object({ nodes: z.array(z.object({ scores: z.array(z.object({ value: z.number() })) })) }),
      }),
    });
    const { assessment } = shape.parse(
      await world.graphql('{ assessment(name: "near") { answers { nodes { scores { value } } } } }'),
    );
    const [own, other] = [
      [4, 0.5, -1, 2],
      [20, 0.5, -1, 2],
    ] as const;
    const dot = (a: readonly number[], b: readonly number[]) =>
      a.reduce((sum, one, at) => sum + one * (b[at] ?? 0), 0);
    const cosine = dot(own, other) / Math.sqrt(dot(own, own) * dot(other, other));
    expect(assessment.answers.nodes.map(({ scores }) => scores[0]?.value)).toEqual([
      expect.closeTo(1, 6),
      expect.closeTo(cosine, 6),
    ]);
    expect(server.asked.every(({ path }) => path === "/v1/embeddings")).toBe(true);
    const { usage } = usageShape.parse(await world.graphql(USAGE_QUERY));
    const used = usage.nodes.filter(({ model, source }) => model === embedder && source === "assessment");
    // Once for each answer, and once by the server itself, to learn how long its vectors are.
    expect(used.map(({ requests }) => requests).sort()).toEqual([1, 2]);
    for (const { costUsd } of used) expect(costUsd).toBeGreaterThan(0);
  });
});

describe("cost and usage", () => {
  test("a call is recorded with what it cost by the price table", async () => {
    const models = [{ model: "some-model", prices: { input: 2, output: 10 } }];
    const { name } = await provide("openai", "well", { models });
    await complete(`${name}/some-model`);
    const { usage } = usageShape.parse(await world.graphql(USAGE_QUERY));
    const cost = usage.nodes.find(({ model }) => model === `${name}/some-model`)?.costUsd;
    expect(cost).toBeCloseTo((11 * 2 + 7 * 10) / 1e6, 12);
  });

  test("a provider's test counts as use, its list of models does not", async () => {
    const models = [{ model: "some-model", prices: { input: 2, output: 10 } }];
    const { name } = await provide("openai", "well", { models });
    await kit.tried(name);
    await world.act(`mutation ($p: ID!) { listRemoteModels(provider: $p) { __typename } }`, { p: name });
    const { usage } = usageShape.parse(await world.graphql(USAGE_QUERY));
    const costUsd = expect.closeTo((11 * 2 + 7 * 10) / 1e6, 12);
    expect(usage.nodes.filter(({ model }) => model.startsWith(`${name}/`))).toEqual([
      { model: `${name}/some-model`, source: "test", requests: 1, costUsd },
    ]);
  });
});

describe("who may do what", () => {
  test("a key that may write cannot add, test or remove a provider", async () => {
    const { name } = await provide("openai");
    for (const call of [
      `addProvider(input: { name: "x", kind: "ollama", allowPrivate: true }) { __typename }`,
      `testProvider(provider: "${name}") { __typename }`,
      `removeProvider(provider: "${name}", confirm: true) { __typename }`,
    ]) {
      const response = await world.fetch("/graphql", {
        method: "POST",
        key: world.key("read", "chat", "write"),
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query: `mutation { ${call} }` }),
      });
      expect(await response.text()).toContain("SCOPE_MISSING");
    }
    expect(await complete(`${name}/some-model`)).toMatchObject({ status: 200 });
  });
});

describe("keeping providers", () => {
  test("names, models and keys are changed and removed; a key stays with its host", async () => {
    const { name, server } = await provide("openai", "well", { models: [{ model: "a" }, { model: "b" }] });
    const update = `mutation ($input: UpdateProviderInput!) { updateProvider(input: $input) { __typename
      ... on ProviderSuccess { provider { models { id model prices { input } } requestsPerMinute } } ... on UserError { code } } }`;
    const before = await world.act(update, { input: { provider: name, requestsPerMinute: 5 } });
    const after = await world.act(update, {
      input: {
        provider: name,
        requestsPerMinute: null,
        models: [{ model: "b", prices: { input: 3 } }, { model: "c" }],
      },
    });
    const shape = z.looseObject({
      provider: z.object({
        requestsPerMinute: z.number().nullable(),
        models: z.array(
          z.object({ id: z.string(), model: z.string(), prices: z.object({ input: z.number().nullable() }) }),
        ),
      }),
    });
    const [old, now] = [shape.parse(before).provider, shape.parse(after).provider];
    expect([old.requestsPerMinute, now.requestsPerMinute]).toEqual([5, null]);
    expect(now.models.map(({ model, prices }) => [model, prices.input])).toEqual([
      ["b", 3],
      ["c", null],
    ]);
    expect(now.models[0]?.id).toBe(old.models[1]?.id ?? "");
    expect(
      await world.graphql(update, { input: { provider: name, url: "https://127.0.0.1:1/v1" } }),
    ).toMatchObject({
      updateProvider: { code: "KEY_MISSING" },
    });
    const remove = `mutation ($confirm: Boolean) { removeProvider(provider: "${name}", confirm: $confirm) { __typename
      ... on RemoveProviderSuccess { name } ... on UserError { code text: message } } }`;
    expect(await world.graphql(remove)).toMatchObject({
      removeProvider: { code: "HAS_DEPENDANTS", text: `On ${name} depend ${name}/b, ${name}/c.` },
    });
    expect(await world.graphql(remove, { confirm: true })).toMatchObject({ removeProvider: { name } });
    // The confirmation of its address went with it.
    const input = { name: "again", kind: "openai", url: server.url, key: KEY };
    expect(await world.graphql(ADD, { input })).toMatchObject({ addProvider: { code: "ADDRESS_PRIVATE" } });
    expect((await complete(`${name}/b`)).status).toBe(404);
  });
});
