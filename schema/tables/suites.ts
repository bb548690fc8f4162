// Suites: assessments that are asked again and again of new candidates, as they were defined at first.
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { assessments } from "./assessments.ts";
import { at, id, json } from "./columns.ts";

/** What an assessment asks and how it is scored, without who is asked by whom: frozen, with its dataset version. */
export type Definition = Omit<
  typeof assessments.$inferSelect,
  | "id"
  | "projectId"
  | "name"
  | "rows"
  | "answersFrom"
  | "forecast"
  | "userId"
  | "keyId"
  | "createdBy"
  | "createdAt"
>;

export const suites = sqliteTable(
  "suites",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    name: text("name").notNull(),
    createdBy: text("created_by").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [uniqueIndex("suites_name").on(t.projectId, t.name)],
);

export const suiteEntries = sqliteTable(
  "suite_entries",
  {
    id: id(),
    suiteId: text("suite_id")
      .notNull()
      .references(() => suites.id),
    name: text("name").notNull(),
    definition: json<Definition>("definition").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [uniqueIndex("suite_entries_name").on(t.suiteId, t.name)],
);

/** One assessment that a run of the suite made. */
export const suiteRuns = sqliteTable(
  "suite_runs",
  {
    suiteId: text("suite_id")
      .notNull()
      .references(() => suites.id),
    /** Counts the runs of the suite, from 1. */
    number: integer("number").notNull(),
    /** Its place among those of the run, from 0. */
    place: integer("place").notNull(),
    /** Name of the entry at the time: it may have been taken out since. */
    entry: text("entry").notNull(),
    /** Name and version of the dataset at the time. */
    datasetName: text("dataset_name").notNull(),
    /** Not a foreign key: the assessment may be deleted. */
    assessmentId: text("assessment_id").notNull(),
    createdBy: text("created_by").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.suiteId, t.number, t.place] }),
    index("suite_runs_assessment").on(t.assessmentId),
  ],
);
