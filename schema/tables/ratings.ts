// What people said of answers, blind: each rater once for each answer, or for each pair of answers.
import { index, integer, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { answers } from "./assessments.ts";
import { at, id } from "./columns.ts";

export const ratings = sqliteTable(
  "ratings",
  {
    id: id(),
    assessmentId: text("assessment_id").notNull(),
    /** Place of the people among the assessment's graders, from 0. */
    grader: integer("grader").notNull(),
    row: integer("row").notNull(),
    /** The answer that was rated; of two, that with the lesser id, wherever it was shown. */
    answerId: text("answer_id")
      .notNull()
      .references(() => answers.id),
    /** The other answer; empty where one was rated by itself. */
    otherId: text("other_id").notNull(),
    /** The person, or the API key, that rated. */
    raterId: text("rater_id").notNull(),
    /** As the rater was called then. */
    rater: text("rater").notNull(),
    /** From 0 to 1 for `answerId`: 1 is best, or better than the other. */
    value: real("value").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("ratings_place").on(t.answerId, t.otherId, t.grader, t.raterId),
    index("ratings_assessment").on(t.assessmentId, t.grader, t.row),
  ],
);
