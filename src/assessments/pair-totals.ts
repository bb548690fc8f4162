// Candidates against each other, row by row: each pair with its test, and all of them on one scale.
import type { CandidateRow } from "./assessments.ts";
import type { AnswerColumns, Matrix } from "./matrix.ts";
import {
  bradleyTerry,
  type Comparison,
  comparePaired,
  holm,
  minimumDetectableEffect,
  rowsFor,
  type Strength,
} from "./statistics/statistics.ts";

export type PairTotal = Comparison & {
  first: CandidateRow;
  second: CandidateRow;
  /** p after Holm's correction over all pairs. */
  adjustedP: number;
  /** The least difference of means that this many rows show with a power of 0.8; null for fewer than two. */
  detectable: number | null;
  /** Rows that would show a difference as large as this one; null where there is none. */
  rowsNeeded: number | null;
};

/** The scores of two on the keys that both have, in one order. */
export function pairedScores<K>(
  one: ReadonlyMap<K, number>,
  other: ReadonlyMap<K, number>,
): [number[], number[]] {
  const a: number[] = [];
  const b: number[] = [];
  for (const [key, score] of one) {
    const against = other.get(key);
    if (against === undefined) continue;
    a.push(score);
    b.push(against);
  }
  return [a, b];
}

/**
 * The scores of two against each other. Where a judge compared them, its verdict on these two counts, not how each did
 * against all others.
 */
function scoresOfPair(
  { judged }: Matrix,
  one: AnswerColumns,
  other: AnswerColumns,
): [ReadonlyMap<number, number>, ReadonlyMap<number, number>] {
  const comparing = judged.filter(({ pairs }) => pairs !== null);
  if (comparing.length === 0) return [one.scoreByRow, other.scoreByRow];
  const key = `${one.candidate.id} ${other.candidate.id}`;
  const against = new Map(comparing.map(({ grader, pairs }) => [grader, pairs?.get(key)]));
  const scores = (own: AnswerColumns, turn: (value: number) => number): Map<number, number> => {
    const byRow = new Map<number, number>();
    own.rows.forEach((row, at) => {
      if (own.failed[at]) return;
      let sum = 0;
      for (const [grader, values] of own.values.entries()) {
        const verdict = against.has(grader) ? (against.get(grader)?.get(row) ?? null) : null;
        const value = against.has(grader) ? (verdict === null ? null : turn(verdict)) : (values[at] ?? null);
        if (value === null) return;
        sum += value;
      }
      byRow.set(row, sum / own.values.length);
    });
    return byRow;
  };
  return [scores(one, (value) => value), scores(other, (value) => 1 - value)];
}

/** Each two that have a scored row in common. */
export function pairsOf(matrix: Matrix): PairTotal[] {
  const { columns } = matrix;
  const pairs: Omit<PairTotal, "adjustedP">[] = [];
  for (const [at, one] of columns.entries())
    for (const other of columns.slice(at + 1)) {
      const [a, b] = pairedScores(...scoresOfPair(matrix, one, other));
      const compared = comparePaired(a, b);
      if (!compared) continue;
      const gains = a.map((score, place) => score - (b[place] ?? 0));
      // Rows that differ nowhere say nothing of how differences vary.
      const detectable = compared.wins + compared.losses > 0 ? minimumDetectableEffect(gains) : null;
      const rowsNeeded = rowsFor(compared.difference, gains);
      pairs.push({ ...compared, first: one.candidate, second: other.candidate, detectable, rowsNeeded });
    }
  const adjusted = holm(pairs.map(({ p }) => p));
  return pairs.map((pair, at) => ({ ...pair, adjustedP: adjusted[at] ?? pair.p }));
}

/** Who beats whom how often, on one scale; two candidates need none. */
export function strengthsOf(
  candidates: readonly CandidateRow[],
  pairs: readonly PairTotal[],
): Strength[] | null {
  if (candidates.length < 3) return null;
  const place = new Map(candidates.map(({ id }, at) => [id, at]));
  const wins = candidates.map(() => candidates.map(() => 0));
  for (const { first, second, wins: won, ties, losses } of pairs) {
    const [a, b] = [place.get(first.id) ?? 0, place.get(second.id) ?? 0];
    const [upper, lower] = [wins[a], wins[b]];
    if (upper) upper[b] = won + ties / 2;
    if (lower) lower[a] = losses + ties / 2;
  }
  return bradleyTerry(wins);
}
