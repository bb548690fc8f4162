// Runs: every move of the state chart, fencing, idempotent events, cancel, retry, leases, recovery, workers.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { projects } from "../../schema/tables/accounts.ts";
import { runs as runsTable } from "../../schema/tables/runs.ts";
import { createLog } from "../kit/log.ts";
import { openStore, type Store } from "../store/store.ts";
import {
  type CreateRunInput,
  createRuns,
  MOVES,
  RUN_STATUSES,
  type RunNews,
  type RunRow,
  type RunStatus,
  type Runs,
} from "./runs.ts";
import { transition } from "./states.ts";

const log = createLog({ level: "silent" });
let dir: string;
let store: Store;
let runs: Runs;
let time = 1_000_000;
const clock = (): number => time;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "espalier-runs-"));
  store = await openStore({ dataDir: dir, log });
  runs = createRuns({ store, clock, log });
  time = 1_000_000;
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const create = (input: Partial<CreateRunInput> = {}): Promise<RunRow> =>
  store.write((tx) =>
    runs.createRun(tx, {
      projectId: "p",
      kind: "train",
      executor: "trainer",
      name: "a run",
      spec: { n: 1 },
      ...input,
    }),
  );
async function claimed(owner = "t1", leaseMs = 1000): Promise<RunRow> {
  const run = await runs.claim({ executor: "trainer", owner, leaseMs });
  if (!run) throw new Error("nothing to claim");
  return run;
}
const states = async (id: string): Promise<unknown[]> =>
  (await runs.events(id, { types: ["state"] })).map((event) => (event.data as { status: string }).status);

/** Brings a fresh run into a status by the public verbs. */
async function inStatus(status: RunStatus): Promise<RunRow> {
  const run = await create();
  if (status === "queued") return run;
  const held = await claimed();
  if (status === "running") return held;
  return await runs.finish(held.id, held.attempt, { status });
}

const everyMove = RUN_STATUSES.flatMap((from) => RUN_STATUSES.map((to) => [from, to] as const));
test.each(everyMove)("move %s -> %s is allowed exactly when the chart has it", async (from, to) => {
  const run = await inStatus(from);
  const moving = store.write((tx) => transition(tx, run, { to, at: clock() }));
  if (MOVES[from].includes(to)) {
    const moved = await moving;
    expect(moved.run.status).toBe(to);
    expect((await runs.events(run.id)).at(-1)).toEqual(moved.event);
  } else {
    await expect(moving).rejects.toMatchObject({ code: "RUN_MOVE_INVALID", value: from });
    expect(await runs.get(run.id)).toEqual(run);
  }
});

test("a move from a state that is no longer true is refused", async () => {
  const run = await create();
  await claimed();
  const late = store.write((tx) => transition(tx, run, { to: "cancelled", at: clock() }));
  await expect(late).rejects.toMatchObject({ code: "RUN_MOVED", status: 409 });
  expect((await runs.get(run.id)).status).toBe("running");
});

test("a run is made in the caller's transaction or not at all", async () => {
  const making = store.write(async (tx) => {
    await runs.createRun(tx, { projectId: "p", kind: "train", executor: "trainer", name: "x", spec: {} });
    throw new Error("the subject was refused");
  });
  await expect(making).rejects.toThrow("refused");
  expect(await (await runs.list()).totalCount()).toBe(0);
});

test("claim takes the oldest of the executor and kind, counts the attempt and sets the lease", async () => {
  const first = await create();
  time += 5;
  await create();
  await create({ kind: "deploy", executor: "server" });
  expect(await runs.claim({ executor: "trainer", owner: "t", leaseMs: 1, kinds: ["merge"] })).toBeNull();
  const run = await claimed("t1", 1000);
  expect(run).toMatchObject({ id: first.id, status: "running", attempt: 1, leaseOwner: "t1" });
  expect(run.leaseUntil).toBe(clock() + 1000);
  await claimed();
  expect(await runs.claim({ executor: "trainer", owner: "t", leaseMs: 1 })).toBeNull();
});

test("a waiting claim gets the run the moment it is queued, and gives up when told", async () => {
  const waiting = runs.claim({ executor: "trainer", owner: "t", leaseMs: 1, waitMs: 5000 });
  const run = await create();
  expect((await waiting)?.id).toBe(run.id);
  const stop = new AbortController();
  const nothing = runs.claim({
    executor: "trainer",
    owner: "t",
    leaseMs: 1,
    waitMs: 5000,
    signal: stop.signal,
  });
  stop.abort();
  expect(await nothing).toBeNull();
});

