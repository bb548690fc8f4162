// Means over sets of rows: by hand, and how often their interval covers the true one.
import { expect, test } from "bun:test";
import { uniform } from "../../kit/random.ts";
import { macroDifference, macroMean, normalMacro } from "./macro.ts";

test("each set counts the same, however many rows it has", () => {
  const found = macroMean([[1], [0, 0, 1, 0], []]);
  expect(found).toMatchObject({ mean: 0.625, sets: 2, n: 5, method: "bootstrap" });
  // The set of one row is always itself: what varies is the other, from 0 to 1.
  expect(found?.low).toBe(0.5);
  expect(found?.high).toBeGreaterThan(0.7);
  expect(macroMean([[], []])).toBeNull();
});

test("from 5,000 rows on the interval is the normal one, which the bootstrap nearly is", () => {
  const next = uniform(1);
  const sets = [Array.from({ length: 2_400 }, next), Array.from({ length: 2_500 }, () => next() ** 2)];
  const drawn = macroMean(sets, 1, 1_000);
  const plain = macroMean([...sets.slice(0, 1), [...(sets[1] ?? []), ...Array.from({ length: 200 }, next)]]);
  expect([drawn?.method, plain?.method]).toEqual(["bootstrap", "normal"]);
  const width = (of: { low: number; high: number } | null) => (of ? of.high - of.low : 0);
  expect(Math.abs(width(drawn) / width(plain) - 1)).toBeLessThan(0.1);
});

test("the normal interval by hand", () => {
  // Sets 0 1 and 0 0 1 1: variances 1/2 and 1/3, over 2 and 4 rows, over 2² sets.
  const half = 1.959_963_985 * Math.sqrt((1 / 4 + 1 / 12) / 4);
  const sets = [
    { n: 2, mean: 0.5, square: 0.5 },
    { n: 4, mean: 0.5, square: 0.5 },
  ];
  expect(normalMacro(0.5, sets).high).toBeCloseTo(0.5 + half, 8);
});

test("differences weigh by set in the test, too", () => {
  // One row of the first set weighs as much as all four of the second, which are against it.
  expect(macroDifference([[1], [-1, -1, -1, -1]])).toMatchObject({ mean: 0, p: 1 });
  expect(
    macroDifference([
      [1, 1, 1],
      [1, 1, 1],
    ])?.p,
  ).toBeCloseTo(2 / 64, 9);
});

test("the interval covers the true macro mean in 95 % of 1,500 samples of three sets", () => {
  const next = uniform(2);
  const chances = [0.2, 0.5, 0.8];
  let covered = 0;
  for (let sample = 0; sample < 1_500; sample++) {
    const sets = chances.map((chance, at) =>
      Array.from({ length: 30 + 20 * at }, () => Number(next() < chance)),
    );
    const found = macroMean(sets, sample, 400);
    if (found && found.low <= 0.5 && 0.5 <= found.high) covered += 1;
  }
  expect(covered / 1_500).toBeGreaterThan(0.925);
  expect(covered / 1_500).toBeLessThan(0.975);
});
