// The attempts at a run, as its state events tell them: who took it, when, and how each ended.
import { and, desc, eq, isNull } from "drizzle-orm";
import { z } from "zod";
import { runEvents } from "../../schema/tables/runs.ts";
import { limits } from "../kit/limits.ts";
import type { Reader } from "../store/store.ts";

export type RunAttempt = {
  /** 1, 2, 3 … */
  number: number;
  /** Id of the trainer, or the name of the server's process. */
  owner: string;
  startedAt: number;
  /** Null while it lasts. */
  endedAt: number | null;
  /** running, succeeded, failed, cancelled, or lost: it went back to the queue. */
  outcome: string;
  /** Why it was lost or given up. */
  why: string | null;
};

const stateData = z.looseObject({
  status: z.string(),
  attempt: z.number(),
  owner: z.string().optional(),
  why: z.string().optional(),
});

/** The latest attempts, oldest first; at most limits.runAttempts. */
export async function readAttempts(db: Reader, runId: string): Promise<RunAttempt[]> {
  const rows = await db
    .select()
    .from(runEvents)
    // Trainers send events of this type too, about what they do; those have a number of their own.
    .where(and(eq(runEvents.runId, runId), eq(runEvents.type, "state"), isNull(runEvents.senderSeq)))
    .orderBy(desc(runEvents.seq))
    .limit(3 * limits.runAttempts);
  const attempts = new Map<number, RunAttempt>();
  for (const { at, data } of rows.reverse()) {
    const said = stateData.safeParse(data);
    if (!said.success) continue;
    const { status, attempt, owner, why = null } = said.data;
    const known = attempts.get(attempt);
    if (status === "running" && owner !== undefined)
      attempts.set(attempt, {
        number: attempt,
        owner,
        startedAt: at,
        endedAt: null,
        outcome: "running",
        why: null,
      });
    else if (known?.endedAt === null && status !== "running")
      attempts.set(attempt, { ...known, endedAt: at, outcome: status === "queued" ? "lost" : status, why });
  }
  return [...attempts.values()].slice(-limits.runAttempts);
}
