// Third-party models through a real server: each provider's wire format, its refusals and its misbehaviour.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { providerKinds } from "../src/inference/remote/remote.ts";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { KEY, type Manner, startWire, WIRES, type WireServer, WORDS } from "./provider-wire.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
const servers: WireServer[] = [];
beforeAll(async () => {
  world = await startWorld([["read", "chat", "write"]]);
});
afterAll(async () => {
  await world?.close();
  for (const one of servers) await one.close();
});

let count = 0;
type Model = { model: string; prices?: object; abilities?: string[] };

/** A provider of the kind at a fresh server of its wire format; answers its name. */
async function provide(
  kind: keyof typeof WIRES,
  manner: Manner = "well",
  {
    key = KEY,
    models = [{ model: "some-model" }],
    ...rest
  }: { key?: string; models?: Model[]; timeoutMs?: number } = {},
): Promise<{ name: string; server: WireServer }> {
  const server = startWire(WIRES[kind], manner);
  servers.push(server);
  const name = `p${++count}`;
  const input = { name, kind, url: server.url, key, models, allowPrivate: true, ...rest };
  await world.act(ADD, { input });
  return { name, server };
}
const ADD = `mutation ($input: AddProviderInput!) { addProvider(input: $input) { __typename
  ... on ProviderSuccess { provider { id name hasKey } } ... on UserError { code text: message hint field value } } }`;

async function complete(model: string, body: object = {}): Promise<{ status: number; json: unknown }> {
  const response = await world.fetch("/v1/chat/completions", {
    method: "POST",
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }], ...body }),
  });
  return { status: response.status, json: await response.json() };
}

/** Code and words of a test of the provider that has to fail. */
async function refusalOf(name: string): Promise<{ code: string; text: string; hint: string | null }> {
  const answer = await world.graphql(
    `mutation ($p: ID!) { testProvider(provider: $p) { __typename ... on TestProviderSuccess { answer } ... on UserError { code text: message hint } } }`,
    { p: name },
  );
  return refusal.parse(answer["testProvider"]);
}
const refusal = z.object({ code: z.string(), text: z.string(), hint: z.string().nullable() });

async function tried(name: string): Promise<Record<string, unknown>> {
  return world.act(
    `mutation ($p: ID!) { testProvider(provider: $p) { __typename ... on TestProviderSuccess { answer model latencyMs } ... on UserError { code text: message } } }`,
    { p: name },
  );
}

test("every kind has a wire here", () => {
  expect(Object.keys(WIRES).sort()).toEqual([...providerKinds].sort());
});

describe.each(Object.keys(WIRES) as (keyof typeof WIRES)[])("%s", (kind) => {
  test("replies, whole and streamed, with the provider's own count of tokens", async () => {
    const { name, server } = await provide(kind);
    const whole = await complete(`${name}/some-model`, { temperature: 0.2, max_tokens: 50 });
    expect(whole).toMatchObject({
      status: 200,
      json: {
        choices: [{ message: { content: WORDS.join("") }, finish_reason: "stop" }],
        usage: { prompt_tokens: 11, completion_tokens: 7 },
      },
    });
    const asked = server.asked.find(({ path }) => WIRES[kind].isChat(path));
    expect(asked?.key).toBe(KEY);
    expect(JSON.stringify(asked?.body)).toContain("Hello");
    const streamed = await world.fetch("/v1/chat/completions", {
      method: "POST",
      body: JSON.stringify({
        model: `${name}/some-model`,
        stream: true,
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "Hello" },
        ],
      }),
    });
    const deltas = [...(await streamed.text()).matchAll(/"content":"([^"]+)"/g)].map(([, text]) => text);
    expect(deltas.filter((text) => text !== "")).toEqual(WORDS);
    expect(JSON.stringify(server.asked.at(-1)?.body)).toContain("Be brief.");
  });

  test("a wrong key is refused in the provider's own words, without the key", async () => {
    const wrong = "sk-wrong-9876543210";
    const { name } = await provide(kind, "well", { key: wrong });
    const { code, text } = await refusalOf(name);
    expect(code).toBe("PROVIDER_KEY_REFUSED");
    expect(text).toContain(`${name} answered 401: Incorrect API key provided`);
    expect(text).not.toContain(wrong);
  });

  test("a short Retry-After is waited for", async () => {
    const { name, server } = await provide(kind, "busy-once");
    const startedAt = performance.now();
    expect(await tried(name)).toMatchObject({ answer: WORDS.join(""), model: `${name}/some-model` });
    expect(performance.now() - startedAt).toBeGreaterThan(990);
    expect(server.asked.length).toBe(2);
  });

  test("lists the models that the provider has", async () => {
    const { name } = await provide(kind);
    const { models } = z
      .object({ models: z.array(z.string()) })
      .parse(
        await world.act(
          `mutation ($p: ID!) { listRemoteModels(provider: $p) { __typename ... on RemoteModelsSuccess { models } ... on UserError { code text: message } } }`,
          { p: name },
        ),
      );
    expect(models.length).toBe(2);
    expect(models).toEqual([...models].sort());
  });
});

