// What is kept of an assessment's answers as columns of numbers: read by one query for each candidate, in which SQLite puts
// the columns together, because 60,000 rows one by one take several times as long as the statistics over them.
import { asc, eq, sql } from "drizzle-orm";
import { z } from "zod";
import { assessments, candidates } from "../../schema/tables/assessments.ts";
import type { Reader } from "../store/store.ts";
import type { CandidateRow } from "./assessments.ts";
import { type GraderSpec, gradersOf } from "./graders/graders.ts";
import { type Judged, type Rated, readJudged, readRated } from "./judged.ts";

/** One candidate's answers in the order of their rows; each column has one entry for each answer. */
export type AnswerColumns = {
  candidate: CandidateRow;
  rows: number[];
  failed: boolean[];
  latencyMs: number[];
  inputTokens: number[];
  outputTokens: number[];
  costUsd: (number | null)[];
  /** By grader: from 0 to 1, null where it is unscored. */
  values: (number | null)[][];
  /** The score of each row that every grader scored: the mean over the graders. */
  scoreByRow: Map<number, number>;
};
export type Matrix = {
  graders: GraderSpec[];
  columns: AnswerColumns[];
  judged: Judged[];
  rated: Rated[];
};

const numbers = z.string().transform((text): unknown => JSON.parse(text));
const read = z.object({
  rows: numbers,
  failed: numbers,
  latencyMs: numbers,
  inputTokens: numbers,
  outputTokens: numbers,
  costUsd: numbers,
});

/** Null where there is no such assessment any more. */
export async function readMatrix(db: Reader, assessmentId: string): Promise<Matrix | null> {
  const assessment = await db.query.assessments.findFirst({ where: eq(assessments.id, assessmentId) });
  if (!assessment) return null;
  const graders = gradersOf(assessment);
  const asked = await db.query.candidates.findMany({
    where: eq(candidates.assessmentId, assessmentId),
    orderBy: [asc(candidates.place)],
  });
  const columns: AnswerColumns[] = [];
  for (const candidate of asked) columns.push(await readColumns(db, candidate, graders.length));
  const ids = asked.map(({ id }) => id);
  const judged = await readJudged(db, assessmentId, graders, ids);
  const rated = await readRated(db, assessmentId, graders, ids);
  return { graders, columns, judged, rated };
}

async function readColumns(db: Reader, candidate: CandidateRow, graders: number): Promise<AnswerColumns> {
  const places = Array.from({ length: graders }, (_, at) => at);
  const score = (at: number) => sql.raw(`s${at}`);
  const [found] = await db.all<Record<string, unknown>>(sql`SELECT json_group_array(row) AS rows,
      json_group_array(failed) AS failed, json_group_array(latency) AS latencyMs,
      json_group_array(input) AS inputTokens, json_group_array(output) AS outputTokens,
      json_group_array(cost) AS costUsd
      ${sql.join(places.map((at) => sql`, json_group_array(${score(at)}) AS ${score(at)}`))}
    FROM (SELECT a.row AS row, a.error IS NOT NULL AS failed, a.latency_ms AS latency, a.input_tokens AS input,
        a.output_tokens AS output, a.cost_usd AS cost
        ${sql.join(places.map((at) => sql`, ${score(at)}.value AS ${score(at)}`))}
      FROM answers a
        ${sql.join(
          places.map(
            (at) =>
              sql` LEFT JOIN scores ${score(at)} ON ${score(at)}.answer_id = a.id AND ${score(at)}.grader = ${at}`,
          ),
        )}
      WHERE a.candidate_id = ${candidate.id} ORDER BY a.row)`);
  // The shapes within are those of the columns above; tens of thousands of numbers are not parsed one by one.
  const plain = read.parse(found) as Record<keyof z.infer<typeof read>, number[]>;
  const values = places.map((at) => numbers.parse(found?.[`s${at}`]) as (number | null)[]);
  const failed = plain.failed.map((one) => one === 1);
  return { ...plain, candidate, failed, values, scoreByRow: scoresOf(plain.rows, failed, values) };
}

function scoresOf(
  rows: readonly number[],
  failed: readonly boolean[],
  values: readonly (number | null)[][],
): Map<number, number> {
  const scoreByRow = new Map<number, number>();
  rows.forEach((row, at) => {
    if (failed[at]) return;
    let sum = 0;
    for (const one of values) {
      const value = one[at] ?? null;
      if (value === null) return;
      sum += value;
    }
    scoreByRow.set(row, sum / values.length);
  });
  return scoreByRow;
}
