// What an assessment found: each candidate's score with its interval, each pair compared on the rows both answered, and
// one sentence. Worked out in a process of its own (reporter.ts).
import { type AgreementTotal, agreementsOf, type JudgeTotal, judgeTotals } from "./judge-totals.ts";
import type { Matrix } from "./matrix.ts";
import { type PairTotal, pairsOf, strengthsOf } from "./pair-totals.ts";
import { type CandidateTotal, totalOf } from "./totals.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

export type Report = {
  candidates: CandidateTotal[];
  pairs: PairTotal[];
  verdict: Verdict;
  unscored: number;
  judges: JudgeTotal[];
  agreements: AgreementTotal[];
};

/** Everything that is said of an assessment, from what is kept of it now. */
export function reportOf(matrix: Matrix): Report {
  const totals = matrix.columns.map((own) => totalOf(own, matrix));
  const pairs = pairsOf(matrix);
  const strengths = strengthsOf(
    matrix.columns.map(({ candidate }) => candidate),
    pairs,
  );
  return {
    candidates: totals.map((total, at) => ({ ...total, strength: strengths?.[at] ?? null })),
    pairs,
    verdict: verdictOf(totals, pairs),
    unscored: totals.reduce((sum, { unscored }) => sum + unscored, 0),
    judges: judgeTotals(matrix),
    agreements: agreementsOf(matrix),
  };
}
