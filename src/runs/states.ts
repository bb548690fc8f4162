// The state chart of a run and the only writer of its status.
//
//              claim                    finish
//   queued ─────────────▶ running ─────────────▶ succeeded | failed | cancelled
//     │  ◀───────────────    │  lease lost or given back, attempts left
//     │                      └───────────────▶ failed (LEASE_LOST, none left) | cancelled (cancel was asked)
//     └──────────────────────────────────────▶ cancelled (cancel of a run that nobody took)
//
// Terminal states never change; a retry is a new run with `retryOf`. `attempt` is the fencing token: it grows with
// each claim, and messages of an older attempt are refused.
import { and, eq, sql } from "drizzle-orm";
import { runEvents, runs } from "../../schema/tables/runs.ts";
import { type ErrorShape, EspalierError } from "../kit/errors.ts";
import type { Tx } from "../store/store.ts";

export const RUN_STATUSES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];
export type RunRow = typeof runs.$inferSelect;
export type RunEventRow = typeof runEvents.$inferSelect;
export type RunError = ErrorShape;

/** Every allowed move; whatever is not here is refused. */
export const MOVES: Record<RunStatus, readonly RunStatus[]> = {
  queued: ["running", "cancelled"],
  running: ["queued", "succeeded", "failed", "cancelled"],
  succeeded: [],
  failed: [],
  cancelled: [],
};

/** True for succeeded, failed and cancelled. */
export function isEnded(run: { status: string }): boolean {
  return run.status === "succeeded" || run.status === "failed" || run.status === "cancelled";
}

/** What a move may change besides the status. */
export type RunPatch = Partial<
  Pick<
    RunRow,
    | "attempt"
    | "maxAttempts"
    | "leaseOwner"
    | "leaseUntil"
    | "result"
    | "error"
    | "startedAt"
    | "endedAt"
    | "cancelRequestedAt"
    | "cancelledBy"
    | "progress"
    | "etaSeconds"
  >
>;

export type Move = { to: RunStatus; patch?: RunPatch; at: number; note?: Record<string, unknown> };
export type Moved = { run: RunRow; event: RunEventRow };

/**
 * Moves a run: compare-and-set on status and attempt, with its event in the same transaction.
 * @throws EspalierError RUN_MOVE_INVALID for a move the chart lacks, RUN_MOVED when somebody was faster
 */
export async function transition(tx: Tx, run: RunRow, move: Move): Promise<Moved> {
  const { to, patch = {}, at, note = {} } = move;
  const from = RUN_STATUSES.find((status) => status === run.status);
  if (from === undefined || !MOVES[from].includes(to))
    throw new EspalierError("RUN_MOVE_INVALID", `Run ${run.id} is ${run.status} and cannot become ${to}`, {
      field: "status",
      value: run.status,
      hint: isEnded(run)
        ? "An ended run never changes; retry makes a new one."
        : "Look at the run's state first.",
      status: 409,
    });
  const [moved] = await tx
    .update(runs)
    .set({ ...patch, status: to, lastSeq: sql`${runs.lastSeq} + 1` })
    .where(and(eq(runs.id, run.id), eq(runs.status, from), eq(runs.attempt, run.attempt)))
    .returning();
  if (!moved)
    throw new EspalierError("RUN_MOVED", `Run ${run.id} changed while it was about to become ${to}`, {
      field: "status",
      value: from,
      hint: "Read the run again.",
      status: 409,
    });
  const data = {
    status: to,
    attempt: moved.attempt,
    ...(moved.error ? { error: moved.error } : {}),
    ...note,
  };
  const event = {
    runId: run.id,
    seq: moved.lastSeq,
    attempt: moved.attempt,
    senderSeq: null,
    at,
    type: "state",
    data,
  };
  await tx.insert(runEvents).values(event);
  return { run: moved, event };
}
