// Subscriptions over server-sent events and graphql-ws: nothing missed, nothing kept open after its reader left.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createClient } from "graphql-ws";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { limits } from "../src/kit/limits.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
let importRun: string;
const withRun = z.looseObject({ run: z.object({ id: z.string() }) });
const sent = z.looseObject({ reply: z.object({ id: z.string() }) });

beforeAll(async () => {
  world = await startWorld([["read"]]);
  await writeToyModel(join(world.folder, "toy"));
  const imported = await world.act(
    `mutation ($path: String!) { importModel(input: { name: "toy", path: $path }) { __typename ... on ImportModelSuccess { run { id } } ... on UserError { code text: message } } }`,
    { path: join(world.folder, "toy") },
  );
  importRun = withRun.parse(imported).run.id;
  await world.succeeded(importRun);
}, 60_000);
afterAll(() => world?.close());

const payload = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.unknown().optional(),
});
type Payload = z.infer<typeof payload>;

/** Payloads of a subscription over server-sent events. */
async function* sse(query: string, variables: object, signal?: AbortSignal): AsyncGenerator<Payload> {
  const response = await world.fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ query, variables }),
    ...(signal ? { signal } : {}),
  });
  expect(response.headers.get("content-type")).toStartWith("text/event-stream");
  const decoder = new TextDecoder();
  let text = "";
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      if (block.startsWith("event: complete")) return;
      const data = /^data: (.+)$/m.exec(block)?.[1];
      if (data) yield payload.parse(JSON.parse(data));
    }
  }
}

type SocketOptions = { protocols: string | string[]; headers: Record<string, string> };
/** Bun's own WebSocket takes headers; the DOM's type does not say so. */
const SocketWithHeaders = WebSocket as unknown as new (url: string, options: SocketOptions) => WebSocket;

/** Payloads of a subscription over graphql-ws, until it completes. */
function overSocket(
  query: string,
  variables: Record<string, unknown>,
  key = world.key("admin"),
): Promise<Payload[]> {
  class WithKey extends SocketWithHeaders {
    constructor(url: string, protocols: string | string[]) {
      super(url, { protocols, headers: { authorization: `Bearer ${key}` } });
    }
  }
  const client = createClient({
    url: `${world.server.url.replace("http", "ws")}/graphql`,
    webSocketImpl: WithKey,
    retryAttempts: 0,
  });
  return new Promise<Payload[]>((resolve, reject) => {
    const payloads: Payload[] = [];
    client.subscribe(
      { query, variables },
      { next: (one) => payloads.push(payload.parse(one)), error: reject, complete: () => resolve(payloads) },
    );
  }).finally(() => client.dispose());
}

const runEvents =
  "subscription ($id: ID!, $after: Int) { runEvents(runId: $id, after: $after) { seq type data } }";
const eventShape = z.object({ runEvents: z.object({ seq: z.int(), type: z.string() }) });
const tokens = "subscription ($id: ID!) { replyTokens(messageId: $id) { text done finishReason usage } }";
const tokenShape = z.object({
  replyTokens: z.object({ text: z.string(), done: z.boolean(), finishReason: z.string().nullable() }),
});

/** Sends a message and returns the id of its reply. */
async function ask(text: string, maxTokens: number): Promise<string> {
  const made = await world.act(
    `mutation ($text: String!, $maxTokens: Int!) { sendMessage(input: { model: "toy", text: $text, temperature: 0, maxTokens: $maxTokens }) { __typename ... on SendMessageSuccess { reply { id } } ... on UserError { code text: message } } }`,
    { text, maxTokens },
  );
  return sent.parse(made).reply.id;
}
const storedText = async (id: string) => {
  const { node } = await world.graphql(
    "query ($id: ID!) { node(id: $id) { ... on Message { text finishReason } } }",
    { id },
  );
  return z.object({ text: z.string(), finishReason: z.string().nullable() }).parse(node);
};

