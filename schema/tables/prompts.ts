// The prompt library: prompts and their versions, which never change.
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

export const prompts = sqliteTable(
  "prompts",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    name: text("name").notNull(),
    createdAt: at("created_at").notNull(),
    updatedAt: at("updated_at").notNull(),
  },
  (t) => [uniqueIndex("prompts_name").on(t.projectId, t.name)],
);

export const promptVersions = sqliteTable(
  "prompt_versions",
  {
    id: id(),
    promptId: text("prompt_id")
      .notNull()
      .references(() => prompts.id, { onDelete: "cascade" }),
    number: integer("number").notNull(),
    userId: text("user_id"),
    /** With {{variables}}. */
    text: text("text").notNull(),
    /** Questions that an empty chat with this prompt proposes. */
    starters: json<string[]>("starters").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [index("prompt_versions_prompt").on(t.promptId, t.number)],
);
