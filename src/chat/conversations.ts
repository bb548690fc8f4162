// The conversations that are kept: found, listed, searched, renamed, exported, deleted, and which branch is shown.
import { and, asc, eq, inArray, isNull, or, type SQL, sql } from "drizzle-orm";
import { conversations, feedback, messagePictures, messages } from "../../schema/tables/chat.ts";
import { now } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import {
  keepInTrash,
  mapPage,
  type Page,
  type PageRequest,
  putBack,
  readPage,
  type Store,
  takeFromTrash,
  takeOut,
} from "../store/store.ts";
import { asJson, asMarkdown, type Column, type ExportedMessage, type ExportFormat } from "./export.ts";
import type { Opinion } from "./feedback.ts";
import { checkTitle } from "./parameters.ts";
import type { PictureRow, Pictures } from "./pictures.ts";
import { containing } from "./search.ts";
import { branchTo, type MessageRow, newestBelow, onBranchTo, versionsOf } from "./tree.ts";

export type ConversationRow = typeof conversations.$inferSelect;
/** A message, where they are known with what stands in its place, itself among it, its pictures, and what somebody thought of it. */
export type VersionedMessage = MessageRow & {
  versionIds?: readonly string[];
  pictures?: readonly PictureRow[];
  opinion?: Opinion | null;
};

export type Kept = ReturnType<typeof createConversations>;

