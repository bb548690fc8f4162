// What an assessment found: each candidate's score with its interval, each pair compared on the rows both answered, and
// one sentence.
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Store } from "../store/store.ts";
import type { AssessmentRow, CandidateRow } from "./assessments.ts";
import { type GraderSpec, graderTitle } from "./graders/graders.ts";
import {
  bradleyTerry,
  type Comparison,
  comparePaired,
  holm,
  minimumDetectableEffect,
  rowsFor,
  type ScoreInterval,
  type Strength,
  scoreInterval,
} from "./statistics/statistics.ts";

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
export type Verdict = {
  /** The one told apart from all others as better, else the one with the highest score; null while nothing is scored. */
  best: CandidateRow | null;
  isClear: boolean;
  /** In English, for programs and the command line; pages say it in their own language from the figures. */
  english: string;
};
export type Report = { candidates: CandidateTotal[]; pairs: PairTotal[]; verdict: Verdict; unscored: number };

/** Draws of a bootstrap over n rows: its work stays the same, so that a report never holds up the server for long. */
const roundsOf = (n: number): number => Math.max(500, Math.min(10_000, Math.floor(4e6 / Math.max(1, n))));
const SEED = 1;
/** Chance of an error of the first kind that a verdict allows, over all pairs. */
const ALPHA = 0.05;

