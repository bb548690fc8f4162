// Small servers that speak the providers' own wire formats, well or badly, for tests of third-party models.
import { z } from "zod";

/** What was asked of the server, as far as tests look at it. */
export type Asked = { path: string; key: string | null; body: unknown };

/** How the server misbehaves; "well" is how a provider does. */
export type Manner =
  | "well"
  | "html"
  | "busy-once"
  | "busy-long"
  | "broken-sse"
  | "cut-off"
  | "stops-short"
  | "no-usage"
  | "wrong-usage"
  | "endless"
  | "silent"
  | "overloaded-in-stream"
  | { redirect: string };

export type WireServer = {
  url: string;
  asked: Asked[];
  manner: Manner;
  close(): Promise<void>;
};

export type Wire = {
  /** What follows the server's address. */
  base: string;
  /** Where a client puts the key. */
  keyOf: (headers: Headers) => string | null;
  /** Parts of the streamed answer, each sent by itself. */
  stream: (words: readonly string[], usage: Usage | null) => (string | Uint8Array)[];
  streamType: string;
  isChat: (path: string) => boolean;
  /** A refusal as the provider writes it. */
  refusal: (status: number, text: string) => object;
  /** Other calls by their path: vectors, lists of models. */
  other?: (path: string, body: unknown) => object | null;
};
type Usage = { input: unknown; output: unknown };

export const KEY = "sk-test-1234567890abcdef";
export const WORDS = ["Hel", "lo ", "wörld"];
const USAGE = { input: 11, output: 7 };

const bearer = (headers: Headers): string | null =>
  headers.get("authorization")?.replace(/^Bearer /, "") ?? null;
const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const event = (value: { type: string }): string => `event: ${value.type}\n${data(value)}`;
const inputs = z.object({ input: z.union([z.string(), z.array(z.string())]) });
const reranking = z.object({ documents: z.array(z.string()) });

