// Means over sets of rows: by hand, and how often their interval covers the true one.
import { expect, test } from "bun:test";
import { uniform } from "../../kit/random.ts";
import { wilson } from "./intervals.ts";
import { macroDifference, macroInterval, macroMean } from "./macro.ts";

test("each set counts the same, however many rows it has", () => {
  const found = macroMean([[1, 0], [0, 0, 1, 0], []]);
  expect(found).toMatchObject({ mean: 0.375, sets: 2, n: 6, method: "bootstrap" });
  expect(found?.low).toBeLessThan(0.2);
  expect(found?.high).toBeGreaterThan(0.6);
  expect(macroMean([[], []])).toBeNull();
});

test("rows that all score the same are not taken for certain: the sets' own intervals are combined", () => {
  const flat = macroMean([new Array(12).fill(0), new Array(8).fill(1)]);
  expect(flat).toMatchObject({ mean: 0.5, method: "combined" });
  const [zero, one] = [wilson(0, 12), wilson(8, 8)];
  expect(flat?.low).toBeCloseTo(0.5 - (1 - one.low) / 2, 12);
  expect(flat?.high).toBeCloseTo(0.5 + zero.high / 2, 12);
});

test("from 5,000 rows on the interval is the combined one, which the bootstrap nearly is", () => {
  const next = uniform(1);
  const sets = [Array.from({ length: 2_400 }, next), Array.from({ length: 2_500 }, () => next() ** 2)];
  const drawn = macroMean(sets, 1, 1_000);
  const plain = macroMean([...sets.slice(0, 1), [...(sets[1] ?? []), ...Array.from({ length: 200 }, next)]]);
  expect([drawn?.method, plain?.method]).toEqual(["bootstrap", "combined"]);
  const width = (of: { low: number; high: number } | null) => (of ? of.high - of.low : 0);
  expect(Math.abs(width(drawn) / width(plain) - 1)).toBeLessThan(0.1);
});

test("the combined interval of graded sets is the normal one, by hand", () => {
  // Scores 0 1/2 and 0 0 1/2 1/2: variances 1/8 and 1/12, over 2 and 4 rows, over 2² sets.
  const half = 1.959_963_985 * Math.sqrt((1 / 16 + 1 / 48) / 4);
  const sets = [
    { n: 2, mean: 0.25, square: 0.125 },
    { n: 4, mean: 0.25, square: 0.125 },
  ];
  expect(macroInterval(0.25, sets).high).toBeCloseTo(0.25 + half, 8);
  expect(macroInterval(0.25, sets).low).toBeCloseTo(0.25 - half, 8);
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

test.each([{ chances: [0.2, 0.5, 0.8] }, { chances: [0.02, 0.5, 0.95] }])(
  "the interval covers the true macro mean in 95 % of 1,000 samples of three sets: %j",
  ({ chances }) => {
    const next = uniform(2);
    const truth = chances.reduce((sum, chance) => sum + chance, 0) / 3;
    let covered = 0;
    for (let sample = 0; sample < 1_000; sample++) {
      const sets = chances.map((chance, at) =>
        Array.from({ length: 30 + 20 * at }, () => Number(next() < chance)),
      );
      const found = macroMean(sets, sample, 400);
      if (found && found.low <= truth && truth <= found.high) covered += 1;
    }
    expect(covered / 1_000).toBeGreaterThan(0.925);
    expect(covered / 1_000).toBeLessThan(0.975);
  },
  30_000,
);
