// An assessment against an earlier one: candidates of both on the rows that both asked about.
import type { CandidateRow } from "./assessments.ts";
import type { Matrix } from "./matrix.ts";
import { pairedScores } from "./pair-totals.ts";
import {
  type Comparison,
  comparePaired,
  holm,
  type ScoreInterval,
  scoreInterval,
} from "./statistics/statistics.ts";

export type ComparedPair = {
  candidate: CandidateRow;
  /** The candidate of the other assessment. */
  against: CandidateRow;
  /** Over the rows that both have a score for; null where there is none. */
  interval: ScoreInterval | null;
  againstInterval: ScoreInterval | null;
  /** `wins` are rows on which the candidate of this assessment scores higher. */
  comparison: (Comparison & { adjustedP: number }) | null;
};
/** A row of this assessment and the same one of the other. */
export type CommonRow = readonly [row: number, other: number];

/** Each pair of candidates' ids; p is corrected for their number. */
export function comparisonOf(
  matrix: Matrix,
  other: Matrix,
  pairs: readonly (readonly [string, string])[],
  common: readonly CommonRow[],
): ComparedPair[] {
  const found = pairs.flatMap(([ownId, otherId]) => {
    const own = matrix.columns.find(({ candidate }) => candidate.id === ownId);
    const against = other.columns.find(({ candidate }) => candidate.id === otherId);
    if (!own || !against) return [];
    const renumbered = new Map<number, number>();
    for (const [row, otherRow] of common) {
      const score = against.scoreByRow.get(otherRow);
      if (score !== undefined) renumbered.set(row, score);
    }
    const [a, b] = pairedScores(own.scoreByRow, renumbered);
    return [
      {
        candidate: own.candidate,
        against: against.candidate,
        interval: scoreInterval(a),
        againstInterval: scoreInterval(b),
        comparison: comparePaired(a, b),
      },
    ];
  });
  const tested = found.flatMap(({ comparison }) => comparison ?? []);
  const adjusted = holm(tested.map(({ p }) => p));
  return found.map((one) => {
    const { comparison } = one;
    if (comparison === null) return { ...one, comparison };
    return {
      ...one,
      comparison: { ...comparison, adjustedP: adjusted[tested.indexOf(comparison)] ?? comparison.p },
    };
  });
}