const openAi: Wire = {
  base: "/v1",
  keyOf: bearer,
  streamType: "text/event-stream",
  isChat: (path) => path === "/v1/chat/completions",
  stream(words, usage) {
    const chunk = (choices: object[], rest: object = {}) =>
      data({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m", choices, ...rest });
    const choice = (delta: object, finish_reason: string | null = null) => ({
      index: 0,
      delta,
      finish_reason,
    });
    return [
      chunk([choice({ role: "assistant", content: "" })]),
      ...words.map((content) => chunk([choice({ content })])),
      chunk([choice({}, "stop")]),
      ...(usage
        ? [
            chunk([], {
              usage: { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: 18 },
            }),
          ]
        : []),
      "data: [DONE]\n\n",
    ];
  },
  refusal: (_, message) => ({
    error: { message, type: "invalid_request_error", param: null, code: "invalid_api_key" },
  }),
  other(path, body) {
    if (path === "/v1/models") return { object: "list", data: [{ id: "z-model" }, { id: "a-model" }] };
    if (path === "/v1/embeddings") {
      const { input } = inputs.parse(body);
      const vectors = [input].flat().map((text, index) => ({
        object: "embedding",
        index,
        embedding: [text.length, 0.5, -1, 2],
      }));
      return {
        id: "emb-1",
        object: "list",
        model: "m",
        data: vectors,
        usage: { prompt_tokens: 3, total_tokens: 3, completion_tokens: 0 },
      };
    }
    if (path !== "/v1/rerank") return null;
    // The best first, as providers do: the index says whose score it is.
    const results = reranking
      .parse(body)
      .documents.map((_, index) => ({ index, relevance_score: (index + 1) / 10 }));
    return { model: "m", results: results.reverse() };
  },
};

const anthropic: Wire = {
  base: "/v1",
  keyOf: (headers) => headers.get("x-api-key"),
  streamType: "text/event-stream",
  isChat: (path) => path === "/v1/messages",
  stream(words, usage) {
    const message = {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "claude",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: usage?.input ?? 0, output_tokens: 1 },
    };
    return [
      event({ type: "message_start", ...{ message } }),
      event({ type: "content_block_start", ...{ index: 0, content_block: { type: "text", text: "" } } }),
      event({ type: "ping" }),
      ...words.map((text) =>
        event({ type: "content_block_delta", ...{ index: 0, delta: { type: "text_delta", text } } }),
      ),
      event({ type: "content_block_stop", ...{ index: 0 } }),
      event({
        type: "message_delta",
        ...{
          delta: { stop_reason: "end_turn", stop_sequence: null },
          usage: { output_tokens: usage?.output ?? 0 },
        },
      }),
      event({ type: "message_stop" }),
    ];
  },
  refusal: (_, message) => ({ type: "error", error: { type: "authentication_error", message } }),
  other: (path) =>
    path === "/v1/models"
      ? {
          data: [
            { type: "model", id: "claude-b" },
            { type: "model", id: "claude-a" },
          ],
        }
      : null,
};

const google: Wire = {
  base: "/v1beta",
  keyOf: (headers) => headers.get("x-goog-api-key"),
  streamType: "text/event-stream",
  isChat: (path) => /^\/v1beta\/models\/[^/]+:streamGenerateContent$/.test(path),
  stream(words, usage) {
    const usageMetadata = usage
      ? {
          usageMetadata: {
            promptTokenCount: usage.input,
            candidatesTokenCount: usage.output,
            totalTokenCount: 18,
          },
        }
      : {};
    return words.map((text, at) =>
      data({
        candidates: [
          {
            content: { parts: [{ text }], role: "model" },
            index: 0,
            ...(at === words.length - 1 ? { finishReason: "STOP" } : {}),
          },
        ],
        ...usageMetadata,
        modelVersion: "gemini",
      }),
    );
  },
  refusal: (code, message) => ({ error: { code, message, status: "UNAUTHENTICATED" } }),
  other(path, body) {
    if (path === "/v1beta/models")
      return { models: [{ name: "models/gemini-b" }, { name: "models/gemini-a" }] };
    if (path.endsWith(":embedContent")) return { embedding: { values: [1, 2, 3, 4] } };
    if (!path.endsWith(":batchEmbedContents")) return null;
    const { requests } = z.object({ requests: z.array(z.unknown()) }).parse(body);
    return { embeddings: requests.map(() => ({ values: [1, 2, 3, 4] })) };
  },
};

const bedrock: Wire = {
  base: "",
  keyOf: bearer,
  streamType: "application/vnd.amazon.eventstream",
  isChat: (path) => /^\/model\/[^/]+\/converse-stream$/.test(path),
  stream: (words, usage) => [
    frame("messageStart", { role: "assistant" }),
    ...words.map((text) => frame("contentBlockDelta", { contentBlockIndex: 0, delta: { text } })),
    frame("contentBlockStop", { contentBlockIndex: 0 }),
    frame("messageStop", { stopReason: "end_turn" }),
    ...(usage
      ? [
          frame("metadata", {
            usage: { inputTokens: usage.input, outputTokens: usage.output, totalTokens: 18 },
            metrics: { latencyMs: 5 },
          }),
        ]
      : []),
  ],
  refusal: (_, message) => ({ message }),
  other: (path) =>
    path === "/foundation-models"
      ? { modelSummaries: [{ modelId: "amazon.nova-lite-v1:0" }, { modelId: "amazon.nova-pro-v1:0" }] }
      : path.endsWith("/invoke")
        ? { embedding: [1, 2, 3, 4], inputTextTokenCount: 3 }
        : null,
};

/** A frame of AWS's event stream: prelude, its checksum, headers, payload, checksum of all. */
function frame(type: string, payload: object): Uint8Array {
  const header = (name: string, value: string): Buffer => {
    const size = Buffer.alloc(2);
    size.writeUInt16BE(Buffer.byteLength(value));
    return Buffer.concat([
      Buffer.from([name.length]),
      Buffer.from(name),
      Buffer.from([7]),
      size,
      Buffer.from(value),
    ]);
  };
  const headers = Buffer.concat([
    header(":event-type", type),
    header(":content-type", "application/json"),
    header(":message-type", "event"),
  ]);
  const body = Buffer.from(JSON.stringify(payload));
  const whole = Buffer.alloc(12 + headers.byteLength + body.byteLength + 4);
  whole.writeUInt32BE(whole.byteLength, 0);
  whole.writeUInt32BE(headers.byteLength, 4);
  whole.writeUInt32BE(Bun.hash.crc32(whole.subarray(0, 8)), 8);
  headers.copy(whole, 12);
  body.copy(whole, 12 + headers.byteLength);
  whole.writeUInt32BE(Bun.hash.crc32(whole.subarray(0, -4)), whole.byteLength - 4);
  return new Uint8Array(whole);
}

const azure: Wire = {
  ...openAi,
  base: "/openai/v1",
  keyOf: (headers) => headers.get("api-key"),
  isChat: (path) => path === "/openai/v1/chat/completions",
  other: (path, body) => openAi.other?.(path.replace("/openai/v1/", "/v1/"), body) ?? null,
};

/** Mistral counts in the chunk that ends the reply. */
const mistral: Wire = {
  ...openAi,
  stream: (words, usage) =>
    openAi
      .stream(words, null)
      .map((part) =>
        usage && typeof part === "string" && part.includes('"finish_reason":"stop"')
          ? part.replace(
              /\}\n\n$/,
              `,"usage":${JSON.stringify({ prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: 18 })}}\n\n`,
            )
          : part,
      ),
};

