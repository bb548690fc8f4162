// Gates: what a model must pass before it goes live, and where somebody let one through that did not.
import { index, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

/** What a gate said of a model when it was overridden. */
export type HeldBack = { gateId: string; gate: string; sentence: string };

export const gates = sqliteTable(
  "gates",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    name: text("name").notNull(),
    /** The assessment whose rows, question and graders are the test; no foreign key, because it may be deleted. */
    assessmentId: text("assessment_id").notNull(),
    /** Its name at the time. */
    assessmentName: text("assessment_name").notNull(),
    /** What must hold; parsed by src/assessments/gates/rule.ts. */
    rule: json<unknown>("rule").notNull(),
    /** The live model that the alias of a rule named last: while nothing has the alias, it is compared with that. */
    deploymentId: text("deployment_id"),
    userId: text("user_id"),
    keyId: text("key_id"),
    createdBy: text("created_by").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [uniqueIndex("gates_name").on(t.projectId, t.name)],
);

/** Kept for ever, also when model and gates are gone. */
export const gateOverrides = sqliteTable(
  "gate_overrides",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    /** The base, customized or complete model. */
    modelId: text("model_id").notNull(),
    /** The live model that came of it, or was registered. */
    deploymentId: text("deployment_id").notNull(),
    /** The live model's name at the time. */
    name: text("name").notNull(),
    /** deploy | register */
    action: text("action").notNull(),
    /** The alias that it was registered under. */
    alias: text("alias"),
    /** The gates that held it, with their figures as they were said. */
    held: json<HeldBack[]>("held").notNull(),
    reason: text("reason").notNull(),
    userId: text("user_id"),
    keyId: text("key_id"),
    createdBy: text("created_by").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [index("gate_overrides_live").on(t.projectId, t.deploymentId)],
);
