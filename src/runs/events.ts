// Events of a run: appended once each however often they are sent, and what they say about its progress.
import { and, asc, desc, eq, gt, inArray, max } from "drizzle-orm";
import { z } from "zod";
import { runEvents, runs } from "../../schema/tables/runs.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { Reader, Tx } from "../store/store.ts";
import type { RunEventRow, RunRow } from "./states.ts";

export type RunEventInput = {
  /** The sender's own count within the attempt, from 1 without gaps; null for events of the server itself. */
  senderSeq?: number | null;
  type: "state" | "metrics" | "log" | "sample" | "checkpoint" | "progress";
  data: Record<string, unknown>;
  /** Milliseconds since the epoch. */
  at: number;
};

/** What metrics and progress events may say about how far a run is. */
const progressData = z.looseObject({
  step: z.number().int().nonnegative().optional(),
  totalSteps: z.number().int().nonnegative().optional(),
  fraction: z.number().min(0).max(1).optional(),
  etaSeconds: z.number().nonnegative().optional(),
});

/**
 * Adds events to a running run inside the caller's transaction; those whose `senderSeq` is known are skipped.
 * Returns the rows that are new, the run as it now is, and the highest `senderSeq` held for the attempt.
 * @throws EspalierError EVENT_GAP when a `senderSeq` is missing before one of these
 */
export async function addEvents(tx: Tx, run: RunRow, events: readonly RunEventInput[]) {
  const known = await tx
    .select({ last: max(runEvents.senderSeq) })
    .from(runEvents)
    .where(and(eq(runEvents.runId, run.id), eq(runEvents.attempt, run.attempt)));
  let lastSenderSeq = known[0]?.last ?? 0;
  let seq = run.lastSeq;
  const patch: Partial<RunRow> = {};
  const added: RunEventRow[] = [];
  for (const { senderSeq = null, type, data, at } of events) {
    if (senderSeq !== null) {
      if (senderSeq <= lastSenderSeq) continue;
      if (senderSeq !== lastSenderSeq + 1) throw eventGap(run, senderSeq, lastSenderSeq);
      lastSenderSeq = senderSeq;
    }
    added.push({ runId: run.id, seq: ++seq, attempt: run.attempt, senderSeq, at, type, data });
    if (type === "metrics" || type === "progress") Object.assign(patch, progressPatch(run, patch, data));
  }
  if (added.length === 0) return { added, run, lastSenderSeq };
  for (let from = 0; from < added.length; from += 200)
    await tx.insert(runEvents).values(added.slice(from, from + 200));
  const [row] = await tx
    .update(runs)
    .set({ ...patch, lastSeq: seq })
    .where(eq(runs.id, run.id))
    .returning();
  return { added, run: row ?? run, lastSenderSeq };
}

function eventGap(run: RunRow, senderSeq: number, lastSenderSeq: number): EspalierError {
  return new EspalierError(
    "EVENT_GAP",
    `Event ${senderSeq} of run ${run.id} came, but ${lastSenderSeq} is the last one held`,
    {
      field: "seq",
      value: String(senderSeq),
      hint: `Send the events from ${lastSenderSeq + 1} on again.`,
      status: 409,
    },
  );
}

function progressPatch(run: RunRow, sofar: Partial<RunRow>, data: unknown): Partial<RunRow> {
  const parsed = progressData.safeParse(data);
  if (!parsed.success) return {};
  const { step, totalSteps, fraction, etaSeconds } = parsed.data;
  const patch: Partial<RunRow> = {};
  if (step !== undefined) patch.step = step;
  if (totalSteps !== undefined) patch.totalSteps = totalSteps;
  if (etaSeconds !== undefined) patch.etaSeconds = etaSeconds;
  const total = totalSteps ?? sofar.totalSteps ?? run.totalSteps;
  if (fraction !== undefined) patch.progress = fraction;
  else if (step !== undefined && total) patch.progress = Math.min(1, step / total);
  return patch;
}

export type EventsQuery = {
  /** Only events with a larger `seq`. */
  after?: number;
  first?: number;
  types?: readonly string[];
};

/** Events in order. `first` is capped by limits.runEventsPage. */
export async function readEvents(db: Reader, runId: string, query: EventsQuery = {}): Promise<RunEventRow[]> {
  return await db
    .select()
    .from(runEvents)
    .where(
      and(
        eq(runEvents.runId, runId),
        gt(runEvents.seq, query.after ?? 0),
        query.types ? inArray(runEvents.type, [...query.types]) : undefined,
      ),
    )
    .orderBy(asc(runEvents.seq))
    .limit(Math.max(1, Math.min(query.first ?? limits.runEventsPage, limits.runEventsPage)));
}

const logData = z.looseObject({ level: z.string().default("info"), message: z.string() });

export type LogQuery = { search?: string; last?: number };

/** The run's log as lines `2026-01-31T12:00:00.000Z info text`, oldest first; the last `last` of those that match. */
export async function readLogLines(db: Reader, runId: string, query: LogQuery = {}): Promise<string[]> {
  const most = Math.max(1, Math.min(query.last ?? limits.runLogLines, limits.runLogLines));
  const rows = await db
    .select()
    .from(runEvents)
    .where(and(eq(runEvents.runId, runId), eq(runEvents.type, "log")))
    .orderBy(desc(runEvents.seq))
    .limit(limits.runLogLines);
  const needle = query.search?.toLowerCase();
  const lines: string[] = [];
  for (const row of rows) {
    const parsed = logData.safeParse(row.data);
    if (!parsed.success) continue;
    const line = `${new Date(row.at).toISOString()} ${parsed.data.level} ${parsed.data.message}`;
    if (needle && !line.toLowerCase().includes(needle)) continue;
    lines.push(line);
    if (lines.length >= most) break;
  }
  return lines.reverse();
}
