// Conversations and the trees of their messages.
import { index, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

export const conversations = sqliteTable("conversations", {
  id: id(),
  projectId: text("project_id").notNull(),
  userId: text("user_id"),
  title: text("title").notNull(),
  models: json<string[]>("models").notNull(),
  systemPrompt: text("system_prompt"),
  parameters: json<Record<string, unknown>>("parameters").notNull(),
  /** The last message of the branch that is shown; null while there is none. */
  currentId: text("current_id"),
  createdAt: at("created_at").notNull(),
  updatedAt: at("updated_at").notNull(),
});

export const messages = sqliteTable(
  "messages",
  {
    id: id(),
    conversationId: text("conversation_id")
      .notNull()
      .references(() => conversations.id, { onDelete: "cascade" }),
    /** The message that this one follows; null for the first. Those of one parent are each other's versions. */
    parentId: text("parent_id"),
    /** system | user | assistant */
    role: text("role").notNull(),
    text: text("text").notNull(),
    /** The model's name at the time. */
    model: text("model"),
    /** The base, customized, complete or third-party model itself, whatever name it went by. */
    modelId: text("model_id"),
    finishReason: text("finish_reason"),
    usage: json<unknown>("usage"),
    error: json<unknown>("error"),
    createdAt: at("created_at").notNull(),
  },
  (t) => [
    index("messages_conversation").on(t.conversationId, t.createdAt),
    index("messages_parent").on(t.parentId),
  ],
);
