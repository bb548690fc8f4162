// A conversation as a file: Markdown for reading, JSON with every branch for programs.
import type { conversations } from "../../schema/tables/chat.ts";
import type { PictureRow } from "./pictures.ts";
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

/** A message with its pictures: their bytes in base 64, or null for those that would make the file too large. */
export type ExportedMessage = MessageRow & { pictures: readonly (PictureRow & { data: string | null })[] };
type Exported = ExportedMessage["pictures"][number];
export type Column = readonly [conversation: ConversationRow, messages: readonly ExportedMessage[]];

/** Headings name who speaks; the words stay as they were written. Conversations side by side follow each other. */
export function asMarkdown(columns: readonly Column[]): string {
  const parts: string[] = [];
  for (const [conversation, branch] of columns) {
    const models = columns.length > 1 ? ` (${conversation.models.join(", ")})` : "";
    parts.push(`# ${conversation.title}${models}`);
    if (conversation.systemPrompt) parts.push("## System", conversation.systemPrompt);
    for (const { role, model, text, error, pictures } of branch) {
      parts.push(role === "user" ? "## Person" : `## ${model ?? "Model"}`);
      for (const { name, mediaType, data } of pictures)
        parts.push(
          data === null
            ? `(The picture ${inBrackets(name)} is too large for this file.)`
            : `![${inBrackets(name)}](data:${mediaType};base64,${data})`,
        );
      if (error !== null) parts.push(`${text}\n\n(The reply failed.)`.trimStart());
      else if (text !== "" || pictures.length === 0) parts.push(text);
    }
  }
  return `${parts.join("\n\n")}\n`;
}

/** A name that can neither end its brackets nor begin other Markdown. */
function inBrackets(name: string): string {
  return name.replaceAll(/[\\[\]()<>`*_!]/g, "\\$&").replaceAll(/\s+/g, " ");
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
  const messages = all.map(({ conversationId: _, createdAt: at, pictures, ...rest }) => ({
    ...rest,
    ...(pictures.length === 0 ? {} : { pictures: pictures.map(pictureOf) }),
    createdAt: time(at),
  }));
  const head = { id, title, models, systemPrompt, parameters, currentId };
  return { ...head, createdAt: time(createdAt), updatedAt: time(updatedAt), messages };
}

function pictureOf({ name, mediaType, width, height, sizeBytes, sha256, data }: Exported): object {
  return { name, mediaType, width, height, sizeBytes, sha256, data };
}
