// A lease whose answer got lost: the trainer that asks again gets the run back soon, and nobody loses one in hand.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runs as runsTable } from "../../schema/tables/runs.ts";
import { createLog } from "../kit/log.ts";
import { openStore, type Store } from "../store/store.ts";
import { createRuns, type RunRow, type Runs } from "./runs.ts";

const log = createLog({ level: "silent" });
const leaseMs = 30_000;
let dir: string;
let store: Store;
let runs: Runs;
let time = 1_000_000;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "espalier-claim-"));
  store = await openStore({ dataDir: dir, log });
  runs = createRuns({ store, clock: () => time, log });
  const spec = { n: 1 };
  await store.write((tx) =>
    runs.createRun(tx, {
      projectId: "p",
      kind: "train",
      executor: "trainer",
      name: "r",
      spec,
      maxAttempts: 1,
    }),
  );
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const ask = (owner: string): Promise<RunRow | null> => runs.claim({ executor: "trainer", owner, leaseMs });

test("whoever asks again without a word about its run gets it back, and the attempt does not count", async () => {
  const lost = await ask("t1");
  expect(lost).toMatchObject({ attempt: 1, leaseOwner: "t1" });
  // Right after it another process of the same name may be about to say its first word.
  time += 1_000;
  expect(await ask("t1")).toBeNull();
  // A restart of the server, which gives trainers a whole lease anew, changes nothing.
  await runs.recoverAtStart(leaseMs);
  time += 1_000;
  const again = await ask("t1");
  // There is but one attempt to this run, and this is still it.
  expect(again).toMatchObject({ id: lost?.id, attempt: 2, maxAttempts: 2, status: "running" });
  await expect(runs.heartbeat(lost?.id ?? "", 1, leaseMs)).rejects.toMatchObject({ code: "STALE_ATTEMPT" });
});

test("who waits in the line for work gets it as soon as that is certain", async () => {
  runs = createRuns({ store, clock: () => performance.timeOrigin + performance.now(), log });
  const lost = await ask("t1");
  const from = performance.now();
  const again = await runs.claim({ executor: "trainer", owner: "t1", leaseMs, waitMs: 20_000 });
  expect(again?.id).toBe(lost?.id);
  expect(performance.now() - from).toBeGreaterThan(1_500);
  expect(performance.now() - from).toBeLessThan(4_000);
}, 10_000);

test("a run that somebody has begun stays with them, and another trainer never gets it early", async () => {
  const run = await ask("t1");
  time += 5_000;
  expect(await ask("t2")).toBeNull();
  const began = { senderSeq: 1, type: "state" as const, data: { phase: "fetching" }, at: time };
  await runs.appendEvents(run?.id ?? "", 1, [began]);
  time += 5_000;
  expect(await ask("t1")).toBeNull();
  expect(await runs.get(run?.id ?? "")).toMatchObject({ status: "running", attempt: 1 });
});

test("one that was to be cancelled ends instead of going out again", async () => {
  const run = await ask("t1");
  await runs.requestCancel(run?.id ?? "");
  time += 5_000;
  expect(await ask("t1")).toBeNull();
  expect(await runs.get(run?.id ?? "")).toMatchObject({ status: "cancelled" });
});

test("a trainer that was started anew does not wait for the lease of the process before it", async () => {
  const { id } = (await store.db.query.runs.findFirst()) ?? { id: "" };
  await store.write((tx) => tx.update(runsTable).set({ maxAttempts: 2 }));
  await ask("t1");
  await runs.appendEvents(id, 1, [{ senderSeq: 1, type: "state", data: { phase: "training" }, at: time }]);
  time += 10_000;
  await runs.heartbeat(id, 1, leaseMs);
  time += leaseMs / 2 - 1;
  expect(await ask("t1")).toBeNull();
  time += 1;
  expect(await ask("t1")).toMatchObject({ id, attempt: 2, maxAttempts: 2, status: "running" });
  expect(await runs.attempts(id)).toMatchObject([
    { number: 1, owner: "t1", outcome: "lost", why: "its trainer was started anew", endedAt: time },
    { number: 2, owner: "t1", outcome: "running", why: null, startedAt: time, endedAt: null },
  ]);
});
