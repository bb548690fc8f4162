// What of an assessment's rows its candidates were trained on, or may look up: what was compared, and what was found.
import { index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

/** Where a candidate comes from, as far as this server knows. */
export type CandidateOrigin = "trained" | "base" | "third-party" | "gone";
/** Rows that a training read. */
export type TrainedSource = {
  trainingId: string;
  training: string;
  datasetVersionId: string;
  /** Name and number of the dataset version at the time. */
  dataset: string;
  rows: number;
};
export type LookedUpSource = { knowledgeBaseId: string; knowledgeBase: string; chunks: number };
/** What one candidate's rows were compared with, so that nothing found is a statement too. */
export type ComparedCandidate = {
  candidateId: string;
  origin: CandidateOrigin;
  trained: TrainedSource[];
  lookedUp: LookedUpSource[];
};
/** How it was compared: see src/assessments/overlap/measures.ts. */
export type OverlapMeasures = {
  wordsPerGram: number;
  nearFrom: number;
  shortFrom: number;
  meaningFrom: number;
  /** The embedder; null where nothing was left to compare by meaning, or it failed. */
  embedder: string | null;
  /** Rows that were compared by meaning, each with at most `meaningPerRow` rows that share most of its words. */
  meaningRows: number;
  meaningPerRow: number;
};

/** One comparison of an assessment's rows; the newest that has ended counts. */
export const overlapChecks = sqliteTable(
  "overlap_checks",
  {
    id: id(),
    /** Not a foreign key: while the assessment is in the trash, what belongs to it stays. */
    assessmentId: text("assessment_id").notNull(),
    runId: text("run_id").notNull(),
    /** Rows of the assessment that were compared; this and what follows is null until the run has succeeded. */
    rows: integer("rows"),
    compared: json<ComparedCandidate[]>("compared"),
    measures: json<OverlapMeasures>("measures"),
    checkedAt: at("checked_at"),
  },
  (t) => [index("overlap_checks_assessment").on(t.assessmentId), index("overlap_checks_run").on(t.runId)],
);

/** One row of an assessment that a candidate was trained on, or may look up. */
export const overlaps = sqliteTable(
  "overlaps",
  {
    checkId: text("check_id")
      .notNull()
      .references(() => overlapChecks.id, { onDelete: "cascade" }),
    candidateId: text("candidate_id").notNull(),
    row: integer("row").notNull(),
    /** trained | looked-up */
    how: text("how").notNull(),
    /** exact | near | meaning */
    level: text("level").notNull(),
    /** From 0 to 1, as the level measures it. */
    similarity: real("similarity").notNull(),
    /** Whether the question stands there; a chunk may hold the answer alone. */
    hasQuestion: integer("has_question", { mode: "boolean" }).notNull(),
    /** Whether the right answer stands there too; null where the assessment has none. */
    hasAnswer: integer("has_answer", { mode: "boolean" }),
    /** Whether the row is left out of the totals without what was seen in training. */
    counts: integer("counts", { mode: "boolean" }).notNull(),
    /** Dataset version, or document. */
    sourceId: text("source_id").notNull(),
    /** Name of the dataset version, or of the document. */
    source: text("source").notNull(),
    /** Number of the row, or of the chunk in its document, from 0. */
    sourceRow: integer("source_row").notNull(),
    /** What was found, cut where it is long. */
    foundQuestion: text("found_question").notNull(),
    foundAnswer: text("found_answer").notNull(),
  },
  (t) => [primaryKey({ columns: [t.checkId, t.row, t.candidateId, t.how] })],
);
