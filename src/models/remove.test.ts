// Deletion of models: dependants are named, nothing goes while a run works on it, and what went can come back.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  baseModels,
  customizedModels,
  deployments,
  modelNames,
  trainings,
} from "../../schema/tables/models.ts";
import { trash } from "../../schema/tables/trash.ts";
import { createEnginePool } from "../inference/inference.ts";
import { now } from "../kit/clock.ts";
import { limits } from "../kit/limits.ts";
import { createLog } from "../kit/log.ts";
import { createRuns, type RunExecutor, type RunKind, type Runs } from "../runs/runs.ts";
import { openStore, type Store } from "../store/store.ts";
import { purgeTrash } from "../store/trash.ts";
import { createModels, type Models } from "./models.ts";

const log = createLog({ level: "silent" });
const card = {
  architecture: "llama",
  format: "hf",
  parameterCount: 1,
  dtype: "F32",
  contextLength: 8,
  vocabSize: 8,
  layers: 1,
  hiddenSize: 8,
  heads: 1,
  kvHeads: 1,
  sizeBytes: 1,
  licence: null,
  displayName: null,
  chatTemplate: null,
  renderedExample: null,
  templateError: null,
  readme: null,
  memoryBytes: {},
};
let dir: string;
let store: Store;
let runs: Runs;
let models: Models;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "espalier-remove-"));
  store = await openStore({ dataDir: dir, log });
  runs = createRuns({ store, clock: now, log });
  const memoryBudgetBytes = 1024 ** 3;
  const engine = createEnginePool({
    cacheDir: join(dir, "engine"),
    command: [process.execPath, "engine"],
    env: {},
    memoryBudgetBytes,
    idleMs: 1000,
    threads: 1,
    clock: now,
    log: () => {},
  });
  models = createModels({ store, runs, engine, clock: now, memoryBudgetBytes });
  const common = { projectId: "p", files: [], sha256: "0", sizeBytes: 1, card, createdAt: 1 };
  await store.write(async (tx) => {
    await tx.insert(baseModels).values({ ...common, id: "base_1", name: "base", format: "hf" });
    await tx.insert(trainings).values({
      id: "train_1",
      projectId: "p",
      name: "tuned",
      baseId: "base_1",
      datasetVersionId: "dsv_1",
      method: "sft",
      parameters: {},
      save: false,
      runId: "run_1",
      createdAt: 1,
    });
    const made = { id: "cust_1", name: "tuned", baseId: "base_1", trainingId: "train_1" };
    await models.addCustomized(tx, { ...common, ...made });
    await tx.insert(modelNames).values({ projectId: "p", name: "base", modelId: "base_1", kind: "base" });
  });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const everything = async () => [
  await store.db.select().from(baseModels),
  await store.db.select().from(trainings),
  await store.db.select().from(customizedModels),
  await store.db.select().from(modelNames).orderBy(modelNames.name),
];

const queue = (kind: RunKind, executor: RunExecutor, subjectId: string, spec: unknown) =>
  store.write((tx) =>
    runs.createRun(tx, { projectId: "p", kind, executor, name: `a ${kind}`, subjectId, spec }),
  );

test("what depends on a model is named first, and goes with it on request", async () => {
  await expect(models.remove("base_1", false)).rejects.toMatchObject({
    code: "HAS_DEPENDANTS",
    message: "base is used by training tuned, customized tuned.",
  });
  await models.remove("base_1", true);
  for (const table of [baseModels, trainings, customizedModels]) expect(await store.db.$count(table)).toBe(0);
  expect(await models.find("p", "tuned")).toBeNull();
});

