// Knowledge bases through a real server, with the embedder inside the executable: GraphQL, `kb` verbs, and chat that
// answers from passages, in conversations and under /v1.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { limits } from "../src/kit/limits.ts";
import { startWorld, type World } from "./world.ts";

let world: World;
const MAIN = [process.execPath, join(import.meta.dir, "../src/main.ts")];
const withRun = z.looseObject({ run: z.object({ id: z.string() }) });
const jsonShape = z.record(z.string(), z.unknown());

/** Runs the command line against the world. */
async function cli(...args: string[]): Promise<{ code: number; json: Record<string, unknown> }> {
  const child = Bun.spawn([...MAIN, ...args, "--json"], {
    env: { ...process.env, ESPALIER_URL: world.server.url, ESPALIER_KEY: world.key("admin") },
    stdout: "pipe",
    stderr: "ignore",
  });
  const text = await new Response(child.stdout).text();
  return { code: await child.exited, json: jsonShape.parse(JSON.parse(text)) };
}

beforeAll(async () => {
  world = await startWorld([["chat"]]);
  await writeToyModel(join(world.folder, "toy"));
  const imported = await world.act(
    'mutation ($path: String!) { importModel(input: { name: "toy", path: $path }) { __typename ... on ImportModelSuccess { run { id } } ... on UserError { code text: message } } }',
    { path: join(world.folder, "toy") },
  );
  await world.succeeded(withRun.parse(imported).run.id);
  const docs = join(world.folder, "docs");
  mkdirSync(join(docs, "sub"), { recursive: true });
  writeFileSync(join(docs, "leave.md"), "# Leave\n\nEverybody has 28 days of holiday a year.");
  writeFileSync(
    join(docs, "sub", "travel.txt"),
    "Trains are booked by the office. Flights need a signature.",
  );
  writeFileSync(join(docs, "sub", "logo.png"), new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 1]));
  writeFileSync(join(docs, ".hidden"), "not a document");
}, 60_000);
afterAll(() => world?.close());

describe("the kb verbs", () => {
  test("a folder is added file by file; what cannot be read is an item with its error, and exit code 1", async () => {
    const made = await cli("kb", "create", "--name", "handbook");
    expect(made).toMatchObject({ code: 0, json: { kind: "kb", name: "handbook", status: "ready" } });
    const { code, json } = await cli("kb", "add", "handbook", join(world.folder, "docs"), "--wait");
    expect(code).toBe(1);
    expect(json).toMatchObject({
      items: [
        { name: "leave.md", status: "ready", error: null },
        { name: "sub/logo.png", status: "failed", error: { code: "DOCUMENT_KIND_UNSUPPORTED" } },
        { name: "sub/travel.txt", status: "ready", error: null },
      ],
    });
    const again = await cli("kb", "add", "handbook", join(world.folder, "docs", "leave.md"), "--wait");
    expect(again).toMatchObject({ code: 0, json: { items: [{ name: "leave.md", status: "ready" }] } });
  }, 60_000);

  test("search finds by meaning: the words of the question stand in no document", async () => {
    const { json } = await cli("kb", "search", "handbook", "How much vacation do employees get?", "--k", "1");
    expect(json).toMatchObject({ items: [{ document: "leave.md", page: null }] });
    const items = z.array(z.object({ text: z.string(), score: z.number(), documentId: z.string() }));
    expect(items.parse(json["items"])[0]?.text).toContain("28 days");
  });

  test("a question that has nothing to do with the documents finds nothing, and that is said", async () => {
    const { code, json } = await cli("kb", "search", "handbook", "lattice quantum chromodynamics");
    expect({ code, items: json["items"] }).toEqual({ code: 0, items: [] });
    expect(json["nothingFound"]).toContain("threshold of 0.25");
  });

  test("list, show and delete know it; what is not there is told", async () => {
    expect((await cli("list", "kbs")).json).toMatchObject({ items: [{ name: "handbook", kind: "kb" }] });
    expect((await cli("show", "handbook")).json).toMatchObject({
      kind: "kb",
      counts: { total: 3, ready: 2, failed: 1, pending: 0 },
    });
    expect((await cli("kb", "search", "nobody", "hello")).code).toBe(3);
    expect((await cli("kb", "add", "nobody", join(world.folder, "docs"))).code).toBe(3);
    expect((await cli("kb", "add", "handbook", "/nowhere/at/all")).code).toBe(3);
    await cli("kb", "create", "--name", "spare");
    expect((await cli("delete", "spare", "--yes")).json).toMatchObject({ kind: "kb", status: "deleted" });
  });
});

