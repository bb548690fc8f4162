// The pool's slots: one engine child each, under a memory budget; idle ones leave when room is needed or time is up.
import type { Clock } from "../kit/clock.ts";
import { EspalierError, messageOf } from "../kit/errors.ts";
import { sweepBuilds } from "./engine/build.ts";
import { EngineLink } from "./link.ts";
import { createPace, type Pace } from "./pace.ts";
import type { EngineRuntime, Precision } from "./protocol.ts";

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
  /** Folder of an embedder to use instead of the one inside the executable. */
  encoderDir?: string;
  clock: Clock;
  log: (line: string) => void;
};

/** What a child does: replies at a precision, tokenizer work alone, or vectors. */
export type SlotUse = Precision | "text" | "vectors";

export type EngineInfo = {
  key: string;
  hash: string;
  precision: SlotUse;
  status: "loading" | "ready";
  pid: number;
  estimatedBytes: number;
  activeRequests: number;
  lastUsedAt: number;
};

/** An engine child as it is now. */
export type EngineReport = EngineInfo & {
  /** Resident memory; null where the child did not say so in time. */
  rssBytes: number | null;
  /** Pieces of replies that it made lately, by the second: each a token, or the last of several that make one sign. */
  tokensPerSecond: number;
};

const MiB = 1024 * 1024;

/** A child to start: its name, what it is estimated to take, and how it is made ready. */
export type SlotPlan = {
  hash: string;
  precision: SlotUse;
  bytes: number;
  /** The part of `bytes` that conversations may fill. */
  cacheBytes: number;
  open: (link: EngineLink) => Promise<void>;
};

export type Slot = {
  info: Omit<EngineInfo, "pid" | "status">;
  /** Estimate of what does not grow, and of the cache that is granted from the start. */
  weightBytes: number;
  cacheBytes: number;
  link: EngineLink;
  ready: Promise<void>;
  isReady: boolean;
  pace: Pace;
};

export type Slots = ReturnType<typeof createSlots>;

/** Builds an empty pool of slots. */
export function createSlots(deps: EnginePoolDeps) {
  const slots = new Map<string, Slot>();
  let isClosed = false;
  const sweep = setInterval(() => evictIdle(), Math.max(50, Math.min(deps.idleMs / 2, 30_000)));
  sweep.unref?.();
  const sweepLeftovers = (): void => {
    sweepBuilds(deps.cacheDir).catch((error: unknown) => deps.log(`leftovers stay: ${messageOf(error)}`));
  };
  sweepLeftovers();

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

  /** The child under the key; one is started by the plan where there is none. */
  async function slotOf(key: string, plan: () => Promise<SlotPlan>): Promise<Slot> {
    const found = slots.get(key);
    if (found?.link.isAlive) return found;
    const pending = opening.get(key);
    if (pending) return pending;
    const starting = start(key, plan).finally(() => opening.delete(key));
    opening.set(key, starting);
    return starting;
  }

  /** Takes the child into use, so that it is neither idle nor evicted until `release`. */
  async function acquire(key: string, plan: () => Promise<SlotPlan>): Promise<Slot> {
    for (;;) {
      const slot = await slotOf(key, plan);
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

  async function start(key: string, plan: () => Promise<SlotPlan>): Promise<Slot> {
    if (isClosed) throw new EspalierError("SHUTTING_DOWN", "The server is stopping.", { status: 503 });
    const { hash, precision, bytes, cacheBytes, open } = await plan();
    makeRoom(bytes);
    const link = new EngineLink(deps, {
      onExit: () => {
        if (slots.get(key)?.link === link) slots.delete(key);
        sweepLeftovers();
      },
      onRoom: (wanted) => growTo(slot, wanted),
    });
    const slot: Slot = {
      info: {
        key,
        hash,
        precision,
        estimatedBytes: bytes,
        activeRequests: 0,
        lastUsedAt: deps.clock(),
      },
      weightBytes: bytes - cacheBytes,
      cacheBytes,
      link,
      isReady: false,
      pace: createPace(deps.clock),
      ready: open(link),
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

  return {
    acquire,
    release,
    evict,
    find: (key: string): Slot | undefined => slots.get(key),
    all: (): Slot[] => [...slots.values()],
    /** Runs `work` on the child, which is neither idle nor evicted meanwhile. */
    async using<T>(key: string, plan: () => Promise<SlotPlan>, work: (slot: Slot) => Promise<T>): Promise<T> {
      const slot = await acquire(key, plan);
      try {
        await slot.ready;
        return await work(slot);
      } finally {
        release(slot);
      }
    },
    /** Ends all children. */
    async close(): Promise<void> {
      isClosed = true;
      clearInterval(sweep);
      const all = [...slots.values()];
      for (const slot of all) evict(slot);
      await Promise.all(all.map((slot) => slot.link.ended()));
    },
  };
}
