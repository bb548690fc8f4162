// Datasets and their immutable, content-addressed versions.
import { integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

export const datasets = sqliteTable(
  "datasets",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    name: text("name").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [uniqueIndex("datasets_name").on(t.projectId, t.name)],
);

export const datasetVersions = sqliteTable(
  "dataset_versions",
  {
    id: id(),
    datasetId: text("dataset_id")
      .notNull()
      .references(() => datasets.id),
    number: integer("number").notNull(),
    /** SHA-256 of the canonical JSONL in the blob folder. */
    sha256: text("sha256").notNull(),
    /** SHA-256 of the row-offset index in the blob folder. */
    indexSha256: text("index_sha256").notNull(),
    shape: text("shape").notNull(),
    rowCount: integer("row_count").notNull(),
    sizeBytes: integer("size_bytes").notNull(),
    columns: json<unknown>("columns").notNull(),
    mapping: json<unknown>("mapping"),
    splits: json<unknown>("splits").notNull(),
    statistics: json<unknown>("statistics").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [uniqueIndex("dataset_versions_number").on(t.datasetId, t.number)],
);
