// Workers of this process: claim queued runs, keep their leases, hand cancel to the handler, and end the run.
import type { Clock } from "../kit/clock.ts";
import { storeError } from "../kit/disk.ts";
import { isEspalierError, messageOf, shapeOf } from "../kit/errors.ts";
import { crashPoint } from "../kit/faults.ts";
import { limits } from "../kit/limits.ts";
import type { Log } from "../kit/log.ts";
import type { Tx } from "../store/store.ts";
import { asking } from "./asker.ts";
import type { RunBus } from "./bus.ts";
import type { RunEventInput } from "./events.ts";
import type { RunKind, Runs } from "./runs.ts";
import type { RunError, RunRow } from "./states.ts";

export type Progress = { step?: number; total?: number; fraction?: number; etaSeconds?: number };

export type HandlerContext = {
  run: RunRow;
  attempt: number;
  /** Aborts when the run is to be cancelled, the lease is lost or the server stops. */
  signal: AbortSignal;
  /** One line of the run's log. */
  log(line: string, level?: "info" | "warning" | "error"): void;
  /** How far it is; written a few times a second at most, the last one always. */
  progress(progress: Progress): void;
  /** A crash point named `run.<kind>.<name>`. */
  crashPoint(name: string): void;
};

export type HandlerOutcome = {
  /** What the run's row keeps as its result. */
  result: unknown;
  /** Writes what was made in the transaction in which the run succeeds. */
  commit?: (tx: Tx, run: RunRow) => Promise<void>;
};

/**
 * Does one attempt. It may be called again after a crash at any point, so files go under temp names until `commit`.
 * What it throws ends the run as failed, or as cancelled when cancelling was asked.
 */
export type RunHandler = (ctx: HandlerContext) => Promise<HandlerOutcome>;

export type WorkersOptions = {
  /** Name of this process in leases. */
  owner: string;
  leaseMs: number;
  /** Runs of a kind at once; 1 where unsaid. */
  concurrency?: Partial<Record<RunKind, number>>;
};

export type Workers = {
  /** Aborts what runs, gives it back to the queue, and resolves when nothing runs any more. */
  stop(): Promise<void>;
  /** Runs now in hand. */
  active(): number;
};

type WorkersDeps = {
  runs: Runs;
  handlers: Map<RunKind, RunHandler>;
  clock: Clock;
  log: Log;
  bus: RunBus;
  /** Named where the disk has no room. */
  dataDir: string;
};

const IDLE_WAIT_MS = 60_000;
const RELEASE_EVERY_MS = 1_000;
const FLUSH_MS = 250;
/** How long a handler may take to let go of a cancelled run before that ends without it. */
const CANCEL_PATIENCE_MS = 1_200;

/** Why a handler's signal aborted. */
const CANCELLED = "cancelled";
const LEASE_LOST = "lease lost";
const STOPPING = "the server stops";

/** One loop per registered kind; see `Runs.startWorkers`. */
export function createWorkers(deps: WorkersDeps, options: WorkersOptions): Workers {
  const { runs, handlers, log } = deps;
  const stopping = new AbortController();
  const inHand = new Set<Promise<void>>();

  async function loop(kind: RunKind, handler: RunHandler): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const run = await runs.claim({
          executor: "server",
          owner: options.owner,
          kinds: [kind],
          leaseMs: options.leaseMs,
          waitMs: IDLE_WAIT_MS,
          signal: stopping.signal,
        });
        if (!run) continue;
        const work = attempt(deps, options, run, handler, stopping.signal);
        inHand.add(work);
        await work.finally(() => inHand.delete(work));
      } catch (error) {
        if (stopping.signal.aborted) return;
        log.error("a worker failed outside its handler", { kind, error });
        await Bun.sleep(RELEASE_EVERY_MS);
      }
    }
  }

  const loops: Promise<void>[] = [];
  for (const [kind, handler] of handlers) {
    const count = options.concurrency?.[kind] ?? 1;
    for (let i = 0; i < count; i++) loops.push(loop(kind, handler));
  }
  const releasing = setInterval(() => {
    runs.releaseExpired().catch((error: unknown) => log.error("leases could not be released", { error }));
  }, RELEASE_EVERY_MS);
  releasing.unref();

  return {
    stop: async () => {
      clearInterval(releasing);
      stopping.abort(STOPPING);
      await Promise.all(loops);
    },
    active: () => inHand.size,
  };
}

