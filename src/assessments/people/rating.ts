// People who rate: a blind queue for each rater, in an order that all share, so that they agree or differ on the same.
import { and, eq, inArray, isNull } from "drizzle-orm";
import { answers, type SentTurn, scores } from "../../../schema/tables/assessments.ts";
import { ratings } from "../../../schema/tables/ratings.ts";
import type { Clock } from "../../kit/clock.ts";
import { EspalierError } from "../../kit/errors.ts";
import { sha256 } from "../../kit/hash.ts";
import { newId } from "../../kit/ids.ts";
import type { Store, Tx } from "../../store/store.ts";
import type { AssessmentRow } from "../assessments.ts";
import { gradersOf } from "../graders/graders.ts";
import { picturesOf, type RowPicture } from "../pictures.ts";
import { candidatesOf } from "../work.ts";
import { scoresOfRatings } from "./scores.ts";

export type Rater = { id: string; name: string };
/** One answer to rate, or two to choose from; nothing says whose they are. */
export type RatingTask = {
  assessmentId: string;
  grader: number;
  row: number;
  /** What was asked, without the candidates' own system prompts. */
  sent: SentTurn[];
  pictures: RowPicture[];
  reference: string | null;
  first: { answerId: string; text: string };
  second: { answerId: string; text: string } | null;
};
export type RatingQueue = {
  tasks: RatingTask[];
  /** What this rater has rated, and what there is to rate in all. */
  done: number;
  total: number;
};
export type Said = { grader: number; answerId: string; otherId: string | null; value: number };
type Place = { grader: number; row: number; answerId: string; otherId: string };

const keyOf = ({ grader, answerId, otherId }: Omit<Place, "row">): string =>
  `${grader} ${answerId} ${otherId}`;

/** Places of people among the graders, and whether they compare. */
export function peopleOf(row: AssessmentRow, candidates: number): { grader: number; isPairwise: boolean }[] {
  return gradersOf(row).flatMap((spec, grader) => {
    if (spec.kind !== "people") return [];
    return [{ grader, isPairwise: candidates > 1 && spec.mode !== "direct" }];
  });
}

