// From judgements to scores: an answer's own, or how it did against each other answer to the same row.
import type { JudgeMode } from "./verdict.ts";

/** What a judge said: `value` is from 0 to 1 for the answer shown first, null where the reply was no verdict. */
export type Judgement = {
  row: number;
  answerId: string;
  /** The answer shown second; empty where one was judged by itself. */
  otherId: string;
  value: number | null;
  reason: string | null;
};
export type JudgedScore = { answerId: string; value: number | null; detail: string | null };
/** Two answers to a row, judged in both orders. */
export type PairOutcome = {
  first: string;
  second: string;
  /** From 0 to 1 for the first, the mean of both orders; null where either is missing or no verdict. */
  value: number | null;
  /** Whether both orders said the same; null where either is missing or no verdict. */
  isConsistent: boolean | null;
  problem: string | null;
};

/** Pairs of answers, the one with the lesser id first: what both orders say together. */
export function pairOutcomes(judgements: readonly Judgement[]): PairOutcome[] {
  const byPair = Map.groupBy(
    judgements.filter(({ otherId }) => otherId !== ""),
    ({ answerId, otherId }) => [answerId, otherId].toSorted().join(" "),
  );
  return [...byPair].flatMap(([key, both]): PairOutcome[] => {
    const [first = "", second = ""] = key.split(" ");
    const ahead = both.find(({ answerId }) => answerId === first);
    const behind = both.find(({ answerId }) => answerId === second);
    // One order alone says as much of the order as of the answers.
    if (!ahead || !behind) return [];
    const problem = [ahead, behind].find(({ value }) => value === null)?.reason ?? null;
    if (ahead.value === null || behind.value === null)
      return [{ first, second, value: null, isConsistent: null, problem }];
    const turned = 1 - behind.value;
    return [
      {
        first,
        second,
        value: (ahead.value + turned) / 2,
        isConsistent: ahead.value === turned,
        problem: null,
      },
    ];
  });
}

/** The scores of the answers that these judgements of one judge are about. */
export function scoresOf(mode: JudgeMode, judgements: readonly Judgement[]): JudgedScore[] {
  if (mode === "direct")
    return judgements.map(({ answerId, value, reason }) => ({ answerId, value, detail: reason }));
  const outcomes = pairOutcomes(judgements);
  const answers = new Set(outcomes.flatMap(({ first, second }) => [first, second]));
  return [...answers].map((answerId) => {
    const own = outcomes.filter(({ first, second }) => first === answerId || second === answerId);
    const known = own.flatMap(({ first, value }) =>
      value === null ? [] : [first === answerId ? value : 1 - value],
    );
    const problem = own.find((one) => one.problem !== null)?.problem ?? null;
    if (known.length < own.length || known.length === 0) return { answerId, value: null, detail: problem };
    const differ = own.filter(({ isConsistent }) => isConsistent === false).length;
    return {
      answerId,
      value: known.reduce((sum, value) => sum + value, 0) / known.length,
      detail:
        differ === 0 ? null : "The judge decides otherwise when the answers are shown in the other order.",
    };
  });
}
