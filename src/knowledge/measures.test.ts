// Measures of rankings against values worked out by hand, and the interval of a mean.
import { expect, test } from "bun:test";
import { meanOf, measure } from "./measures.ts";

const relevant = new Map([
  ["a", 1],
  ["b", 1],
  ["c", 2],
]);

test("recall, reciprocal rank and nDCG are those of the textbook", () => {
  const { recall, reciprocalRank, ndcg } = measure(["x", "a", "c", "y", "b"], relevant, 4);
  expect(recall).toBeCloseTo(2 / 3, 12);
  expect(reciprocalRank).toBe(1 / 2);
  const gained = 1 / Math.log2(3) + 2 / Math.log2(4);
  const ideal = 2 / Math.log2(2) + 1 / Math.log2(3) + 1 / Math.log2(4);
  expect(ndcg).toBeCloseTo(gained / ideal, 12);
});

test("the best order has 1, one without hits 0, and repetitions count once", () => {
  expect(measure(["c", "b", "a"], relevant, 10)).toEqual({ recall: 1, reciprocalRank: 1, ndcg: 1 });
  expect(measure(["x", "y"], relevant, 10)).toEqual({ recall: 0, reciprocalRank: 0, ndcg: 0 });
  expect(measure([], new Map(), 10)).toEqual({ recall: 0, reciprocalRank: 0, ndcg: 0 });
  expect(measure(["x", "x", "c"], relevant, 2).reciprocalRank).toBe(1 / 2);
});

test("an interval holds the mean, narrows with more values, and is the same for the same seed", () => {
  const values = (count: number) => Array.from({ length: count }, (_, at) => (at % 2 === 0 ? 0.2 : 0.8));
  const few = meanOf(values(10));
  const many = meanOf(values(1_000));
  for (const { low, mean, high } of [few, many]) {
    expect(mean).toBeCloseTo(0.5, 12);
    expect(low).toBeLessThan(mean);
    expect(high).toBeGreaterThan(mean);
  }
  expect(many.high - many.low).toBeLessThan((few.high - few.low) / 5);
  expect(meanOf(values(10), 1)).toEqual(few);
  const uneven = Array.from({ length: 50 }, (_, at) => Math.sqrt(at));
  expect(meanOf(uneven, 2)).not.toEqual(meanOf(uneven, 1));
  expect(meanOf([])).toEqual({ mean: 0, low: 0, high: 0 });
});