/** Builds the verbs over `store`. */
export function createRating({ store, clock }: { store: Store; clock: Clock }) {
  const { db } = store;

  /** The answers by row, rows in an order by chance that is the same for all; and who is to rate them how. */
  async function answersOf(assessment: AssessmentRow) {
    const candidates = await candidatesOf(store, assessment.id);
    const people = peopleOf(assessment, candidates.length);
    if (people.length === 0)
      throw new EspalierError("NOTHING_TO_RATE", `${assessment.name} is not rated by people.`, {
        field: "id",
        value: assessment.name,
        hint: "Score its answers again with people among the graders.",
        status: 409,
      });
    const found = await db
      .select({ id: answers.id, row: answers.row })
      .from(answers)
      .where(and(eq(answers.assessmentId, assessment.id), isNull(answers.error)))
      .orderBy(answers.id);
    const rows = [...Map.groupBy(found, ({ row }) => row)]
      .map(([row, all]) => ({ row, ids: all.map(({ id }) => id), luck: sha256(`${assessment.id} ${row}`) }))
      .sort((a, b) => (a.luck < b.luck ? -1 : 1));
    return { people, rows };
  }

  async function taskOf(assessment: AssessmentRow, rater: Rater, place: Place): Promise<RatingTask> {
    const { grader, row, answerId, otherId } = place;
    const seen = await db.query.answers.findMany({
      where: inArray(answers.id, [answerId, ...(otherId ? [otherId] : [])]),
    });
    const textOf = (id: string) => ({ answerId: id, text: seen.find((one) => one.id === id)?.text ?? "" });
    // By chance of the pair and the rater, so that a side means nothing.
    const isTurned =
      otherId !== "" && Number.parseInt(sha256(`${rater.id} ${keyOf(place)}`)[0] ?? "0", 16) % 2 === 1;
    const [first, second] = isTurned ? [otherId, answerId] : [answerId, otherId];
    return {
      assessmentId: assessment.id,
      grader,
      row,
      sent: (seen[0]?.sent ?? []).filter(({ role }) => role !== "system"),
      pictures: picturesOf(
        { datasetVersionId: assessment.datasetVersionId, row },
        seen.map(({ sent }) => sent),
      ),
      reference: seen[0]?.reference ?? null,
      first: textOf(first),
      second: second ? textOf(second) : null,
    };
  }

  return {
    /**
     * What this rater has not rated yet, the next ones first.
     * @throws EspalierError NOTHING_TO_RATE where nobody is to rate it
     */
    async ratingQueue(assessment: AssessmentRow, rater: Rater, first: number): Promise<RatingQueue> {
      const { people, rows } = await answersOf(assessment);
      const own = await db.query.ratings.findMany({
        where: and(eq(ratings.assessmentId, assessment.id), eq(ratings.raterId, rater.id)),
      });
      const have = new Set(own.map(keyOf));
      const tasks: RatingTask[] = [];
      let total = 0;
      for (const { row, ids } of rows)
        for (const { grader, isPairwise } of people) {
          const { length: n } = ids;
          total += isPairwise ? (n * (n - 1)) / 2 : n;
          if (tasks.length >= first) continue;
          for (const place of isPairwise
            ? pairsOf(ids)
            : ids.map((answerId) => ({ answerId, otherId: "" }))) {
            if (tasks.length >= first || have.has(keyOf({ ...place, grader }))) continue;
            tasks.push(await taskOf(assessment, rater, { ...place, grader, row }));
          }
        }
      return { tasks, done: have.size, total };
    },

    /**
     * Keeps what a rater said; said again, the later word counts. The answers are scored anew.
     * @throws EspalierError NOTHING_TO_RATE, ANSWER_NOT_FOUND, RATING_INVALID
     */
    async rate(assessment: AssessmentRow, rater: Rater, said: Said): Promise<void> {
      const { grader, value } = said;
      if (!(value >= 0 && value <= 1))
        throw new EspalierError("RATING_INVALID", `${value} is no rating.`, {
          field: "value",
          value: String(value),
          hint: "Give a number from 0 to 1.",
        });
      const place = await findPlace(assessment, said);
      const isTurned = place.answerId !== said.answerId;
      const at = clock();
      await store.write(async (tx) => {
        await tx
          .insert(ratings)
          .values({
            ...place,
            id: newId("rating", at),
            assessmentId: assessment.id,
            raterId: rater.id,
            rater: rater.name,
            value: isTurned ? 1 - value : value,
            createdAt: at,
          })
          .onConflictDoUpdate({
            target: [ratings.answerId, ratings.otherId, ratings.grader, ratings.raterId],
            set: { value: isTurned ? 1 - value : value, createdAt: at },
          });
        await scoreRow(tx, assessment.id, grader, place.row);
      }, "assessment.rate");
    },

    /** Takes back what this rater said of it; nothing happens where nothing was said. */
    async unrate(assessment: AssessmentRow, rater: Rater, said: Omit<Said, "value">): Promise<void> {
      const { row, ...place } = await findPlace(assessment, said);
      await store.write(async (tx) => {
        await tx
          .delete(ratings)
          .where(
            and(
              eq(ratings.answerId, place.answerId),
              eq(ratings.otherId, place.otherId),
              eq(ratings.grader, place.grader),
              eq(ratings.raterId, rater.id),
            ),
          );
        await scoreRow(tx, assessment.id, place.grader, row);
      }, "assessment.unrate");
    },
  };

  async function findPlace(assessment: AssessmentRow, said: Omit<Said, "value">): Promise<Place> {
    const other = said.otherId ?? "";
    const [answerId = "", otherId = ""] = other === "" ? [said.answerId] : [said.answerId, other].toSorted();
    const { people, rows } = await answersOf(assessment);
    const isAsked = people.some((one) => one.grader === said.grader && one.isPairwise === (otherId !== ""));
    const found = rows.find(({ ids }) => ids.includes(answerId) && (otherId === "" || ids.includes(otherId)));
    if (isAsked && found && answerId !== otherId)
      return { grader: said.grader, row: found.row, answerId, otherId };
    throw new EspalierError("ANSWER_NOT_FOUND", `There is nothing like that to rate in ${assessment.name}.`, {
      field: "answerId",
      value: said.answerId.slice(0, 80),
      hint: "Rate what the queue shows.",
      status: 404,
    });
  }
}

/** Each two of a row's answers once, the lesser id first. */
function pairsOf(ids: readonly string[]): { answerId: string; otherId: string }[] {
  const sorted = ids.toSorted();
  return sorted.flatMap((answerId, at) => sorted.slice(at + 1).map((otherId) => ({ answerId, otherId })));
}

/** Scores the row's answers from all that was said of them; those that nobody rates any more lose their score. */
async function scoreRow(tx: Tx, assessmentId: string, grader: number, row: number): Promise<void> {
  const said = await tx.query.ratings.findMany({
    where: and(eq(ratings.assessmentId, assessmentId), eq(ratings.grader, grader), eq(ratings.row, row)),
  });
  const own = await tx
    .select({ id: answers.id })
    .from(answers)
    .where(and(eq(answers.assessmentId, assessmentId), eq(answers.row, row)));
  await tx.delete(scores).where(
    and(
      eq(scores.grader, grader),
      inArray(
        scores.answerId,
        own.map(({ id }) => id),
      ),
    ),
  );
  const found = [...scoresOfRatings(said)].map(([answerId, value]) => ({
    answerId,
    grader,
    value,
    detail: null,
  }));
  if (found.length > 0) await tx.insert(scores).values(found);
}
