// Whether one model is better than another on the same rows: the difference, its interval and a test.
import { bootstrapMean, type Interval, meanOf, ROUNDS } from "./bootstrap.ts";
import { binomialTwoSided, normalCdf } from "./distributions.ts";
import { isBinary } from "./intervals.ts";

/** Wins, ties and losses are rows, as the first sees them; difference, low and high have the scores' unit. */
export type Comparison = Interval & {
  n: number;
  wins: number;
  ties: number;
  losses: number;
  difference: number;
  p: number;
  test: "mcnemar-exact" | "wilcoxon";
};

/** Up to so many rows that differ, Wilcoxon's distribution is counted out. */
const EXACT_UP_TO = 50;

/**
 * Compares the scores of two on the rows that both answered (a[i] and b[i] are of the same row): mean(a) -
 * mean(b) with a 95 % interval by the paired percentile bootstrap, and a two-sided p. Scores that are all 0
 * or 1 get McNemar's exact test (McNemar 1947), others Wilcoxon's signed-rank test (1945). Null without rows.
 * @throws RangeError when a and b differ in length.
 */
export function comparePaired(
  a: readonly number[],
  b: readonly number[],
  seed = 1,
  rounds = ROUNDS,
): Comparison | null {
  if (a.length !== b.length) throw new RangeError(`${a.length} scores cannot be paired with ${b.length}`);
  if (a.length === 0) return null;
  const differences = Float64Array.from(a, (score, row) => settled(score - (b[row] ?? 0)));
  const counts = outcomesOf(differences);
  const common = { ...counts, difference: meanOf(differences), ...bootstrapMean(differences, seed, rounds) };
  return isBinary(a) && isBinary(b)
    ? { ...common, p: binomialTwoSided(counts.wins, counts.wins + counts.losses), test: "mcnemar-exact" }
    : { ...common, p: wilcoxon(differences), test: "wilcoxon" };
}

/** Without the last digits, in which 0.3 - 0.2 and 0.2 - 0.1 differ though they are a tie. */
function settled(difference: number): number {
  return Math.round(difference * 1e12) / 1e12;
}

function outcomesOf(differences: Float64Array): Pick<Comparison, "n" | "wins" | "ties" | "losses"> {
  const n = differences.length;
  const wins = differences.filter((difference) => difference > 0).length;
  const losses = differences.filter((difference) => difference < 0).length;
  return { n, wins, ties: n - wins - losses, losses };
}

/**
 * The two-sided p of Wilcoxon's signed-rank test, zeros dropped; 1 when nothing else is left. Up to 50 differences the
 * distribution is counted out for the sizes as they are, ties among them (where all are of one size, that is the sign
 * test); beyond, the normal approximation with tie correction and without continuity correction: as scipy.stats.wilcoxon
 * with zero_method "wilcox" and PermutationMethod, "exact" or "asymptotic".
 */
function wilcoxon(differences: Float64Array): number {
  const bySize = differences
    .filter((difference) => difference !== 0)
    .sort((one, other) => Math.abs(one) - Math.abs(other));
  const n = bySize.length;
  if (n === 0) return 1;
  let positiveRanks = 0;
  let tieTerm = 0;
  /** Twice each rank, so that shared ones are whole. */
  const doubled = new Uint16Array(Math.min(n, EXACT_UP_TO));
  for (let from = 0, to = 0; from < n; from = to) {
    const size = Math.abs(bySize[from] ?? 0);
    let positives = 0;
    for (to = from; to < n && Math.abs(bySize[to] ?? 0) === size; to++) {
      if ((bySize[to] ?? 0) > 0) positives++;
    }
    const tied = to - from;
    // Ranks count from 1; tied ones share the mean of theirs.
    positiveRanks += (positives * (from + 1 + to)) / 2;
    tieTerm += tied ** 3 - tied;
    doubled.fill(from + 1 + to, from, to);
  }
  if (n <= EXACT_UP_TO) return exactSignedRank(2 * positiveRanks, doubled);
  const expected = (n * (n + 1)) / 4;
  const deviation = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24 - tieTerm / 48);
  return Math.min(1, 2 * normalCdf(-Math.abs(positiveRanks - expected) / deviation));
}

/** Counts the sets of doubled ranks by their sum: of 2^n equally likely ones, how many are as far out. */
function exactSignedRank(positive: number, doubled: Uint16Array): number {
  const most = doubled.reduce((sum, rank) => sum + rank, 0);
  const ways = new Float64Array(most + 1);
  ways[0] = 1;
  for (const rank of doubled)
    for (let sum = most; sum >= rank; sum--) ways[sum] = (ways[sum] ?? 0) + (ways[sum - rank] ?? 0);
  // The distribution is symmetric, so that the smaller tail serves for both.
  const tail = Math.min(positive, most - positive);
  let asFar = 0;
  for (let sum = 0; sum <= tail; sum++) asFar += ways[sum] ?? 0;
  return Math.min(1, (2 * asFar) / 2 ** doubled.length);
}
