// How far judges can be trusted: whether they stay with a verdict when the answers change places, and with whom they
// agree.
import { type GraderSpec, graderTitle } from "./graders/graders.ts";
import type { Judged, Rated } from "./judged.ts";
import type { AnswerColumns, Matrix } from "./matrix.ts";
import { type Agreement, cohensKappa, type Kappa, rawAgreement, wilson } from "./statistics/statistics.ts";

type Share = { n: number; share: number; low: number; high: number };
export type JudgeTotal = {
  label: string;
  judgements: number;
  failed: number;
  /** Replies that were no verdict, and count for nothing. */
  unread: number;
  /** Share of pairs with the same verdict in both orders; null where nothing was judged in both. */
  consistency: Share | null;
  /** Share of verdicts other than ties that prefer the answer shown first: 0.5 where the order does not matter. */
  preferredFirst: Share | null;
  medianLatencyMs: number | null;
  inputTokens: number;
  outputTokens: number;
  costUsd: number | null;
};
/** How far two graders say the same: which of two answers is better, or whether one is good. */
export type AgreementTotal = Agreement & { first: string; second: string; kappa: Kappa | null };

export function judgeTotals({ graders, judged }: Matrix): JudgeTotal[] {
  return judged.map((one) => {
    const spec = graders[one.grader];
    const times = Float64Array.from(one.latencyMs).sort();
    return {
      label: spec ? graderTitle(spec) : "",
      judgements: one.judgements,
      failed: one.failed,
      unread: one.unread,
      consistency: shareOf(one.consistent, one.bothOrders),
      preferredFirst: shareOf(one.preferredFirst, one.decided),
      medianLatencyMs: times[Math.floor((times.length - 1) / 2)] ?? null,
      inputTokens: one.inputTokens,
      outputTokens: one.outputTokens,
      costUsd: one.costUsd,
    };
  });
}

function shareOf(some: number, n: number): Share | null {
  return n === 0 ? null : { n, share: some / n, ...wilson(some, n) };
}

/** One grader's labels, by whom they are of (a candidate, or two) and row; what is unscored has none. */
type Labels = Map<string, Map<number, string>>;
type Labelled = { name: string; isOfJudgement: boolean; labels: Labels };

/**
 * Agreement of every two graders of which one at least is a judge or people, and of every two people, on what both have
 * said; those that have nothing in common are left out.
 */
export function agreementsOf(matrix: Matrix): AgreementTotal[] {
  const { graders, columns, judged, rated } = matrix;
  const isOfJudgement = ({ kind }: GraderSpec): boolean => kind === "judge" || kind === "people";
  // Without any there is nobody to agree, and labels of tens of thousands of answers are not made for nothing.
  const counted = graders.some(isOfJudgement) ? graders : [];
  const all = counted.map((spec, place): Labelled => {
    // Each person counts for himself below; beside one other grader, their mean is what the report uses.
    const pairs = judged.find(({ grader }) => grader === place)?.pairs ?? null;
    return {
      name: graderTitle(spec),
      isOfJudgement: isOfJudgement(spec),
      labels: pairs ? labelsOfPairs(pairs) : labelsOfScores(columns, place),
    };
  });
  const totals = all.flatMap((one, at) =>
    all
      .slice(at + 1)
      .flatMap((other) => (one.isOfJudgement || other.isOfJudgement ? between(one, other) : [])),
  );
  const people = labelledRaters(rated);
  return [
    ...totals,
    ...people.flatMap((one, at) => people.slice(at + 1).flatMap((other) => between(one, other))),
  ];
}

function between(one: Labelled, other: Labelled): AgreementTotal[] {
  const first: string[] = [];
  const second: string[] = [];
  for (const [of, rows] of one.labels) {
    const against = other.labels.get(of);
    if (!against) continue;
    for (const [row, label] of rows) {
      const said = against.get(row);
      if (said === undefined) continue;
      first.push(label);
      second.push(said);
    }
  }
  const agreement = rawAgreement(first, second);
  return agreement
    ? [{ ...agreement, first: one.name, second: other.name, kappa: cohensKappa(first, second) }]
    : [];
}

const preference = (value: number): string => (value > 0.5 ? "first" : value < 0.5 ? "second" : "tie");
const quality = (value: number): string => (value >= 0.5 ? "good" : "bad");

function labelsOfPairs(pairs: NonNullable<Judged["pairs"]>): Labels {
  const labels: Labels = new Map();
  for (const [of, values] of pairs) {
    const rows = new Map<number, string>();
    for (const [row, value] of values) if (value !== null) rows.set(row, preference(value));
    labels.set(of, rows);
  }
  return labels;
}

/** Which of two has the higher score; of one candidate, whether its score is at least a half. */
function labelsOfScores(columns: readonly AnswerColumns[], place: number): Labels {
  const known = columns.map((column) => {
    const values = new Map<number, number>();
    column.rows.forEach((row, at) => {
      const value = column.failed[at] ? null : (column.values[place]?.[at] ?? null);
      if (value !== null) values.set(row, value);
    });
    return { id: column.candidate.id, values };
  });
  const [only] = known;
  if (known.length === 1 && only) {
    const rows = [...only.values].map(([row, value]): [number, string] => [row, quality(value)]);
    return new Map([[only.id, new Map(rows)]]);
  }
  const labels: Labels = new Map();
  for (const [at, one] of known.entries())
    for (const other of known.slice(at + 1)) {
      const rows = new Map<number, string>();
      for (const [row, value] of one.values) {
        const against = other.values.get(row);
        if (against !== undefined) rows.set(row, preference(0.5 + (value - against) / 2));
      }
      labels.set(`${one.id} ${other.id}`, rows);
    }
  return labels;
}

function labelledRaters(rated: readonly Rated[]): Labelled[] {
  return rated.map(({ rater, values }) => {
    const labels: Labels = new Map();
    for (const [of, rows] of values) {
      // Of a pair the key has two candidates.
      const say = of.includes(" ") ? preference : quality;
      labels.set(of, new Map([...rows].map(([row, value]) => [row, say(value)])));
    }
    return { name: rater, isOfJudgement: true, labels };
  });
}
