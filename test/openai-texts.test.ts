// The official `openai` client beyond chat: completions of plain text, vectors, ranking, and usage by key.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type OpenAI from "openai";
import { z } from "zod";
import { EMBEDDER, refusal, startOpenAi } from "./openai-kit.ts";
import type { World } from "./world.ts";

const rerankAnswer = z.object({
  results: z.array(
    z.object({
      index: z.number(),
      relevance_score: z.number(),
      document: z.object({ text: z.string() }).optional(),
    }),
  ),
});
const usageDay = z.object({
  keyId: z.string().nullable(),
  caller: z.string().nullable(),
  model: z.string(),
  source: z.string(),
  requests: z.number(),
  inputTokens: z.number(),
  outputTokens: z.number(),
});
const usageAnswer = z.object({
  usage: z.object({ nodes: z.array(usageDay) }),
  apiKeys: z.object({ nodes: z.array(z.object({ id: z.string(), name: z.string() })) }),
});
let world: World;
let ai: OpenAI;

beforeAll(async () => {
  ({ world, ai } = await startOpenAi());
}, 60_000);
afterAll(() => world?.close());

describe("completions", () => {
  const ask = { model: "helper", prompt: "Hello", temperature: 0, max_tokens: 12 };

  test("a text goes on as it stands, without a template", async () => {
    const { choices, usage, object } = await ai.completions.create(ask);
    expect(object).toBe("text_completion");
    expect(choices[0]).toMatchObject({ index: 0, finish_reason: "length", logprobs: null });
    expect(choices[0]?.text).toHaveLength(12);
    expect(usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 12, total_tokens: 17 });
    // What was said is what goes on: the same with its first characters in the prompt.
    const text = choices[0]?.text ?? "";
    const further = await ai.completions.create({
      ...ask,
      prompt: `Hello${text.slice(0, 4)}`,
      max_tokens: 8,
    });
    expect(further.choices[0]?.text).toBe(text.slice(4));
    const short = await ai.completions.create({ ...ask, max_tokens: null });
    expect(short.usage?.completion_tokens).toBe(16);
  });

  test("several prompts have a choice each, and a stream says the same in pieces", async () => {
    const several = { ...ask, prompt: ["Hello", "Good day"] };
    const whole = await ai.completions.create(several);
    expect(whole.choices.map(({ index }) => index)).toEqual([0, 1]);
    expect(whole.usage).toMatchObject({ prompt_tokens: 13, completion_tokens: 24 });
    const texts = ["", ""];
    const reasons: string[] = [];
    let usage: unknown;
    const stream = await ai.completions.create({
      ...several,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      const [choice] = chunk.choices;
      if (choice) texts[choice.index] += choice.text;
      if (choice?.finish_reason) reasons.push(choice.finish_reason);
      usage = chunk.usage ?? usage;
    }
    expect(texts).toEqual(whole.choices.map(({ text }) => text));
    expect(reasons).toEqual(["length", "length"]);
    expect(usage).toMatchObject({ prompt_tokens: 13, completion_tokens: 24 });
  });

  test("a stop text ends it, and the same seed gives the same", async () => {
    const text = (await ai.completions.create(ask)).choices[0]?.text ?? "";
    const cut = await ai.completions.create({ ...ask, stop: [text.slice(5, 7)] });
    expect(cut.choices[0]).toMatchObject({
      text: text.slice(0, text.indexOf(text.slice(5, 7))),
      finish_reason: "stop",
    });
    const sampled = { ...ask, temperature: 1.5, seed: 11 };
    const [one, two] = [await ai.completions.create(sampled), await ai.completions.create(sampled)];
    expect(one.choices[0]?.text).toBe(two.choices[0]?.text ?? "");
  });
});