const found = z.object({
  candidateId: z.string(),
  row: z.number(),
  isFailed: z.number(),
  latencyMs: z.number(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  costUsd: z.number().nullable(),
  grader: z.number().nullable(),
  value: z.number().nullable(),
});
type Found = z.infer<typeof found>;
type Answer = Omit<Found, "grader" | "value" | "isFailed"> & { isFailed: boolean; values: (number | null)[] };

async function answersOf(store: Store, assessmentId: string): Promise<Map<string, Answer[]>> {
  const rows = (await store.db.all(sql`SELECT a.candidate_id AS candidateId, a.row AS row,
      a.error IS NOT NULL AS isFailed, a.latency_ms AS latencyMs, a.input_tokens AS inputTokens,
      a.output_tokens AS outputTokens, a.cost_usd AS costUsd, s.grader AS grader, s.value AS value
    FROM answers a LEFT JOIN scores s ON s.answer_id = a.id
    WHERE a.assessment_id = ${assessmentId} ORDER BY a.candidate_id, a.row, s.grader`)) as Found[];
  const byCandidate = new Map<string, Answer[]>();
  for (const row of rows) {
    const answers = byCandidate.get(row.candidateId) ?? [];
    byCandidate.set(row.candidateId, answers);
    let last = answers.at(-1);
    if (last?.row !== row.row) {
      // Its shape is that of the columns above; thousands of rows are not parsed one by one.
      last = { ...row, isFailed: row.isFailed === 1, values: [] };
      answers.push(last);
    }
    if (row.grader !== null) last.values[row.grader] = row.value;
  }
  return byCandidate;
}

/** The mean over the graders; null where one of them did not score it. */
function scoreOf({ values, isFailed }: Answer, graders: number): number | null {
  if (isFailed || values.length < graders) return null;
  let sum = 0;
  for (const value of values) {
    if (value === null || value === undefined) return null;
    sum += value;
  }
  return sum / graders;
}

/** Everything that is said of an assessment, from what is kept of it now. */
export async function reportOf(
  store: Store,
  assessment: AssessmentRow,
  candidates: readonly CandidateRow[],
  graders: readonly GraderSpec[],
): Promise<Report> {
  const answers = await answersOf(store, assessment.id);
  const scored = candidates.map((candidate) => {
    const own = answers.get(candidate.id) ?? [];
    const byRow = new Map<number, number>();
    for (const answer of own) {
      const score = scoreOf(answer, graders.length);
      if (score !== null) byRow.set(answer.row, score);
    }
    return { candidate, own, byRow };
  });
  const totals = scored.map(({ candidate, own, byRow }) => totalOf(candidate, own, byRow, graders));
  const pairs: Omit<PairTotal, "adjustedP">[] = [];
  for (const [at, one] of scored.entries())
    for (const other of scored.slice(at + 1)) {
      const both = [...one.byRow.keys()].filter((row) => other.byRow.has(row));
      const a = both.map((row) => one.byRow.get(row) ?? 0);
      const b = both.map((row) => other.byRow.get(row) ?? 0);
      const compared = comparePaired(a, b, SEED, roundsOf(a.length));
      if (!compared) continue;
      const gains = a.map((score, place) => score - (b[place] ?? 0));
      // Rows that differ nowhere say nothing of how differences vary.
      const detectable = compared.wins + compared.losses > 0 ? minimumDetectableEffect(gains) : null;
      const rowsNeeded = rowsFor(compared.difference, gains);
      pairs.push({ ...compared, first: one.candidate, second: other.candidate, detectable, rowsNeeded });
    }
  const adjusted = holm(pairs.map(({ p }) => p));
  const corrected = pairs.map((pair, at) => ({ ...pair, adjustedP: adjusted[at] ?? pair.p }));
  const strengths = strengthsOf(candidates, corrected);
  return {
    candidates: totals.map((total, at) => ({ ...total, strength: strengths?.[at] ?? null })),
    pairs: corrected,
    verdict: verdictOf(totals, corrected),
    unscored: totals.reduce((sum, { unscored }) => sum + unscored, 0),
  };
}

function totalOf(
  candidate: CandidateRow,
  own: readonly Answer[],
  byRow: ReadonlyMap<number, number>,
  graders: readonly GraderSpec[],
): Omit<CandidateTotal, "strength"> {
  const good = own.filter(({ isFailed }) => !isFailed);
  const sum = (of: (answer: Answer) => number): number => good.reduce((all, answer) => all + of(answer), 0);
  const hasPrice = good.length > 0 && good.every(({ costUsd }) => costUsd !== null);
  const times = good.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
  return {
    candidate,
    interval: scoreInterval([...byRow.values()], SEED, roundsOf(byRow.size)),
    graders: graders.map((spec, at) => {
      const values = good.map((answer) => answer.values[at] ?? null);
      const known = values.filter((value) => value !== null);
      return {
        label: graderTitle(spec),
        interval: scoreInterval(known, SEED, roundsOf(known.length)),
        unscored: values.length - known.length,
      };
    }),
    answered: good.length,
    failed: own.length - good.length,
    unscored: good.length - byRow.size,
    medianLatencyMs: times[Math.floor((times.length - 1) / 2)] ?? null,
    inputTokens: sum(({ inputTokens }) => inputTokens),
    outputTokens: sum(({ outputTokens }) => outputTokens),
    costUsd: hasPrice ? sum(({ costUsd }) => costUsd ?? 0) : null,
  };
}

/** Who beats whom how often, on one scale; two candidates need none. */
function strengthsOf(candidates: readonly CandidateRow[], pairs: readonly PairTotal[]): Strength[] | null {
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

const two = (value: number): string => value.toFixed(2);
const signed = (value: number): string => `${value < 0 ? "−" : "+"}${two(Math.abs(value))}`;
const inBrackets = ({ low, high }: { low: number; high: number }, say = two): string =>
  `[${say(low)}, ${say(high)}]`;

function verdictOf(
  totals: readonly Omit<CandidateTotal, "strength">[],
  pairs: readonly PairTotal[],
): Verdict {
  const ranked = totals
    .filter((total): total is typeof total & { interval: ScoreInterval } => total.interval !== null)
    .toSorted((a, b) => b.interval.mean - a.interval.mean);
  const [best, second] = ranked;
  if (!best) return { best: null, isClear: false, english: "Nothing is scored yet." };
  const of = (candidate: CandidateRow): string => candidate.name;
  const { mean, low: from, high: to, n } = best.interval;
  const own = `${of(best.candidate)} scores ${two(mean)} (${two(from)} to ${two(to)}) on ${n} rows`;
  if (!second) return { best: best.candidate, isClear: totals.length === 1, english: `${own}.` };
  const against = ranked.slice(1).flatMap((other) => {
    const pair = pairs.find(
      ({ first, second: last }) =>
        [first.id, last.id].includes(best.candidate.id) && [first.id, last.id].includes(other.candidate.id),
    );
    return pair ? [{ pair, sign: pair.first.id === best.candidate.id ? 1 : -1 }] : [];
  });
  const nearest = against[0];
  if (!nearest)
    return { best: best.candidate, isClear: false, english: `${own}; no row is scored for both.` };
  const { pair, sign } = nearest;
  if (pair.wins + pair.losses === 0)
    return {
      best: best.candidate,
      isClear: false,
      english: `${of(best.candidate)} and ${of(second.candidate)} score the same on each of the ${pair.n} rows.`,
    };
  const [low, high] = sign === 1 ? [pair.low, pair.high] : [-pair.high, -pair.low];
  const gain = `${signed(sign * pair.difference)} ${inBrackets({ low, high }, signed)}, p = ${pair.adjustedP.toPrecision(2)}`;
  const isClear = against.every(
    ({ pair: one, sign: way }) => one.adjustedP < ALPHA && way * one.difference > 0,
  );
  if (isClear)
    return {
      best: best.candidate,
      isClear,
      english: `${of(best.candidate)} is better than ${of(second.candidate)}: ${gain}, on ${pair.n} rows.`,
    };
  const least =
    pair.detectable === null ? "" : ` So many rows show differences from ${two(pair.detectable)} on.`;
  const needed = pair.rowsNeeded === null ? "" : ` One like this takes about ${pair.rowsNeeded} rows.`;
  return {
    best: best.candidate,
    isClear,
    english: `Not enough evidence that ${of(best.candidate)} and ${of(second.candidate)} differ: ${gain}, on ${pair.n} rows.${least}${needed}`,
  };
}
