// Moves of runs through the queue: create, claim, heartbeat, events, finish, cancel, retry, and what is lost goes back.
import { and, eq, inArray, isNotNull, lt } from "drizzle-orm";
import { artifacts, runs } from "../../schema/tables/runs.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { Store, Tx } from "../store/store.ts";
import { asking, whoAsks } from "./asker.ts";
import { createBell, type RunBus } from "./bus.ts";
import { createClaim } from "./claim.ts";
import { addEvents, type RunEventInput } from "./events.ts";
import { runEnded, runNotFound, staleAttempt } from "./refusals.ts";
import { isEnded, type Move, type RunError, type RunEventRow, type RunRow, transition } from "./states.ts";

export type RunKind =
  | "import-dataset"
  | "import-model"
  | "train"
  | "merge"
  | "deploy"
  | "export"
  | "index-documents"
  | "rebuild-index"
  | "evaluate-retrieval"
  | "make-images"
  | "assess"
  | "check-overlap";
export type RunExecutor = "server" | "engine" | "trainer";
export type ArtifactRow = typeof artifacts.$inferSelect;

export type CreateRunInput = {
  projectId: string;
  kind: RunKind;
  executor: RunExecutor;
  name: string;
  subjectId?: string | null;
  /** Frozen from here on; plain JSON. */
  spec: unknown;
  retryOf?: string | null;
  maxAttempts?: number;
};

export type FinishInput = {
  status: "succeeded" | "failed" | "cancelled";
  result?: unknown;
  error?: RunError;
  /** Last events, written in the same transaction. */
  events?: readonly RunEventInput[];
};

export type RunHooks = {
  /** Runs in the transaction in which a run of the kind ends, however it ends. */
  ended?: (tx: Tx, run: RunRow) => Promise<void>;
  /** Runs in the transaction in which a retry is made. */
  retried?: (tx: Tx, old: RunRow, fresh: RunRow) => Promise<void>;
  /** Runs in the transaction in which a run is taken from a worker that has been silent too long. */
  lost?: (tx: Tx, run: RunRow) => Promise<void>;
};

export type QueueDeps = {
  store: Store;
  clock: Clock;
  bus: RunBus;
  hooksOf: (kind: string) => readonly RunHooks[];
};

