// Scores with and without the rows that were seen in training: the same rows are left out for all candidates.
import { eq } from "drizzle-orm";
import { type overlapChecks, overlaps } from "../../../schema/tables/overlaps.ts";
import type { Store } from "../../store/store.ts";
import type { AssessmentRow } from "../assessments.ts";
import { scoredRows } from "../scored-rows.ts";
import {
  type Comparison,
  comparePaired,
  roundsFor,
  type ScoreInterval,
  scoreInterval,
} from "../statistics/statistics.ts";
import type { Level } from "./finding.ts";

/** What was seen of one candidate's rows. */
export type Seen = {
  candidateId: string;
  /** Rows that count, by level. */
  exact: number;
  near: number;
  meaning: number;
  /** Rows of whose question alone, or nearly, was trained on, with another answer; they do not count. */
  questionOnly: number;
  /** Rows of which a passage holds question and answer, or one of them. */
  lookedUp: number;
};
export type Step = {
  /** What is left out: nothing, exact copies, near ones too, those alike in meaning too. */
  without: "nothing" | Level;
  leftOut: number;
  candidates: { candidateId: string; interval: ScoreInterval | null }[];
  pairs: (Comparison & { first: string; second: string })[];
};
export type OverlapTotals = { seen: Seen[]; steps: Step[] };

const SEED = 1;
const LEVELS = ["exact", "near", "meaning"] as const;

/** Counts what was seen, and scores what is left; steps that leave out nothing more than the one before are not told. */
export async function totalsOf(
  store: Store,
  assessment: AssessmentRow,
  check: typeof overlapChecks.$inferSelect,
): Promise<OverlapTotals> {
  const held = await store.db
    .select({
      candidateId: overlaps.candidateId,
      row: overlaps.row,
      how: overlaps.how,
      level: overlaps.level,
      counts: overlaps.counts,
    })
    .from(overlaps)
    .where(eq(overlaps.checkId, check.id));
  const order = (check.compared ?? []).map(({ candidateId }) => candidateId);
  const seen = order.map((candidateId): Seen => {
    const own = held.filter((one) => one.candidateId === candidateId);
    const trained = own.filter(({ how }) => how === "trained");
    const of = (wanted: Level): number =>
      trained.filter(({ level, counts }) => counts && level === wanted).length;
    return {
      ...{ candidateId, exact: of("exact"), near: of("near"), meaning: of("meaning") },
      questionOnly: trained.filter(({ counts }) => !counts).length,
      lookedUp: own.length - trained.length,
    };
  });
  const scores = await scoresOf(store, assessment);
  const out = new Set<number>();
  const steps = [stepOf("nothing", order, scores, out)];
  for (const wanted of LEVELS) {
    const before = out.size;
    for (const { row, level, counts } of held) if (counts && level === wanted) out.add(row);
    if (out.size > before) steps.push(stepOf(wanted, order, scores, out));
  }
  return { seen, steps };
}

/** Mean over the graders of each answer that all of them scored, by candidate and row. */
async function scoresOf(store: Store, assessment: AssessmentRow): Promise<Map<string, Map<number, number>>> {
  const byCandidate = new Map<string, Map<number, number>>();
  for (const { candidateId, row, score } of await scoredRows(store, assessment)) {
    const own = byCandidate.get(candidateId) ?? new Map<number, number>();
    byCandidate.set(candidateId, own.set(row, score));
  }
  return byCandidate;
}

function stepOf(
  without: Step["without"],
  order: readonly string[],
  scores: ReadonlyMap<string, ReadonlyMap<number, number>>,
  out: ReadonlySet<number>,
): Step {
  const left = order.map((candidateId) => ({
    candidateId,
    byRow: new Map([...(scores.get(candidateId) ?? [])].filter(([row]) => !out.has(row))),
  }));
  const pairs: Step["pairs"] = [];
  for (const [at, one] of left.entries())
    for (const other of left.slice(at + 1)) {
      const both = [...one.byRow.keys()].filter((row) => other.byRow.has(row));
      const [a, b] = [one, other].map(({ byRow }) => both.map((row) => byRow.get(row) ?? 0));
      const compared = comparePaired(a ?? [], b ?? [], SEED, roundsFor(both.length));
      if (compared) pairs.push({ ...compared, first: one.candidateId, second: other.candidateId });
    }
  return {
    without,
    leftOut: out.size,
    candidates: left.map(({ candidateId, byRow }) => ({
      candidateId,
      interval: scoreInterval([...byRow.values()], SEED, roundsFor(byRow.size)),
    })),
    pairs,
  };
}