/** By kind of provider. */
export const WIRES = {
  openai: openAi,
  anthropic,
  google,
  azure,
  bedrock,
  mistral,
  deepseek: {
    ...openAi,
    base: "",
    isChat: (path: string) => path === "/chat/completions",
    other: (path: string, body: unknown) => openAi.other?.(`/v1${path}`, body) ?? null,
  },
  dashscope: openAi,
  modelscope: openAi,
  siliconflow: openAi,
  ollama: openAi,
  lmstudio: openAi,
  vllm: openAi,
  llamacpp: openAi,
  "openai-compatible": openAi,
} satisfies Record<string, Wire>;

/** What a chat is answered with; null is a failure of the server's own, once. */
export type Say = (body: unknown) => string | null | Promise<string | null>;

/** Starts a server of a wire format on a free port of this machine; chats are answered with WORDS unless told otherwise. */
export function startWire(wire: Wire, manner: Manner = "well", say?: Say): WireServer {
  const it: WireServer = { url: "", asked: [], manner, close: () => server.stop(true) };
  let calls = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      calls++;
      const path = decodeURIComponent(new URL(request.url).pathname);
      const body: unknown = request.method === "POST" ? await request.json() : null;
      const key = wire.keyOf(request.headers);
      it.asked.push({ path, key, body });
      const { manner: how } = it;
      if (typeof how === "object")
        return new Response(null, { status: 307, headers: { location: how.redirect } });
      if (how === "html")
        return new Response("<!doctype html><title>Welcome</title>", {
          headers: { "content-type": "text/html" },
        });
      if (how === "busy-long" || (how === "busy-once" && calls === 1))
        return Response.json(wire.refusal(429, "Rate limit reached for requests"), {
          status: 429,
          headers: { "retry-after": how === "busy-long" ? "3600" : "1" },
        });
      if (key !== null && key !== KEY)
        return Response.json(wire.refusal(401, `Incorrect API key provided: ${key}`), { status: 401 });
      const other = wire.other?.(path, body) ?? null;
      if (other) return Response.json(other);
      if (!wire.isChat(path))
        return Response.json(wire.refusal(404, `no such page ${path}`), { status: 404 });
      const said = say ? await say(body) : undefined;
      if (said === null) return Response.json(wire.refusal(400, "The model is broken"), { status: 400 });
      const words = said === undefined ? WORDS : [said];
      return new Response(streamOf(wire, how, words), { headers: { "content-type": wire.streamType } });
    },
  });
  it.url = `http://127.0.0.1:${server.port}${wire.base}`;
  return it;
}

function streamOf(wire: Wire, how: Manner, words: readonly string[]): ReadableStream<Uint8Array> {
  const usage = how === "no-usage" ? null : how === "wrong-usage" ? { input: -5, output: 1e300 } : USAGE;
  const parts = wire
    .stream(words, usage)
    .map((part) => (typeof part === "string" ? Buffer.from(part) : part));
  const many = Buffer.from(data({ choices: [{ index: 0, delta: { content: "x".repeat(60_000) } }] }));
  let at = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (how === "endless" && at >= 2) return controller.enqueue(new Uint8Array(many));
      if (at === 3) {
        if (how === "broken-sse")
          controller.enqueue(new TextEncoder().encode('data: {"choices": [{"del\n\n'));
        if (how === "overloaded-in-stream")
          controller.enqueue(
            new TextEncoder().encode(
              data({ error: { message: "The engine is overloaded", type: "overloaded_error" } }),
            ),
          );
        if (how === "cut-off") return controller.error(new Error("cut off"));
        if (how === "stops-short") return controller.close();
        if (how === "silent") await new Promise<void>(() => undefined);
      }
      const part = parts[at++];
      if (part === undefined) controller.close();
      else controller.enqueue(new Uint8Array(part));
      // Each part is a packet of its own.
      await Bun.sleep(2);
    },
  });
}
