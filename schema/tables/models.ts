// Every state of a model: base, training, customized, complete, live, registered.
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

/** Files of a model: a path inside the model's folder and the blob that holds its bytes. */
export type ModelFile = { path: string; sha256: string; sizeBytes: number };

export const baseModels = sqliteTable("base_models", {
  id: id(),
  projectId: text("project_id").notNull(),
  name: text("name").notNull(),
  /** hf | gguf */
  format: text("format").notNull(),
  files: json<ModelFile[]>("files").notNull(),
  /** SHA-256 over the sorted list of files. */
  sha256: text("sha256").notNull(),
  sizeBytes: integer("size_bytes").notNull(),
  /** What the scan read from the files: architecture, parameters, dtype, context, template, licence … */
  card: json<unknown>("card").notNull(),
  createdAt: at("created_at").notNull(),
});

export const trainings = sqliteTable(
  "trainings",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    name: text("name").notNull(),
    baseId: text("base_id")
      .notNull()
      .references(() => baseModels.id),
    datasetVersionId: text("dataset_version_id").notNull(),
    method: text("method").notNull(),
    parameters: json<Record<string, unknown>>("parameters").notNull(),
    /** True: the trained adapter is merged at once and a complete model results. */
    save: integer("save", { mode: "boolean" }).notNull(),
    runId: text("run_id").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [index("trainings_days").on(t.projectId, t.createdAt, t.baseId)],
);

export const customizedModels = sqliteTable("customized_models", {
  id: id(),
  projectId: text("project_id").notNull(),
  name: text("name").notNull(),
  baseId: text("base_id")
    .notNull()
    .references(() => baseModels.id),
  trainingId: text("training_id")
    .notNull()
    .references(() => trainings.id),
  files: json<ModelFile[]>("files").notNull(),
  sha256: text("sha256").notNull(),
  sizeBytes: integer("size_bytes").notNull(),
  card: json<unknown>("card").notNull(),
  createdAt: at("created_at").notNull(),
});

export const completeModels = sqliteTable("complete_models", {
  id: id(),
  projectId: text("project_id").notNull(),
  name: text("name").notNull(),
  baseId: text("base_id")
    .notNull()
    .references(() => baseModels.id),
  customizedId: text("customized_id"),
  trainingId: text("training_id"),
  files: json<ModelFile[]>("files").notNull(),
  sha256: text("sha256").notNull(),
  sizeBytes: integer("size_bytes").notNull(),
  card: json<unknown>("card").notNull(),
  /** How far merged differs from base + adapter, as measured when it was made. */
  verification: json<unknown>("verification"),
  createdAt: at("created_at").notNull(),
});

export const deployments = sqliteTable("deployments", {
  id: id(),
  projectId: text("project_id").notNull(),
  name: text("name").notNull(),
  /** Id of the base, customized or complete model served. */
  modelId: text("model_id").notNull(),
  precision: text("precision").notNull(),
  /** starting | live | stopped | failed */
  status: text("status").notNull(),
  error: json<unknown>("error"),
  smoke: json<unknown>("smoke"),
  requests: integer("requests").notNull().default(0),
  createdAt: at("created_at").notNull(),
  retiredAt: at("retired_at"),
});

export const aliases = sqliteTable("aliases", {
  id: id(),
  projectId: text("project_id").notNull(),
  alias: text("alias").notNull(),
  deploymentId: text("deployment_id")
    .notNull()
    .references(() => deployments.id),
  createdAt: at("created_at").notNull(),
});

/** One namespace for every model name and alias of a project. */
export const modelNames = sqliteTable(
  "model_names",
  {
    projectId: text("project_id").notNull(),
    name: text("name").notNull(),
    modelId: text("model_id").notNull(),
    /** base | customized | complete | live | registered | third-party */
    kind: text("kind").notNull(),
  },
  (t) => [uniqueIndex("model_names_name").on(t.projectId, t.name)],
);
