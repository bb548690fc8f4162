// The conversations that are kept: found, listed, searched, renamed, exported, deleted, and which branch is shown.
import { and, asc, eq, inArray, isNull, or, type SQL, sql } from "drizzle-orm";
import { conversations, feedback, messagePictures, messages } from "../../schema/tables/chat.ts";
import { now } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
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
import { type Asker, inTrashOf, isMaker, makerOf, readableBy, sharedOnly } from "./access.ts";
import { asJson, asMarkdown, type Column, type ExportedMessage, type ExportFormat } from "./export.ts";
import type { Opinion } from "./feedback.ts";
import { checkTitle } from "./parameters.ts";
import { copiesFor, type PictureRow, type Pictures } from "./pictures.ts";
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

  /** One that the asker may read. */
  const findConversation = async (asker: Asker, id: string): Promise<ConversationRow | null> =>
    (await db.query.conversations.findFirst({ where: and(eq(conversations.id, id), readableBy(asker)) })) ??
    null;

  /** @throws EspalierError CONVERSATION_NOT_FOUND */
  async function getConversation(asker: Asker, id: string): Promise<ConversationRow> {
    const row = await findConversation(asker, id);
    if (row) return row;
    throw new EspalierError("CONVERSATION_NOT_FOUND", `There is no conversation ${id.slice(0, 80)}.`, {
      field: "conversationId",
      value: id.slice(0, 80),
      hint: "Start a new one by leaving it out.",
      status: 404,
    });
  }

  /** One that the asker may change. @throws EspalierError CONVERSATION_NOT_FOUND, CONVERSATION_OF_ANOTHER */
  async function getOwnConversation(asker: Asker, id: string): Promise<ConversationRow> {
    const row = await getConversation(asker, id);
    if (isMaker(asker, row)) return row;
    throw sharedOnly(row);
  }

  /** A message that the asker may read, with its conversation. @throws EspalierError MESSAGE_NOT_FOUND */
  async function getMessage(
    asker: Asker,
    id: string,
    field = "messageId",
  ): Promise<{ conversation: ConversationRow; message: MessageRow }> {
    const message = await db.query.messages.findFirst({ where: eq(messages.id, id) });
    const conversation = message && (await findConversation(asker, message.conversationId));
    if (message && conversation) return { conversation, message };
    throw new EspalierError("MESSAGE_NOT_FOUND", `There is no message ${id.slice(0, 80)}.`, {
      field,
      value: id.slice(0, 80),
      status: 404,
    });
  }

  /** One that the asker may change. @throws EspalierError MESSAGE_NOT_FOUND, CONVERSATION_OF_ANOTHER */
  async function getOwnMessage(asker: Asker, id: string, field?: string) {
    const found = await getMessage(asker, id, field);
    if (isMaker(asker, found.conversation)) return found;
    throw sharedOnly(found.conversation);
  }

  const kept = {
    findConversation,
    getOwnConversation,
    getMessage,
    getOwnMessage,
    /** One that the asker may read. */
    async findMessage(asker: Asker, id: string): Promise<MessageRow | null> {
      const message = await db.query.messages.findFirst({ where: eq(messages.id, id) });
      return message && (await findConversation(asker, message.conversationId)) ? message : null;
    },

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
      asker: Asker,
      page: PageRequest,
      search?: string | null,
    ): Promise<Page<ConversationRow>> {
      const isListed = and(readableBy(asker), isNull(conversations.leadId));
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

    /**
     * Lets everybody of the project read a conversation and those beside it, or nobody but its maker.
     * @throws EspalierError CONVERSATION_NOT_FOUND, CONVERSATION_OF_ANOTHER
     */
    async shareConversation(asker: Asker, id: string, isShared: boolean): Promise<ConversationRow> {
      const row = await getOwnConversation(asker, id);
      const leadId = row.leadId ?? row.id;
      await store.write(
        (tx) =>
          tx
            .update(conversations)
            .set({ isShared })
            .where(or(eq(conversations.id, leadId), eq(conversations.leadId, leadId))),
        "chat.share",
      );
      return { ...row, isShared };
    },

    /**
     * The asker's own copy of a conversation and those beside it: the branches that are shown.
     * @throws EspalierError CONVERSATION_NOT_FOUND
     */
    async copyConversation(asker: Asker, id: string): Promise<ConversationRow> {
      const row = await getConversation(asker, id);
      const copies: ReturnType<typeof copyOf>[] = [];
      for (const one of [row, ...(await kept.besides(row))])
        copies.push(copyOf(asker, one, await branchTo(db, one.currentId), copies[0]?.conversation.id));
      const [first] = copies;
      if (!first) throw new Error("nothing was copied");
      const shown = await pictures.picturesOf(copies.flatMap(({ branch }) => branch.map(({ from }) => from)));
      await store.write(async (tx) => {
        for (const { conversation, branch } of copies) {
          await tx.insert(conversations).values(conversation);
          for (const { from, message } of branch) {
            await tx.insert(messages).values(message);
            const rows = copiesFor(message.id, shown.get(from) ?? [], conversation.createdAt);
            if (rows.length > 0) await tx.insert(messagePictures).values(rows);
          }
        }
      }, "chat.copy");
      return first.conversation;
    },

    /** Shows the branch of a message, down to the newest below it. @throws EspalierError MESSAGE_NOT_FOUND */
    async showBranch(asker: Asker, messageId: string): Promise<ConversationRow> {
      const { conversation } = await getOwnMessage(asker, messageId);
      const currentId = await newestBelow(db, messageId);
      await store.write(
        (tx) => tx.update(conversations).set({ currentId }).where(eq(conversations.id, conversation.id)),
        "chat.show",
      );
      return { ...conversation, currentId };
    },

    /** @throws EspalierError CONVERSATION_NOT_FOUND, TITLE_EMPTY, TITLE_TOO_LONG */
    async renameConversation(asker: Asker, id: string, title: string): Promise<ConversationRow> {
      const row = await getOwnConversation(asker, id);
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
      asker: Asker,
      id: string,
      format: ExportFormat,
    ): Promise<{ title: string; text: string }> {
      const row = await getConversation(asker, id);
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
    async deleteConversation(asker: Asker, id: string): Promise<{ id: string; name: string }> {
      const row = await getOwnConversation(asker, id);
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
        await keepInTrash(tx, { id, projectId: row.projectId, name: row.title, deletedAt: now() }, taken);
      }, "chat.delete");
      return { id, name: row.title };
    },

    /** Brings back what was deleted. @throws EspalierError NOT_IN_TRASH */
    restoreConversation: (asker: Asker, id: string): Promise<{ id: string; name: string }> =>
      store.write(async (tx) => {
        const { name, rows } = await takeFromTrash(tx, asker.projectId, id, inTrashOf(asker));
        for (const one of rows) await putBack(tx, one);
        return { id, name };
      }, "chat.restore"),
  };
  return kept;
}

/** A conversation of the asker's own with the same branch; what was in the making is left out. */
function copyOf(
  asker: Asker,
  row: ConversationRow,
  shown: readonly MessageRow[],
  leadId: string | undefined,
): { conversation: ConversationRow; branch: { from: string; message: MessageRow }[] } {
  const at = now();
  const id = newId("conversation", at);
  const branch: { from: string; message: MessageRow }[] = [];
  for (const old of shown.filter(({ role, finishReason }) => role === "user" || finishReason !== null)) {
    const parentId = branch.at(-1)?.message.id ?? null;
    const message = { ...old, id: newId("message", old.createdAt), conversationId: id, parentId };
    branch.push({ from: old.id, message });
  }
  const conversation = {
    ...row,
    id,
    ...makerOf(asker),
    isShared: false,
    leadId: leadId ?? null,
    currentId: branch.at(-1)?.message.id ?? null,
    createdAt: at,
    updatedAt: at,
  };
  return { conversation, branch };
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
