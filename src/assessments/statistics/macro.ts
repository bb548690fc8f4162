// A score over several sets of rows, each of which counts the same, however many rows it has.

import { uniform } from "../../kit/random.ts";
import { type Interval, meanOf, quantile, ROUNDS } from "./bootstrap.ts";
import { normalQuantile } from "./distributions.ts";
import { signFlip } from "./factorial.ts";

export type MacroMean = Interval & {
  mean: number;
  /** Sets, and rows in all. */
  sets: number;
  n: number;
  method: "bootstrap" | "normal";
};

/** Rows in all from which on the bootstrap would hold up the server; the normal interval is as good by then. */
const BOOTSTRAP_ROWS = 5_000;

/**
 * The mean of the sets' means with its 95 % interval, in the values' unit: by the percentile bootstrap stratified by set
 * (rows are drawn anew within each set; Efron, Tibshirani: An introduction to the bootstrap, 1993, chapter 8), from 5,000
 * rows on by the normal approximation of a stratified mean (Cochran: Sampling techniques, 1977, section 5.3). Sets without
 * a value are left out; null where all are. What the sets stand for is taken as given: they are not drawn.
 */
export function macroMean(sets: readonly ArrayLike<number>[], seed = 1, rounds = ROUNDS): MacroMean | null {
  const held = sets.filter(({ length }) => length > 0).map((set) => Float64Array.from(set));
  if (held.length === 0) return null;
  const n = held.reduce((sum, { length }) => sum + length, 0);
  const mean = held.reduce((sum, set) => sum + meanOf(set), 0) / held.length;
  const common = { mean, sets: held.length, n };
  if (n >= BOOTSTRAP_ROWS) return { ...common, ...normalMacro(mean, held.map(momentsOf)), method: "normal" };
  const means = new Float64Array(rounds);
  const next = uniform(seed);
  for (let round = 0; round < rounds; round++) {
    let sum = 0;
    for (const set of held) {
      let total = 0;
      for (let i = 0; i < set.length; i++) total += set[Math.floor(next() * set.length)] ?? 0;
      sum += total / set.length;
    }
    means[round] = sum / held.length;
  }
  means.sort();
  return { ...common, low: quantile(means, 0.025), high: quantile(means, 0.975), method: "bootstrap" };
}

/** How many values a set has, their mean, and the mean of their squares. */
export type Moments = { n: number; mean: number; square: number };

/** The normal 95 % interval around a mean of sets' means, from the sets' moments; sets of one row add no width. */
export function normalMacro(mean: number, sets: readonly Moments[]): Interval {
  const variance =
    sets.reduce((sum, { n, mean: of, square }) => {
      // The sample variance over n, of the set's mean.
      const spread = n > 1 ? Math.max(0, square - of ** 2) / (n - 1) : 0;
      return sum + spread;
    }, 0) /
    sets.length ** 2;
  const half = normalQuantile(0.975) * Math.sqrt(variance);
  return { low: mean - half, high: mean + half };
}

function momentsOf(set: Float64Array): Moments {
  return { n: set.length, mean: meanOf(set), square: meanOf(set.map((value) => value ** 2)) };
}

/**
 * The same of differences on paired rows, with the two-sided p of the sign-flip test of the mean of the sets' means.
 */
export function macroDifference(
  sets: readonly ArrayLike<number>[],
  seed = 1,
  rounds = ROUNDS,
): (MacroMean & { p: number }) | null {
  const found = macroMean(sets, seed, rounds);
  if (!found) return null;
  // Each row weighs as it does in the mean.
  const weighted = sets.flatMap((set) => Array.from(set, (value) => value / set.length / found.sets));
  return { ...found, p: signFlip(Float64Array.from(weighted)) };
}
