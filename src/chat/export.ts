// A conversation as a file: Markdown for reading, JSON with every branch for programs.
import type { conversations } from "../../schema/tables/chat.ts";
import type { MessageRow } from "./tree.ts";

type ConversationRow = typeof conversations.$inferSelect;

/** By ending of the file's name, the type of its content. */
export const exportTypes = {
  md: "text/markdown; charset=utf-8",
  json: "application/json; charset=utf-8",
} as const;
export type ExportFormat = keyof typeof exportTypes;

export function isExportFormat(text: string): text is ExportFormat {
  return Object.hasOwn(exportTypes, text);
}

/** Headings name who speaks; the words stay as they were written. */
export function asMarkdown(conversation: ConversationRow, branch: readonly MessageRow[]): string {
  const parts = [`# ${conversation.title}`];
  if (conversation.systemPrompt) parts.push("## System", conversation.systemPrompt);
  for (const { role, model, text, error } of branch) {
    parts.push(role === "user" ? "## Person" : `## ${model ?? "Model"}`);
    parts.push(error === null ? text : `${text}\n\n(The reply failed.)`.trimStart());
  }
  return `${parts.join("\n\n")}\n`;
}

/** Every message with its parent, so that each branch can be told; `currentId` ends the one that was shown. */
export function asJson(conversation: ConversationRow, all: readonly MessageRow[]): string {
  const { id, title, models, systemPrompt, parameters, currentId, createdAt, updatedAt } = conversation;
  const time = (at: number): string => new Date(at).toISOString();
  const messages = all.map(({ conversationId: _, createdAt: at, ...rest }) => ({
    ...rest,
    createdAt: time(at),
  }));
  const head = { id, title, models, systemPrompt, parameters, currentId };
  const times = { createdAt: time(createdAt), updatedAt: time(updatedAt) };
  return `${JSON.stringify({ ...head, ...times, messages }, null, 2)}\n`;
}
