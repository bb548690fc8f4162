// The verdict: one sentence about the best candidate, with how sure it is.
import type { CandidateRow } from "./assessments.ts";
import type { PairTotal } from "./pair-totals.ts";
import type { ScoreInterval } from "./statistics/statistics.ts";
import type { CandidateTotal } from "./totals.ts";

export type Verdict = {
  /** The one told apart from all others as better, else the one with the highest score; null while nothing is scored. */
  best: CandidateRow | null;
  isClear: boolean;
  /** In English, for programs and the command line; pages say it in their own language from the figures. */
  english: string;
};

/** Chance of an error of the first kind that a verdict allows, over all pairs. */
const ALPHA = 0.05;

const two = (value: number): string => value.toFixed(2);
const signed = (value: number): string => `${value < 0 ? "−" : "+"}${two(Math.abs(value))}`;
const inBrackets = ({ low, high }: { low: number; high: number }, say = two): string =>
  `[${say(low)}, ${say(high)}]`;

export function verdictOf(
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
