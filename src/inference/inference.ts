// Front door of inference: a pool of engine children under a memory budget, asked by model source and precision.
import { sleep } from "../kit/clock.ts";
import { isEspalierError } from "../kit/errors.ts";
import { CHILD_BYTES, ENCODER_BYTES, estimateCache, estimateMemory } from "./estimate.ts";
import type {
  ChatMessage,
  EngineAnswer,
  EngineStats,
  GenerationEvent,
  GenerationRequest,
  ModelSource,
  Precision,
  RenderedRow,
} from "./protocol.ts";
import {
  createSlots,
  type EngineInfo,
  type EnginePoolDeps,
  type EngineReport,
  type Slot,
  type SlotPlan,
} from "./slots.ts";
import { readModelConfig } from "./weights/weights.ts";

export { createBuiltInEmbedder } from "./built-in-embedder.ts";
export {
  createEmbedders,
  type Embedder,
  type Embedders,
  type RecordCall,
  type Reranker,
} from "./embedder.ts";

export { runEngineChild } from "./engine/child.ts";
export { jsonGrammar } from "./engine/json-grammar.ts";
export { estimateMemory } from "./estimate.ts";
export type * from "./protocol.ts";
export type { EngineInfo, EnginePoolDeps, EngineReport } from "./slots.ts";
export { type Counting, estimateTokens, tokenCounter } from "./token-counter.ts";
export * from "./weights/weights.ts";

