// Samples: which rows, how many of each stratum, and that the same seed takes the same.
import { expect, test } from "bun:test";
import { EspalierError } from "../../kit/errors.ts";
import { type SampleWish, sampleRows } from "./sample.ts";

/** A small generator (mulberry32), as callers give one. */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const take = (
  count: number,
  kind: SampleWish["kind"],
  size: number,
  seed = 1,
  strata?: readonly string[],
): number[] => sampleRows(count, { kind, size, seed }, uniform, strata);

/** How many rows of each stratum were taken. */
function sharesOf(strata: readonly string[], size: number, seed = 1): Record<string, number> {
  const shares = new Map<string, number>();
  for (const row of take(strata.length, "stratified", size, seed, strata)) {
    const key = strata[row] ?? "none";
    shares.set(key, (shares.get(key) ?? 0) + 1);
  }
  return Object.fromEntries(shares);
}

const repeated = (sizes: Record<string, number>): string[] =>
  Object.entries(sizes).flatMap(([key, size]) => Array.from({ length: size }, () => key));

test("all and first are as they say", () => {
  expect(take(4, "all", 2)).toEqual([0, 1, 2, 3]);
  expect(take(4, "first", 2)).toEqual([0, 1]);
  expect(take(4, "first", 9)).toEqual([0, 1, 2, 3]);
  for (const kind of ["all", "first", "random"] as const) expect(take(0, kind, 5)).toEqual([]);
  expect(take(0, "stratified", 5, 1, [])).toEqual([]);
});

test("chance is ascending, without repetition, and the same for the same seed", () => {
  const rows = take(1_000, "random", 100, 7);
  expect(rows).toEqual([...new Set(rows)].sort((left, right) => left - right));
  expect(rows).toHaveLength(100);
  expect(rows.every((row) => row >= 0 && row < 1_000)).toBe(true);
  expect(take(1_000, "random", 100, 7)).toEqual(rows);
  expect(take(1_000, "random", 100, 8)).not.toEqual(rows);
  expect(take(5, "random", 5, 3)).toEqual([0, 1, 2, 3, 4]);
  expect(take(5, "random", 99, 3)).toEqual([0, 1, 2, 3, 4]);
});

test("a larger sample of the same seed holds the smaller one", () => {
  const larger = new Set(take(500, "random", 80, 4));
  expect(take(500, "random", 30, 4).every((row) => larger.has(row))).toBe(true);
});

test("each row is as likely as any other", () => {
  const taken = Array.from({ length: 10 }, () => 0);
  for (let seed = 0; seed < 5_000; seed++)
    for (const row of take(10, "random", 3, seed)) taken[row] = (taken[row] ?? 0) + 1;
  // 1,500 each, with a standard deviation of 32.
  for (const times of taken) expect(Math.abs(times - 1_500)).toBeLessThan(150);
});

test("strata have their shares by largest remainder", () => {
  expect(sharesOf(repeated({ a: 50, b: 30, c: 20 }), 10)).toEqual({ a: 5, b: 3, c: 2 });
  // Quotas 4.7, 3.2 and 2.1.
  expect(sharesOf(repeated({ a: 47, b: 32, c: 21 }), 10)).toEqual({ a: 5, b: 3, c: 2 });
  expect(sharesOf(repeated({ a: 3, b: 2 }), 99)).toEqual({ a: 3, b: 2 });
  expect(sharesOf(repeated({ toString: 2, constructor: 2 }), 2)).toEqual({ toString: 1, constructor: 1 });
});

test("each stratum has a row where there is one for each", () => {
  expect(sharesOf(repeated({ a: 997, b: 1, c: 1, d: 1 }), 10)).toEqual({ a: 7, b: 1, c: 1, d: 1 });
  expect(sharesOf(repeated({ a: 997, b: 1, c: 1, d: 1 }), 4)).toEqual({ a: 1, b: 1, c: 1, d: 1 });
  expect(sharesOf(repeated({ a: 900, b: 60, c: 39, d: 1 }), 5)).toEqual({ a: 2, b: 1, c: 1, d: 1 });
  // Three of four: the largest, and no more than there are.
  expect(Object.keys(sharesOf(repeated({ a: 40, b: 30, c: 20, d: 10 }), 3))).toHaveLength(3);
});

test("random strata always add up, within what there is", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = uniform(seed);
    const count = 1 + Math.floor(random() * 200);
    const kinds = 1 + Math.floor(random() * 30);
    const strata = Array.from({ length: count }, () => String(Math.floor(random() ** 3 * kinds)));
    const size = 1 + Math.floor(random() * 220);
    const rows = take(count, "stratified", size, seed, strata);
    expect(rows).toHaveLength(Math.min(size, count));
    expect(rows).toEqual([...new Set(rows)].sort((left, right) => left - right));
    expect(take(count, "stratified", size, seed, strata)).toEqual(rows);
    const covered = new Set(rows.map((row) => strata[row])).size;
    const kindsThere = new Set(strata).size;
    if (size >= kindsThere) expect(covered).toBe(kindsThere);
  }
});

test("where all strata are alike, which are taken is chance and not the order of the file", () => {
  const strata = Array.from({ length: 1_000 }, (_, row) => String(row));
  const rows = take(1_000, "stratified", 10, 1, strata);
  expect(rows).toHaveLength(10);
  expect(rows).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("many rows take little time", () => {
  const started = performance.now();
  expect(take(5_000_000, "random", 1_000, 1)).toHaveLength(1_000);
  const strata = Array.from({ length: 200_000 }, (_, row) => String(row % 50_000));
  expect(take(200_000, "stratified", 60_000, 1, strata)).toHaveLength(60_000);
  expect(performance.now() - started).toBeLessThan(3_000);
});

test("a size or seed that is none is refused, and so are strata of other rows", () => {
  for (const size of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => take(10, "random", size)).toThrow(EspalierError);
  expect(() => take(10, "random", 1, Number.NaN)).toThrow("The sample's seed cannot be NaN.");
  expect(() => take(10, "stratified", 1, 1)).toThrow("no strata");
  expect(() => take(2, "stratified", 1, 1, ["a"])).toThrow("1 strata");
});
