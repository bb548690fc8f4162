// How a worker gets a run: the oldest queued one, waited for; and what a trainer that asks again does not hold comes back.
import { and, asc, eq, inArray, max, min } from "drizzle-orm";
import { runEvents, runs } from "../../schema/tables/runs.ts";
import type { Clock } from "../kit/clock.ts";
import type { Reader, Store, Tx } from "../store/store.ts";
import type { Bell } from "./bus.ts";
import type { RunExecutor, RunKind } from "./queue.ts";
import type { Move, RunRow } from "./states.ts";

export type ClaimInput = {
  executor: RunExecutor;
  owner: string;
  kinds?: readonly RunKind[];
  /** Only runs of this project; of all when unsaid. */
  projectId?: string | undefined;
  leaseMs: number;
  /** Waits this long for a run to be queued. */
  waitMs?: number;
  signal?: AbortSignal;
};

type Deps = {
  store: Store;
  clock: Clock;
  /** Rings when a run is queued. */
  queued: Bell;
  move(tx: Tx, run: RunRow, what: Move): Promise<RunRow>;
  loseLease(tx: Tx, run: RunRow, why: string): Promise<RunRow>;
};

/**
 * A trainer reports at once that it has begun. One that asks for work again so long after it was given some, without a
 * word about it, never got the answer: the server was killed, or the network, between commit and answer.
 */
const UNHEARD_MS = 2_000;
const NEVER_HEARD = "the trainer asked for work again: it never heard of this run";
const STARTED_ANEW = "its trainer was started anew";

/** Builds `claim`: takes the oldest queued run, atomic, attempt + 1. Null when there is none (after `waitMs`). */
export function createClaim({ store, clock, queued, move, loseLease }: Deps) {
  async function claimNow({
    executor,
    owner,
    kinds,
    projectId,
    leaseMs,
  }: ClaimInput): Promise<RunRow | null> {
    const next = (from: Pick<Tx, "query">) =>
      from.query.runs.findFirst({
        where: and(
          eq(runs.status, "queued"),
          eq(runs.executor, executor),
          kinds ? inArray(runs.kind, [...kinds]) : undefined,
          projectId === undefined ? undefined : eq(runs.projectId, projectId),
        ),
        orderBy: [asc(runs.createdAt), asc(runs.id)],
      });
    // Most looks find nothing; those should not take the writer's turn.
    if (!(await next(store.db))) return null;
    return await store.write(async (tx) => {
      const run = await next(tx);
      if (!run) return null;
      const at = clock();
      return await move(tx, run, {
        to: "running",
        at,
        patch: {
          attempt: run.attempt + 1,
          leaseOwner: owner,
          leaseUntil: at + leaseMs,
          startedAt: run.startedAt ?? at,
        },
        note: { owner },
      });
    }, `run.${executor}.claim`);
  }

  /**
   * A run that this trainer should hold but does not work on, and from when on that is sure: it never said a word
   * about it, or it has missed two heartbeats and asks for other work, so it was started anew.
   */
  async function unheardOf(
    db: Reader,
    owner: string,
    leaseMs: number,
  ): Promise<{ run: RunRow; sureAt: number; why: string } | null> {
    const mine = and(eq(runs.status, "running"), eq(runs.executor, "trainer"), eq(runs.leaseOwner, owner));
    for (const run of await db.query.runs.findMany({ where: mine })) {
      const [attempt] = await db
        .select({ givenAt: min(runEvents.at), heard: max(runEvents.senderSeq) })
        .from(runEvents)
        .where(and(eq(runEvents.runId, run.id), eq(runEvents.attempt, run.attempt)));
      if (attempt && attempt.heard === null && attempt.givenAt !== null)
        return { run, sureAt: attempt.givenAt + UNHEARD_MS, why: NEVER_HEARD };
      if (run.leaseUntil !== null) return { run, sureAt: run.leaseUntil - leaseMs / 2, why: STARTED_ANEW };
    }
    return null;
  }

  /** Puts such a run back, without counting the attempt. Returns in how many ms to look again; null where never. */
  async function putBackUnheard(owner: string, leaseMs: number): Promise<number | null> {
    const found = await unheardOf(store.db, owner, leaseMs);
    if (!found) return null;
    const left = found.sureAt - clock();
    if (left > 0) return left;
    await store.write(async (tx) => {
      const still = await unheardOf(tx, owner, leaseMs);
      if (still?.run.id !== found.run.id || still.run.attempt !== found.run.attempt) return;
      if (still.sureAt > clock()) return;
      // A trainer that dies of the run itself would take it for ever: only what it never heard of costs no attempt.
      const free = still.why === NEVER_HEARD ? 1 : 0;
      await loseLease(tx, { ...still.run, maxAttempts: still.run.maxAttempts + free }, still.why);
    }, "run.unheard");
    return 0;
  }

  return async function claim(input: ClaimInput): Promise<RunRow | null> {
    const until = clock() + (input.waitMs ?? 0);
    for (;;) {
      const rings = queued.rings();
      const again = input.executor === "trainer" ? await putBackUnheard(input.owner, input.leaseMs) : null;
      const run = await claimNow(input);
      const left = until - clock();
      if (run || left <= 0 || input.signal?.aborted) return run;
      await queued.wait(rings, again === null ? left : Math.min(left, again), input.signal);
    }
  };
}
