// What every call of a model took: by whom, by which door, how many tokens, and what it cost where that is known.
import { index, integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { at, id } from "./columns.ts";

export const usage = sqliteTable(
  "usage",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    at: at("at").notNull(),
    /** The person or the API key that asked. Both null for the server's own work. No reference: usage outlives them. */
    userId: text("user_id"),
    keyId: text("key_id"),
    /** As the caller named it: a model, an alias, an embedder. */
    modelName: text("model_name").notNull(),
    modelId: text("model_id").notNull(),
    /** The door: v1 | chat | knowledge | … as src/usage/usage.ts lists them. */
    source: text("source").notNull(),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    /** US dollars by a third-party model's price table; null where nothing has a price. */
    costUsd: real("cost_usd"),
    latencyMs: integer("latency_ms").notNull(),
  },
  (t) => [index("usage_time").on(t.projectId, t.at)],
);