test("many claimants of one process never share a run", async () => {
  for (let i = 0; i < 20; i++) await create();
  const taken = await Promise.all(
    Array.from({ length: 40 }, (_, i) => runs.claim({ executor: "trainer", owner: `t${i}`, leaseMs: 1000 })),
  );
  const ids = taken.flatMap((run) => (run ? [run.id] : []));
  expect(ids.length).toBe(20);
  expect(new Set(ids).size).toBe(20);
});

test("an old attempt is refused everywhere once the run was taken over", async () => {
  await create();
  const old = await claimed("t1", 100);
  time += 101;
  expect(await runs.releaseExpired()).toBe(1);
  const fresh = await claimed("t2", 100);
  expect(fresh).toMatchObject({ id: old.id, attempt: 2 });
  const stale = { code: "STALE_ATTEMPT", status: 409 };
  const file = { name: "a", sha256: "0".repeat(64), sizeBytes: 1 };
  await expect(runs.heartbeat(old.id, 1, 100)).rejects.toMatchObject(stale);
  await expect(runs.appendEvents(old.id, 1, [{ type: "log", data: {}, at: 1 }])).rejects.toMatchObject(stale);
  await expect(runs.addArtifact(old.id, 1, file)).rejects.toMatchObject(stale);
  await expect(runs.finish(old.id, 1, { status: "succeeded" })).rejects.toMatchObject(stale);
  await expect(runs.giveBack(old.id, 1, "x")).rejects.toMatchObject(stale);
  expect((await runs.heartbeat(old.id, 2, 500)).leaseUntil).toBe(clock() + 500);
  expect(await states(old.id)).toEqual(["queued", "running", "queued", "running"]);
});

test("a heartbeat keeps the lease past its first end", async () => {
  await create();
  const run = await claimed("t1", 100);
  time += 90;
  await runs.heartbeat(run.id, run.attempt, 100);
  time += 90;
  expect(await runs.releaseExpired()).toBe(0);
  time += 11;
  expect(await runs.releaseExpired()).toBe(1);
});

test("a lease lost with no attempt left ends as LEASE_LOST; with cancel asked it ends as cancelled", async () => {
  const run = await create({ maxAttempts: 2 });
  for (let i = 0; i < 2; i++) {
    await claimed("t", 10);
    time += 11;
    await runs.releaseExpired();
  }
  expect(await runs.get(run.id)).toMatchObject({
    status: "failed",
    attempt: 2,
    error: { code: "LEASE_LOST" },
  });
  const other = await create();
  await claimed("t", 10);
  await runs.requestCancel(other.id);
  time += 11;
  await runs.releaseExpired();
  expect((await runs.get(other.id)).status).toBe("cancelled");
});

test("events sent again are skipped, gaps are refused, and metrics move the run's progress", async () => {
  await create();
  const { id, attempt } = await claimed();
  const metric = (senderSeq: number) => ({
    senderSeq,
    type: "metrics" as const,
    at: 7,
    data: { step: senderSeq, totalSteps: 10, etaSeconds: 10 - senderSeq, loss: 1 / senderSeq },
  });
  expect(await runs.appendEvents(id, attempt, [metric(1), metric(2)])).toEqual({
    lastSenderSeq: 2,
    added: 2,
  });
  expect(await runs.appendEvents(id, attempt, [metric(1), metric(2), metric(3)])).toEqual({
    lastSenderSeq: 3,
    added: 1,
  });
  await expect(runs.appendEvents(id, attempt, [metric(5)])).rejects.toMatchObject({
    code: "EVENT_GAP",
    value: "5",
  });
  const stored = await runs.events(id, { types: ["metrics"] });
  expect(stored.map((event) => event.senderSeq)).toEqual([1, 2, 3]);
  expect(await runs.get(id)).toMatchObject({ step: 3, totalSteps: 10, progress: 0.3, etaSeconds: 7 });
  expect((await runs.events(id)).map((event) => event.seq)).toEqual([1, 2, 3, 4, 5]);
});

test("the senders' numbers start again with each attempt", async () => {
  await create();
  const one = await claimed("t", 10);
  const event = { senderSeq: 1, type: "log" as const, at: 1, data: { message: "hello" } };
  await runs.appendEvents(one.id, 1, [event]);
  time += 11;
  await runs.releaseExpired();
  const two = await claimed("t", 10);
  expect(await runs.appendEvents(two.id, 2, [event])).toEqual({ lastSenderSeq: 1, added: 1 });
});

