// Workers: results, failures, cancel, stop and refused commits of handlers, as the run's row tells them.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projects } from "../../schema/tables/accounts.ts";
import { now } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { createLog } from "../kit/log.ts";
import { openStore, type Store } from "../store/store.ts";
import { type CreateRunInput, createRuns, type RunRow, type Runs } from "./runs.ts";

const log = createLog({ level: "silent" });
let dir: string;
let store: Store;
let runs: Runs;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "espalier-workers-"));
  store = await openStore({ dataDir: dir, log });
  runs = createRuns({ store, clock: now, log });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const create = (input: Partial<CreateRunInput> = {}): Promise<RunRow> =>
  store.write((tx) =>
    runs.createRun(tx, {
      projectId: "p",
      kind: "deploy",
      executor: "server",
      name: "a run",
      spec: { n: 1 },
      ...input,
    }),
  );

test("workers do the work: result, log, progress, and what the handler commits", async () => {
  runs.registerHandler("deploy", async (ctx) => {
    ctx.log("begun");
    ctx.progress({ step: 1, total: 4 });
    return {
      result: { spec: ctx.run.spec },
      commit: async (tx) => void (await tx.insert(projects).values({ id: "x", name: "x", createdAt: 1 })),
    };
  });
  const workers = runs.startWorkers({ owner: "w", leaseMs: 1000 });
  const { id } = await create();
  expect(await runs.waitForEnd(id)).toMatchObject({
    status: "succeeded",
    result: { spec: { n: 1 } },
    step: 1,
  });
  expect((await runs.logLines(id))[0]).toEndWith("info begun");
  expect(await store.db.$count(projects)).toBe(1);
  await workers.stop();
});

test("a handler that throws fails its run with the error's code, and the worker goes on", async () => {
  runs.registerHandler("deploy", async (ctx) => {
    if (ctx.run.name === "expected")
      throw new EspalierError("MODEL_TOO_LARGE", "too large", {
        field: "model",
        value: "m",
        hint: "smaller",
      });
    throw new TypeError("undefined is not a function");
  });
  const workers = runs.startWorkers({ owner: "w", leaseMs: 1000 });
  const one = await create({ name: "expected" });
  const two = await create({ name: "surprise" });
  expect((await runs.waitForEnd(one.id)).error).toEqual({
    code: "MODEL_TOO_LARGE",
    message: "too large",
    field: "model",
    value: "m",
    hint: "smaller",
  });
  expect((await runs.waitForEnd(two.id)).error).toMatchObject({ code: "RUN_FAILED" });
  await workers.stop();
});

test("cancel reaches the handler; stopping gives the run back without costing an attempt", async () => {
  let started = Promise.withResolvers<void>();
  runs.registerHandler("deploy", async (ctx) => {
    started.resolve();
    await new Promise((_, reject) =>
      ctx.signal.addEventListener("abort", () => reject(new Error(String(ctx.signal.reason)))),
    );
    return { result: null };
  });
  const workers = runs.startWorkers({ owner: "w", leaseMs: 1000 });
  const one = await create();
  await started.promise;
  await runs.requestCancel(one.id);
  expect((await runs.waitForEnd(one.id)).status).toBe("cancelled");
  started = Promise.withResolvers<void>();
  const two = await create({ maxAttempts: 1 });
  await started.promise;
  await workers.stop();
  expect(workers.active()).toBe(0);
  expect(await runs.get(two.id)).toMatchObject({ status: "queued", attempt: 1, maxAttempts: 2 });
});

test("a handler that does not let go of a cancelled run keeps neither its end nor more than its own turn", async () => {
  const started = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  let inHandler = 0;
  runs.registerHandler("deploy", async () => {
    expect(++inHandler).toBe(1);
    started.resolve();
    await letGo.promise;
    inHandler--;
    return { result: "late" };
  });
  const workers = runs.startWorkers({ owner: "w", leaseMs: 1000 });
  const one = await create();
  await started.promise;
  const from = performance.now();
  await runs.requestCancel(one.id);
  expect(await runs.waitForEnd(one.id)).toMatchObject({ status: "cancelled", result: null });
  expect(performance.now() - from).toBeLessThan(2_000);
  const two = await create();
  await Bun.sleep(100);
  // The bytes of the first are still being moved: the next one waits its turn.
  expect((await runs.get(two.id)).status).toBe("queued");
  letGo.resolve();
  expect(await runs.waitForEnd(two.id)).toMatchObject({ status: "succeeded", result: "late" });
  expect((await runs.get(one.id)).status).toBe("cancelled");
  await workers.stop();
});

test("a commit that is refused fails the run and keeps nothing of it", async () => {
  runs.registerHandler("deploy", async () => ({
    result: 1,
    commit: async (tx) => {
      await tx.insert(projects).values({ id: "x", name: "x", createdAt: 1 });
      throw new EspalierError("NAME_TAKEN", "the name is taken");
    },
  }));
  const workers = runs.startWorkers({ owner: "w", leaseMs: 1000 });
  const { id } = await create();
  expect((await runs.waitForEnd(id)).error).toMatchObject({ code: "NAME_TAKEN" });
  expect(await store.db.$count(projects)).toBe(0);
  await workers.stop();
});

test("a long handler keeps its lease by heartbeats, and cancel of another process reaches it by them", async () => {
  const begun = Promise.withResolvers<void>();
  runs.registerHandler("deploy", async (ctx) => {
    begun.resolve();
    while (!ctx.signal.aborted) await Bun.sleep(5);
    throw new Error("stopped");
  });
  const workers = runs.startWorkers({ owner: "w", leaseMs: 150 });
  const { id } = await create();
  await begun.promise;
  await Bun.sleep(400);
  expect(await runs.releaseExpired()).toBe(0);
  expect((await runs.get(id)).attempt).toBe(1);
  // A second front door has its own news: only the table tells the worker.
  await createRuns({ store, clock: now, log }).requestCancel(id);
  expect(await runs.waitForEnd(id)).toMatchObject({ status: "cancelled", attempt: 1 });
  await workers.stop();
});

test("kinds do not wait for each other, and a kind works on as many as it is told", async () => {
  const gate = Promise.withResolvers<void>();
  let merging = 0;
  runs.registerHandler("merge", async () => {
    merging++;
    await gate.promise;
    return { result: null };
  });
  runs.registerHandler("deploy", async () => ({ result: null }));
  const workers = runs.startWorkers({ owner: "w", leaseMs: 1000, concurrency: { merge: 2 } });
  const merges = [];
  for (let i = 0; i < 3; i++) merges.push(await create({ kind: "merge" }));
  const deploy = await create();
  expect((await runs.waitForEnd(deploy.id)).status).toBe("succeeded");
  expect(merging).toBe(2);
  gate.resolve();
  for (const { id } of merges) expect((await runs.waitForEnd(id)).status).toBe("succeeded");
  expect(merging).toBe(3);
  await workers.stop();
});
