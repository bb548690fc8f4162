// Seeded random histories of runs: whatever happens in whatever order, the chart's promises hold.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isEspalierError } from "../kit/errors.ts";
import { createLog } from "../kit/log.ts";
import { openStore } from "../store/store.ts";
import { createRuns, isEnded, MOVES, type RunRow, type RunStatus } from "./runs.ts";

/** mulberry32: small, and the same on every machine. */
function seeded(seed: number): (below: number) => number {
  let a = seed;
  return (below) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const REFUSALS = ["STALE_ATTEMPT", "RUN_ENDED", "RUN_NOT_RETRYABLE", "RUN_RETRIED", "EVENT_GAP"];

test.each([1, 2, 3, 4, 5, 6])("history %d", async (seed) => {
  const dir = mkdtempSync(join(tmpdir(), "espalier-random-"));
  const store = await openStore({ dataDir: dir, log: createLog({ level: "silent" }) });
  let time = 1000;
  const runs = createRuns({ store, clock: () => time, log: createLog({ level: "silent" }) });
  const pick = seeded(seed);
  /** What some worker believes it holds, perhaps no longer rightly. */
  const held: { id: string; attempt: number; sent: number }[] = [];
  const last = new Map<string, RunRow>();
  const refused = new Set<string>();
  const any = <T>(list: readonly T[]): T | undefined => list[pick(list.length)];

  async function step(): Promise<unknown> {
    time += pick(40);
    const mine = any(held);
    const id = any([...last.keys()]) ?? "";
    switch (pick(9)) {
      case 0:
        return await store.write((tx) =>
          runs.createRun(tx, {
            projectId: "p",
            kind: "train",
            executor: "trainer",
            name: "r",
            spec: { time },
          }),
        );
      case 1:
      case 2: {
        const run = await runs.claim({ executor: "trainer", owner: "w", leaseMs: 60 });
        if (run) held.push({ id: run.id, attempt: run.attempt, sent: 0 });
        return;
      }
      case 3:
        return mine && (await runs.heartbeat(mine.id, mine.attempt, 60));
      case 4: {
        if (!mine) return;
        // Sometimes the answer was lost and all is sent again, sometimes one is forgotten.
        const from = pick(5) === 0 ? mine.sent + 2 : Math.max(1, mine.sent - pick(3));
        const events = [0, 1, 2].map((i) => ({
          senderSeq: from + i,
          type: "log" as const,
          at: time,
          data: { i },
        }));
        mine.sent = (await runs.appendEvents(mine.id, mine.attempt, events)).lastSenderSeq;
        return;
      }
      case 5: {
        const status = any(["succeeded", "failed", "cancelled"] as const) ?? "failed";
        return mine && (await runs.finish(mine.id, mine.attempt, { status }));
      }
      case 6:
        return id && (await runs.requestCancel(id));
      case 7:
        return id && (await runs.retry(id));
      default:
        return await runs.releaseExpired();
    }
  }

  async function check(): Promise<void> {
    for (const run of (await runs.list({ first: 200 })).items) {
      const before = last.get(run.id);
      if (before && isEnded(before)) expect(run).toEqual(before);
      if (before) expect(run.attempt).toBeGreaterThanOrEqual(before.attempt);
      expect(run.status === "running").toBe(run.leaseUntil !== null);
      expect(isEnded(run)).toBe(run.endedAt !== null);
      last.set(run.id, run);
    }
  }

  for (let i = 0; i < 150; i++) {
    try {
      await step();
    } catch (error) {
      if (!isEspalierError(error) || !REFUSALS.includes(error.code)) throw error;
      refused.add(error.code);
    }
    if (i % 5 === 0) await check();
  }
  await check();

  expect(last.size).toBeGreaterThan(5);
  expect(refused.size).toBeGreaterThan(1);
  for (const run of last.values()) {
    const events = await runs.events(run.id);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(run.lastSeq).toBe(events.length);
    const states = events.flatMap(({ type, data }) =>
      type === "state" ? [data as { status: RunStatus }] : [],
    );
    for (const [index, { status }] of states.entries()) {
      const from = states[index - 1]?.status;
      // A wish to cancel is told as an event of the state that goes on.
      if (from !== undefined && from !== status) expect(MOVES[from]).toContain(status);
    }
    expect(states.at(-1)?.status).toBe(run.status as RunStatus);
    const sent = events.flatMap(({ attempt, senderSeq }) =>
      senderSeq === null ? [] : [`${attempt}/${senderSeq}`],
    );
    expect(new Set(sent).size).toBe(sent.length);
  }
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});
