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

type Column = readonly [conversation: ConversationRow, messages: readonly MessageRow[]];

/** Headings name who speaks; the words stay as they were written. Conversations side by side follow each other. */
export function asMarkdown(columns: readonly Column[]): string {
  const parts: string[] = [];
  for (const [conversation, branch] of columns) {
    const models = columns.length > 1 ? ` (${conversation.models.join(", ")})` : "";
    parts.push(`# ${conversation.title}${models}`);
    if (conversation.systemPrompt) parts.push("## System", conversation.systemPrompt);
    for (const { role, model, text, error } of branch) {
      parts.push(role === "user" ? "## Person" : `## ${model ?? "Model"}`);
      parts.push(error === null ? text : `${text}\n\n(The reply failed.)`.trimStart());
    }
  }
  return `${parts.join("\n\n")}\n`;
}

/**
 * Every message with its parent, so that each branch can be told; `currentId` ends the one that was shown. Those side
 * by side are in `beside`.
 */
export function asJson([first, ...others]: readonly Column[]): string {
  const whole = { ...(first ? conversationOf(first) : {}), beside: others.map(conversationOf) };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

function conversationOf([conversation, all]: Column): object {
  const { id, title, models, systemPrompt, parameters, currentId, createdAt, updatedAt } = conversation;
  const time = (at: number): string => new Date(at).toISOString();
  const messages = all.map(({ conversationId: _, createdAt: at, ...rest }) => ({
    ...rest,
    createdAt: time(at),
  }));
  const head = { id, title, models, systemPrompt, parameters, currentId };
  return { ...head, createdAt: time(createdAt), updatedAt: time(updatedAt), messages };
}
