// Conversations, the trees of their messages, and what people thought of the replies.
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

export const conversations = sqliteTable("conversations", {
  id: id(),
  projectId: text("project_id").notNull(),
  /** Who made it: a person, or an API key. */
  userId: text("user_id"),
  keyId: text("key_id"),
  /** Whether everybody of the project may read it. */
  isShared: integer("is_shared", { mode: "boolean" }).notNull().default(false),
  title: text("title").notNull(),
  models: json<string[]>("models").notNull(),
  systemPrompt: text("system_prompt"),
  parameters: json<Record<string, unknown>>("parameters").notNull(),
  /** Ids of the knowledge bases that its replies are made from. */
  knowledgeBases: json<string[]>("knowledge_bases").notNull().default([]),
  /** The last message of the branch that is shown; null while there is none. */
  currentId: text("current_id"),
  /** The conversation beside which this one was begun, to compare models; null for one that is listed by itself. */
  leadId: text("lead_id"),
  /** Whether the models' names stay hidden until a vote. */
  isBlind: integer("is_blind", { mode: "boolean" }).notNull().default(false),
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
    /** Passages that the reply was made from, as src/knowledge/grounding.ts has them; null without knowledge. */
    citations: json<unknown>("citations"),
    createdAt: at("created_at").notNull(),
  },
  (t) => [
    index("messages_conversation").on(t.conversationId, t.createdAt),
    index("messages_parent").on(t.parentId),
  ],
);

/**
 * A picture of a person's message; its bytes are the blob `sha256`. One that belongs to no message yet was chosen for
 * one that is being written.
 */
export const messagePictures = sqliteTable(
  "message_pictures",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    messageId: text("message_id").references(() => messages.id, { onDelete: "cascade" }),
    /** Its place among those of the message, from 0. */
    position: integer("position").notNull(),
    /** The file's name, which stands for the picture where it cannot be seen. */
    name: text("name").notNull(),
    mediaType: text("media_type").notNull(),
    width: integer("width").notNull(),
    height: integer("height").notNull(),
    sizeBytes: integer("size_bytes").notNull(),
    sha256: text("sha256").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [index("message_pictures_message").on(t.messageId, t.position)],
);

/** A reply that somebody judged: with its model, so that its lineage is known whatever becomes of the name. */
export type JudgedReply = { messageId: string; model: string | null; modelId: string | null };

export const feedback = sqliteTable(
  "feedback",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    /** The person or the API key that judged. */
    userId: text("user_id"),
    keyId: text("key_id"),
    /** The conversation, or the one that leads those compared. */
    conversationId: text("conversation_id")
      .notNull()
      .references(() => conversations.id, { onDelete: "cascade" }),
    /** rating | edit | vote */
    kind: text("kind").notNull(),
    /** up | down · edited · better | tie | bad */
    verdict: text("verdict").notNull(),
    /** The better reply, or the edited one. */
    chosenId: text("chosen_id"),
    /** In the order in which they were shown. */
    replies: json<JudgedReply[]>("replies").notNull(),
    /** Whether the models' names were hidden from the one who judged. */
    isBlind: integer("is_blind", { mode: "boolean" }).notNull(),
    note: text("note"),
    createdAt: at("created_at").notNull(),
  },
  (t) => [
    index("feedback_conversation").on(t.conversationId),
    index("feedback_project").on(t.projectId, t.createdAt),
  ],
);
