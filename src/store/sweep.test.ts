// Sweeping: what a row names is kept, wherever it stands; what nothing names goes, once it is old enough.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { baseModels } from "../../schema/tables/models.ts";
import { artifacts, runs } from "../../schema/tables/runs.ts";
import { createLog } from "../kit/log.ts";
import { openStore, type Store } from "./store.ts";
import { sweepBlobs } from "./sweep.ts";

let dir: string;
let store: Store;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "espalier-sweep-"));
  store = await openStore({ dataDir: dir, log: createLog({ level: "silent" }) });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const put = async (text: string): Promise<string> => (await store.blobs.putBytes(text)).sha256;

test("blobs named in a model's files, a run's spec or a working run's artifacts stay, the rest goes", async () => {
  const [file, spec, checkpoint, orphan] = [
    await put("w"),
    await put("s"),
    await put("c"),
    await put("orphan"),
  ];
  await store.write(async (tx) => {
    await tx.insert(baseModels).values({
      id: "base_1",
      projectId: "p",
      name: "m",
      format: "hf",
      files: [{ path: "model.safetensors", sha256: file, sizeBytes: 1 }],
      sha256: "x",
      sizeBytes: 1,
      card: {},
      createdAt: 1,
    });
    const run = { projectId: "p", kind: "train", executor: "trainer", status: "running", name: "r" };
    await tx.insert(runs).values({ ...run, id: "run_1", spec: { deep: [{ sha256: spec }] }, createdAt: 1 });
    const artifact = { runId: "run_1", attempt: 1, name: "checkpoint-10", sizeBytes: 1, createdAt: 1 };
    await tx.insert(artifacts).values({ ...artifact, id: "art_1", sha256: checkpoint });
  });
  expect(await sweepBlobs(store, { olderThanMs: 60_000 })).toEqual({ removed: 0, freedBytes: 0, kept: 4 });
  await Bun.sleep(15);
  expect(await sweepBlobs(store, { olderThanMs: 1 })).toEqual({ removed: 1, freedBytes: 6, kept: 3 });
  expect(await store.blobs.has(orphan)).toBe(false);

  await store.write((tx) => tx.update(runs).set({ status: "succeeded" }).where(eq(runs.id, "run_1")));
  expect(await sweepBlobs(store, { olderThanMs: 1 })).toEqual({ removed: 1, freedBytes: 1, kept: 2 });
  expect(await store.blobs.has(checkpoint)).toBe(false);
});

test("a blob that is put again while the sweep is under way stays", async () => {
  const [again, idle] = [await put("again"), await put("idle")];
  await Bun.sleep(15);
  const before = Date.now();
  await Bun.sleep(15);
  await put("again");
  expect(await store.blobs.removeIdle(again, before)).toBe(false);
  expect(await store.blobs.removeIdle(idle, before)).toBe(true);
  expect([await store.blobs.has(again), await store.blobs.has(idle)]).toEqual([true, false]);
});
