// Front door of runs: durable background work with leases, numbered events, cancel, retry and recovery.
import { and, desc, eq, inArray, sql } from "drizzle-orm";
import { artifacts, runEvents, runs } from "../../schema/tables/runs.ts";
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import { type Page, type PageRequest, type Reader, readPage, type Store } from "../store/store.ts";
import { type RunAttempt, readAttempts } from "./attempts.ts";
import { createBus, type RunListener } from "./bus.ts";
import { type EventsQuery, type LogQuery, readEvents, readLogLines } from "./events.ts";
import { follow, watchChanges } from "./follow.ts";
import { type ArtifactRow, createQueue, type RunHooks, type RunKind } from "./queue.ts";
import { runNotFound } from "./refusals.ts";
import type { RunEventRow, RunRow } from "./states.ts";
import { createWorkers, type RunHandler, type Workers, type WorkersOptions } from "./workers.ts";

export { asking } from "./asker.ts";
export type { RunAttempt } from "./attempts.ts";
export { createBell, type RunListener, type RunNews } from "./bus.ts";
export type { ClaimInput } from "./claim.ts";
export type { EventsQuery, LogQuery, RunEventInput } from "./events.ts";
export { incomingHooks } from "./incoming.ts";
export type {
  ArtifactRow,
  CreateRunInput,
  FinishInput,
  RunExecutor,
  RunHooks,
  RunKind,
} from "./queue.ts";
export type { RunError, RunEventRow, RunRow, RunStatus } from "./states.ts";
export { isEnded, MOVES, RUN_STATUSES } from "./states.ts";
export type { HandlerContext, HandlerOutcome, RunHandler, Workers, WorkersOptions } from "./workers.ts";

export type RunsDeps = { store: Store; clock: Clock; log: Log };

export type ListRunsInput = PageRequest & {
  projectId?: string;
  status?: string | null | undefined;
  kind?: string | null | undefined;
};

/** Stands for all kinds where hooks are registered. */
export const EVERY_KIND = "*";

export type Runs = ReturnType<typeof createRuns>;

/** Builds the front door. Nothing runs until `recoverAtStart` and `startWorkers` are called. */
export function createRuns({ store, clock, log }: RunsDeps) {
  const bus = createBus();
  const handlers = new Map<RunKind, RunHandler>();
  const hooks = new Map<string, RunHooks[]>();
  const hooksOf = (kind: string): RunHooks[] => [
    ...(hooks.get(kind) ?? []),
    ...(hooks.get(EVERY_KIND) ?? []),
  ];
  const queue = createQueue({ store, clock, bus, hooksOf });

  const self = {
    ...queue,

    async find(id: string): Promise<RunRow | null> {
      return (await store.db.query.runs.findFirst({ where: eq(runs.id, id) })) ?? null;
    },
    /** @throws EspalierError RUN_NOT_FOUND */
    async get(id: string): Promise<RunRow> {
      const run = await self.find(id);
      if (!run) throw runNotFound(id);
      return run;
    },
    /** The newest run about a thing, e.g. the one that makes a dataset; of one kind where several are about it. */
    async latestOf(subjectId: string, kind?: RunKind): Promise<RunRow | null> {
      const where = and(eq(runs.subjectId, subjectId), kind && eq(runs.kind, kind));
      return (
        (await store.db.query.runs.findFirst({ where, orderBy: [desc(runs.createdAt), desc(runs.id)] })) ??
        null
      );
    },
    /**
     * How long the runs of one kind about a thing took, each from its first start to its end, the waits between them left
     * out; null where none was started, and until the latest ended.
     */
    async secondsOf(subjectId: string, kind: RunKind): Promise<number | null> {
      const [took] = await store.db
        .select({
          ms: sql<number | null>`sum(${runs.endedAt} - ${runs.startedAt})`,
          left: sql<number>`count(*) - count(${runs.endedAt})`,
        })
        .from(runs)
        .where(and(eq(runs.subjectId, subjectId), eq(runs.kind, kind)));
      return took?.left === 0 && took.ms !== null ? took.ms / 1000 : null;
    },
    /** Runs that have not ended, e.g. to refuse what would pull the ground from under them. */
    unfinished: (db: Reader): Promise<RunRow[]> =>
      db.query.runs.findMany({ where: inArray(runs.status, ["queued", "running"]) }),
    /** Newest first. */
    list(input: ListRunsInput = {}): Promise<Page<RunRow>> {
      const where = and(
        input.projectId ? eq(runs.projectId, input.projectId) : undefined,
        input.status ? eq(runs.status, input.status) : undefined,
        input.kind ? eq(runs.kind, input.kind) : undefined,
      );
      return readPage(store.db, runs, { where, keys: ["id"], order: "descending" }, input);
    },
    /** A page of the run's events, in order. */
    pageOfEvents: (id: string, page: PageRequest): Promise<Page<RunEventRow>> =>
      readPage(
        store.db,
        runEvents,
        { where: eq(runEvents.runId, id), keys: ["seq"], order: "ascending" },
        page,
      ),
    events: (id: string, query?: EventsQuery) => readEvents(store.db, id, query),
    logLines: (id: string, query?: LogQuery) => readLogLines(store.db, id, query),

    /** Who took it, when, and how each attempt ended; the latest ones, oldest first. */
    attempts: (id: string): Promise<RunAttempt[]> => readAttempts(store.db, id),

    /** Files that the run delivered, newest first. */
    async artifacts(runId: string): Promise<ArtifactRow[]> {
      const where = eq(artifacts.runId, runId);
      return await store.db.query.artifacts.findMany({ where, orderBy: [desc(artifacts.id)] });
    },
    /** News after each commit; returns the function that ends the subscription. */
    subscribe: (listener: RunListener) => bus.subscribe(listener),
    /** Every event from `after` on, those to come too, until the run has ended or the signal aborts. */
    follow: (id: string, after: number, signal?: AbortSignal) =>
      follow({ bus, events: self.events, find: self.find }, id, after, signal),
    /** The run each time one of the project changes; a slow reader gets the latest state of each, not all. */
    changes: (projectId: string, signal?: AbortSignal) => watchChanges(bus, projectId, signal),
    /** The ended run; rejects with the signal's reason when that aborts first. */
    async waitForEnd(id: string, signal?: AbortSignal): Promise<RunRow> {
      for await (const _ of self.follow(id, (await self.get(id)).lastSeq, signal)) if (signal?.aborted) break;
      signal?.throwIfAborted();
      return await self.get(id);
    },

    /** Says how runs of a kind are done in this process. */
    registerHandler(kind: RunKind, handler: RunHandler): void {
      if (handlers.has(kind)) throw new Error(`two handlers for ${kind}`);
      handlers.set(kind, handler);
    },
    /** Hooks of every kind come after those of the run's own, and see what they did. */
    registerHooks(kind: RunKind | typeof EVERY_KIND, more: RunHooks): void {
      hooks.set(kind, [...(hooks.get(kind) ?? []), more]);
    },
    /** Starts working on queued runs of the server and releasing expired leases; `stop` gives back what is unfinished. */
    startWorkers: (options: WorkersOptions): Workers =>
      createWorkers({ runs: self, handlers, clock, log, bus, dataDir: store.dataDir }, options),
  };

  return self;
}