test("what a run made is committed with its end, or the run goes on", async () => {
  await create();
  const { id, attempt } = await claimed();
  const refused = runs.finish(id, attempt, { status: "succeeded" }, async (tx) => {
    await tx.insert(projects).values({ id: "made", name: "made", createdAt: 1 });
    throw new Error("name taken");
  });
  await expect(refused).rejects.toThrow("name taken");
  expect((await runs.get(id)).status).toBe("running");
  expect(await store.db.$count(projects)).toBe(0);
  let calls = 0;
  const make = async (tx: Parameters<Parameters<Store["write"]>[0]>[0]) => {
    calls++;
    await tx.insert(projects).values({ id: "made", name: "made", createdAt: 1 });
  };
  const done = await runs.finish(id, attempt, { status: "succeeded", result: { id: "made" } }, make);
  expect(done).toMatchObject({ status: "succeeded", progress: 1, leaseOwner: null, result: { id: "made" } });
  // The same message again, as a sender does that lost the answer.
  expect(await runs.finish(id, attempt, { status: "succeeded" }, make)).toEqual(done);
  expect(calls).toBe(1);
  await expect(runs.finish(id, attempt, { status: "failed" })).rejects.toMatchObject({
    code: "STALE_ATTEMPT",
  });
});

test("cancel ends a queued run at once, tells a running one, and refuses an ended one", async () => {
  const waiting = await create();
  expect((await runs.requestCancel(waiting.id)).status).toBe("cancelled");
  expect((await runs.requestCancel(waiting.id)).status).toBe("cancelled");
  await create();
  const { id, attempt } = await claimed();
  expect((await runs.heartbeat(id, attempt, 100)).cancelRequested).toBe(false);
  expect((await runs.requestCancel(id)).status).toBe("running");
  const events = (await runs.events(id)).length;
  await runs.requestCancel(id);
  expect((await runs.events(id)).length).toBe(events);
  expect((await runs.heartbeat(id, attempt, 100)).cancelRequested).toBe(true);
  await runs.finish(id, attempt, { status: "succeeded" });
  await expect(runs.requestCancel(id)).rejects.toMatchObject({ code: "RUN_ENDED" });
  await expect(runs.requestCancel("run_none")).rejects.toMatchObject({ code: "RUN_NOT_FOUND", status: 404 });
});

test("a retry is a new run of the same spec; hooks hear of it and of every end", async () => {
  const heard: string[] = [];
  runs.registerHooks("train", {
    ended: async (tx, run) => {
      heard.push(`ended ${run.status}`);
      await tx.insert(projects).values({ id: run.id, name: run.status, createdAt: 1 });
    },
    retried: async (_tx, old, fresh) => void heard.push(`retried ${old.status} ${fresh.status}`),
  });
  const run = await create({ subjectId: "s" });
  await expect(runs.retry(run.id)).rejects.toMatchObject({ code: "RUN_NOT_RETRYABLE", value: "queued" });
  await runs.requestCancel(run.id);
  time += 1;
  const fresh = await runs.retry(run.id);
  expect(fresh).toMatchObject({
    status: "queued",
    retryOf: run.id,
    subjectId: "s",
    spec: { n: 1 },
    attempt: 0,
  });
  expect((await runs.get(run.id)).status).toBe("cancelled");
  await expect(runs.retry(run.id)).rejects.toMatchObject({ code: "RUN_RETRIED", value: fresh.id });
  expect(heard).toEqual(["ended cancelled", "retried cancelled queued"]);
  expect((await runs.latestOf("s"))?.id).toBe(fresh.id);
  expect((await store.db.select().from(projects).where(eq(projects.id, run.id)))[0]?.name).toBe("cancelled");
});

