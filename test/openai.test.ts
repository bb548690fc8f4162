// The official `openai` client against a real server with a real (random, tiny) model: replies, streams, errors.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  PermissionDeniedError,
} from "openai";
import { z } from "zod";
import { createAccounts } from "../src/accounts/accounts.ts";
import { loadConfig } from "../src/config.ts";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { now } from "../src/kit/clock.ts";
import { createLog } from "../src/kit/log.ts";
import { type RunningServer, startServer } from "../src/serve/serve.ts";
import { openStore } from "../src/store/store.ts";

let folder: string;
let server: RunningServer;
let admin: string;
let ai: OpenAI;
let reader: OpenAI;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "espalier-openai-"));
  const dataDir = join(folder, "data");
  const store = await openStore({ dataDir, log: createLog({ level: "silent" }) });
  const accounts = createAccounts({ store, clock: now });
  admin = (await accounts.createKey({ name: "admin", scopes: ["admin"] })).secret;
  const chatKey = (await accounts.createKey({ name: "chat", scopes: ["chat"] })).secret;
  const readKey = (await accounts.createKey({ name: "read", scopes: ["read"] })).secret;
  await store.close();
  await writeToyModel(join(folder, "toy"));
  const config = loadConfig({ data: dataDir, cache: join(folder, "cache"), port: 0, logLevel: "silent" }, {});
  server = await startServer({ config, withTrainer: false });
  ai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: chatKey, maxRetries: 0 });
  reader = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: readKey, maxRetries: 0 });

  const { importModel } = await graphql(
    `mutation ($path: String!) { importModel(input: { name: "toy", path: $path }) { ... on ImportModelSuccess { run { id } } ... on UserError { code text: message } } }`,
    { path: join(folder, "toy") },
  );
  await ended(importModel);
  const { deployModel } = await graphql(
    `mutation { deployModel(input: { modelId: "toy", name: "toy-live", precision: FP32 }) { ... on DeployModelSuccess { run { id } } ... on UserError { code text: message } } }`,
  );
  await ended(deployModel);
  await graphql(
    `mutation { registerModel(input: { liveId: "toy-live", alias: "helper" }) { __typename ... on UserError { code } } }`,
  );
}, 60_000);
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

const answer = z.object({ data: z.record(z.string(), z.unknown()) });
async function graphql(query: string, variables: object = {}): Promise<Record<string, unknown>> {
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${admin}` },
    body: JSON.stringify({ query, variables }),
  });
  return answer.parse(await response.json()).data;
}

const started = z.object({ run: z.object({ id: z.string() }) });
const state = z.object({ node: z.object({ status: z.string(), error: z.unknown() }) });
async function ended(result: unknown): Promise<void> {
  const { run } = started.parse(result);
  for (;;) {
    const { node } = state.parse(
      await graphql(
        `query ($id: ID!) { node(id: $id) { ... on Run { status error { code message } } } }`,
        run,
      ),
    );
    if (node.status === "SUCCEEDED") return;
    if (node.status === "FAILED" || node.status === "CANCELLED") throw new Error(JSON.stringify(node.error));
    await Bun.sleep(50);
  }
}

const question = { messages: [{ role: "user" as const, content: "Hello" }], temperature: 0, max_tokens: 12 };
/** The error that a call is refused with; fails the test when it is not refused. */
async function refusal(call: Promise<unknown>): Promise<APIError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof APIError) return error;
    throw error;
  }
  throw new Error("the call was not refused");
}

describe("models", () => {
  test("the list holds base, live and registered models by their names", async () => {
    const { data } = await ai.models.list();
    expect(data.map(({ id }) => id).sort()).toEqual(["helper", "toy", "toy-live"]);
    for (const model of data) expect(model).toMatchObject({ object: "model", owned_by: "espalier" });
    expect(Math.abs((data[0]?.created ?? 0) * 1000 - now())).toBeLessThan(120_000);
  });

  test("one is shown by its name, an unknown one is 404", async () => {
    expect((await ai.models.retrieve("helper")).id).toBe("helper");
    const error = await refusal(ai.models.retrieve("nobody"));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error.code).toBe("model_not_found");
  });
});

describe("completions", () => {
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
    const stranger = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "esp_wrong", maxRetries: 0 });
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
