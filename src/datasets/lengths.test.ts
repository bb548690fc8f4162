// What is cut off rows, and lengths that are counted once.
import { expect, test } from "bun:test";
import { cutOf, keepLengths, type RowLength } from "./lengths.ts";

const row = (tokens: number, firstLearned: number, isTrained = true): RowLength => ({
  tokens,
  firstLearned,
  isTrained,
});

test("rows that are cut and rows that keep nothing are counted apart, of those that are trained on", () => {
  const lengths = [row(10, 4), row(20, 4), row(30, 25), row(8, -1), row(99, 98, false)];
  expect(cutOf(lengths, 20)).toEqual({ sampled: 4, cut: 1, lost: 2, p95: 30, max: 30 });
  expect(cutOf(lengths, 4)).toEqual({ sampled: 4, cut: 4, lost: 4, p95: 30, max: 30 });
  expect(cutOf([], 4)).toEqual({ sampled: 0, cut: 0, lost: 0, p95: 0, max: 0 });
});

test("lengths of a version are counted once for a base and a mapping; a failure is tried anew", async () => {
  let counts = 0;
  const lengthsOf = keepLengths(async (version: { id: string }) => {
    counts++;
    if (version.id === "bad" && counts === 1) throw new Error("no");
    return [row(counts, 0)];
  });
  const base = (hash: string) => ({ kind: "hf" as const, path: "", hash });
  await expect(lengthsOf({ id: "bad" }, base("x"), undefined)).rejects.toThrow("no");
  expect(await lengthsOf({ id: "bad" }, base("x"), undefined)).toEqual([row(2, 0)]);
  expect(await lengthsOf({ id: "bad" }, base("x"), undefined)).toEqual([row(2, 0)]);
  expect(await lengthsOf({ id: "bad" }, base("y"), undefined)).toEqual([row(3, 0)]);
  expect(await lengthsOf({ id: "bad" }, base("x"), { prompt: "a", completion: "b" })).toEqual([row(4, 0)]);
  for (let i = 0; i < 30; i++) await lengthsOf({ id: `${i}` }, base("x"), undefined);
  expect(await lengthsOf({ id: "bad" }, base("x"), undefined)).toEqual([row(35, 0)]);
});
