// Intervals of scores: by hand, by simulated coverage, and their cost.
import { expect, test } from "bun:test";
import { uniform } from "../../kit/random.ts";
import { bootstrapMean } from "./bootstrap.ts";
import { scoreInterval, wilson } from "./intervals.ts";

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

test("Wilson's interval covers a share of 0.9 in 95 % of 2,000 samples of 60", () => {
  const next = uniform(1);
  let covered = 0;
  for (let sample = 0; sample < 2_000; sample++) {
    const interval = scoreInterval(Array.from({ length: 60 }, () => Number(next() < 0.9)));
    if (interval && interval.low <= 0.9 && 0.9 <= interval.high) covered++;
  }
  expect(covered / 2_000).toBeGreaterThan(0.925);
  expect(covered / 2_000).toBeLessThan(0.975);
});

test("10,000 rounds over 10,000 scores take less than 1.5 s of one processor", () => {
  const values = Float64Array.from({ length: 10_000 }, uniform(2));
  const before = process.cpuUsage();
  bootstrapMean(values, 1);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(1.5);
}, 30_000);