test("at the start the server's own runs go back to the queue, a living trainer keeps its lease", async () => {
  const mine = await create({ kind: "deploy", executor: "server" });
  await runs.claim({ executor: "server", owner: "dead", leaseMs: 1_000_000 });
  const theirs = await create();
  await claimed("alive", 1000);
  expect(await runs.recoverAtStart(1000)).toBe(1);
  expect((await runs.get(mine.id)).status).toBe("queued");
  expect((await runs.get(theirs.id)).status).toBe("running");
  // The server was away for longer than the lease: the trainer, which is still at work, gets a whole one to be heard.
  time += 5000;
  expect(await runs.recoverAtStart(1000)).toBe(0);
  expect(await runs.get(theirs.id)).toMatchObject({ status: "running", leaseUntil: time + 1000 });
  expect((await runs.heartbeat(theirs.id, 1, 1000)).cancelRequested).toBe(false);
  time += 1001;
  expect(await runs.releaseExpired()).toBe(1);
  expect((await runs.get(theirs.id)).status).toBe("queued");
});

test("lists are paged newest first by id, with totals and filters", async () => {
  for (let i = 0; i < 5; i++) {
    time += 10;
    await create({ name: `r${i}`, kind: i === 2 ? "merge" : "train" });
  }
  const one = await runs.list({ first: 2 });
  expect(one.items.map((run) => run.name)).toEqual(["r4", "r3"]);
  expect(one.hasNextPage).toBe(true);
  expect(await one.totalCount()).toBe(5);
  const two = await runs.list({ first: 3, after: one.cursors.at(-1) });
  expect(two.items.map((run) => run.name)).toEqual(["r2", "r1", "r0"]);
  expect(two.hasNextPage).toBe(false);
  expect(await (await runs.list({ kind: "merge" })).totalCount()).toBe(1);
  expect(await (await runs.list({ projectId: "other" })).totalCount()).toBe(0);
});

test("log lines are searched and cut from the end", async () => {
  await create();
  const { id, attempt } = await claimed();
  const line = (message: string) => ({ type: "log" as const, at: 0, data: { level: "info", message } });
  await runs.appendEvents(id, attempt, ["loading", "Step 1", "step 2", "done"].map(line));
  expect(await runs.logLines(id, { search: "STEP" })).toEqual([
    "1970-01-01T00:00:00.000Z info Step 1",
    "1970-01-01T00:00:00.000Z info step 2",
  ]);
  expect((await runs.logLines(id, { last: 1 }))[0]).toEndWith("done");
});

test("news come after the commit only, and none of a rolled back write", async () => {
  const news: RunNews[] = [];
  const end = runs.subscribe((it) => news.push(it));
  const run = await create();
  expect(news.map((it) => it.kind)).toEqual(["event", "changed"]);
  await store
    .write(async (tx) => {
      await runs.createRun(tx, { projectId: "p", kind: "train", executor: "trainer", name: "x", spec: {} });
      throw new Error("no");
    })
    .catch(() => undefined);
  expect(news.length).toBe(2);
  end();
  await runs.requestCancel(run.id);
  expect(news.length).toBe(2);
});

test("follow gives stored and coming events once each, in order, and ends with the run", async () => {
  const { id } = await create();
  const { attempt } = await claimed();
  const seen: number[] = [];
  const following = (async () => {
    for await (const event of runs.follow(id, 1)) seen.push(event.seq);
  })();
  for (let i = 1; i <= 30; i++)
    await runs.appendEvents(id, attempt, [{ senderSeq: i, type: "log", at: i, data: { message: "x" } }]);
  await runs.finish(id, attempt, { status: "failed", error: { code: "BAD", message: "bad" } });
  await following;
  expect(seen).toEqual(Array.from({ length: 32 }, (_, i) => i + 2));
  expect(await runs.waitForEnd(id)).toMatchObject({ status: "failed" });
  expect(await Array.fromAsync(runs.follow(id, 33))).toEqual([]);
});

test("a slow reader of changes gets each run's latest state", async () => {
  const stop = new AbortController();
  const changes = runs.changes("p", stop.signal);
  const first = changes.next();
  const run = await create();
  expect((await first).value).toMatchObject({ id: run.id, status: "queued" });
  await claimed();
  await runs.finish(run.id, 1, { status: "succeeded" });
  expect((await changes.next()).value).toMatchObject({ id: run.id, status: "succeeded" });
  stop.abort();
  expect((await changes.next()).done).toBe(true);
});

test("a spec beyond the limit is refused and says the limit", async () => {
  const making = create({ spec: { text: "x".repeat(5 * 1024 * 1024) } });
  await expect(making).rejects.toMatchObject({
    code: "RUN_SPEC_TOO_LARGE",
    hint: expect.stringContaining("limits.runSpecBytes"),
  });
  expect(await store.db.$count(runsTable)).toBe(0);
});
