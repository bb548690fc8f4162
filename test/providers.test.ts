// Third-party models by every provider's own wire format through a real server: replies, refusals, misbehaviour.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import { providerKinds } from "../src/inference/remote/remote.ts";
import { createProviderKit } from "./provider-kit.ts";
import { KEY, WIRES, WORDS } from "./provider-wire.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
const kit = createProviderKit(() => world);
const { provide, complete, refusalOf, tried } = kit;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world?.close();
  await kit.close();
});

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
    const target = kit.wire("openai-compatible");
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
