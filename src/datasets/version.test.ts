// Dataset versions: hash, index, statistics, refusal, paging, search, splits and training rows.
import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isEspalierError } from "../kit/errors.ts";
import { countRows, readRows, searchRows } from "./rows.ts";
import { toTrainingRow } from "./shape.ts";
import { assignSplits } from "./split.ts";
import { type WriteOptions, writeVersion } from "./version.ts";

const folder = mkdtempSync(join(tmpdir(), "espalier-version-"));
afterAll(() => rmSync(folder, { recursive: true }));
const dataPath = join(folder, "data");
const indexPath = join(folder, "index");

async function write(name: string, content: string, options: Partial<WriteOptions> = {}) {
  const path = join(folder, name);
  await Bun.write(path, content);
  return await writeVersion(path, { dataPath, indexPath, ...options });
}

async function errorOf(work: Promise<unknown>): Promise<{ code: string; hint: string; value: string }> {
  try {
    await work;
  } catch (error) {
    if (isEspalierError(error)) {
      return { code: error.code, hint: error.hint ?? "", value: error.value ?? "" };
    }
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("the sample: hash of what lies on disk, statistics and its own split", async () => {
  const sample = new URL("../../samples/support-messages.jsonl", import.meta.url).pathname;
  const { version, errorCount } = await writeVersion(sample, { dataPath, indexPath });
  const written = await Bun.file(dataPath).bytes();
  expect(errorCount).toBe(0);
  expect(version).toMatchObject({
    hash: createHash("sha256").update(written).digest("hex"),
    sizeBytes: written.length,
    rowCount: 460,
    shape: "messages",
    trainable: true,
    splits: { train: 400, validation: 0, test: 60 },
    columns: [
      { name: "messages", type: "list", emptyShare: 0 },
      { name: "split", type: "text", emptyShare: 0 },
    ],
  });
  expect(Bun.file(indexPath).size).toBe(version?.indexBytes ?? -1);
  expect(await Bun.file(sample).text()).toBe(await Bun.file(dataPath).text());
});

test("duplicates, empty share and column types are exact", async () => {
  const rows = ['{"a":1,"b":" "}', '{"a":"x"}', '{"a":1,"b":" "}', '{"a":1,"b":" "}', '{"b":"y"}'];
  const { version } = await write("a.jsonl", rows.join("\n"));
  expect(version?.duplicateRows).toBe(2);
  expect(version?.columns).toEqual([
    { name: "a", type: "mixed", emptyShare: 1 - 4 / 5 },
    { name: "b", type: "text", emptyShare: 1 - 1 / 5 },
  ]);
  expect(version).toMatchObject({ shape: "table", trainable: false, splits: null });
});

test("any row error refuses the import; on request the good rows are kept", async () => {
  const text = "a,b\n1,2\n3\n4,5\n6\n7\n";
  const limits = { datasetRecordBytes: 100, datasetRows: 100, datasetRowErrors: 2, datasetDepth: 64 };
  const refused = await write("bad.csv", text, { limits });
  expect(refused.version).toBeNull();
  expect(refused.errorCount).toBe(3);
  expect(refused.errors.map((error) => error.line)).toEqual([3, 5]);
  const kept = await write("bad.csv", text, { keepGoodRows: true });
  expect(kept.version?.rowCount).toBe(2);
  expect(kept.errorCount).toBe(3);
  expect((await readRows(dataPath, indexPath, 0, 9)).map(({ row }) => row.a)).toEqual(["1", "4"]);
});

test("DATASET_EMPTY where no good row is left", async () => {
  expect((await errorOf(write("h.csv", "a,b\n"))).code).toBe("DATASET_EMPTY");
  expect((await errorOf(write("h.csv", "a,b\n1\n", { keepGoodRows: true }))).code).toBe("DATASET_EMPTY");
});

test("MAPPED_COLUMN_MISSING names the column and those there", async () => {
  const mapping = { prompt: "question", completion: "{{answr}}!" };
  const error = await errorOf(write("m.csv", "question,answer\na,b\n", { mapping }));
  expect(error).toMatchObject({ code: "MAPPED_COLUMN_MISSING", value: "answr" });
  expect(error.hint).toContain("question, answer");
});

test("pages and search", async () => {
  const lines = Array.from({ length: 500 }, (_, n) => JSON.stringify({ n, text: `Zeile ${n} "Ü" ${n % 7}` }));
  await write("p.jsonl", lines.join("\n"));
  expect(await countRows(indexPath)).toBe(500);
  const page = await readRows(dataPath, indexPath, 498, 10);
  expect(page.map((stored) => [stored.number, stored.row.n])).toEqual([
    [498, 498],
    [499, 499],
  ]);
  expect(await readRows(dataPath, indexPath, 500, 10)).toEqual([]);

  const first = await searchRows(dataPath, indexPath, 'ZEILE 49 "ü"', { limit: 5 });
  expect(first).toMatchObject({ rows: [{ number: 49 }], next: null });
  const three = await searchRows(dataPath, indexPath, "zeile 1", { limit: 3 });
  expect(three.rows.map((stored) => stored.number)).toEqual([1, 10, 11]);
  expect(three.next).toBe(11);
  const more = await searchRows(dataPath, indexPath, "zeile 1", { limit: 2, after: 11 });
  expect(more.rows.map((stored) => stored.number)).toEqual([12, 13]);
  // Column names are not content.
  expect((await searchRows(dataPath, indexPath, "text", { limit: 3 })).rows).toEqual([]);
});

test("a cut file is DATASET_DAMAGED", async () => {
  await write("d.jsonl", '{"a":1}\n{"a":2}\n');
  await Bun.write(dataPath, '{"a":1}\n{"a"');
  expect((await errorOf(readRows(dataPath, indexPath, 0, 2))).code).toBe("DATASET_DAMAGED");
});

test("splits depend on seed and fraction only, and keep a training row", () => {
  const count = (assigned: Uint8Array, split: number): number => assigned.filter((s) => s === split).length;
  const one = assignSplits(1000, { seed: 7, validation: 0.1, test: 0.05 });
  expect(one).toEqual(assignSplits(1000, { seed: 7, validation: 0.1, test: 0.05 }));
  expect(one).not.toEqual(assignSplits(1000, { seed: 8, validation: 0.1, test: 0.05 }));
  expect([count(one, 0), count(one, 1), count(one, 2)]).toEqual([850, 100, 50]);
  expect(count(assignSplits(1, { seed: 7, validation: 0.5 }), 0)).toBe(1);
  expect(count(assignSplits(5, { seed: 7, validation: 0.01 }), 1)).toBe(1);
});

test("training rows of every shape", () => {
  const turns = [
    { role: "user", content: "q" },
    { role: "assistant", content: "a" },
  ];
  const system = { role: "system", content: "s" };
  expect(toTrainingRow({ messages: [system, ...turns] }, "messages")).toEqual({
    messages: [system, ...turns],
  });
  const conversations = [
    { from: "human", value: "q" },
    { from: "gpt", value: "a" },
  ];
  expect(toTrainingRow({ conversations, system: "s" }, "sharegpt")).toEqual({ messages: [system, ...turns] });
  const alpaca = { instruction: "i", input: "q", output: "a" };
  expect(toTrainingRow(alpaca, "alpaca")).toEqual({
    messages: [
      { role: "user", content: "i\n\nq" },
      { role: "assistant", content: "a" },
    ],
  });
  const pair = { prompt: "q", completion: "a" };
  expect(toTrainingRow(pair, "prompt-completion")).toEqual(pair);
  const listed = { prompt: turns.slice(0, 1), completion: turns.slice(1) };
  expect(toTrainingRow(listed, "prompt-completion")).toEqual({ messages: turns });
  const mapping = { prompt: "{{ q }} ({{lang}})", completion: "n", system: "sys" };
  expect(toTrainingRow({ q: "why", lang: "en", n: 4, sys: "s" }, "table", mapping)).toEqual({
    messages: [system, { role: "user", content: "why (en)" }, { role: "assistant", content: "4" }],
  });
  expect(() => toTrainingRow({ a: 1 }, "table")).toThrow("no prompt and completion");
  expect(() => toTrainingRow({ q: "x", lang: "en" }, "table", mapping)).toThrow('column "n"');
});