describe("embeddings", () => {
  const near = "Cutting back fruit trees in winter";
  const far = "Quarterly tax returns for companies";

  test("vectors of length 1 in the order of the texts, the same as base64 and as numbers", async () => {
    // The client asks for base64 by itself and turns it into numbers.
    const { data, usage, model } = await ai.embeddings.create({ model: EMBEDDER, input: [near, far, near] });
    expect(model).toBe(EMBEDDER);
    expect(data.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(usage).toEqual({ prompt_tokens: 17, total_tokens: 17 });
    const [first, second, third] = data.map(({ embedding }) => embedding);
    expect(first).toHaveLength(384);
    expect(first?.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
    expect(third).toEqual(first ?? []);
    expect(second).not.toEqual(first ?? []);
    const plain = await ai.embeddings.create({
      model: EMBEDDER,
      input: near,
      encoding_format: "float",
      dimensions: 384,
    });
    // Not by bits: what lies beside a text changes the order of the last sums.
    plain.data[0]?.embedding.forEach((value, i) => {
      expect(value).toBeCloseTo(first?.[i] ?? 9, 5);
    });
  });

  test("what is too long is refused by its place, or cut when that is asked for", async () => {
    const input = ["short", "tree ".repeat(300)];
    const error = await refusal(ai.embeddings.create({ model: EMBEDDER, input }));
    expect(error.code).toBe("context_length_exceeded");
    expect(error.message).toContain("input[1] has 300 tokens");
    const cut = { model: EMBEDDER, input, truncate: true };
    expect((await ai.embeddings.create(cut)).usage.prompt_tokens).toBe(1 + 254);
  });

  test("passages are ordered by how near they are to the question", async () => {
    const answer = rerankAnswer.parse(
      await ai.post("/rerank", {
        body: {
          model: EMBEDDER,
          query: "How do I prune a pear tree?",
          documents: [far, { text: near }, "pear tree"],
          top_n: 2,
          return_documents: true,
        },
      }),
    );
    expect(answer.results.map(({ index }) => index)).not.toContain(0);
    const [best, next] = answer.results;
    expect(answer.results).toHaveLength(2);
    expect(best?.relevance_score ?? 0).toBeGreaterThan(next?.relevance_score ?? 1);
    expect(best?.relevance_score ?? 2).toBeLessThanOrEqual(1);
    expect([near, "pear tree"]).toContain(best?.document?.text ?? "");
  });
});

describe("usage", () => {
  test("is counted by key, day and model, for replies and vectors alike", async () => {
    await ai.embeddings.create({ model: EMBEDDER, input: "counted" });
    const { usage, apiKeys } = usageAnswer.parse(
      await world.graphql(
        `{ usage { nodes { keyId caller model source requests inputTokens outputTokens } } apiKeys { nodes { id name } } }`,
      ),
    );
    const mine = usage.nodes.filter(({ source }) => source === "v1");
    expect(new Set(mine.map(({ keyId }) => keyId)).size).toBe(1);
    const key = apiKeys.nodes.find(({ id }) => id === mine[0]?.keyId);
    expect(key?.name).toBe(mine[0]?.caller ?? "nobody");
    const of = (model: string) => mine.find((day) => day.model === model);
    expect(of(EMBEDDER)?.outputTokens).toBe(0);
    expect(of(EMBEDDER)?.inputTokens).toBeGreaterThan(17);
    expect(of("helper")?.requests).toBeGreaterThan(5);
    expect(of("helper")?.outputTokens).toBeGreaterThan(60);
  });
});

describe("refusals, each as the client's own error", () => {
  const post = (path: string, body: object) => refusal(ai.post(path, { body }));
  const elsewhere: [what: string, path: string, body: object, code: string, param: string][] = [
    [
      "an embedder as chat model",
      "/chat/completions",
      { messages: [{ role: "user", content: "Hello" }], model: EMBEDDER },
      "model_not_found",
      "model",
    ],
    ["a chat model as embedder", "/embeddings", { model: "toy", input: "x" }, "model_not_embedder", "model"],
    ["an unknown embedder", "/embeddings", { model: "nobody", input: "x" }, "model_not_found", "model"],
    ["tokens", "/embeddings", { model: EMBEDDER, input: [1, 2] }, "invalid_value", "input[0]"],
    ["lists of tokens", "/embeddings", { model: EMBEDDER, input: [[1], [2]] }, "invalid_value", "input[0]"],
    ["an empty text", "/embeddings", { model: EMBEDDER, input: ["a", ""] }, "invalid_value", "input[1]"],
    ["no texts", "/embeddings", { model: EMBEDDER, input: [] }, "invalid_value", "input"],
    [
      "other dimensions",
      "/embeddings",
      { model: EMBEDDER, input: "x", dimensions: 100 },
      "invalid_value",
      "dimensions",
    ],
    [
      "a strange format",
      "/embeddings",
      { model: EMBEDDER, input: "x", encoding_format: "hex" },
      "invalid_value",
      "encoding_format",
    ],
    [
      "nothing to rank",
      "/rerank",
      { model: EMBEDDER, query: "x", documents: [] },
      "invalid_value",
      "documents",
    ],
    ["no question", "/rerank", { model: EMBEDDER, documents: ["x"] }, "invalid_value", "query"],
    [
      "the best 0",
      "/rerank",
      { model: EMBEDDER, query: "x", documents: ["x"], top_n: 0 },
      "invalid_value",
      "top_n",
    ],
    ["prompts as tokens", "/completions", { model: "toy", prompt: [1, 2] }, "invalid_value", "prompt[0]"],
    ["an echo", "/completions", { model: "toy", prompt: "x", echo: true }, "invalid_value", "echo"],
    [
      "a prompt longer than the context",
      "/completions",
      { model: "toy", prompt: "x".repeat(400) },
      "context_length_exceeded",
      "messages",
    ],
    ["an unknown page", "/moderations", { input: "x" }, "not_found", ""],
  ];
  for (const [what, path, body, code, param] of elsewhere)
    test(`${what} at ${path}: ${code}`, async () => {
      const error = await post(path, body);
      expect([error.code, error.param ?? ""]).toEqual([code, param]);
    });
});
