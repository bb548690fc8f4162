// The dashboard's figures: days of a time zone, counts by day and kind, third-party sums, queue and disk.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { baseModels, trainings } from "../../schema/tables/models.ts";
import { runs } from "../../schema/tables/runs.ts";
import { usage } from "../../schema/tables/usage.ts";
import { createLog } from "../kit/log.ts";
import { openStore, type Store } from "../store/store.ts";
import { createDashboard, type Dashboard } from "./dashboard.ts";
import { daysOf } from "./days.ts";

let dataDir: string;
let store: Store;
let dashboard: Dashboard;
let at = 0;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "espalier-dashboard-"));
  store = await openStore({ dataDir, log: createLog({ level: "silent" }) });
  at = Date.UTC(2026, 2, 1);
  dashboard = createDashboard({ store, clock: () => at });
});
afterEach(async () => {
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const HOUR = 3_600_000;
const hours = (day: { start: number; end: number } | undefined): number =>
  day ? (day.end - day.start) / HOUR : 0;
const iso = (time: number | undefined): string => new Date(time ?? 0).toISOString();

test("days are those of the time zone, also where the clocks change or skip midnight", () => {
  const [march] = daysOf("2026-03-29", "2026-03-29", "Europe/Berlin");
  expect([iso(march?.start), hours(march)]).toEqual(["2026-03-28T23:00:00.000Z", 23]);
  const [october] = daysOf("2026-10-25", "2026-10-25", "Europe/Berlin");
  expect([iso(october?.start), hours(october)]).toEqual(["2026-10-24T22:00:00.000Z", 25]);
  // In São Paulo midnight did not exist on 4 November 2018: the day began at one o'clock.
  const [skipped] = daysOf("2018-11-04", "2018-11-04", "America/Sao_Paulo");
  expect([iso(skipped?.start), hours(skipped)]).toEqual(["2018-11-04T03:00:00.000Z", 23]);
  // And was there twice on the evening of 17 February 2018: the day before has 25 hours.
  const twice = daysOf("2018-02-17", "2018-02-18", "America/Sao_Paulo");
  expect(twice.map(hours)).toEqual([25, 24]);
  const year = daysOf("2025-06-01", "2026-05-31", "Asia/Kathmandu");
  expect(year.length).toBe(365);
  for (const [place, day] of year.entries()) expect(day.start).toBe(year[place - 1]?.end ?? day.start);
});

test.each([
  ["2026-1-1", "2026-01-02", "UTC", "DAY_INVALID"],
  ["2026-02-30", "2026-03-02", "UTC", "DAY_INVALID"],
  ["2026-01-02", "2026-01-01", "UTC", "RANGE_INVALID"],
  ["2024-01-01", "2026-01-01", "UTC", "RANGE_TOO_LONG"],
  ["2026-01-01", "2026-01-01", "Mars/Olympus", "TIME_ZONE_UNKNOWN"],
])("%s to %s in %s is refused with %s", (from, to, zone, code) => {
  expect(() => daysOf(from, to, zone)).toThrow(expect.objectContaining({ code }));
});

type RunFacts = { kind: string; status: string; at: string; projectId?: string; executor?: string };
let made = 0;
async function addRun({ kind, status, at: when, projectId = "prj_a", executor = "server" }: RunFacts) {
  const id = `run_${++made}`;
  await store.write(async (tx) => {
    await tx.insert(runs).values({
      id,
      projectId,
      kind,
      executor,
      status,
      name: id,
      subjectId: `trn_${made}`,
      spec: {},
      createdAt: Date.parse(when),
    });
    if (kind !== "train") return;
    await tx.insert(trainings).values({
      id: `trn_${made}`,
      projectId,
      name: id,
      baseId: "base_1",
      datasetVersionId: "dsv_1",
      method: "sft",
      parameters: {},
      save: false,
      runId: id,
      createdAt: Date.parse(when),
    });
  });
}

test("runs are counted by day of the time zone, kind, method and status, those of the project alone", async () => {
  const base = { projectId: "prj_a", name: "toy", format: "hf", sha256: "x", sizeBytes: 1, card: {} };
  await store.write((tx) => tx.insert(baseModels).values({ id: "base_1", ...base, files: [], createdAt: 1 }));
  await addRun({ kind: "train", status: "succeeded", at: "2026-02-01T22:59:59.999Z" });
  await addRun({ kind: "train", status: "succeeded", at: "2026-02-01T23:00:00Z" });
  await addRun({ kind: "train", status: "failed", at: "2026-02-02T10:00:00Z" });
  await addRun({ kind: "deploy", status: "succeeded", at: "2026-02-02T22:59:59Z" });
  await addRun({ kind: "deploy", status: "succeeded", at: "2026-02-02T23:00:00Z" });
  await addRun({ kind: "deploy", status: "succeeded", at: "2026-02-02T10:00:00Z", projectId: "prj_b" });
  const range = dashboard.rangeOf("prj_a", "2026-02-01", "2026-02-02", "Europe/Berlin");
  const day2 = { day: "2026-02-02", count: 1 };
  expect(await dashboard.runs(range)).toEqual([
    { day: "2026-02-01", kind: "train", method: "sft", status: "succeeded", count: 1 },
    { ...day2, kind: "deploy", method: null, status: "succeeded" },
    { ...day2, kind: "train", method: "sft", status: "failed" },
    { ...day2, kind: "train", method: "sft", status: "succeeded" },
  ]);
  expect(await dashboard.bases(range)).toEqual([{ name: "toy", count: 3 }]);
  expect(await dashboard.assessments(range)).toEqual([]);
  const other = dashboard.rangeOf("prj_b", "2026-02-01", "2026-02-02", "Europe/Berlin");
  expect(await dashboard.bases(other)).toEqual([]);
});

test("third-party calls are summed by day and model; a model without prices has no cost", async () => {
  const call = { projectId: "prj_a", userId: null, keyId: null, source: "chat", latencyMs: 1 };
  const rows = [
    { modelName: "acme/large", modelId: "tpm_1", inputTokens: 10, outputTokens: 5, costUsd: 0.5 },
    { modelName: "acme/large", modelId: "tpm_1", inputTokens: 1, outputTokens: 1, costUsd: 0.25 },
    { modelName: "lab/free", modelId: "tpm_2", inputTokens: 2, outputTokens: 2, costUsd: null },
    { modelName: "own", modelId: "base_1", inputTokens: 9, outputTokens: 9, costUsd: null },
  ];
  await store.write(async (tx) => {
    for (const [place, row] of rows.entries())
      await tx.insert(usage).values({ id: `use_${place}`, at: Date.UTC(2026, 1, 1, 12), ...call, ...row });
  });
  const range = dashboard.rangeOf("prj_a", "2026-01-31", "2026-02-01", "UTC");
  const day = "2026-02-01";
  expect(await dashboard.thirdParty(range)).toEqual([
    { day, provider: "acme", model: "acme/large", calls: 2, inputTokens: 11, outputTokens: 6, costUsd: 0.75 },
    { day, provider: "lab", model: "lab/free", calls: 1, inputTokens: 2, outputTokens: 2, costUsd: null },
  ]);
});

test("the queue says what waits, for whom, and since when", async () => {
  expect(await dashboard.queue("prj_a")).toEqual({
    waiting: 0,
    running: 0,
    waitingForTrainer: 0,
    oldestAt: null,
  });
  await addRun({ kind: "merge", status: "running", at: "2026-02-01T08:00:00Z" });
  await addRun({ kind: "merge", status: "queued", at: "2026-02-01T10:00:00Z" });
  await addRun({ kind: "export", status: "queued", at: "2026-02-01T09:00:00Z", executor: "trainer" });
  await addRun({ kind: "merge", status: "queued", at: "2026-02-01T07:00:00Z", projectId: "prj_b" });
  expect(await dashboard.queue("prj_a")).toEqual({
    waiting: 2,
    running: 1,
    waitingForTrainer: 1,
    oldestAt: Date.parse("2026-02-01T09:00:00Z"),
  });
});

test("the disk's parts are the files that are there, and are measured anew after a minute", async () => {
  const { sha256 } = await store.blobs.putBytes("twelve bytes");
  const files = [{ path: "a", sha256, sizeBytes: 12 }];
  const base = { projectId: "prj_a", name: "toy", format: "hf", sha256: "x", sizeBytes: 12, card: {} };
  await store.write((tx) => tx.insert(baseModels).values({ id: "base_1", ...base, files, createdAt: 1 }));
  await store.blobs.putBytes("of nobody");
  const partsOf = async () =>
    new Map((await dashboard.disk()).parts.map(({ name, bytes }) => [name, bytes] as const));
  const before = await partsOf();
  expect([before.get("base-models"), before.get("other-blobs"), before.get("datasets")]).toEqual([12, 9, 0]);
  expect(before.get("database")).toBeGreaterThan(100_000);
  writeFileSync(join(dataDir, "tmp", "half"), "x".repeat(100));
  expect((await partsOf()).get("uploads")).toBe(0);
  at += 61_000;
  await partsOf();
  for (let tries = 0; tries < 100 && (await partsOf()).get("uploads") !== 100; tries++) await Bun.sleep(20);
  const report = await dashboard.disk();
  expect(report.parts.find(({ name }) => name === "uploads")?.bytes).toBe(100);
  expect(report.totalBytes).toBe(report.parts.reduce((sum, { bytes }) => sum + bytes, 0));
  expect(report.freeBytes).toBeGreaterThan(0);
});
