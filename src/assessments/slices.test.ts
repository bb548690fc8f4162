// Groups of rows by a column, how candidates did on each, and an earlier assessment on the rows in common.
import { expect, test } from "bun:test";
import { uniform } from "../kit/random.ts";
import { comparisonOf } from "./comparison.ts";
import { facetsOf } from "./facets.ts";
import { matrixOf } from "./matrix.test-kit.ts";
import { slicesOf } from "./slices.ts";
import { comparePaired, holm } from "./statistics/statistics.ts";

const column = (name: string, type: "text" | "number" | "list" | "mixed" = "text") => ({
  ...{ name, type, emptyShare: 0 },
});
const rowsOf = (values: readonly unknown[]) => values.map((value, row) => ({ row, value: { c: value } }));
const keysOf = (values: readonly unknown[], type: "text" | "number" | "mixed" = "text") =>
  facetsOf([column("c", type)], rowsOf(values))[0]?.groups.map(({ key, rows }) => [key, rows.length]);

test("names come by how many rows they have, numbers in their order, what is empty last", () => {
  expect(keysOf(["b", "a", "a", null, " ", "", "b", "a"])).toEqual([
    ['"a"', 3],
    ['"b"', 2],
    ["null", 3],
  ]);
  expect(keysOf([10, 9, 10, null, 9, 9], "number")).toEqual([
    ["9", 3],
    ["10", 2],
    ["null", 1],
  ]);
  expect(keysOf([1, "1"], "mixed")).toEqual([
    ['"1"', 1],
    ["1", 1],
  ]);
});

test("a column of long texts, of lists, of one value or of too many names makes no groups", () => {
  expect(keysOf(["x".repeat(81), "y"])).toBeUndefined();
  expect(facetsOf([column("c", "list")], rowsOf([[1], [2]]))).toEqual([]);
  expect(keysOf(["a", "a"])).toBeUndefined();
  expect(keysOf(Array.from({ length: 25 }, (_, at) => `name ${at}`))).toBeUndefined();
  expect(keysOf([])).toBeUndefined();
});

test("many numbers fall into five ranges of like size that hold every row once, for 200 random columns", () => {
  for (let seed = 0; seed < 200; seed++) {
    const next = uniform(seed);
    const count = 30 + Math.floor(next() * 300);
    const values = Array.from({ length: count }, () =>
      next() < 0.05 ? null : Math.round(next() ** 2 * 10 ** Math.ceil(4 * next())),
    );
    const [facet] = facetsOf([column("c", "number")], rowsOf(values));
    if (facet?.kind !== "ranges") continue;
    const held = facet.groups.flatMap(({ rows }) => rows);
    expect(held.toSorted((a, b) => a - b)).toEqual(values.map((_, row) => row));
    expect(facet.groups.filter(({ key }) => key !== "null").length).toBeLessThanOrEqual(5);
    // Ranges do not overlap: the same number is never in two.
    const seen = new Map<number, string>();
    for (const { key, rows } of facet.groups)
      for (const row of rows) {
        const value = values[row];
        if (typeof value !== "number") continue;
        expect(seen.get(value) ?? key).toBe(key);
        seen.set(value, key);
      }
  }
});

test("each slice is what its rows alone give, and p is corrected over the slices", () => {
  const next = uniform(5);
  const scores = () => Array.from({ length: 120 }, () => Number(next() < 0.6));
  const [a, b] = [scores(), scores()];
  const groups = [0, 1, 2].map((part) => ({
    key: String(part),
    label: `part ${part}`,
    rows: a.flatMap((_, row) => (row % 3 === part ? [row] : [])),
  }));
  const slices = slicesOf(matrixOf({ a, b }), groups, ["b", "a"]);
  const alone = groups.map(({ rows }) => {
    const of = (all: number[]) => rows.map((row) => all[row] ?? Number.NaN);
    return comparePaired(of(b), of(a));
  });
  expect(slices.map(({ rows }) => rows)).toEqual([40, 40, 40]);
  expect(slices.map(({ difference }) => difference?.difference)).toEqual(alone.map((one) => one?.difference));
  expect(slices.map(({ difference }) => difference?.adjustedP)).toEqual(
    holm(alone.map((one) => one?.p ?? 1)),
  );
  expect(slices[0]?.scores.map(({ candidateId, interval }) => [candidateId, interval?.n])).toEqual([
    ["a", 40],
    ["b", 40],
  ]);
  expect(slicesOf(matrixOf({ a, b }), groups, null)[0]?.difference).toBeNull();
  const none = slicesOf(matrixOf({ a: [null], b: [1] }), [{ key: "x", label: "x", rows: [0] }], ["a", "b"]);
  expect(none[0]).toMatchObject({ difference: null, scores: [{ interval: null }, { interval: { n: 1 } }] });
});

test("an earlier assessment is compared on common rows alone, by the other's row numbers", () => {
  const here = matrixOf({ a: [1, 1, 0, 1, undefined] });
  const there = matrixOf({ x: [0, 0, 0, 1, 1], y: [1, 1, 1, 1, 1] });
  const [one, two] = comparisonOf(
    here,
    there,
    [
      ["a", "x"],
      ["a", "y"],
    ],
    [
      [0, 4],
      [1, 0],
      [2, 1],
      [4, 3],
    ],
  );
  // Rows 0, 1 and 2 against 4, 0 and 1; row 4 failed here.
  expect(one?.comparison).toMatchObject({ n: 3, wins: 1, ties: 2, losses: 0 });
  expect(one).toMatchObject({ interval: { n: 3, mean: 2 / 3 }, againstInterval: { n: 3, mean: 1 / 3 } });
  expect(two?.comparison).toMatchObject({ n: 3, wins: 0, losses: 1 });
  expect(comparisonOf(here, there, [["a", "x"]], [])[0]).toMatchObject({ comparison: null, interval: null });
  expect(comparisonOf(here, there, [["nobody", "x"]], [])).toEqual([]);
});