test("thousands that depend on a base are found soon, each behind what it was made from", async () => {
  const ids = Array.from({ length: 2_500 }, (_, i) => String(i).padStart(5, "0"));
  await store.write(async (tx) => {
    for (let at = 0; at < ids.length; at += 500)
      for (const [table, rows] of [
        [
          trainings,
          ids.slice(at, at + 500).map((id) => ({
            ...{
              id: `train_${id}`,
              projectId: "p",
              name: `t${id}`,
              baseId: "base_1",
              datasetVersionId: "dsv_1",
            },
            ...{ method: "sft", parameters: {}, save: false, runId: `run_${id}`, createdAt: 1 },
          })),
        ],
        [
          customizedModels,
          ids.slice(at, at + 500).map((id) => ({
            ...{
              id: `cust_${id}`,
              projectId: "p",
              name: `c${id}`,
              baseId: "base_1",
              trainingId: `train_${id}`,
            },
            ...{ files: [], sha256: "0", sizeBytes: 1, card, createdAt: 1 },
          })),
        ],
        [
          deployments,
          ids.slice(at, at + 500).map((id) => ({
            ...{ id: `live_${id}`, projectId: "p", name: `l${id}`, modelId: `cust_${id}`, precision: "fp32" },
            ...{ status: "stopped", createdAt: 1 },
          })),
        ],
      ] as const)
        await tx.insert(table).values(rows);
  });
  const from = performance.now();
  const found = await models.dependants("base_1");
  expect(performance.now() - from).toBeLessThan(2_000);
  expect(found).toHaveLength(3 * ids.length + 2);
  const place = new Map(found.map(({ id }, at) => [id, at]));
  for (const id of ids) expect(place.get(`live_${id}`)).toBeGreaterThan(place.get(`cust_${id}`) ?? 1e9);
}, 20_000);

test("what was deleted comes back as it was, with what went along", async () => {
  const before = await everything();
  await models.remove("base_1", true);
  expect(await models.restore("p", "base_1")).toEqual({ id: "base_1", name: "base" });
  expect(await everything()).toEqual(before);
  await expect(models.restore("p", "base_1")).rejects.toMatchObject({ code: "NOT_IN_TRASH" });
  await models.remove("cust_1", false);
  await expect(models.restore("other", "cust_1")).rejects.toMatchObject({ code: "NOT_IN_TRASH" });
});

test("a name is free once its model is deleted; what comes back to a taken name gets a number", async () => {
  await models.remove("cust_1", false);
  await models.rename({ projectId: "p", id: "base_1", name: "tuned" });
  expect(await models.restore("p", "cust_1")).toEqual({ id: "cust_1", name: "tuned_2" });
  expect(await models.find("p", "tuned_2")).toMatchObject({ id: "cust_1", name: "tuned_2" });
});

test("what needs something that is deleted too says what has to come back first", async () => {
  await models.remove("cust_1", false);
  await models.remove("train_1", false);
  await models.remove("base_1", false);
  await expect(models.restore("p", "cust_1")).rejects.toMatchObject({
    code: "SOURCE_DELETED",
    message: "tuned cannot come back alone: what it was made from, base, is deleted too.",
    value: "base_1",
  });
  for (const id of ["base_1", "train_1", "cust_1"]) await models.restore("p", id);
  expect(await models.find("p", "tuned")).toMatchObject({ id: "cust_1" });
});

test("the trash is emptied of what is too old, and of nothing else", async () => {
  const deletedAt = now();
  await models.remove("base_1", true);
  expect(await purgeTrash(store, deletedAt + limits.trashMs - 60_000)).toBe(0);
  expect(await store.db.$count(trash)).toBe(1);
  expect(await purgeTrash(store, deletedAt + limits.trashMs + 60_000)).toBe(1);
  await expect(models.restore("p", "base_1")).rejects.toMatchObject({ code: "NOT_IN_TRASH" });
});

const busy: [string, () => Promise<{ id: string }>][] = [
  ["a training of the base", () => queue("train", "trainer", "train_1", {})],
  [
    "a merge of a customized model",
    () => queue("merge", "server", "comp_1", { modelId: "comp_1", customizedId: "cust_1", name: "whole" }),
  ],
  [
    "a start of a live model",
    async () => {
      await store.write((tx) =>
        tx.insert(deployments).values({
          id: "live_1",
          projectId: "p",
          name: "live",
          modelId: "cust_1",
          precision: "fp32",
          status: "starting",
          createdAt: 1,
        }),
      );
      return queue("deploy", "server", "live_1", {});
    },
  ],
];
test.each(busy)("%s holds what it works on until it has ended", async (_, begin) => {
  const run = await begin();
  await expect(models.remove("base_1", true)).rejects.toMatchObject({ code: "IN_USE", value: run.id });
  expect(await store.db.$count(customizedModels)).toBe(1);
  await runs.requestCancel(run.id);
  await models.remove("base_1", true);
  expect(await store.db.$count(baseModels)).toBe(0);
});
