// The tree of a conversation's messages: the branch to a message, its versions, and the newest message below it.
import { and, asc, eq, inArray, isNull, or, type SQL, sql } from "drizzle-orm";
import { messages } from "../../schema/tables/chat.ts";
import { newId } from "../kit/ids.ts";
import type { ModelRef } from "../models/models.ts";
import type { Reader } from "../store/store.ts";

export type MessageRow = typeof messages.$inferSelect;

/** Holds for the messages from the first one to `leafId`; for none when that is null. */
export function onBranchTo(leafId: string | null): SQL {
  return sql`${messages.id} IN (
    WITH RECURSIVE up(id, parent_id) AS (
      SELECT id, parent_id FROM messages WHERE id = ${leafId}
      UNION ALL SELECT m.id, m.parent_id FROM messages m JOIN up ON m.id = up.parent_id
    ) SELECT id FROM up)`;
}

/** The messages from the first one to `leafId`, in order. */
export function branchTo(db: Reader, leafId: string | null): Promise<MessageRow[]> {
  return db.query.messages.findMany({
    where: onBranchTo(leafId),
    orderBy: [asc(messages.createdAt), asc(messages.id)],
  });
}

/** The newest message that follows `id`, at whatever distance; `id` itself when nothing does. */
export async function newestBelow(db: Reader, id: string): Promise<string> {
  const [newest] = await db.all<{ id: string }>(sql`
    WITH RECURSIVE down(id) AS (
      SELECT ${id} UNION ALL SELECT m.id FROM messages m JOIN down ON m.parent_id = down.id
    ) SELECT id FROM messages WHERE id IN (SELECT id FROM down) ORDER BY created_at DESC, id DESC LIMIT 1`);
  return newest?.id ?? id;
}

/** By message, the ids of all messages with the same parent, oldest first, itself among them. All of one conversation. */
export async function versionsOf(
  db: Reader,
  rows: readonly Pick<MessageRow, "id" | "conversationId" | "parentId">[],
): Promise<Map<string, string[]>> {
  const [first] = rows;
  if (!first) return new Map();
  const parents = rows.flatMap(({ parentId }) => (parentId === null ? [] : [parentId]));
  const found = await db
    .select({ id: messages.id, parentId: messages.parentId })
    .from(messages)
    .where(
      and(
        eq(messages.conversationId, first.conversationId),
        or(isNull(messages.parentId), inArray(messages.parentId, parents)),
      ),
    )
    .orderBy(asc(messages.createdAt), asc(messages.id));
  const byParent = Map.groupBy(found, ({ parentId }) => parentId);
  return new Map(rows.map((row) => [row.id, (byParent.get(row.parentId) ?? []).map(({ id }) => id)]));
}

/** A message of the person. */
export function askedRow(
  conversationId: string,
  parentId: string | null,
  text: string,
  at: number,
): MessageRow {
  const rest = { model: null, modelId: null, finishReason: null, usage: null, error: null, citations: null };
  return { id: newId("message", at), conversationId, parentId, role: "user", text, ...rest, createdAt: at };
}

/** The empty reply of a model to a message. */
export function replyRow(
  asked: { id: string | null; conversationId: string },
  { name, modelId }: ModelRef,
  at: number,
): MessageRow {
  return {
    ...askedRow(asked.conversationId, asked.id, "", at),
    role: "assistant",
    model: name,
    modelId,
  };
}
