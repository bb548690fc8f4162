// What a run of a suite found: each candidate on each entry, over all of them, and how that went over the runs.
import { and, asc, desc, eq, inArray, sql } from "drizzle-orm";
import { assessments, candidates } from "../../schema/tables/assessments.ts";
import { suiteRuns } from "../../schema/tables/suites.ts";
import { limits } from "../kit/limits.ts";
import type { Store } from "../store/store.ts";
import type { AssessmentRow, CandidateRow } from "./assessments.ts";
import { scoredRows } from "./scored-rows.ts";
import {
  holm,
  type Interval,
  type MacroMean,
  type Moments,
  macroDifference,
  macroInterval,
  macroMean,
  roundsFor,
  type ScoreInterval,
  scoreInterval,
} from "./statistics/statistics.ts";

export type SuiteRunRow = typeof suiteRuns.$inferSelect;
export type SuiteCell = {
  /** Null while nothing is scored, and where the assessment is deleted. */
  interval: ScoreInterval | null;
  answered: number;
};
export type SuiteLine = {
  /** The candidate, by its name in the first assessment that is there. */
  name: string;
  /** By entry, in their order. */
  cells: SuiteCell[];
  /** The mean of the entries' means, over those that are scored. */
  overall: MacroMean | null;
};
export type SuiteReport = {
  entries: { run: SuiteRunRow; assessment: AssessmentRow | null }[];
  lines: SuiteLine[];
  /** Of the best and the second; null for fewer than two that are scored on the same rows. */
  lead:
    | (Interval & { best: string; second: string; difference: number; p: number; n: number; sets: number })
    | null;
  isClear: boolean;
  /** In English, for programs and the command line; pages say it in their own language from the figures. */
  english: string;
};
/** A candidate's score over all entries of one run, with the combined 95 % interval. */
export type SuitePoint = Interval & {
  number: number;
  createdAt: number;
  name: string;
  mean: number;
  /** Entries that are scored, of how many. */
  entries: number;
  of: number;
};

const SEED = 1;
const ALPHA = 0.05;
type Scores = Map<number, number>;

/** What is scored by now of a run of a suite. */
export async function suiteReport(store: Store, made: readonly SuiteRunRow[]): Promise<SuiteReport> {
  const entries: SuiteReport["entries"] = [];
  const lines: { name: string; sets: Scores[] }[] = [];
  for (const [at, run] of made.entries()) {
    const assessment =
      (await store.db.query.assessments.findFirst({ where: eq(assessments.id, run.assessmentId) })) ?? null;
    entries.push({ run, assessment });
    if (!assessment) continue;
    const asked: CandidateRow[] = await store.db.query.candidates.findMany({
      where: eq(candidates.assessmentId, assessment.id),
      orderBy: [asc(candidates.place)],
    });
    const byCandidate = Map.groupBy(await scoredRows(store, assessment), ({ candidateId }) => candidateId);
    for (const { id, name, place } of asked) {
      const line = lines[place] ?? { name, sets: made.map((): Scores => new Map()) };
      lines[place] = line;
      line.sets[at] = new Map((byCandidate.get(id) ?? []).map(({ row, score }) => [row, score]));
    }
  }
  const all = lines.reduce((sum, { sets }) => sum + sets.reduce((rows, { size }) => rows + size, 0), 0);
  const rounds = roundsFor(all);
  const found = lines.map(
    ({ name, sets }): SuiteLine => ({
      name,
      cells: sets.map((scores) => ({
        interval: scoreInterval([...scores.values()], SEED, rounds),
        answered: scores.size,
      })),
      overall: macroMean(
        sets.map((scores) => [...scores.values()]),
        SEED,
        rounds,
      ),
    }),
  );
  return { entries, lines: found, ...verdictOf(lines, found, rounds) };
}

const entriesOf = (count: number): string => (count === 1 ? "1 entry" : `${count} entries`);

type Pair = NonNullable<ReturnType<typeof macroDifference>> & { one: number; other: number };