describe("vectors and scores", () => {
  test.each(["openai", "google", "azure", "bedrock", "mistral", "ollama", "openai-compatible"] as const)(
    "%s makes vectors",
    async (kind) => {
      const model = kind === "bedrock" ? "amazon.titan-embed-text-v2:0" : "text-embedding-3-small";
      const { name } = await provide(kind, "well", { models: [{ model }] });
      expect(await tried(name)).toMatchObject({ answer: "A vector of 4 numbers." });
    },
  );

  test.each(["siliconflow", "vllm", "llamacpp", "openai-compatible"] as const)("%s reranks", async (kind) => {
    const { name } = await provide(kind, "well", { models: [{ model: "bge-reranker" }] });
    expect(await tried(name)).toMatchObject({ answer: "Scores 0.1 and 0.2." });
  });

  test("a model for vectors is no model to chat with, and says so", async () => {
    const { name } = await provide("openai", "well", { models: [{ model: "text-embedding-3-small" }] });
    const { status, json } = await complete(`${name}/text-embedding-3-small`);
    expect(status).toBe(409);
    expect(JSON.stringify(json)).toContain("is for embedding, not for text");
  });
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

describe("misbehaviour", () => {
  test.each([
    ["html", "PROVIDER_NOT_AN_API", "with a web page instead of data"],
    ["busy-long", "PROVIDER_BUSY", "answered 429: Rate limit reached for requests"],
    ["broken-sse", "PROVIDER_ANSWER_INVALID", "not understood"],
    ["cut-off", "PROVIDER_STREAM_BROKEN", "broke off"],
    ["stops-short", "PROVIDER_STREAM_BROKEN", "broke off in the middle of its answer"],
    ["overloaded-in-stream", "PROVIDER_BUSY", "The engine is overloaded"],
    ["endless", "PROVIDER_ANSWER_TOO_LARGE", "sent more than 33554432 bytes"],
    ["silent", "PROVIDER_TIMEOUT", "fell silent in its answer for 1 s"],
  ] as const)("%s ends with %s", async (manner, code, words) => {
    const { name } = await provide("openai-compatible", manner, { timeoutMs: 1000 });
    const refused = await refusalOf(name);
    expect([refused.code, refused.text]).toEqual([code, expect.stringContaining(words)]);
    expect(refused.hint).not.toBeNull();
    if (manner === "busy-long") expect(refused.hint).toContain("Retry-After 3600");
  });

  test.each(["no-usage", "wrong-usage"] as const)(
    "%s: the reply is kept and tokens are estimated",
    async (manner) => {
      const { name } = await provide("openai-compatible", manner);
      const { status, json } = await complete(`${name}/some-model`);
      expect(status).toBe(200);
      expect(json).toMatchObject({
        choices: [{ message: { content: WORDS.join("") } }],
        usage: { prompt_tokens: 2, completion_tokens: 3 },
      });
    },
  );

  test("a redirect to a private address that nobody confirmed is not followed", async () => {
    const target = startWire(WIRES["openai-compatible"]);
    servers.push(target);
    const { name } = await provide("openai-compatible", { redirect: `${target.url}/chat/completions` });
    expect(await refusalOf(name)).toMatchObject({ code: "ADDRESS_PRIVATE" });
    expect(target.asked).toEqual([]);
  });

  test("a redirect to a cloud's metadata is never followed", async () => {
    const { name } = await provide("openai-compatible", {
      redirect: "http://169.254.169.254/latest/meta-data/",
    });
    expect(await refusalOf(name)).toMatchObject({ code: "ADDRESS_FORBIDDEN" });
  });

  test("nobody there is said within the retries", async () => {
    const { name, server } = await provide("openai-compatible");
    await server.close();
    expect(await refusalOf(name)).toMatchObject({ code: "PROVIDER_UNREACHABLE" });
  });
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

describe("cost and usage", () => {
  test("a call is recorded with what it cost by the price table", async () => {
    const models = [{ model: "some-model", prices: { input: 2, output: 10 } }];
    const { name } = await provide("openai", "well", { models });
    await complete(`${name}/some-model`);
    const { usage } = usageShape.parse(await world.graphql(USAGE_QUERY));
    const cost = usage.nodes.find(({ model }) => model === `${name}/some-model`)?.costUsd;
    expect(cost).toBeCloseTo((11 * 2 + 7 * 10) / 1e6, 12);
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
