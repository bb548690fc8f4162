// How candidates did on parts of the rows: each part's scores with their intervals, and for two the paired difference.
import type { Matrix } from "./matrix.ts";
import { pairedScores } from "./pair-totals.ts";
import {
  type Comparison,
  comparePaired,
  holm,
  type ScoreInterval,
  scoreInterval,
} from "./statistics/statistics.ts";

export type SliceScore = { candidateId: string; interval: ScoreInterval | null };
export type SliceDifference = Comparison & {
  /** p after Holm's correction over all slices. */
  adjustedP: number;
};
export type Slice = {
  key: string;
  label: string;
  /** Rows of the assessment that belong to it. */
  rows: number;
  scores: SliceScore[];
  /** Of the two that are compared; null where they have no scored row in common, and where no two are. */
  difference: SliceDifference | null;
};
export type SliceGroup = { key: string; label: string; rows: number[] };

/** In the order of the groups. `compared` are the ids of two candidates, or null. */
export function slicesOf(
  { columns }: Matrix,
  groups: readonly SliceGroup[],
  compared: readonly [string, string] | null,
): Slice[] {
  const within = (scores: ReadonlyMap<number, number>, rows: readonly number[]): Map<number, number> => {
    const own = new Map<number, number>();
    for (const row of rows) {
      const score = scores.get(row);
      if (score !== undefined) own.set(row, score);
    }
    return own;
  };
  const slices = groups.map(({ key, label, rows }) => {
    const byId = new Map(
      columns.map(({ candidate, scoreByRow }) => [candidate.id, within(scoreByRow, rows)]),
    );
    const [first, second] = (compared ?? []).map((id) => byId.get(id));
    return {
      ...{ key, label, rows: rows.length },
      scores: [...byId].map(([candidateId, own]) => ({
        candidateId,
        interval: scoreInterval([...own.values()]),
      })),
      difference: first && second ? comparePaired(...pairedScores(first, second)) : null,
    };
  });
  const tested = slices.flatMap(({ difference }) => difference ?? []);
  const adjusted = holm(tested.map(({ p }) => p));
  return slices.map((slice) => {
    const { difference } = slice;
    if (difference === null) return { ...slice, difference };
    return {
      ...slice,
      difference: { ...difference, adjustedP: adjusted[tested.indexOf(difference)] ?? difference.p },
    };
  });
}
