// Calls of models, recorded and counted by day: sums, filters, pages, and what is forgotten.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits } from "../kit/limits.ts";
import { createLog } from "../kit/log.ts";
import { openStore, type Store } from "../store/store.ts";
import { createUsage, type Usage, type UsageEntry } from "./usage.ts";

const DAY = 24 * 3_600_000;
const FIRST = Date.UTC(2026, 0, 31, 23, 59, 59);
const log = createLog({ level: "silent" });
let dataDir: string;
let store: Store;
let usage: Usage;
let at: number;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "espalier-usage-"));
  store = await openStore({ dataDir, log });
  at = FIRST;
  usage = createUsage({ store, clock: () => at, log });
});
afterEach(async () => {
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const call = (more: Partial<UsageEntry> = {}): UsageEntry => ({
  projectId: "prj",
  userId: null,
  keyId: "key_a",
  source: "v1",
  modelName: "small",
  modelId: "base_1",
  inputTokens: 10,
  outputTokens: 4,
  latencyMs: 100,
  ...more,
});

test("sums a day's calls by caller, model and door, and keeps days and projects apart", async () => {
  await usage.record(call());
  await usage.record(call({ inputTokens: 5, outputTokens: 0, latencyMs: 300.4, costUsd: 0.25 }));
  await usage.record(call({ keyId: "key_b" }));
  await usage.record(call({ keyId: null, userId: "usr", source: "chat" }));
  await usage.record(call({ projectId: "other" }));
  at += 1000;
  await usage.record(call());
  const { items, totalCount } = await usage.pageOfDays("prj", {}, {});
  expect(await totalCount()).toBe(4);
  expect(items.map(({ day, keyId, userId, requests }) => [day, keyId, userId, requests])).toEqual([
    ["2026-02-01", "key_a", null, 1],
    ["2026-01-31", null, "usr", 1],
    ["2026-01-31", "key_b", null, 1],
    ["2026-01-31", "key_a", null, 2],
  ]);
  expect(items[3]).toMatchObject({ inputTokens: 15, outputTokens: 4, costUsd: 0.25, latencyMs: 200 });
  expect(items[2]?.costUsd).toBeNull();
});

test("answers page by page, and by key, model and days", async () => {
  for (let day = 0; day < 5; day++, at += DAY)
    for (const modelName of ["small", "large"]) await usage.record(call({ modelName }));
  const seen: string[] = [];
  for (let after: string | undefined, more = true; more; ) {
    const page = await usage.pageOfDays("prj", {}, { first: 3, after });
    seen.push(...page.items.map(({ day, modelName }) => `${day} ${modelName}`));
    [after, more] = [page.cursors.at(-1), page.hasNextPage];
  }
  expect(seen).toHaveLength(10);
  expect(seen).toEqual([...seen].sort().reverse());
  const days = async (filter: Parameters<Usage["pageOfDays"]>[1]): Promise<number> =>
    (await usage.pageOfDays("prj", filter, {})).items.length;
  expect(await days({ modelName: "large" })).toBe(5);
  expect(await days({ keyId: "key_b" })).toBe(0);
  expect(await days({ from: "2026-02-01", to: "2026-02-02" })).toBe(4);
});

test("forgets calls that are older than the limit", async () => {
  await usage.record(call());
  at += limits.usageKeepMs;
  await usage.record(call({ modelName: "later" }));
  await usage.sweep();
  expect((await usage.pageOfDays("prj", {}, {})).items).toHaveLength(2);
  at += 1;
  await usage.sweep();
  expect((await usage.pageOfDays("prj", {}, {})).items.map((day) => day.modelName)).toEqual(["later"]);
});
