// Front door of inference: a pool of engine children under a memory budget, asked by model source and precision.
import type { Clock } from "../kit/clock.ts";
import { EspalierError, messageOf } from "../kit/errors.ts";
import { sweepBuilds } from "./engine/build.ts";
import { CHILD_BYTES, estimateCache, estimateMemory } from "./estimate.ts";
import { EngineLink } from "./link.ts";
import type {
  ChatMessage,
  EngineAnswer,
  EngineRuntime,
  EngineStats,
  GenerationEvent,
  GenerationRequest,
  ModelSource,
  Precision,
  RenderedRow,
  WeightsSource,
} from "./protocol.ts";
import { readModelConfig } from "./weights/weights.ts";

export type { Embedder, Reranker } from "./embedder.ts";
export { runEngineChild } from "./engine/child.ts";
export { estimateMemory } from "./estimate.ts";
export type * from "./protocol.ts";
export * from "./weights/weights.ts";

export type EnginePoolDeps = {
  /** Folder of the engine's own files, made by hash; may be emptied at any time. */
  cacheDir: string;
  /** Command that becomes an engine child: [process.execPath, "engine"], or [process.execPath, "src/main.ts", "engine"]. */
  command: readonly string[];
  /** The children's environment. */
  env: Record<string, string>;
  /** Most bytes that all loaded models may take together. */
  memoryBudgetBytes: number;
  /** A model unused for this long is unloaded. */
  idleMs: number;
  /** Threads of one engine. */
  threads: number;
  /** How the children reach ONNX Runtime. Default: auto. */
  runtime?: EngineRuntime;
  clock: Clock;
  log: (line: string) => void;
};

export type EngineInfo = {
  key: string;
  hash: string;
  precision: Precision | "text";
  status: "loading" | "ready";
  pid: number;
  estimatedBytes: number;
  activeRequests: number;
  lastUsedAt: number;
};

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
  /** Ends all children. */
  close(): Promise<void>;
};

const MiB = 1024 * 1024;

type Slot = {
  info: Omit<EngineInfo, "pid" | "status">;
  /** Estimate of what does not grow, and of the cache that is granted from the start. */
  weightBytes: number;
  cacheBytes: number;
  link: EngineLink;
  ready: Promise<void>;
  isReady: boolean;
};

