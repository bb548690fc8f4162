// The official `openai` client against a real server with a real (random, tiny) model: replies, streams, errors.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError, PermissionDeniedError } from "openai";
import { now } from "../src/kit/clock.ts";
import { EMBEDDER, refusal, startOpenAi } from "./openai-kit.ts";
import type { World } from "./world.ts";

let world: World;
let ai: OpenAI;
let reader: OpenAI;

beforeAll(async () => {
  ({ world, ai, reader } = await startOpenAi());
}, 60_000);
afterAll(() => world?.close());

const question = { messages: [{ role: "user" as const, content: "Hello" }], temperature: 0, max_tokens: 12 };
describe("models", () => {
  test("the list holds base, live and registered models and the embedder by their names", async () => {
    const { data } = await ai.models.list();
    expect(data.map(({ id }) => id).sort()).toEqual([EMBEDDER, "helper", "toy", "toy-live"]);
    for (const model of data) expect(model).toMatchObject({ object: "model", owned_by: "espalier" });
    expect(Math.abs((data[0]?.created ?? 0) * 1000 - now())).toBeLessThan(120_000);
  });

  test("one is shown by its name, an unknown one is 404", async () => {
    for (const name of ["helper", EMBEDDER]) expect((await ai.models.retrieve(name)).id).toBe(name);
    const error = await refusal(ai.models.retrieve("nobody"));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error.code).toBe("model_not_found");
  });
});

describe("replies in JSON", () => {
  const shape = {
    type: "object",
    properties: {
      team: { enum: ["billing", "shipping"] },
      lines: { type: "array", items: { type: "integer" }, maxItems: 2 },
    },
    required: ["team", "lines"],
  };
  const ask = (seed: number, response_format: object) =>
    ai.chat.completions.create({
      ...question,
      model: "toy",
      seed,
      temperature: 1.5,
      max_tokens: 120,
      response_format: response_format as { type: "json_object" },
    });

  test("any object, and what a schema describes, parse, or end with length", async () => {
    const formats = [
      { type: "json_object" },
      { type: "json_schema", json_schema: { name: "t", schema: shape } },
    ];
    const ends: string[] = [];
    for (const [index, format] of formats.entries())
      for (let seed = 1; seed <= 6; seed++) {
        const [choice] = (await ask(seed, format)).choices;
        ends.push(`${index} ${choice?.finish_reason}`);
        if (choice?.finish_reason === "length") continue;
        const value: unknown = JSON.parse(choice?.message.content ?? "");
        expect(value).toEqual(expect.any(Object));
        if (index === 1)
          expect(value).toEqual({
            team: expect.stringMatching(/^(billing|shipping)$/),
            lines: expect.any(Array),
          });
      }
    // A model that knows nothing still ends what the schema bounds.
    expect(ends.filter((end) => end === "1 stop").length).toBeGreaterThan(3);
  }, 60_000);

  test("what a schema may not say, and texts that would cut the JSON, are refused before the first word", async () => {
    const bad = { type: "json_schema", json_schema: { name: "t", schema: { type: "string", pattern: "a" } } };
    expect(await refusal(ask(1, bad))).toMatchObject({ status: 400, code: "format_unsupported" });
    const stopped = {
      ...question,
      model: "toy",
      stop: ["}"],
      response_format: { type: "json_object" as const },
    };
    expect(await refusal(ai.chat.completions.create(stopped))).toMatchObject({ status: 400, param: "stop" });
  });
});

