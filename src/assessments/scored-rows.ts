// The answers of an assessment that every grader scored, each with its one score.
import { sql } from "drizzle-orm";
import type { Store } from "../store/store.ts";
import type { AssessmentRow } from "./assessments.ts";

export type ScoredRow = {
  candidateId: string;
  row: number;
  latencyMs: number;
  costUsd: number | null;
  /** From 0 to 1: the mean over the graders. */
  score: number;
};

/** By row; answers that failed, or that a grader could not score, are not among them. */
export async function scoredRows(
  store: Store,
  { id, graders }: Pick<AssessmentRow, "id" | "graders">,
): Promise<ScoredRow[]> {
  // Its shape is that of the columns; thousands of rows are not parsed one by one.
  return (await store.db.all(sql`SELECT a.candidate_id AS candidateId, a.row AS row,
      a.latency_ms AS latencyMs, a.cost_usd AS costUsd, AVG(s.value) AS score
    FROM answers a JOIN scores s ON s.answer_id = a.id
    WHERE a.assessment_id = ${id} AND a.error IS NULL
    GROUP BY a.id HAVING COUNT(s.value) = ${graders.length} ORDER BY a.row`)) as ScoredRow[];
}
