// The rows that a candidate of an assessment lost, with what would have been right.
import { inArray, sql } from "drizzle-orm";
import { z } from "zod";
import { answers } from "../../schema/tables/assessments.ts";
import type { Store } from "../store/store.ts";
import type { AnswerRow } from "./assessments.ts";

export type LostWish = {
  candidateId: string;
  /** wrong: a score below 1, or no answer; beaten: a lower score than another's. */
  kind: "wrong" | "beaten";
  /** Of the candidate that has to be better; any other's when null. */
  againstId: string | null;
  /** Only these rows, lost or not; null takes all that were lost. */
  rows: readonly number[] | null;
};
export type LostRow = {
  row: number;
  own: AnswerRow;
  /** The mean over the graders; null where it failed or is unscored. */
  score: number | null;
  /** The best answer of the others to the same row, where it scores higher. */
  better: { answer: AnswerRow; score: number } | null;
};

const placeShape = z.object({
  row: z.number(),
  ownId: z.string(),
  score: z.number().nullable(),
  betterId: z.string().nullable(),
  betterScore: z.number().nullable(),
});
type Place = z.infer<typeof placeShape>;

/** Rows read with their texts at once. */
const PAGE = 200;

/** By row. Scores are means over all `graders`; an answer that one of them left unscored has none. */
export async function* lostRows(
  store: Store,
  { id: assessmentId }: { id: string },
  graders: number,
  wish: LostWish,
): AsyncGenerator<LostRow, void, void> {
  const places = (await placesOf(store, assessmentId, graders, wish)).filter((one) => isWanted(one, wish));
  for (let at = 0; at < places.length; at += PAGE) {
    const page = places.slice(at, at + PAGE);
    const ids = page.flatMap(({ ownId, betterId }) => (betterId === null ? [ownId] : [ownId, betterId]));
    const found = await store.db.query.answers.findMany({ where: inArray(answers.id, ids) });
    const byId = new Map(found.map((one) => [one.id, one]));
    for (const { row, ownId, score, betterId, betterScore } of page) {
      const own = byId.get(ownId);
      if (!own) continue;
      const answer = byId.get(betterId ?? "");
      yield {
        row,
        own,
        score,
        better: answer && betterScore !== null ? { answer, score: betterScore } : null,
      };
    }
  }
}

function isWanted({ row, score, betterId, ...rest }: Place & { isFailed: boolean }, wish: LostWish): boolean {
  if (wish.rows !== null) return wish.rows.includes(row);
  if (wish.kind === "beaten") return betterId !== null;
  return rest.isFailed || (score !== null && score < 1);
}

/** Each row that the candidate was asked about, with its score and the best of the others that is better. */
async function placesOf(
  store: Store,
  assessmentId: string,
  graders: number,
  { candidateId, againstId }: LostWish,
): Promise<(Place & { isFailed: boolean })[]> {
  const rows: unknown[] = await store.db.all(sql`WITH scored AS (
      SELECT a.id, a.row, a.candidate_id, a.error IS NOT NULL AS failed,
        CASE WHEN a.error IS NULL AND count(s.value) >= ${graders} THEN avg(s.value) END AS score
      FROM answers a LEFT JOIN scores s ON s.answer_id = a.id
      WHERE a.assessment_id = ${assessmentId} GROUP BY a.id
    ), others AS (
      SELECT id, row, score, row_number() OVER (PARTITION BY row ORDER BY score DESC, id) AS place
      FROM scored WHERE candidate_id <> ${candidateId} AND score IS NOT NULL
        AND (${againstId} IS NULL OR candidate_id = ${againstId})
    )
    SELECT own.row AS row, own.id AS ownId, own.failed AS failed, own.score AS score,
      best.id AS betterId, best.score AS betterScore
    FROM scored own LEFT JOIN others best ON best.row = own.row AND best.place = 1
      AND (best.score > own.score OR (own.failed AND best.score > 0))
    WHERE own.candidate_id = ${candidateId} ORDER BY own.row`);
  return rows.map((one) => {
    const { failed, ...place } = placeShape.extend({ failed: z.number() }).parse(one);
    return { ...place, isFailed: failed === 1 };
  });
}
