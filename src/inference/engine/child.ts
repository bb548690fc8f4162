// The body of `espalier engine`: answers the parent's messages with one Engine, and ends when the parent is gone.
import { z } from "zod";
import { serveParent } from "../../kit/child.ts";
import { type ErrorParts, errorOf, partsOf } from "../../kit/errors.ts";
import { embedderFolder } from "../../kit/native.ts";
import type { EngineAnswer, EngineAsk, FromEngine, ToEngine } from "../protocol.ts";
import { Encoder } from "./encoder.ts";
import { Engine } from "./engine.ts";

const hashed = z.object({ path: z.string(), hash: z.string() });
const messageSchema = z.object({ role: z.string(), content: z.string() });
const askSchema: z.ZodType<EngineAsk> = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("open"),
    source: z.discriminatedUnion("kind", [
      hashed.extend({ kind: z.literal("hf") }),
      hashed.extend({ kind: z.literal("gguf") }),
    ]),
    precision: z.enum(["fp32", "int8", "native"]),
    cacheDir: z.string(),
    threads: z.number().int().positive(),
    runtime: z.enum(["auto", "node"]),
    roomBytes: z.number().nonnegative(),
  }),
  z.object({ type: z.literal("load") }),
  z.object({
    type: z.literal("generate"),
    request: z.object({
      messages: z.array(messageSchema).exactOptional(),
      prompt: z.string().exactOptional(),
      maxTokens: z.number().int().nonnegative().exactOptional(),
      temperature: z.number().nonnegative().exactOptional(),
      topP: z.number().exactOptional(),
      topK: z.number().int().exactOptional(),
      seed: z.number().int().exactOptional(),
      stop: z.array(z.string()).exactOptional(),
      format: z.object({ type: z.literal("json"), schema: z.json().exactOptional() }).exactOptional(),
    }),
    adapter: hashed.exactOptional(),
  }),
  z.object({ type: z.literal("render"), messages: z.array(messageSchema), addGenerationPrompt: z.boolean() }),
  z.object({ type: z.literal("renderPair"), prompt: z.string(), completion: z.string() }),
  z.object({ type: z.literal("tokenize"), text: z.string() }),
  z.object({ type: z.literal("logits"), ids: z.array(z.number().int()), adapter: hashed.exactOptional() }),
  z.object({ type: z.literal("stats") }),
  z.object({
    type: z.literal("openEncoder"),
    folder: z.string().nullable(),
    threads: z.number().int().positive(),
    runtime: z.enum(["auto", "node"]),
  }),
  z.object({ type: z.literal("embed"), texts: z.array(z.string()), isUrgent: z.boolean() }),
  z.object({ type: z.literal("countTokens"), texts: z.array(z.string()) }),
]);
const errorSchema: z.ZodType<ErrorParts> = z.object({
  code: z.string(),
  message: z.string(),
  status: z.number(),
  hint: z.string().exactOptional(),
  field: z.string().exactOptional(),
  value: z.string().exactOptional(),
});
const toEngineSchema: z.ZodType<ToEngine> = z.union([
  z.object({ id: z.number().int(), ask: askSchema }),
  z.object({ cancel: z.number().int() }),
  z.object({ room: z.number().int(), refusal: errorSchema.exactOptional() }),
]);

function errorAnswer(error: unknown): EngineAnswer {
  return { type: "error", ...partsOf(error, "ENGINE_FAILED") };
}

/** Serves the parent over Bun's IPC until it disconnects. Never returns before. */
export function runEngineChild(): Promise<never> {
  return serveParent<unknown, FromEngine>("engine", { ready: true }, answerer);
}

/** What hears the parent's messages. */
function answerer(say: (message: FromEngine) => void): (raw: unknown) => void {
  const running = new Map<number, AbortController>();
  const rooms = new Map<number, (refusal: ErrorParts | undefined) => void>();
  let nextRoom = 1;
  let engine: Engine | undefined;
  let encoder: Encoder | undefined;
  const log = (line: string): void => console.error(line);

  function askRoom(bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const room = nextRoom++;
      rooms.set(room, (refusal) => (refusal ? reject(errorOf(refusal)) : resolve()));
      say({ room, bytes });
    });
  }

  async function answer(id: number, ask: EngineAsk, signal: AbortSignal): Promise<EngineAnswer> {
    switch (ask.type) {
      case "open":
        engine = new Engine({ ...ask, askRoom, log });
        return { type: "done" };
      case "openEncoder":
        encoder = await Encoder.open({ ...ask, folder: ask.folder ?? embedderFolder(), log });
        return { type: "done" };
      case "embed":
      case "countTokens":
        if (!encoder) throw new Error("the embedder was not opened");
        return ask.type === "embed"
          ? { type: "vectors", vectors: await encoder.embed(ask.texts, ask.isUrgent, signal) }
          : { type: "counts", counts: await encoder.countTokens(ask.texts) };
    }
    if (!engine) throw new Error("the engine was not opened");
    switch (ask.type) {
      case "load":
        await engine.load();
        return { type: "done" };
      case "generate":
        await engine.generate(ask.request, ask.adapter, signal, (event) =>
          say({ id, answer: { type: "event", event } }),
        );
        return { type: "done" };
      case "render": {
        const text = await engine.modelText();
        return { type: "rendered", row: text.renderRow(ask.messages, ask.addGenerationPrompt) };
      }
      case "renderPair": {
        const text = await engine.modelText();
        return { type: "rendered", row: text.renderPair(ask.prompt, ask.completion) };
      }
      case "tokenize": {
        const text = await engine.modelText();
        const ids = text.encode(ask.text);
        const pieces = ids.map((one) => text.decode([one], { keepSpecial: true }));
        return { type: "rendered", row: { text: ask.text, ids, pieces, isTarget: ids.map(() => false) } };
      }
      case "logits":
        return { type: "logits", ...(await engine.logits(ask.ids, ask.adapter)) };
      case "stats":
        return { type: "stats", stats: await engine.stats() };
    }
  }

  return (raw) => {
    const parsed = toEngineSchema.safeParse(raw);
    if (!parsed.success) return;
    const message = parsed.data;
    if ("cancel" in message) {
      running.get(message.cancel)?.abort();
      return;
    }
    if ("room" in message) {
      rooms.get(message.room)?.(message.refusal);
      rooms.delete(message.room);
      return;
    }
    const { id, ask } = message;
    const controller = new AbortController();
    running.set(id, controller);
    answer(id, ask, controller.signal)
      .catch(errorAnswer)
      .then((last) => {
        running.delete(id);
        say({ id, answer: last });
      });
  };
}
