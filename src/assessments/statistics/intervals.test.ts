// Intervals of scores: by hand, by simulated coverage, and their cost.
import { expect, test } from "bun:test";
import { uniform } from "../../kit/random.ts";
import { bootstrapMean, drawn, expanded } from "./bootstrap.ts";
import { scoreInterval, wilson } from "./intervals.ts";

const COVERED = { wilson: 0.9525, bootstrap: 0.941, expanded: 0.9555 };
const Z_SQUARED = 1.959963984540054 ** 2;

test("Wilson's interval is that of the textbook and stays within 0 and 1", () => {
  const { low, high } = wilson(9, 10);
  expect(low).toBeCloseTo(0.59585, 5);
  expect(high).toBeCloseTo(0.982124, 5);
  expect(wilson(0, 10).low).toBe(0);
  expect(wilson(0, 10).high).toBeCloseTo(Z_SQUARED / (10 + Z_SQUARED), 12);
  expect(wilson(10, 10).low).toBeCloseTo(10 / (10 + Z_SQUARED), 12);
  expect(wilson(10, 10).high).toBe(1);
});

test("binary scores get Wilson's interval, others the bootstrap, none nothing", () => {
  const binary = [1, 1, 1, 0, 1, 1, 1, 1, 1, 1];
  expect(scoreInterval(binary)).toEqual({ n: 10, mean: 0.9, ...wilson(9, 10), method: "wilson" });
  const graded = scoreInterval([0, 0.5, 1, 1]);
  expect(graded).toMatchObject({ n: 4, mean: 0.625, method: "bootstrap" });
  expect(scoreInterval([])).toBeNull();
  expect(scoreInterval([0.5, 0.5])).toEqual({ n: 2, mean: 0.5, low: 0.5, high: 0.5, method: "bootstrap" });
});

test("the bootstrap is the same for the same seed and near the exact one of two values", () => {
  // Means of two draws from 0 and 0.8 are 0, 0.4 and 0.8 with chances ¼, ½ and ¼.
  expect(bootstrapMean([0, 0.8], 1)).toEqual({ low: 0, high: 0.8 });
  const values = Array.from({ length: 100 }, uniform(5));
  const interval = bootstrapMean(values, 3);
  expect(bootstrapMean(values, 3)).toEqual(interval);
  expect(bootstrapMean(values, 4)).not.toEqual(interval);
  // The standard error of 100 uniform values is 0.0289.
  expect((interval.high - interval.low) / (2 * 1.96 * 0.0289)).toBeCloseTo(1, 0);
});

/** How many of so many samples' intervals hold the truth. */
function coverage(samples: number, sample: () => number[], truth: number): number {
  let covered = 0;
  for (let at = 0; at < samples; at++) {
    const interval = scoreInterval(sample(), at, 500);
    if (interval && interval.low <= truth && truth <= interval.high) covered++;
  }
  return covered / samples;
}

test("Wilson's interval covers a share of 0.9 in 95.3 % of 2,000 samples of 60", () => {
  const next = uniform(1);
  const covered = coverage(2_000, () => Array.from({ length: 60 }, () => Number(next() < 0.9)), 0.9);
  expect(covered).toBeCloseTo(COVERED.wilson, 10);
});

test("the bootstrap covers the mean of skewed scores in 94.1 % of 2,000 samples of 60", () => {
  const next = uniform(2);
  const covered = coverage(2_000, () => Array.from({ length: 60 }, () => next() ** 2), 1 / 3);
  expect(covered).toBeCloseTo(COVERED.bootstrap, 10);
});

test("worked out for 300 scores, it covers their mean in 95.6 % of 2,000 samples", () => {
  const next = uniform(3);
  const covered = coverage(2_000, () => Array.from({ length: 300 }, () => next() ** 2), 1 / 3);
  expect(covered).toBeCloseTo(COVERED.expanded, 10);
});

/** `step` lies between two sums of such values: a mean that is drawn falls on a multiple of it over n. */
const shapes: [name: string, step: number, of: (next: () => number) => number][] = [
  ["even", 0, (next) => next()],
  ["skewed", 0, (next) => next() ** 4],
  ["wins, ties and losses", 1, (next) => Math.floor(3 * next()) - 1],
  ["a tenth of ones", 1, (next) => Number(next() < 0.1)],
  ["heavy on both ends", 0, (next) => Math.round(next()) * (0.9 + 0.1 * next())],
];
test.each(shapes)(
  "%s values: 20,000 rounds draw within 2 %% of the width of what is worked out",
  (_, step, of) => {
    for (const count of [200, 1_000]) {
      const next = uniform(count);
      const values = Array.from({ length: count }, () => of(next));
      const [own, theirs] = [expanded(values), drawn(values, 1, 20_000)];
      const width = theirs.high - theirs.low;
      const near = 0.02 * width + step / 2 / count;
      expect(Math.abs((own?.low ?? Number.NaN) - theirs.low)).toBeLessThan(near);
      expect(Math.abs((own?.high ?? Number.NaN) - theirs.high)).toBeLessThan(near);
    }
  },
);

test("a mean that is too skewed for that is drawn, and values that are all the same have no width", () => {
  const rare = new Array<number>(1_000).fill(0).fill(1, 0, 3);
  expect(expanded(rare)).toBeNull();
  expect(bootstrapMean(rare, 1, 1_000)).toEqual(drawn(rare, 1, 1_000));
  expect(bootstrapMean(new Array<number>(1_000).fill(0.4), 1)).toEqual({ low: 0.4, high: 0.4 });
});

test("10,000 scores take less than 50 ms of one processor", () => {
  const values = Float64Array.from({ length: 10_000 }, uniform(2));
  const before = process.cpuUsage();
  bootstrapMean(values, 1);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(0.05);
}, 30_000);
