// Deletion of models: dependants are named and asked for, and nothing goes while a run works on it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { baseModels, customizedModels, deployments, trainings } from "../../schema/tables/models.ts";
import { createEnginePool } from "../inference/inference.ts";
import { now } from "../kit/clock.ts";
import { createLog } from "../kit/log.ts";
import { createRuns, type RunExecutor, type RunKind, type Runs } from "../runs/runs.ts";
import { openStore, type Store } from "../store/store.ts";
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
  });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

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