/** Builds the verbs over `store`; `stopReplies` ends those of a conversation that are in the making. */
export function createConversations(
  store: Store,
  pictures: Pictures,
  stopReplies: (conversationId: string) => void,
) {
  const { db } = store;

  /** @throws EspalierError CONVERSATION_NOT_FOUND */
  async function getConversation(projectId: string, id: string): Promise<ConversationRow> {
    const where = and(eq(conversations.id, id), eq(conversations.projectId, projectId));
    const row = await db.query.conversations.findFirst({ where });
    if (row) return row;
    throw new EspalierError("CONVERSATION_NOT_FOUND", `There is no conversation ${id.slice(0, 80)}.`, {
      field: "conversationId",
      value: id.slice(0, 80),
      hint: "Start a new one by leaving it out.",
      status: 404,
    });
  }

  /** A message of the project with its conversation. @throws EspalierError MESSAGE_NOT_FOUND */
  async function getMessage(
    projectId: string,
    id: string,
    field = "messageId",
  ): Promise<{ conversation: ConversationRow; message: MessageRow }> {
    const message = await db.query.messages.findFirst({ where: eq(messages.id, id) });
    const conversation =
      message &&
      (await db.query.conversations.findFirst({
        where: and(eq(conversations.id, message.conversationId), eq(conversations.projectId, projectId)),
      }));
    if (message && conversation) return { conversation, message };
    throw new EspalierError("MESSAGE_NOT_FOUND", `There is no message ${id.slice(0, 80)}.`, {
      field,
      value: id.slice(0, 80),
      status: 404,
    });
  }

  const kept = {
    getConversation,
    getMessage,
    findConversation: async (id: string): Promise<ConversationRow | null> =>
      (await db.query.conversations.findFirst({ where: eq(conversations.id, id) })) ?? null,
    findMessage: async (id: string): Promise<MessageRow | null> =>
      (await db.query.messages.findFirst({ where: eq(messages.id, id) })) ?? null,

    /** The conversations that were begun beside this one, in the order of their columns. */
    besides: ({ id }: ConversationRow): Promise<ConversationRow[]> =>
      db.query.conversations.findMany({
        where: eq(conversations.leadId, id),
        orderBy: [asc(conversations.createdAt), asc(conversations.id)],
      }),

    /**
     * Those with the latest message first, those begun beside another left out; with `search`, those whose title or
     * messages (also of the ones beside) contain it.
     * @throws EspalierError SEARCH_TOO_LONG
     */
    async pageOfConversations(
      projectId: string,
      page: PageRequest,
      search?: string | null,
    ): Promise<Page<ConversationRow>> {
      const isListed = and(eq(conversations.projectId, projectId), isNull(conversations.leadId));
      const where = and(isListed, search ? containing(search) : undefined);
      return readPage(db, conversations, { where, keys: ["updatedAt", "id"], order: "descending" }, page);
    },

    /** Messages of the branch that is shown, in order. */
    async pageOfMessages(
      { currentId }: Pick<ConversationRow, "currentId">,
      page: PageRequest,
    ): Promise<Page<VersionedMessage>> {
      const list = { where: onBranchTo(currentId), keys: ["createdAt", "id"], order: "ascending" } as const;
      const found = await readPage(db, messages, list, page);
      const versions = await versionsOf(db, found.items);
      const seen = await pictures.picturesOf(found.items.map(({ id }) => id));
      return mapPage(found, (row) => ({
        ...row,
        versionIds: versions.get(row.id) ?? [row.id],
        pictures: seen.get(row.id) ?? [],
      }));
    },

    /** Ids of all messages that stand in the place of one, itself among them, oldest first. */
    versionIds: async (row: VersionedMessage): Promise<readonly string[]> =>
      row.versionIds ?? (await versionsOf(db, [row])).get(row.id) ?? [row.id],

    /** The pictures of a message, in order. */
    picturesOfMessage: async (row: VersionedMessage): Promise<readonly PictureRow[]> =>
      row.pictures ?? (await pictures.picturesOf([row.id])).get(row.id) ?? [],

    /** Shows the branch of a message, down to the newest below it. @throws EspalierError MESSAGE_NOT_FOUND */
    async showBranch(projectId: string, messageId: string): Promise<ConversationRow> {
      const { conversation } = await getMessage(projectId, messageId);
      const currentId = await newestBelow(db, messageId);
      await store.write(
        (tx) => tx.update(conversations).set({ currentId }).where(eq(conversations.id, conversation.id)),
        "chat.show",
      );
      return { ...conversation, currentId };
    },

    /** @throws EspalierError CONVERSATION_NOT_FOUND, TITLE_EMPTY, TITLE_TOO_LONG */
    async renameConversation(projectId: string, id: string, title: string): Promise<ConversationRow> {
      const row = await getConversation(projectId, id);
      const renamed = { ...row, title: checkTitle(title) };
      await store.write(
        (tx) => tx.update(conversations).set({ title: renamed.title }).where(eq(conversations.id, id)),
        "chat.rename",
      );
      return renamed;
    },

    /**
     * A conversation as a file's text: Markdown of the branch that is shown, or JSON of the whole tree.
     * @throws EspalierError CONVERSATION_NOT_FOUND
     */
    async exportConversation(
      projectId: string,
      id: string,
      format: ExportFormat,
    ): Promise<{ title: string; text: string }> {
      const row = await getConversation(projectId, id);
      const columns: Column[] = [];
      let room: number = limits.exportPictureBytes;
      for (const one of [row, ...(await kept.besides(row))]) {
        const rows =
          format === "md"
            ? await branchTo(db, one.currentId)
            : await db.query.messages.findMany({
                where: eq(messages.conversationId, one.id),
                orderBy: [asc(messages.createdAt), asc(messages.id)],
              });
        const seen = await pictures.picturesOf(rows.map(({ id }) => id));
        const said: ExportedMessage[] = [];
        for (const message of rows) {
          const shown = [];
          for (const picture of seen.get(message.id) ?? []) {
            room -= picture.sizeBytes;
            const [data] = room < 0 ? [] : await pictures.readPictures([picture]);
            shown.push({ ...picture, data: data ? Buffer.from(data.bytes).toString("base64") : null });
          }
          said.push({ ...message, pictures: shown });
        }
        columns.push([one, said]);
      }
      return { title: row.title, text: format === "md" ? asMarkdown(columns) : asJson(columns) };
    },

    /** Deletes a conversation and those beside it, with what was thought of them, into the trash. @throws EspalierError CONVERSATION_NOT_FOUND */
    async deleteConversation(projectId: string, id: string): Promise<{ id: string; name: string }> {
      const row = await getConversation(projectId, id);
      const ids = [id, ...(await kept.besides(row)).map((one) => one.id)];
      for (const one of ids) stopReplies(one);
      await store.write(async (tx) => {
        const judged = or(inArray(feedback.conversationId, ids), judging(ids)) ?? judging(ids);
        const taken = [
          ...(await takeOut(tx, feedback, judged)),
          ...(await takeOut(tx, messagePictures, pictured(ids))),
          ...(await takeOut(tx, messages, inArray(messages.conversationId, ids))),
          ...(await takeOut(tx, conversations, inArray(conversations.id, ids))),
        ];
        await keepInTrash(tx, { id, projectId, name: row.title, deletedAt: now() }, taken);
      }, "chat.delete");
      return { id, name: row.title };
    },

    /** Brings back what was deleted. @throws EspalierError NOT_IN_TRASH */
    restoreConversation: (projectId: string, id: string): Promise<{ id: string; name: string }> =>
      store.write(async (tx) => {
        const { name, rows } = await takeFromTrash(tx, projectId, id);
        for (const one of rows) await putBack(tx, one);
        return { id, name };
      }, "chat.restore"),
  };
  return kept;
}

/** Holds for feedback on a reply of one of these conversations: one beside another may go alone. */
function judging(ids: readonly string[]): SQL {
  return sql`EXISTS (SELECT 1 FROM json_each(${feedback.replies}) r JOIN messages m
    ON m.id = json_extract(r.value, '$.messageId') WHERE m.conversation_id IN ${ids})`;
}

/** Holds for pictures of messages of these conversations. */
function pictured(ids: readonly string[]): SQL {
  return sql`${messagePictures.messageId} IN (SELECT m.id FROM messages m WHERE m.conversation_id IN ${ids})`;
}
