// What judges and people said of an assessment's answers, by pair and row: read for the report, in its process.
import { and, eq, isNull } from "drizzle-orm";
import { answers, judgements } from "../../schema/tables/assessments.ts";
import { ratings } from "../../schema/tables/ratings.ts";
import type { Reader } from "../store/store.ts";
import type { GraderSpec } from "./graders/graders.ts";
import { type Judgement, pairOutcomes } from "./judges/scores.ts";

/** By two candidates' ids in the order of the form, by row: from 0 to 1 for the first, null where it is unscored. */
export type PairValues = Map<string, Map<number, number | null>>;
/** What a judge was asked and said. */
export type Judged = {
  grader: number;
  judgements: number;
  failed: number;
  /** Replies that were no verdict. */
  unread: number;
  /** Of pairs that were judged in both orders: how many had the same verdict in both. */
  consistent: number;
  bothOrders: number;
  /** Of verdicts that were no tie: how many preferred the answer shown first. */
  preferredFirst: number;
  decided: number;
  inputTokens: number;
  outputTokens: number;
  /** US dollars; null where a judgement has no price. */
  costUsd: number | null;
  /** Milliseconds of the judgements that were replied to, in no order. */
  latencyMs: number[];
  /** Null where it judges each answer by itself. */
  pairs: PairValues | null;
};
/** One person's labels: by candidate, or by pair, and by row, from 0 to 1. */
export type Rated = {
  grader: number;
  rater: string;
  raterId: string;
  values: Map<string, Map<number, number>>;
};

type Place = { candidateId: string; row: number };

/** What each judge among the graders said. */
export async function readJudged(
  db: Reader,
  assessmentId: string,
  graders: readonly GraderSpec[],
  candidates: readonly string[],
): Promise<Judged[]> {
  const places = graders.flatMap((spec, grader) => (spec.kind === "judge" ? [grader] : []));
  if (places.length === 0) return [];
  const placeOf = await placesOf(db, assessmentId);
  const judged: Judged[] = [];
  for (const grader of places) {
    const found = await db
      .select({
        row: judgements.row,
        answerId: judgements.answerId,
        otherId: judgements.otherId,
        value: judgements.value,
        reason: judgements.reason,
        isReplied: isNull(judgements.error),
        inputTokens: judgements.inputTokens,
        outputTokens: judgements.outputTokens,
        costUsd: judgements.costUsd,
        latencyMs: judgements.latencyMs,
      })
      .from(judgements)
      .where(and(eq(judgements.assessmentId, assessmentId), eq(judgements.grader, grader)));
    const replied = found.filter(({ isReplied }) => Boolean(isReplied));
    const known = replied.filter(({ value }) => value !== null);
    const compared: Judgement[] = replied.filter(({ otherId }) => otherId !== "");
    const outcomes = [...Map.groupBy(compared, ({ row }) => row)].flatMap(([row, all]) =>
      pairOutcomes(all).map((one) => ({ ...one, row })),
    );
    const both = outcomes.filter(({ isConsistent }) => isConsistent !== null);
    const decided = compared.filter(({ value }) => value !== null && value !== 0.5);
    const pairs: PairValues = new Map();
    for (const { first, second, row, value } of outcomes) {
      const [a, b] = [placeOf.get(first)?.candidateId ?? "", placeOf.get(second)?.candidateId ?? ""];
      const isTurned = candidates.indexOf(a) > candidates.indexOf(b);
      const key = isTurned ? `${b} ${a}` : `${a} ${b}`;
      const rows = pairs.get(key) ?? new Map<number, number | null>();
      pairs.set(key, rows.set(row, value === null || !isTurned ? value : 1 - value));
    }
    const sum = (of: (one: (typeof found)[number]) => number): number =>
      found.reduce((all, one) => all + of(one), 0);
    const isPriced = replied.length > 0 && replied.every(({ costUsd }) => costUsd !== null);
    judged.push({
      grader,
      judgements: found.length,
      failed: found.length - replied.length,
      unread: replied.length - known.length,
      consistent: both.filter(({ isConsistent }) => isConsistent).length,
      bothOrders: both.length,
      preferredFirst: decided.filter(({ value }) => value === 1).length,
      decided: decided.length,
      inputTokens: sum(({ inputTokens }) => inputTokens),
      outputTokens: sum(({ outputTokens }) => outputTokens),
      costUsd: isPriced ? sum(({ costUsd }) => costUsd ?? 0) : null,
      latencyMs: replied.map(({ latencyMs }) => latencyMs),
      pairs: compared.length > 0 ? pairs : null,
    });
  }
  return judged;
}

/** What each person said, where people are among the graders. */
export async function readRated(
  db: Reader,
  assessmentId: string,
  graders: readonly GraderSpec[],
  candidates: readonly string[],
): Promise<Rated[]> {
  if (!graders.some(({ kind }) => kind === "people")) return [];
  const placeOf = await placesOf(db, assessmentId);
  const found = await db.select().from(ratings).where(eq(ratings.assessmentId, assessmentId));
  const byRater = Map.groupBy(found, ({ grader, raterId }) => `${grader} ${raterId}`);
  return [...byRater.values()].flatMap((all): Rated[] => {
    const [one] = all;
    if (!one) return [];
    const values: Rated["values"] = new Map();
    const set = (of: string, row: number, value: number): void => {
      const rows = values.get(of) ?? new Map<number, number>();
      values.set(of, rows.set(row, value));
    };
    for (const { answerId, otherId, row, value } of all) {
      const own = placeOf.get(answerId)?.candidateId ?? "";
      if (otherId === "") {
        set(own, row, value);
        continue;
      }
      const other = placeOf.get(otherId)?.candidateId ?? "";
      const isTurned = candidates.indexOf(own) > candidates.indexOf(other);
      set(isTurned ? `${other} ${own}` : `${own} ${other}`, row, isTurned ? 1 - value : value);
    }
    return [{ grader: one.grader, rater: one.rater, raterId: one.raterId, values }];
  });
}

async function placesOf(db: Reader, assessmentId: string): Promise<Map<string, Place>> {
  const found = await db
    .select({ id: answers.id, candidateId: answers.candidateId, row: answers.row })
    .from(answers)
    .where(eq(answers.assessmentId, assessmentId));
  return new Map(found.map(({ id, ...place }) => [id, place]));
}