describe("events of a run", () => {
  test("are the same over both transports, in order, from the first or from where one left off", async () => {
    const overSse: number[] = [];
    for await (const { data } of sse(runEvents, { id: importRun }))
      overSse.push(eventShape.parse(data).runEvents.seq);
    const overWs = (await overSocket(runEvents, { id: importRun })).map(
      ({ data }) => eventShape.parse(data).runEvents.seq,
    );
    expect(overSse).toEqual(overSse.map((_, i) => i + 1));
    expect(overSse.length).toBeGreaterThan(3);
    expect(overWs).toEqual(overSse);
    const rest: number[] = [];
    for await (const { data } of sse(runEvents, { id: importRun, after: 2 }))
      rest.push(eventShape.parse(data).runEvents.seq);
    expect(rest).toEqual(overSse.slice(2));
  });

  test("of no run is an error with its code, over both transports", async () => {
    const answers: string[] = [];
    for await (const one of sse(runEvents, { id: "run_none" })) answers.push(JSON.stringify(one.errors));
    answers.push(await overSocket(runEvents, { id: "run_none" }).then(JSON.stringify, JSON.stringify));
    expect(answers).toHaveLength(2);
    for (const text of answers) expect(text).toContain("NOT_FOUND");
  });

  test("a key without the scope is refused on an open socket too", async () => {
    const refused = await overSocket(tokens, { id: "msg_x" }, world.key("read")).then(
      JSON.stringify,
      JSON.stringify,
    );
    expect(refused).toContain("SCOPE_MISSING");
  });

  test("limits hold on an open socket too, for queries and for what a subscription selects", async () => {
    const codeOf = (query: string) => overSocket(query, {}).then(JSON.stringify, JSON.stringify);
    const aliases = Array.from({ length: limits.graphqlAliases + 1 }, (_, at) => `a${at}: version`);
    expect(await codeOf(`{ ${aliases.join(" ")} }`)).toContain("QUERY_TOO_MANY_ALIASES");
    const each = "nodes { events(first: 200) { nodes { seq type at } } }";
    expect(await codeOf(`{ runs(first: 200) { ${each} } }`)).toContain("QUERY_TOO_COSTLY");
    const wide = Array.from(
      { length: 40 },
      (_, at) => `e${at}: events(first: 200) { nodes { seq type at } }`,
    );
    expect(await codeOf(`subscription { runChanged { ${wide.join(" ")} } }`)).toContain("QUERY_TOO_COSTLY");
    expect(await codeOf("{".repeat(limits.graphqlBrackets + 1))).toContain("QUERY_TOO_DEEP");
  });
});

describe("tokens of a reply", () => {
  test("add up to the stored text, for a reader at once and for one who comes late", async () => {
    const id = await ask("hello", 40);
    const read = async () => {
      let text = "";
      let last: z.infer<typeof tokenShape>["replyTokens"] | undefined;
      for await (const { data } of sse(tokens, { id })) {
        last = tokenShape.parse(data).replyTokens;
        text += last.text;
      }
      expect(last).toMatchObject({ done: true, finishReason: "length" });
      return text;
    };
    const first = await read();
    expect(first).toHaveLength(40);
    expect(await read()).toBe(first);
    expect(await storedText(id)).toEqual({ text: first, finishReason: "length" });
  });

  test("stop keeps what was said; a reader who leaves does not end the reply", async () => {
    const stopped = await ask("stop me", 230);
    for await (const _ of sse(tokens, { id: stopped })) break;
    await world.act("mutation ($id: ID!) { stopReply(messageId: $id) { __typename } }", { id: stopped });
    const kept = await storedText(stopped);
    expect(kept.finishReason).toBe("cancelled");
    expect(kept.text.length).toBeLessThan(230);

    const left = await ask("read me", 60);
    for await (const _ of sse(tokens, { id: left })) break;
    for (let i = 0; (await storedText(left)).finishReason === null && i < 200; i++) await Bun.sleep(50);
    expect((await storedText(left)).text).toHaveLength(60);
  });
});

test("runChanged tells of a new run until its end, and its reader can leave a quiet stream", async () => {
  const leaving = new AbortController();
  const seen: string[] = [];
  const listening = (async () => {
    for await (const { data } of sse("subscription { runChanged { id status } }", {}, leaving.signal)) {
      const { runChanged } = z
        .object({ runChanged: z.object({ id: z.string(), status: z.string() }) })
        .parse(data);
      seen.push(runChanged.status);
    }
  })().catch(() => undefined);
  await Bun.sleep(200);
  const deployed = await world.act(
    `mutation { deployModel(input: { modelId: "toy", precision: FP32 }) { __typename ... on DeployModelSuccess { run { id } } ... on UserError { code text: message } } }`,
  );
  await world.succeeded(withRun.parse(deployed).run.id);
  for (let i = 0; !seen.includes("SUCCEEDED") && i < 100; i++) await Bun.sleep(50);
  expect(seen).toContain("RUNNING");
  expect(seen.at(-1)).toBe("SUCCEEDED");
  leaving.abort();
  await listening;
}, 30_000);