const CHAT = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename
  ... on SendMessageSuccess { conversation { id } reply { id } } ... on UserError { code text: message } } }`;
const sent = z.looseObject({
  conversation: z.object({ id: z.string() }),
  reply: z.object({ id: z.string() }),
});
const messageShape = z.object({
  node: z.object({
    finishReason: z.string().nullable(),
    error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }).nullable(),
    citations: z
      .array(
        z.object({
          number: z.number(),
          document: z.string(),
          documentId: z.string(),
          chunkId: z.string(),
          text: z.string(),
        }),
      )
      .nullable(),
  }),
});

/** Sends a message and returns the reply once it has ended. */
async function ask(input: object) {
  const { reply, conversation } = sent.parse(
    await world.act(CHAT, { input: { model: "toy", maxTokens: 4, ...input } }),
  );
  for (;;) {
    const { node } = messageShape.parse(
      await world.graphql(
        `query ($id: ID!) { node(id: $id) { ... on Message { finishReason error { code message hint }
          citations { number document documentId chunkId text } } } }`,
        { id: reply.id },
      ),
    );
    if (node.finishReason !== null) return { ...node, conversationId: conversation.id };
    await Bun.sleep(20);
  }
}

describe("chat from knowledge", () => {
  // The toy holds 256 letters; a grounded question alone has more, so a roomier one is made for what must fit.
  beforeAll(async () => {
    await writeToyModel(join(world.folder, "roomy"), { config: { max_position_embeddings: 4_096 } });
    const imported = await world.act(
      'mutation ($path: String!) { importModel(input: { name: "roomy", path: $path }) { __typename ... on ImportModelSuccess { run { id } } ... on UserError { code text: message } } }',
      { path: join(world.folder, "roomy") },
    );
    await world.succeeded(withRun.parse(imported).run.id);
  }, 60_000);

  test("citations are kept with the reply, and the conversation keeps its knowledge", async () => {
    const first = await ask({
      model: "roomy",
      text: "How many days of holiday?",
      knowledgeBases: ["handbook"],
    });
    expect(first.error).toBeNull();
    expect(first.citations?.map(({ number }) => number)).toEqual([1]);
    expect(first.citations?.[0]).toMatchObject({ document: "leave.md" });
    const second = await ask({ model: "roomy", text: "And trains?", conversationId: first.conversationId });
    expect(second.citations?.[0]?.document).toBe("sub/travel.txt");
    const none = await ask({
      model: "roomy",
      text: "Hello",
      conversationId: first.conversationId,
      knowledgeBases: [],
    });
    expect(none.citations).toBeNull();
  });

  test("a citation leads to the passage in the document", async () => {
    const { citations } = await ask({
      model: "roomy",
      text: "How many days of holiday?",
      knowledgeBases: ["handbook"],
    });
    const [cited] = citations ?? [];
    const { document } = z
      .object({
        document: z.object({
          chunk: z.object({ start: z.number(), end: z.number() }),
          blocks: z.object({ blocks: z.array(z.object({ text: z.string(), start: z.number() })) }),
        }),
      })
      .parse(
        await world.graphql(
          `query ($id: ID!, $chunk: ID!) { document(id: $id) { chunk(id: $chunk) { start end }
            blocks(at: 8) { blocks { text start } } } }`,
          { id: cited?.documentId, chunk: cited?.chunkId },
        ),
      );
    const text = document.blocks.blocks.map((block) => block.text).join("\n\n");
    expect(text.slice(document.chunk.start, document.chunk.end)).toBe(cited?.text ?? "");
  });

  test("a question longer than the model holds, with five knowledge bases, is a clear error", async () => {
    for (const name of ["two", "three", "four", "five"]) await cli("kb", "create", "--name", name);
    const knowledgeBases = ["handbook", "two", "three", "four", "five"];
    const { error } = await ask({ model: "roomy", text: "why ".repeat(2_000), knowledgeBases });
    expect(error).toMatchObject({ code: "CONTEXT_TOO_LONG" });
    expect(error?.message).toMatch(/\d+ tokens; this model holds 4096/);
    const fits = await ask({
      model: "roomy",
      text: "How many days of holiday? ".repeat(110),
      knowledgeBases,
    });
    expect(fits.error).toBeNull();
    expect(fits.citations?.length).toBeGreaterThan(0);
    const tooMany = Array.from({ length: limits.chatKnowledgeBases + 1 }, () => "handbook");
    expect((await ask({ model: "roomy", text: "why?", knowledgeBases: tooMany })).error).toBeNull();
  });

  test("passages are cut until they fit", async () => {
    const long = Array.from(
      { length: 40 },
      (_, i) => `Rule ${i}: parcels of class ${i} travel on day ${i}.`,
    ).join(" ");
    writeFileSync(join(world.folder, "rules.txt"), long);
    expect((await cli("kb", "add", "two", join(world.folder, "rules.txt"), "--wait")).code).toBe(0);
    const { citations, error } = await ask({
      model: "roomy",
      text: `parcels? ${"x".repeat(2_400)}`,
      knowledgeBases: ["two"],
    });
    expect(error).toBeNull();
    expect(citations?.length).toBe(1);
    expect(long).toContain(citations?.[0]?.text ?? "nothing");
  });

  test("an unknown knowledge base is refused before anything is kept", async () => {
    const answer = await world.graphql(CHAT, {
      input: { model: "toy", text: "hi", knowledgeBases: ["nobody"] },
    });
    expect(answer).toMatchObject({ sendMessage: { code: "KNOWLEDGE_BASE_NOT_FOUND" } });
  });

  test("--kb prints citations with the answer", async () => {
    const { code, json } = await cli(
      "chat",
      "roomy",
      "How many days?",
      "--kb",
      "handbook",
      "--max-tokens",
      "4",
    );
    expect(code).toBe(0);
    expect(json).toMatchObject({ citations: [{ number: 1, document: "leave.md" }] });
    const plain = await cli("chat", "roomy", "hello", "--max-tokens", "4");
    expect(plain.json["citations"]).toBeUndefined();
  });

  test("/v1 takes `knowledge_base` beside the messages, whole and streamed", async () => {
    const body = {
      model: "roomy",
      max_tokens: 4,
      knowledge_base: "handbook",
      messages: [{ role: "user", content: "holiday?" }],
    };
    const post = (more: object) =>
      world.fetch("/v1/chat/completions", {
        method: "POST",
        key: world.key("chat"),
        body: JSON.stringify({ ...body, ...more }),
      });
    expect(await (await post({})).json()).toMatchObject({
      choices: [{ message: { role: "assistant" } }],
      citations: [{ number: 1, document: "leave.md" }],
    });
    const events = (await (await post({ stream: true })).text()).split("\n\n");
    expect(events.filter((event) => event.includes('"citations":[{"number":1')).length).toBe(1);
    const missing = await post({ knowledge_base: "nobody" });
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ error: { code: "knowledge_base_not_found" } });
  });
});
