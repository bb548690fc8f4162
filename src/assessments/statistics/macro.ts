// A score over several sets of rows, each of which counts the same, however many rows it has.

import { uniform } from "../../kit/random.ts";
import { type Interval, meanOf, quantile, ROUNDS } from "./bootstrap.ts";
import { normalQuantile } from "./distributions.ts";
import { signFlip } from "./factorial.ts";
import { wilson } from "./intervals.ts";

export type MacroMean = Interval & {
  mean: number;
  /** Sets, and rows in all. */
  sets: number;
  n: number;
  method: "bootstrap" | "combined";
};

/** Rows in all from which on the bootstrap would hold up the server; the combined interval is as good by then. */
const BOOTSTRAP_ROWS = 5_000;

/**
 * The mean of the sets' mean scores (each from 0 to 1) with its 95 % interval: by the percentile bootstrap stratified by
 * set (rows are drawn anew within each set; Efron, Tibshirani: An introduction to the bootstrap, 1993, chapter 8); where
 * a set's rows all score the same, in which no draw would see that others may not, and from 5,000 rows on, combined from
 * the sets' own intervals. Sets without a score are left out; null where all are. What the sets stand for is taken as
 * given: they are not drawn.
 */
export function macroMean(sets: readonly ArrayLike<number>[], seed = 1, rounds = ROUNDS): MacroMean | null {
  const held = heldOf(sets);
  if (held.length === 0) return null;
  const [common, moments] = [commonOf(held), held.map(momentsOf)];
  const isFlat = held.some((set) => set.every((value) => value === set[0]));
  return isFlat || common.n >= BOOTSTRAP_ROWS
    ? { ...common, ...combined(common.mean, moments.map(scoreEnds)), method: "combined" }
    : { ...common, ...stratified(held, seed, rounds), method: "bootstrap" };
}

/**
 * The same of differences on paired rows, always by the bootstrap below 5,000 rows, with the two-sided p of the
 * sign-flip test of the mean of the sets' means.
 */
export function macroDifference(
  sets: readonly ArrayLike<number>[],
  seed = 1,
  rounds = ROUNDS,
): (MacroMean & { p: number }) | null {
  const held = heldOf(sets);
  if (held.length === 0) return null;
  const common = commonOf(held);
  // Each row weighs as it does in the mean.
  const weighted = held.flatMap((set) => Array.from(set, (value) => value / set.length / held.length));
  const p = signFlip(Float64Array.from(weighted));
  return common.n >= BOOTSTRAP_ROWS
    ? { ...common, p, ...combined(common.mean, held.map(momentsOf).map(normalEnds)), method: "combined" }
    : { ...common, p, ...stratified(held, seed, rounds), method: "bootstrap" };
}

/** How many values a set has, their mean, and the mean of their squares. */
export type Moments = { n: number; mean: number; square: number };

/** The combined 95 % interval of a mean of sets' mean scores, from the sets' moments alone. */
export function macroInterval(mean: number, sets: readonly Moments[]): Interval {
  return combined(mean, sets.map(scoreEnds));
}

function heldOf(sets: readonly ArrayLike<number>[]): Float64Array[] {
  return sets.filter(({ length }) => length > 0).map((set) => Float64Array.from(set));
}

function commonOf(held: readonly Float64Array[]): Pick<MacroMean, "mean" | "sets" | "n"> {
  const mean = held.reduce((sum, set) => sum + meanOf(set), 0) / held.length;
  return { mean, sets: held.length, n: held.reduce((sum, { length }) => sum + length, 0) };
}

function momentsOf(set: Float64Array): Moments {
  return { n: set.length, mean: meanOf(set), square: meanOf(set.map((value) => value ** 2)) };
}

function stratified(held: readonly Float64Array[], seed: number, rounds: number): Interval {
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
  return { low: quantile(means, 0.025), high: quantile(means, 0.975) };
}

type Ends = Interval & { mean: number };

/** Wilson's interval of scores that are all 0 or 1, which are those that are their own squares; else the normal one. */
function scoreEnds(set: Moments): Ends {
  const { n, mean, square } = set;
  const isBinary = Math.abs(mean - square) < 1e-12;
  return isBinary ? { mean, ...wilson(Math.round(mean * n), n) } : normalEnds(set);
}

function normalEnds({ n, mean, square }: Moments): Ends {
  const half = n > 1 ? normalQuantile(0.975) * Math.sqrt(Math.max(0, square - mean ** 2) / (n - 1)) : 0;
  return { mean, low: mean - half, high: mean + half };
}

/**
 * The interval of a mean of independent means from the interval of each, which need not lie even about it. Zou, Donner:
 * Construction of confidence limits about effect measures: a general approach, 2008.
 */
function combined(mean: number, sets: readonly Ends[]): Interval {
  const reach = (of: (set: Ends) => number): number =>
    Math.sqrt(sets.reduce((sum, set) => sum + of(set) ** 2, 0)) / sets.length;
  return { low: mean - reach((set) => set.mean - set.low), high: mean + reach((set) => set.high - set.mean) };
}