async function attempt(
  { runs, bus, clock, log, dataDir }: WorkersDeps,
  { leaseMs }: WorkersOptions,
  run: RunRow,
  handler: RunHandler,
  stopping: AbortSignal,
): Promise<void> {
  const ending = new AbortController();
  const onStop = (): void => ending.abort(STOPPING);
  stopping.addEventListener("abort", onStop);
  if (stopping.aborted) onStop();
  const unsubscribe = bus.subscribe((news) => {
    if (news.runId === run.id && news.kind === "changed" && news.run.cancelRequestedAt !== null)
      ending.abort(CANCELLED);
  });
  const beat = setInterval(async () => {
    try {
      const { cancelRequested } = await runs.heartbeat(run.id, run.attempt, leaseMs);
      if (cancelRequested) ending.abort(CANCELLED);
    } catch (error) {
      if (isEspalierError(error) && error.code === "STALE_ATTEMPT") ending.abort(LEASE_LOST);
      else log.warn("a heartbeat failed", { runId: run.id, error });
    }
  }, leaseMs / 3);
  // Waiting for the disk several times a second would hold up every request; the end of the run is waited for.
  const append = (events: RunEventInput[]): Promise<unknown> =>
    runs.appendEvents(run.id, run.attempt, events, { mayBeLost: true });
  const buffer = eventBuffer(clock, append, log);
  let rest: RunEventInput[] = [];
  let working: Promise<HandlerOutcome> | undefined;
  try {
    crashPoint(`run.${run.kind}.started`);
    const context: HandlerContext = {
      run,
      attempt: run.attempt,
      signal: ending.signal,
      log: (line, level = "info") =>
        buffer.add({
          type: "log",
          data: { level, message: line.slice(0, limits.runLogLineChars) },
          at: clock(),
        }),
      progress: (progress) => buffer.progress(progress),
      crashPoint: (name) => crashPoint(`run.${run.kind}.${name}`),
    };
    working = asking(run.createdBy, () => handler(context));
    const made = await orCancelled(working, ending.signal);
    rest = await buffer.close();
    crashPoint(`run.${run.kind}.made`);
    await runs.finish(
      run.id,
      run.attempt,
      { status: "succeeded", result: made.result, events: rest },
      made.commit,
    );
  } catch (error) {
    await endBadly(error, [...rest, ...(await buffer.close())]);
  } finally {
    clearInterval(beat);
    unsubscribe();
    stopping.removeEventListener("abort", onStop);
    // The run may have ended before its handler, which still holds files and memory: the next one waits for it.
    await working?.catch(() => undefined);
  }

  async function endBadly(thrown: unknown, events: RunEventInput[]): Promise<void> {
    const error = storeError(thrown, dataDir);
    const why: unknown = ending.signal.reason;
    try {
      if (isEspalierError(error) && error.code === "STALE_ATTEMPT") return;
      if (why === LEASE_LOST) return;
      if (why === STOPPING) await runs.giveBack(run.id, run.attempt, STOPPING);
      else if (why === CANCELLED) await runs.finish(run.id, run.attempt, { status: "cancelled", events });
      else {
        if (!isEspalierError(error))
          log.error("a run failed unexpectedly", { runId: run.id, kind: run.kind, error });
        await runs.finish(run.id, run.attempt, { status: "failed", error: runError(error), events });
      }
    } catch (second) {
      // The lease runs out by itself, and then the run goes on elsewhere or ends as LEASE_LOST.
      log.error("the end of a run could not be written", { runId: run.id, error: second });
    }
  }
}

/**
 * What the handler makes, or the signal's reason when the run was cancelled and the handler does not let go in time:
 * a copy of many gigabytes cannot be interrupted, but who cancels is answered within two seconds.
 */
async function orCancelled(working: Promise<HandlerOutcome>, signal: AbortSignal): Promise<HandlerOutcome> {
  let patience: ReturnType<typeof setTimeout> | undefined;
  const cancelled = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => {
      if (signal.reason === CANCELLED) patience = setTimeout(() => reject(signal.reason), CANCEL_PATIENCE_MS);
    };
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
  try {
    return await Promise.race([working, cancelled]);
  } finally {
    clearTimeout(patience);
  }
}

/** An error as a run's row keeps it. */
function runError(error: unknown): RunError {
  if (!isEspalierError(error))
    return {
      code: "RUN_FAILED",
      message: messageOf(error) || "The work failed without saying why",
      hint: "The server's log has the details; retry, and report it when it happens again.",
    };
  return shapeOf(error);
}

/** Collects log lines and progress, and writes them together a few times a second. */
function eventBuffer(
  clock: Clock,
  append: (events: RunEventInput[]) => Promise<unknown>,
  log: Log,
): {
  add(event: RunEventInput): void;
  progress(progress: Progress): void;
  close(): Promise<RunEventInput[]>;
} {
  let events: RunEventInput[] = [];
  let latest: RunEventInput | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let writing: Promise<unknown> = Promise.resolve();

  function take(most: number): RunEventInput[] {
    if (latest) events.push(latest);
    latest = undefined;
    return events.splice(0, most);
  }
  function flush(): void {
    timer = undefined;
    const batch = take(limits.runEventsBatch);
    // A stale attempt is told by its heartbeat; here the lines are just not wanted any more.
    writing = writing
      .then(() => append(batch))
      .catch((error: unknown) => log.debug("events dropped", { error }));
    if (events.length > 0) schedule();
  }
  function schedule(): void {
    timer ??= setTimeout(flush, FLUSH_MS);
  }
  return {
    add: (event) => {
      events.push(event);
      schedule();
    },
    progress: ({ step, total, fraction, etaSeconds }) => {
      const data: Record<string, unknown> = {};
      if (step !== undefined) data.step = step;
      if (total !== undefined) data.totalSteps = total;
      if (fraction !== undefined) data.fraction = Math.min(1, Math.max(0, fraction));
      if (etaSeconds !== undefined) data.etaSeconds = etaSeconds;
      latest = { type: "progress", data, at: clock() };
      schedule();
    },
    close: async () => {
      clearTimeout(timer);
      await writing;
      const rest = take(events.length + 1);
      events = [];
      return rest;
    },
  };
}