/** The writing half of the front door; see `createRuns`. */
export function createQueue({ store, clock, bus, hooksOf }: QueueDeps) {
  const queued = createBell();

  function announce(tx: Tx, run: RunRow, events: readonly RunEventRow[]): void {
    store.afterCommit(tx, () => {
      const about = { runId: run.id, projectId: run.projectId };
      for (const event of events) bus.publish({ kind: "event", ...about, event });
      bus.publish({ kind: "changed", ...about, run });
      if (run.status === "queued") queued.ring();
    });
  }

  /** The one way a status changes: transition, hooks of the end, news after the commit. */
  async function move(tx: Tx, run: RunRow, what: Move): Promise<RunRow> {
    const moved = await transition(tx, run, what);
    if (isEnded(moved.run))
      await asking(run.createdBy, async () => {
        for (const hook of hooksOf(moved.run.kind)) await hook.ended?.(tx, moved.run);
      });
    announce(tx, moved.run, [moved.event]);
    return moved.run;
  }

  async function createRun(tx: Tx, input: CreateRunInput): Promise<RunRow> {
    const specBytes = Buffer.byteLength(JSON.stringify(input.spec) ?? "");
    if (specBytes > limits.runSpecBytes)
      throw new EspalierError("RUN_SPEC_TOO_LARGE", `The run's description has ${specBytes} bytes`, {
        field: "spec",
        value: String(specBytes),
        hint: `limits.runSpecBytes allows ${limits.runSpecBytes}; put big things into files.`,
      });
    const at = clock();
    const [run] = await tx
      .insert(runs)
      .values({
        id: newId("run", at),
        projectId: input.projectId,
        kind: input.kind,
        executor: input.executor,
        status: "queued",
        name: input.name,
        subjectId: input.subjectId ?? null,
        spec: input.spec,
        retryOf: input.retryOf ?? null,
        maxAttempts: input.maxAttempts ?? 3,
        createdBy: whoAsks(),
        createdAt: at,
      })
      .returning();
    if (!run) throw new Error("insert returned no row");
    const first = await addEvents(tx, run, [{ type: "state", data: { status: "queued", attempt: 0 }, at }]);
    announce(tx, first.run, first.added);
    return first.run;
  }

  /** The run, when this attempt still holds it. @throws EspalierError STALE_ATTEMPT, RUN_NOT_FOUND */
  async function held(tx: Tx, id: string, attempt: number): Promise<RunRow> {
    const run = await tx.query.runs.findFirst({ where: eq(runs.id, id) });
    if (!run) throw runNotFound(id);
    if (run.status !== "running" || run.attempt !== attempt) throw staleAttempt(run, attempt);
    return run;
  }

  /** Back to the queue, or to the end when it was to be cancelled or has no attempt left. */
  async function loseLease(tx: Tx, run: RunRow, why: string): Promise<RunRow> {
    const at = clock();
    const free = { leaseOwner: null, leaseUntil: null, etaSeconds: null };
    if (run.cancelRequestedAt !== null)
      return await move(tx, run, { to: "cancelled", at, patch: { ...free, endedAt: at }, note: { why } });
    if (run.attempt < run.maxAttempts)
      return await move(tx, run, {
        to: "queued",
        at,
        patch: { ...free, maxAttempts: run.maxAttempts },
        note: { why },
      });
    const error = {
      code: "LEASE_LOST",
      message: `Run ${run.name} was given up after ${run.attempt} attempts: ${why}`,
      hint: "Look at the log of the last attempt, then retry.",
    };
    return await move(tx, run, { to: "failed", at, patch: { ...free, endedAt: at, error }, note: { why } });
  }

  const queue = {
    createRun,

    claim: createClaim({ store, clock, queued, move, loseLease }),

    /** Keeps the lease. @throws EspalierError STALE_ATTEMPT when it is lost */
    async heartbeat(id: string, attempt: number, leaseMs: number) {
      return await store.write(async (tx) => {
        const run = await held(tx, id, attempt);
        const leaseUntil = clock() + leaseMs;
        await tx.update(runs).set({ leaseUntil }).where(eq(runs.id, id));
        return { leaseUntil, cancelRequested: run.cancelRequestedAt !== null };
      }, "run.heartbeat");
    },

    /**
     * Adds events; those whose `senderSeq` this attempt already sent are skipped. Returns the last one held. With
     * `mayBeLost` a power cut may take them: for senders that need not know that they are kept.
     * @throws EspalierError STALE_ATTEMPT, EVENT_GAP, TOO_MANY_EVENTS
     */
    async appendEvents(
      id: string,
      attempt: number,
      events: readonly RunEventInput[],
      options?: { mayBeLost: boolean },
    ) {
      if (events.length > limits.runEventsBatch)
        throw new EspalierError("TOO_MANY_EVENTS", `${events.length} events came at once`, {
          field: "events",
          value: String(events.length),
          hint: `limits.runEventsBatch allows ${limits.runEventsBatch}; send several batches.`,
        });
      return await store.write(
        async (tx) => {
          const run = await held(tx, id, attempt);
          const done = await addEvents(tx, run, events);
          if (done.added.length > 0) announce(tx, done.run, done.added);
          return { lastSenderSeq: done.lastSenderSeq, added: done.added.length };
        },
        "run.events",
        options,
      );
    },

    /**
     * Ends the attempt. `inSameTx` writes what the run made in the same transaction. The same end said again by the
     * same attempt is answered with the run as it is.
     * @throws EspalierError STALE_ATTEMPT, RUN_NOT_FOUND, and what `inSameTx` throws (the run then goes on)
     */
    async finish(
      id: string,
      attempt: number,
      input: FinishInput,
      inSameTx?: (tx: Tx, run: RunRow) => Promise<void>,
    ): Promise<RunRow> {
      const known = await store.db.query.runs.findFirst({ where: eq(runs.id, id) });
      if (!known) throw runNotFound(id);
      return await store.write(async (tx) => {
        const now = await tx.query.runs.findFirst({ where: eq(runs.id, id) });
        if (now && isEnded(now) && now.attempt === attempt && now.status === input.status) return now;
        const before = await held(tx, id, attempt);
        const added = await addEvents(tx, before, input.events ?? []);
        if (added.added.length > 0) announce(tx, added.run, added.added);
        await asking(before.createdBy, async () => inSameTx?.(tx, added.run));
        return await move(tx, added.run, {
          to: input.status,
          at: clock(),
          patch: {
            endedAt: clock(),
            leaseOwner: null,
            leaseUntil: null,
            etaSeconds: null,
            result: input.result ?? null,
            error: input.error ?? null,
            ...(input.status === "succeeded" ? { progress: 1 } : {}),
          },
        });
      }, `run.${known.kind}.finish`);
    },

    /**
     * Asks for the end. A queued run is cancelled at once; a running one is told at its next heartbeat; asking
     * again changes nothing.
     * @throws EspalierError RUN_ENDED, RUN_NOT_FOUND
     */
    async requestCancel(id: string): Promise<RunRow> {
      return await store.write(async (tx) => {
        const run = await tx.query.runs.findFirst({ where: eq(runs.id, id) });
        if (!run) throw runNotFound(id);
        if (run.status === "cancelled" || (run.status === "running" && run.cancelRequestedAt !== null))
          return run;
        const at = clock();
        if (run.status === "queued")
          return await move(tx, run, {
            to: "cancelled",
            at,
            patch: { endedAt: at, cancelRequestedAt: at, cancelledBy: whoAsks() },
          });
        if (isEnded(run)) throw runEnded(run, "cancelled");
        const wish = { cancelRequestedAt: at, cancelledBy: whoAsks() };
        const [row] = await tx.update(runs).set(wish).where(eq(runs.id, id)).returning();
        const data = { status: "running", attempt: run.attempt, cancelRequested: true };
        const done = await addEvents(tx, row ?? run, [{ type: "state", data, at }]);
        announce(tx, done.run, done.added);
        return done.run;
      }, "run.cancel");
    },

    /**
     * A new queued run with the same spec and `retryOf`; only for failed and cancelled ones.
     * @throws EspalierError RUN_NOT_RETRYABLE, RUN_RETRIED, RUN_NOT_FOUND, and what a hook throws
     */
    async retry(id: string): Promise<RunRow> {
      return await store.write(async (tx) => {
        const old = await tx.query.runs.findFirst({ where: eq(runs.id, id) });
        if (!old) throw runNotFound(id);
        if (old.status !== "failed" && old.status !== "cancelled")
          throw new EspalierError("RUN_NOT_RETRYABLE", `Run ${id} is ${old.status}`, {
            field: "status",
            value: old.status,
            hint: "Only failed and cancelled runs can be retried.",
            status: 409,
          });
        // Two retries of one run would make the same thing twice.
        const again = await tx.query.runs.findFirst({ where: eq(runs.retryOf, id) });
        if (again)
          throw new EspalierError("RUN_RETRIED", `Run ${id} was tried again as ${again.id}`, {
            field: "id",
            value: again.id,
            hint: `Look at that one, and retry it should it fail: espalier run show ${again.id}`,
            status: 409,
          });
        const fresh = await asking(whoAsks() ?? old.createdBy, () =>
          createRun(tx, { ...asInput(old), retryOf: old.id }),
        );
        for (const hook of hooksOf(old.kind)) await hook.retried?.(tx, old, fresh);
        return fresh;
      }, "run.retry");
    },

    /** Gives a held run back to the queue without counting the attempt against it, e.g. when the server stops. */
    async giveBack(id: string, attempt: number, why: string): Promise<RunRow> {
      return await store.write(async (tx) => {
        const run = await held(tx, id, attempt);
        return await loseLease(tx, { ...run, maxAttempts: run.maxAttempts + 1 }, why);
      }, "run.give-back");
    },

    /** Takes runs away from workers that have been silent too long. Returns how many. */
    async releaseExpired(): Promise<number> {
      const expired = and(
        eq(runs.status, "running"),
        isNotNull(runs.leaseUntil),
        lt(runs.leaseUntil, clock()),
      );
      if (!(await store.db.query.runs.findFirst({ where: expired }))) return 0;
      return await store.write(async (tx) => {
        const lost = await tx.query.runs.findMany({ where: expired });
        for (const run of lost) {
          await loseLease(tx, run, "its worker has been silent for too long");
          for (const hook of hooksOf(run.kind)) await hook.lost?.(tx, run);
        }
        return lost.length;
      }, "run.release");
    },

    /**
     * At the start of a server: no earlier process lives (the store is locked), so what server and engine held goes
     * back at once. Trainers could not keep their leases while nobody listened: each gets a whole one from now.
     */
    async recoverAtStart(leaseMs: number): Promise<number> {
      const running = eq(runs.status, "running");
      return await store.write(async (tx) => {
        const ours = inArray(runs.executor, ["server", "engine"]);
        const lost = await tx.query.runs.findMany({ where: and(running, ours) });
        for (const run of lost) await loseLease(tx, run, "the server was stopped");
        const leaseUntil = clock() + leaseMs;
        await tx
          .update(runs)
          .set({ leaseUntil })
          .where(and(running, lt(runs.leaseUntil, leaseUntil)));
        return lost.length;
      }, "run.recover");
    },

    /**
     * Notes a delivered file whose bytes are in the blob folder; saying the same again is fine.
     * @throws EspalierError STALE_ATTEMPT
     */
    async addArtifact(
      runId: string,
      attempt: number,
      file: { name: string; sha256: string; sizeBytes: number },
    ): Promise<ArtifactRow> {
      return await store.write(async (tx) => {
        await held(tx, runId, attempt);
        const same = and(
          eq(artifacts.runId, runId),
          eq(artifacts.attempt, attempt),
          eq(artifacts.name, file.name),
          eq(artifacts.sha256, file.sha256),
        );
        const known = await tx.query.artifacts.findFirst({ where: same });
        if (known) return known;
        const at = clock();
        const [row] = await tx
          .insert(artifacts)
          .values({ id: newId("artifact", at), runId, attempt, ...file, createdAt: at })
          .returning();
        if (!row) throw new Error("insert returned no row");
        return row;
      }, "run.artifact");
    },
  };
  return queue;
}

function asInput(run: RunRow): CreateRunInput {
  const { projectId, name, subjectId, spec } = run;
  // The columns are text; createRun is the only writer, so they hold one of its own words.
  const kind = run.kind as RunKind;
  const executor = run.executor as RunExecutor;
  return { projectId, kind, executor, name, subjectId, spec };
}
