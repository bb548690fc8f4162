// How good a ranking is: recall, reciprocal rank and nDCG of one question, and means over many with bootstrap intervals.
import { uniform } from "../kit/random.ts";

/** What is relevant to a question, by id; the grade is 1 or more. */
export type Judgements = ReadonlyMap<string, number>;
export type Measured = { recall: number; reciprocalRank: number; ndcg: number };
export type Mean = { mean: number; low: number; high: number };
export const MEASURES = ["recall", "reciprocalRank", "ndcg"] as const;

/**
 * Measures of the first k of a ranking (ids, best first; repetitions count once). nDCG has gains of grade over log2 of
 * rank + 1, as trec_eval's ndcg_cut. Järvelin, Kekäläinen: Cumulated gain-based evaluation of IR techniques, 2002.
 */
export function measure(ranking: readonly string[], relevant: Judgements, k: number): Measured {
  const first = [...new Set(ranking)].slice(0, k);
  const gains = first.map((id) => relevant.get(id) ?? 0);
  const ideal = [...relevant.values()].toSorted((a, b) => b - a).slice(0, k);
  const best = discounted(ideal);
  const at = gains.findIndex((gain) => gain > 0);
  return {
    recall: relevant.size === 0 ? 0 : gains.filter((gain) => gain > 0).length / relevant.size,
    reciprocalRank: at === -1 ? 0 : 1 / (at + 1),
    ndcg: best === 0 ? 0 : discounted(gains) / best,
  };
}

function discounted(gains: readonly number[]): number {
  return gains.reduce((sum, gain, at) => sum + gain / Math.log2(at + 2), 0);
}

/** The mean with its 95 % interval by the percentile bootstrap; the same values and seed give the same interval. */
export function meanOf(values: readonly number[], seed = 1, rounds = 1_000): Mean {
  const sum = (of: readonly number[]): number => of.reduce((all, value) => all + value, 0);
  if (values.length === 0) return { mean: 0, low: 0, high: 0 };
  const next = uniform(seed);
  const means = Array.from({ length: rounds }, () => {
    let total = 0;
    for (let i = 0; i < values.length; i++) total += values[Math.floor(next() * values.length)] ?? 0;
    return total / values.length;
  }).toSorted((a, b) => a - b);
  const at = (share: number): number => means[Math.min(rounds - 1, Math.floor(share * rounds))] ?? 0;
  return { mean: sum(values) / values.length, low: at(0.025), high: at(0.975) };
}