/** Builds the pool. Children start on demand and end when idle, evicted or closed. */
export function createEnginePool(deps: EnginePoolDeps): EnginePool {
  const slots = new Map<string, Slot>();
  let isClosed = false;
  const sweep = setInterval(() => evictIdle(), Math.max(50, Math.min(deps.idleMs / 2, 30_000)));
  sweep.unref?.();
  const sweepLeftovers = (): void => {
    sweepBuilds(deps.cacheDir).catch((error: unknown) => deps.log(`leftovers stay: ${messageOf(error)}`));
  };
  sweepLeftovers();

  const keyOf = (source: ModelSource, precision: Precision | "text"): string => `${source.hash}:${precision}`;

  function evict(slot: Slot): void {
    slots.delete(slot.info.key);
    slot.link.kill();
  }

  function evictIdle(): void {
    for (const slot of slots.values())
      if (slot.info.activeRequests === 0 && deps.clock() - slot.info.lastUsedAt >= deps.idleMs) evict(slot);
  }

  const used = (): number => [...slots.values()].reduce((sum, slot) => sum + slot.info.estimatedBytes, 0);

  function makeRoom(bytes: number): void {
    if (bytes > deps.memoryBudgetBytes)
      throw new EspalierError(
        "MODEL_TOO_LARGE",
        `The model needs about ${Math.ceil(bytes / MiB)} MiB; the memory budget is ${Math.floor(deps.memoryBudgetBytes / MiB)} MiB.`,
        {
          field: "precision",
          value: String(bytes),
          hint: "Choose int8, raise the memory budget, or connect the model as a third-party model.",
        },
      );
    freeFor(bytes);
  }

  /** Evicts idle models, the longest unused first, until `bytes` more fit. */
  function freeFor(bytes: number): void {
    while (used() + bytes > deps.memoryBudgetBytes) {
      const idle = [...slots.values()]
        .filter((slot) => slot.info.activeRequests === 0)
        .sort((a, b) => a.info.lastUsedAt - b.info.lastUsedAt)[0];
      if (!idle)
        throw new EspalierError(
          "MEMORY_BUDGET_BUSY",
          "The loaded models are answering; none can make room.",
          {
            status: 503,
            hint: "Ask again in a moment, or raise the memory budget.",
          },
        );
      evict(idle);
    }
  }

  /** The model's conversations take `bytes` now; what that is beyond the estimate is found, or refused. */
  function growTo(slot: Slot, bytes: number): void {
    const wanted = slot.weightBytes + Math.max(bytes, slot.cacheBytes);
    if (wanted > deps.memoryBudgetBytes)
      throw new EspalierError(
        "CONVERSATION_TOO_LARGE",
        `The model with its conversations would take ${Math.ceil(wanted / MiB)} MiB; the memory budget is ${Math.floor(deps.memoryBudgetBytes / MiB)} MiB.`,
        {
          field: "messages",
          value: String(bytes),
          hint: "Start a new conversation, choose a smaller precision, or raise the memory budget.",
        },
      );
    // While it asks it answers, so it is not among those that may be evicted.
    freeFor(wanted - slot.info.estimatedBytes);
    slot.info.estimatedBytes = wanted;
  }

  const opening = new Map<string, Promise<Slot>>();

  /** The child of a base at a precision; adapters of the same base share it. */
  async function slotOf(source: ModelSource, precision: Precision | "text"): Promise<Slot> {
    const key = keyOf(source, precision);
    const found = slots.get(key);
    if (found?.link.isAlive) return found;
    const pending = opening.get(key);
    if (pending) return pending;
    const starting = startSlot(source, precision, key).finally(() => opening.delete(key));
    opening.set(key, starting);
    return starting;
  }

  /** Takes the child into use, so that it is neither idle nor evicted until `release`. */
  async function acquire(source: ModelSource, precision: Precision | "text"): Promise<Slot> {
    for (;;) {
      const slot = await slotOf(source, precision);
      // Another request may have evicted it while this one waited its turn.
      if (slots.get(slot.info.key) !== slot && slot.link.isAlive) continue;
      slot.info.activeRequests++;
      return slot;
    }
  }

  function release(slot: Slot): void {
    slot.info.activeRequests--;
    slot.info.lastUsedAt = deps.clock();
  }

  async function startSlot(source: ModelSource, precision: Precision | "text", key: string): Promise<Slot> {
    if (isClosed) throw new EspalierError("SHUTTING_DOWN", "The server is stopping.", { status: 503 });
    const model = precision === "text" ? null : await readModelConfig(source.path);
    const bytes = model && precision !== "text" ? estimateMemory(model, precision) : CHILD_BYTES;
    const cacheBytes = model ? estimateCache(model) : 0;
    makeRoom(bytes);
    const link = new EngineLink(deps, {
      onExit: () => {
        if (slots.get(key)?.link === link) slots.delete(key);
        sweepLeftovers();
      },
      onRoom: (wanted) => growTo(slot, wanted),
    });
    const { adapter: _adapter, ...base } = source;
    const slot: Slot = {
      info: {
        key,
        hash: source.hash,
        precision,
        estimatedBytes: bytes,
        activeRequests: 0,
        lastUsedAt: deps.clock(),
      },
      weightBytes: bytes - cacheBytes,
      cacheBytes,
      link,
      isReady: false,
      ready: openModel(link, base, precision, cacheBytes),
    };
    slot.ready.then(
      () => {
        slot.isReady = true;
      },
      () => {
        if (slots.get(key) === slot) evict(slot);
      },
    );
    slots.set(key, slot);
    return slot;
  }

  async function openModel(
    link: EngineLink,
    source: WeightsSource,
    precision: Precision | "text",
    roomBytes: number,
  ): Promise<void> {
    await link.request({
      type: "open",
      source,
      precision: precision === "text" ? "fp32" : precision,
      cacheDir: deps.cacheDir,
      threads: deps.threads,
      runtime: deps.runtime ?? "auto",
      roomBytes,
    });
    if (precision !== "text") await link.request({ type: "load" });
  }

  /** Runs `work` on the model's child, which is neither idle nor evicted meanwhile. */
  async function using<T>(
    source: ModelSource,
    precision: Precision | "text",
    work: (slot: Slot) => Promise<T>,
  ): Promise<T> {
    const slot = await acquire(source, precision);
    try {
      await slot.ready;
      return await work(slot);
    } finally {
      release(slot);
    }
  }

  /** Tokenizer work goes to a child that already has this base, else to one without weights. */
  function forText<T>(source: ModelSource, work: (slot: Slot) => Promise<T>): Promise<T> {
    const loaded = [...slots.values()].find((slot) => slot.info.hash === source.hash && slot.link.isAlive);
    return using(source, loaded?.info.precision ?? "text", work);
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
            if (answer.type === "event") queue.push(answer.event);
            else isOver = true;
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
      release(slot);
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
        if (!slot.isReady && slot.info.activeRequests === 1) evict(slot);
      };
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted) onAbort();
      try {
        await slot.ready;
      } finally {
        signal?.removeEventListener("abort", onAbort);
        release(slot);
      }
    },
    async unload(source, precision) {
      const slot = slots.get(keyOf(source, precision));
      if (!slot) return;
      evict(slot);
      await slot.link.ended();
    },
    async stats(source, precision) {
      const slot = slots.get(keyOf(source, precision));
      if (!slot?.link.isAlive) return null;
      const answer = await slot.link.request({ type: "stats" });
      return answer.type === "stats" ? answer.stats : null;
    },
    list: () =>
      [...slots.values()].map((slot) => ({
        ...slot.info,
        status: slot.isReady ? ("ready" as const) : ("loading" as const),
        pid: slot.link.pid,
      })),
    async close() {
      isClosed = true;
      clearInterval(sweep);
      const all = [...slots.values()];
      for (const slot of all) evict(slot);
      await Promise.all(all.map((slot) => slot.link.ended()));
    },
  };
}