function verdictOf(
  lines: readonly { name: string; sets: Scores[] }[],
  found: readonly SuiteLine[],
  rounds: number,
): Pick<SuiteReport, "lead" | "isClear" | "english"> {
  const ranked = found
    .map(({ overall, name }, at) => ({ overall, name, at }))
    .filter((one): one is typeof one & { overall: MacroMean } => one.overall !== null)
    .toSorted((a, b) => b.overall.mean - a.overall.mean);
  const [best, second] = ranked;
  if (!best) return { lead: null, isClear: false, english: "Nothing is scored yet." };
  const two = (value: number): string => value.toFixed(2);
  const { mean, low, high, n, sets } = best.overall;
  const own = `${best.name} scores ${two(mean)} (${two(low)} to ${two(high)}) over ${entriesOf(sets)}, ${n} rows`;
  if (!second) return { lead: null, isClear: found.length === 1, english: `${own}.` };
  const pairs: Pair[] = [];
  for (const [one] of lines.entries())
    for (let other = one + 1; other < lines.length; other++) {
      const compared = macroDifference(gains(lines[one]?.sets ?? [], lines[other]?.sets ?? []), SEED, rounds);
      if (compared) pairs.push({ ...compared, one, other });
    }
  const adjusted = holm(pairs.map(({ p }) => p));
  const against = pairs.flatMap((pair, at) => {
    if (pair.one !== best.at && pair.other !== best.at) return [];
    const sign = pair.one === best.at ? 1 : -1;
    const ends = sign === 1 ? [pair.low, pair.high] : [-pair.high, -pair.low];
    const rival = sign === 1 ? pair.other : pair.one;
    const [from = 0, to = 0] = ends;
    return [
      {
        rival,
        difference: sign * pair.mean,
        low: from,
        high: to,
        p: adjusted[at] ?? 1,
        n: pair.n,
        sets: pair.sets,
      },
    ];
  });
  const nearest = against.find(({ rival }) => rival === second.at);
  if (!nearest) return { lead: null, isClear: false, english: `${own}; no row is scored for both.` };
  const isClear =
    against.length === ranked.length - 1 && against.every(({ p, difference }) => p < ALPHA && difference > 0);
  const { rival, ...lead } = nearest;
  const signed = (value: number): string => `${value < 0 ? "−" : "+"}${two(Math.abs(value))}`;
  const gain = `${signed(lead.difference)} [${signed(lead.low)}, ${signed(lead.high)}], p = ${lead.p.toPrecision(2)}, over ${entriesOf(lead.sets)}, ${lead.n} rows`;
  return {
    lead: { ...lead, best: best.name, second: second.name },
    isClear,
    english: isClear
      ? `${best.name} is better than ${second.name}: ${gain}.`
      : `Not enough evidence that ${best.name} and ${second.name} differ: ${gain}.`,
  };
}

/** By entry: differences on the rows that both have a score for. */
function gains(one: readonly Scores[], other: readonly Scores[]): number[][] {
  return one.map((scores, at) =>
    [...scores].flatMap(([row, score]) => {
      const against = other[at]?.get(row);
      return against === undefined ? [] : [score - against];
    }),
  );
}

/** Counted by the database, with the combined interval: many runs at once must not hold up the server. */
export async function historyOf(store: Store, suiteId: string): Promise<SuitePoint[]> {
  const own = eq(suiteRuns.suiteId, suiteId);
  const numbers = await store.db
    .selectDistinct({ number: suiteRuns.number })
    .from(suiteRuns)
    .where(own)
    .orderBy(desc(suiteRuns.number))
    .limit(limits.suiteHistory);
  const made = await store.db.query.suiteRuns.findMany({
    where: and(
      own,
      inArray(
        suiteRuns.number,
        numbers.map(({ number }) => number),
      ),
    ),
    orderBy: [asc(suiteRuns.number), asc(suiteRuns.place)],
  });
  const points: SuitePoint[] = [];
  for (const [number, runs] of Map.groupBy(made, (one) => one.number)) {
    const byName = new Map<string, Moments[]>();
    for (const { assessmentId } of runs)
      for (const { name, ...moments } of await momentsOf(store, assessmentId))
        byName.set(name, [...(byName.get(name) ?? []), moments]);
    const createdAt = runs[0]?.createdAt ?? 0;
    for (const [name, sets] of byName) {
      const mean = sets.reduce((sum, one) => sum + one.mean, 0) / sets.length;
      const common = { number, createdAt, name, mean, entries: sets.length, of: runs.length };
      points.push({ ...common, ...macroInterval(mean, sets) });
    }
  }
  return points;
}

/** Of each candidate's scores; nothing of an assessment that is deleted. */
async function momentsOf(store: Store, assessmentId: string): Promise<(Moments & { name: string })[]> {
  return (await store.db.all(sql`SELECT c.name AS name, COUNT(*) AS n, AVG(r.score) AS mean,
      AVG(r.score * r.score) AS square
    FROM assessments m JOIN candidates c ON c.assessment_id = m.id
    JOIN (SELECT a.candidate_id AS candidateId, AVG(s.value) AS score, COUNT(s.value) AS scored
      FROM answers a JOIN scores s ON s.answer_id = a.id
      WHERE a.assessment_id = ${assessmentId} AND a.error IS NULL GROUP BY a.id) r ON r.candidateId = c.id
    WHERE m.id = ${assessmentId} AND r.scored = json_array_length(m.graders)
    GROUP BY c.id ORDER BY c.place`)) as (Moments & { name: string })[];
}
