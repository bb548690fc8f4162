// How each candidate did on its own: its score and each grader's with their intervals, and what it took.
import type { CandidateRow } from "./assessments.ts";
import { graderTitle } from "./graders/graders.ts";
import type { AnswerColumns, Matrix } from "./matrix.ts";
import { type ScoreInterval, type Strength, scoreInterval } from "./statistics/statistics.ts";

export type GraderTotal = { label: string; interval: ScoreInterval | null; unscored: number };
export type CandidateTotal = {
  candidate: CandidateRow;
  /** Rows with a score by every grader; the score is their mean over the graders. */
  interval: ScoreInterval | null;
  graders: GraderTotal[];
  answered: number;
  failed: number;
  unscored: number;
  /** Of the answers; null where there is none. */
  medianLatencyMs: number | null;
  inputTokens: number;
  outputTokens: number;
  /** US dollars; null where any answer has no price. */
  costUsd: number | null;
  /** Of three candidates and more, by Bradley and Terry over all pairs' rows; null where some never lost to others. */
  strength: Strength | null;
};

/** What a candidate's answers come to; its strength needs the others. */
export function totalOf(own: AnswerColumns, { graders }: Matrix): Omit<CandidateTotal, "strength"> {
  const good = own.failed.flatMap((isFailed, at) => (isFailed ? [] : [at]));
  const sum = (column: readonly (number | null)[]): number =>
    good.reduce((all, at) => all + (column[at] ?? 0), 0);
  const hasPrice = good.length > 0 && good.every((at) => typeof own.costUsd[at] === "number");
  const times = Float64Array.from(good, (at) => own.latencyMs[at] ?? 0).sort();
  return {
    candidate: own.candidate,
    interval: scoreInterval([...own.scoreByRow.values()]),
    graders: graders.map((spec, place) => {
      const known = good.flatMap((at) => own.values[place]?.[at] ?? []);
      return {
        label: graderTitle(spec),
        interval: scoreInterval(known),
        unscored: good.length - known.length,
      };
    }),
    answered: good.length,
    failed: own.rows.length - good.length,
    unscored: good.length - own.scoreByRow.size,
    medianLatencyMs: times[Math.floor((times.length - 1) / 2)] ?? null,
    inputTokens: sum(own.inputTokens),
    outputTokens: sum(own.outputTokens),
    costUsd: hasPrice ? sum(own.costUsd) : null,
  };
}
