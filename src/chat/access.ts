// Whose conversations are whose: private to the person or key that made them, until shared with their project for reading.
import { and, eq, isNull, or, type SQL, sql } from "drizzle-orm";
import { conversations } from "../../schema/tables/chat.ts";
import { trash } from "../../schema/tables/trash.ts";
import { EspalierError } from "../kit/errors.ts";

/** Who asks: a person or a key, in one project. */
export type Asker = { projectId: string; userId: string | null; keyId: string | null };
type ConversationRow = typeof conversations.$inferSelect;

/** The asker alone, of whatever says more. */
export const makerOf = ({ projectId, userId, keyId }: Asker): Asker => ({ projectId, userId, keyId });

/** Holds for the conversations that somebody made; only they may change them. */
export function madeBy({ projectId, userId, keyId }: Asker): SQL {
  const maker =
    userId === null
      ? and(isNull(conversations.userId), eq(conversations.keyId, keyId ?? ""))
      : eq(conversations.userId, userId);
  return and(eq(conversations.projectId, projectId), maker) ?? sql`0`;
}

/** Holds for the conversations that somebody may read: the one predicate under every query of conversations. */
export function readableBy(asker: Asker): SQL {
  const shared = and(eq(conversations.projectId, asker.projectId), eq(conversations.isShared, true));
  return or(madeBy(asker), shared) ?? sql`0`;
}

/** The same as `madeBy`, of a row at hand. */
export function isMaker(asker: Asker, row: Pick<ConversationRow, "projectId" | "userId" | "keyId">): boolean {
  if (row.projectId !== asker.projectId) return false;
  return asker.userId === null
    ? row.userId === null && row.keyId !== null && row.keyId === asker.keyId
    : row.userId === asker.userId;
}

/** Holds for entries of the trash that are no conversations, and for the conversations that somebody made. */
export function inTrashOf({ userId, keyId }: Asker): SQL {
  const maker =
    userId === null
      ? sql`json_extract(one.value, '$.row.user_id') IS NULL AND json_extract(one.value, '$.row.key_id') = ${keyId}`
      : sql`json_extract(one.value, '$.row.user_id') = ${userId}`;
  const conversation = sql`json_extract(one.value, '$.table') = 'conversations'`;
  return sql`(NOT EXISTS (SELECT 1 FROM json_each(${trash.rows}) one WHERE ${conversation})
    OR EXISTS (SELECT 1 FROM json_each(${trash.rows}) one WHERE ${conversation} AND ${maker}))`;
}

export function sharedOnly({ id }: ConversationRow): EspalierError {
  return new EspalierError(
    "CONVERSATION_OF_ANOTHER",
    "This conversation is shared with you for reading; only who made it may change it.",
    {
      field: "conversationId",
      value: id,
      hint: "Copy it, and go on with the copy.",
      status: 403,
    },
  );
}