export type EnginePool = {
  /** Streams a reply. Ends by throwing ENGINE_DIED when the child is killed; the next call starts another. */
  generate(
    source: ModelSource,
    precision: Precision,
    request: GenerationRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, void>;
  /** One conversation as the model sees it, with the tokens that count for the loss. Needs no weights in memory. */
  render(source: ModelSource, messages: ChatMessage[], addGenerationPrompt?: boolean): Promise<RenderedRow>;
  /** Prompt and completion as a training without a template sees them. */
  renderPair(source: ModelSource, prompt: string, completion: string): Promise<RenderedRow>;
  /** Ids and pieces of a text. */
  tokenize(source: ModelSource, text: string): Promise<RenderedRow>;
  /** Logits [ids.length, vocab] of a token sequence. */
  logits(
    source: ModelSource,
    precision: Precision,
    ids: number[],
  ): Promise<{ logits: Float32Array; vocabSize: number }>;
  /** Loads a model so that the first reply need not wait. A load that only this caller wanted ends with its signal. */
  load(source: ModelSource, precision: Precision, signal?: AbortSignal): Promise<void>;
  /** Ends the model's child, if there is one. */
  unload(source: ModelSource, precision: Precision): Promise<void>;
  /** What the model's child says of itself, or null when it is not loaded. */
  stats(source: ModelSource, precision: Precision): Promise<EngineStats | null>;
  list(): EngineInfo[];
  /** Each child with its memory and pace now; one that is too busy to say leaves its memory out. */
  report(): Promise<EngineReport[]>;
  /** Vectors of texts [texts.length, dimensions] by the embedder; urgent ones go before others that wait. */
  embed(texts: readonly string[], isUrgent: boolean, signal?: AbortSignal): Promise<Float32Array>;
  /** Tokens of each text by the embedder's tokenizer. */
  countTokens(texts: readonly string[]): Promise<number[]>;
  /** Ends all children. */
  close(): Promise<void>;
};

/** Children that embed side by side: two runs of a thread each do a seventh more than one run on two threads. */
const EMBED_LANES = 2;
/** Refusals of a further lane that are no failure: there is no room for it. */
const NO_ROOM = ["MODEL_TOO_LARGE", "MEMORY_BUDGET_BUSY"];

/** Longest that a look at the engines waits for one of them. */
const STATS_MS = 500;

const infoOf = (slot: Slot): EngineInfo => ({
  ...slot.info,
  status: slot.isReady ? "ready" : "loading",
  pid: slot.link.pid,
});

/** Builds the pool. Children start on demand and end when idle, evicted or closed. */
export function createEnginePool(deps: EnginePoolDeps): EnginePool {
  const slots = createSlots(deps);
  const keyOf = (source: ModelSource, precision: Precision | "text"): string => `${source.hash}:${precision}`;

  /** The child of a base at a precision; adapters of the same base share it. */
  async function planOf(source: ModelSource, precision: Precision | "text"): Promise<SlotPlan> {
    const { adapter: _adapter, ...base } = source;
    const model = precision === "text" ? null : await readModelConfig(source.path);
    const cacheBytes = model ? estimateCache(model) : 0;
    return {
      hash: source.hash,
      precision,
      bytes: model && precision !== "text" ? estimateMemory(model, precision) : CHILD_BYTES,
      cacheBytes,
      async open(link) {
        await link.request({
          type: "open",
          source: base,
          precision: precision === "text" ? "fp32" : precision,
          cacheDir: deps.cacheDir,
          threads: deps.threads,
          runtime: deps.runtime ?? "auto",
          roomBytes: cacheBytes,
        });
        if (precision !== "text") await link.request({ type: "load" });
      },
    };
  }

  const acquire = (source: ModelSource, precision: Precision): Promise<Slot> =>
    slots.acquire(keyOf(source, precision), () => planOf(source, precision));

  function using<T>(
    source: ModelSource,
    precision: Precision | "text",
    work: (slot: Slot) => Promise<T>,
  ): Promise<T> {
    return slots.using(keyOf(source, precision), () => planOf(source, precision), work);
  }

  const lanes = Math.min(EMBED_LANES, deps.threads);

  async function encoderPlan(): Promise<SlotPlan> {
    const { runtime = "auto", encoderDir: folder = null } = deps;
    const threads = Math.floor(deps.threads / lanes);
    return {
      hash: "embedder",
      precision: "vectors",
      bytes: ENCODER_BYTES,
      cacheBytes: 0,
      open: async (link) => void (await link.request({ type: "openEncoder", folder, threads, runtime })),
    };
  }

  const encoder = <T>(work: (slot: Slot) => Promise<T>, lane = 0): Promise<T> =>
    slots.using(lane === 0 ? "embedder" : `embedder-${lane + 1}`, encoderPlan, work);

  function embedIn(
    lane: number,
    texts: readonly string[],
    isUrgent: boolean,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    return encoder(async ({ link }) => {
      const answer = await link.request({ type: "embed", texts: [...texts], isUrgent }, signal);
      if (answer.type !== "vectors") throw new Error(`unexpected answer ${answer.type}`);
      return answer.vectors;
    }, lane);
  }

  /** Every so-manyth text to each lane; what a further lane has no room for is done by the first. */
  async function embed(
    texts: readonly string[],
    isUrgent: boolean,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    if (isUrgent || texts.length < lanes) return embedIn(0, texts, isUrgent, signal);
    const parts = await Promise.all(
      Array.from({ length: lanes }, (_, lane) => {
        const own = texts.filter((_, at) => at % lanes === lane);
        return embedIn(lane, own, false, signal).catch((error: unknown) => {
          if (lane > 0 && isEspalierError(error) && NO_ROOM.includes(error.code))
            return embedIn(0, own, false, signal);
          throw error;
        });
      }),
    );
    const dimensions = (parts[0]?.length ?? 0) / Math.ceil(texts.length / lanes);
    const vectors = new Float32Array(texts.length * dimensions);
    texts.forEach((_, at) => {
      const from = Math.floor(at / lanes) * dimensions;
      vectors.set(parts[at % lanes]?.subarray(from, from + dimensions) ?? [], at * dimensions);
    });
    return vectors;
  }

  /** Tokenizer work goes to a child that already has this base, else to one without weights. */
  function forText<T>(source: ModelSource, work: (slot: Slot) => Promise<T>): Promise<T> {
    const loaded = slots.all().find((slot) => slot.info.hash === source.hash && slot.link.isAlive);
    const use = loaded?.info.precision ?? "text";
    return using(source, use === "vectors" ? "text" : use, work);
  }

  async function rendered(answer: Promise<EngineAnswer>): Promise<RenderedRow> {
    const got = await answer;
    if (got.type !== "rendered") throw new Error(`unexpected answer ${got.type}`);
    return got.row;
  }

  async function* generate(
    source: ModelSource,
    precision: Precision,
    request: GenerationRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, void> {
    const slot = await acquire(source, precision);
    const queue: GenerationEvent[] = [];
    let failure: unknown;
    let isOver = false;
    let wake: () => void = () => undefined;
    let cancel: () => void = () => undefined;
    const onAbort = (): void => cancel();
    try {
      await slot.ready;
      cancel = slot.link.ask(
        { type: "generate", request, ...(source.adapter ? { adapter: source.adapter } : {}) },
        {
          onAnswer: (answer) => {
            if (answer.type === "event") {
              queue.push(answer.event);
              if (answer.event.type === "delta") slot.pace.note();
            } else isOver = true;
            wake();
          },
          onError: (error) => {
            failure = error;
            isOver = true;
            wake();
          },
        },
      );
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted) cancel();
      for (;;) {
        const event = queue.shift();
        if (event) yield event;
        else if (isOver) break;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
      if (failure) throw failure;
    } finally {
      // A consumer that left early wants no more of it.
      if (!isOver) cancel();
      signal?.removeEventListener("abort", onAbort);
      slots.release(slot);
    }
  }

  return {
    generate,
    render: (source, messages, addGenerationPrompt = false) =>
      forText(source, (slot) =>
        rendered(slot.link.request({ type: "render", messages, addGenerationPrompt })),
      ),
    tokenize: (source, text) =>
      forText(source, (slot) => rendered(slot.link.request({ type: "tokenize", text }))),
    renderPair: (source, prompt, completion) =>
      forText(source, (slot) => rendered(slot.link.request({ type: "renderPair", prompt, completion }))),
    logits: (source, precision, ids) =>
      using(source, precision, async (slot) => {
        const { adapter } = source;
        const answer = await slot.link.request({ type: "logits", ids, ...(adapter ? { adapter } : {}) });
        if (answer.type !== "logits") throw new Error(`unexpected answer ${answer.type}`);
        return { logits: answer.logits, vocabSize: answer.vocabSize };
      }),
    async load(source, precision, signal) {
      const slot = await acquire(source, precision);
      const onAbort = (): void => {
        if (!slot.isReady && slot.info.activeRequests === 1) slots.evict(slot);
      };
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted) onAbort();
      try {
        await slot.ready;
      } finally {
        signal?.removeEventListener("abort", onAbort);
        slots.release(slot);
      }
    },
    async unload(source, precision) {
      const slot = slots.find(keyOf(source, precision));
      if (!slot) return;
      slots.evict(slot);
      await slot.link.ended();
    },
    async stats(source, precision) {
      const slot = slots.find(keyOf(source, precision));
      if (!slot?.link.isAlive) return null;
      const answer = await slot.link.request({ type: "stats" });
      return answer.type === "stats" ? answer.stats : null;
    },
    embed,
    countTokens: (texts) =>
      encoder(async ({ link }) => {
        const answer = await link.request({ type: "countTokens", texts: [...texts] });
        if (answer.type !== "counts") throw new Error(`unexpected answer ${answer.type}`);
        return answer.counts;
      }),
    list: () => slots.all().map(infoOf),
    report: () =>
      Promise.all(
        slots.all().map(async (slot) => {
          const asked =
            slot.isReady && slot.info.precision !== "vectors"
              ? slot.link.request({ type: "stats" }).catch(() => null)
              : null;
          const answer = await Promise.race([asked, sleep(STATS_MS).then(() => null)]);
          return {
            ...infoOf(slot),
            rssBytes: answer?.type === "stats" ? answer.stats.rssBytes : null,
            tokensPerSecond: slot.pace.perSecond(),
          };
        }),
      ),
    close: slots.close,
  };
}
