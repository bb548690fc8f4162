// How sure a mean score is: 95 % intervals of shares and of scores.
import { bootstrapMean, type Interval, meanOf, ROUNDS } from "./bootstrap.ts";
import { normalQuantile } from "./distributions.ts";

export type ScoreInterval = Interval & { n: number; mean: number; method: "wilson" | "bootstrap" };

/**
 * The 95 % interval, from 0 to 1, of the share of successes among at least one trial. Wilson: Probable
 * inference, the law of succession, and statistical inference, 1927; no continuity correction.
 */
export function wilson(successes: number, trials: number): Interval {
  const z = normalQuantile(0.975);
  const share = successes / trials;
  const scale = 1 + z ** 2 / trials;
  const centre = (share + z ** 2 / (2 * trials)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2));
  // At the ends the formula gives exactly 0 and 1, but for rounding.
  return {
    low: successes === 0 ? 0 : centre - half,
    high: successes === trials ? 1 : centre + half,
  };
}

/**
 * The mean of scores from 0 to 1 with its 95 % interval: Wilson's when each is 0 or 1, because it covers also
 * near the ends and with few rows; else the percentile bootstrap. Null without scores.
 */
export function scoreInterval(scores: readonly number[], seed = 1, rounds = ROUNDS): ScoreInterval | null {
  const n = scores.length;
  if (n === 0) return null;
  const mean = meanOf(scores);
  return isBinary(scores)
    ? { n, mean, ...wilson(Math.round(mean * n), n), method: "wilson" }
    : { n, mean, ...bootstrapMean(scores, seed, rounds), method: "bootstrap" };
}

/** Whether each score is 0 or 1. */
export function isBinary(scores: readonly number[]): boolean {
  return scores.every((score) => score === 0 || score === 1);
}