describe("chat completions", () => {
  test("a reply has text, a reason to end and its usage; the same question has the same answer", async () => {
    const first = await ai.chat.completions.create({ model: "helper", ...question });
    const again = await ai.chat.completions.create({ model: "toy", ...question });
    const [choice] = first.choices;
    expect(choice?.message.role).toBe("assistant");
    expect(choice?.message.content).toHaveLength(12);
    expect(choice?.finish_reason).toBe("length");
    expect(again.choices[0]?.message.content).toBe(choice?.message.content ?? "");
    // "<user>Hello~\n<assistant>" in a vocabulary of single characters.
    expect(first.usage).toMatchObject({ prompt_tokens: 24, completion_tokens: 12, total_tokens: 36 });
  });

  test("a stream is the same reply in pieces, with usage at its end when asked for", async () => {
    const whole = await ai.chat.completions.create({ model: "helper", ...question });
    const stream = await ai.chat.completions.create({
      model: "helper",
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    const reasons: string[] = [];
    let usage: unknown;
    let chunks = 0;
    for await (const chunk of stream) {
      chunks++;
      text += chunk.choices[0]?.delta.content ?? "";
      const reason = chunk.choices[0]?.finish_reason;
      if (reason) reasons.push(reason);
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(whole.choices[0]?.message.content ?? "");
    expect(reasons).toEqual(["length"]);
    expect(usage).toMatchObject({ completion_tokens: 12 });
    expect(chunks).toBeGreaterThan(3);
  });

  test("a stop text ends the reply before it; parts of a message and the role developer are understood", async () => {
    const whole =
      (await ai.chat.completions.create({ model: "helper", ...question })).choices[0]?.message.content ?? "";
    const stop = whole.slice(5, 7);
    const cut = await ai.chat.completions.create({ model: "helper", ...question, stop });
    expect(cut.choices[0]?.message.content).toBe(whole.slice(0, whole.indexOf(stop)));
    expect(cut.choices[0]?.finish_reason).toBe("stop");
    const parts = await ai.chat.completions.create({
      ...question,
      model: "helper",
      messages: [
        { role: "developer", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "Hel" },
            { type: "text", text: "lo" },
          ],
        },
      ],
    });
    expect(parts.usage?.prompt_tokens).toBe(24 + "<system>Be brief.~\n".length);
  });

  test("the same seed gives the same sampled reply", async () => {
    const sampled = { ...question, model: "helper", temperature: 1.5, seed: 11 };
    const [one, two] = [await ai.chat.completions.create(sampled), await ai.chat.completions.create(sampled)];
    expect(one.choices[0]?.message.content).toBe(two.choices[0]?.message.content ?? "");
  });

  test("leaving a stream early leaves the server able to answer", async () => {
    const stream = await ai.chat.completions.create({
      model: "helper",
      ...question,
      max_tokens: 200,
      stream: true,
    });
    for await (const _ of stream) break;
    const next = await ai.chat.completions.create({ model: "helper", ...question });
    expect(next.choices[0]?.message.content).toHaveLength(12);
  });
});

describe("refusals, each as the client's own error class", () => {
  test("401 for a bad key, 403 for a key without the scope", async () => {
    const stranger = new OpenAI({ baseURL: `${world.server.url}/v1`, apiKey: "esp_wrong", maxRetries: 0 });
    const bad = await refusal(stranger.models.list());
    expect(bad).toBeInstanceOf(AuthenticationError);
    expect(bad.code).toBe("invalid_api_key");
    expect(await refusal(reader.models.list())).toBeInstanceOf(PermissionDeniedError);
  });

  test("404 for an unknown model, also of a stream", async () => {
    for (const stream of [false, true]) {
      const error = await refusal(ai.chat.completions.create({ ...question, model: "nobody", stream }));
      expect(error).toBeInstanceOf(NotFoundError);
      expect(error.code).toBe("model_not_found");
      expect(error.param).toBe("model");
    }
  });

  const wrong: [what: string, body: object, param: string][] = [
    ["empty messages", { messages: [] }, "messages"],
    ["temperature out of range", { temperature: 3 }, "temperature"],
    ["top_p of 0", { top_p: 0 }, "top_p"],
    ["max_tokens of 0", { max_tokens: 0 }, "max_tokens"],
    ["an unknown role", { messages: [{ role: "wizard", content: "x" }] }, "messages[0].role"],
    ["several choices", { n: 2 }, "n"],
    ["tools", { tools: [{ type: "function", function: { name: "f" } }] }, "tools"],
  ];
  for (const [what, body, param] of wrong)
    test(`400 with the parameter's name for ${what}`, async () => {
      const error = await refusal(
        ai.post("/chat/completions", { body: { model: "helper", ...question, ...body } }),
      );
      expect(error).toBeInstanceOf(BadRequestError);
      expect(error.type).toBe("invalid_request_error");
      expect(error.param).toBe(param);
    });

  test("400 for a conversation that is longer than the model's context", async () => {
    const long = {
      ...question,
      model: "helper",
      messages: [{ role: "user" as const, content: "x".repeat(400) }],
    };
    const error = await refusal(ai.chat.completions.create(long));
    expect(error).toBeInstanceOf(BadRequestError);
  });
});
