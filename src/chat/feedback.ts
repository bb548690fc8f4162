// What people thought of replies: ratings, edits and votes, kept with the models that made them.
import { and, eq, isNull, sql } from "drizzle-orm";
import { conversations, feedback, type JudgedReply, messages } from "../../schema/tables/chat.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { type Page, type PageRequest, readPage, type Store } from "../store/store.ts";
import { type Asker, readableBy } from "./access.ts";
import type { ConversationRow, Kept } from "./conversations.ts";
import { checkText } from "./parameters.ts";
import type { MessageRow } from "./tree.ts";

export type FeedbackRow = typeof feedback.$inferSelect;
export type FeedbackKind = "rating" | "edit" | "vote";
export type Rating = "up" | "down";
export type VoteVerdict = "better" | "tie" | "bad";
/** What one person or key thought of one reply; null where nothing was said. */
export type Opinion = {
  rating: Rating | null;
  note: string | null;
  vote: "chosen" | "not_chosen" | "tie" | "bad" | null;
};

export type FeedbackFilter = {
  kind?: FeedbackKind | null | undefined;
  verdict?: Rating | VoteVerdict | "edited" | null | undefined;
  model?: string | null | undefined;
};

type Who = Asker;
type VoteInput = {
  /** The replies in the order in which they were shown. */
  messageIds: readonly string[];
  verdict: VoteVerdict;
  chosenId?: string | null | undefined;
};

/** Builds the verbs over `store`. */
export function createFeedback({ store, clock, kept }: { store: Store; clock: Clock; kept: Kept }) {
  /** A finished reply. @throws EspalierError MESSAGE_NOT_FOUND, MESSAGE_NOT_REPLY, REPLY_UNFINISHED */
  async function getReply(who: Who, id: string, isChange = true) {
    const found = await (isChange ? kept.getOwnMessage(who, id) : kept.getMessage(who, id));
    const { role, finishReason } = found.message;
    if (role === "assistant" && finishReason !== null) return found;
    const isReply = role === "assistant";
    throw new EspalierError(
      isReply ? "REPLY_UNFINISHED" : "MESSAGE_NOT_REPLY",
      `The message ${id} is ${isReply ? "still being written" : "no reply"}.`,
      { field: "messageId", value: id, hint: isReply ? "Wait for its end, or stop it." : "Name a reply." },
    );
  }

  const row = (
    who: Who,
    conversation: ConversationRow,
    rest: Omit<FeedbackRow, keyof Common>,
  ): FeedbackRow => ({
    id: newId("feedback"),
    projectId: who.projectId,
    userId: who.userId,
    keyId: who.userId === null ? who.keyId : null,
    conversationId: conversation.leadId ?? conversation.id,
    isBlind: conversation.isBlind,
    createdAt: clock(),
    ...rest,
  });

  /** Opinions of a person or key on replies of a conversation and of those beside it, by message. */
  async function opinionsOf(who: Who, conversation: ConversationRow): Promise<Map<string, Opinion>> {
    const rows = await store.db.query.feedback.findMany({
      where: and(eq(feedback.conversationId, conversation.leadId ?? conversation.id), saidBy(who)),
    });
    const opinions = new Map<string, Opinion>();
    for (const { kind, verdict, note, chosenId, replies } of rows)
      for (const { messageId } of replies) {
        const old = opinions.get(messageId) ?? { rating: null, note: null, vote: null };
        if (kind === "rating")
          opinions.set(messageId, { ...old, rating: verdict === "up" ? "up" : "down", note });
        else if (kind === "vote")
          opinions.set(messageId, { ...old, vote: voteOn(verdict, chosenId === messageId) });
      }
    return opinions;
  }

  return {
    opinionsOf,
    /** Null where who asks said nothing of the reply. */
    async opinionOf(who: Who, message: MessageRow): Promise<Opinion | null> {
      const conversation = await kept.findConversation(who, message.conversationId);
      return conversation && ((await opinionsOf(who, conversation)).get(message.id) ?? null);
    },
    /** One of a conversation that may be read. */
    async findFeedback(who: Who, id: string): Promise<FeedbackRow | null> {
      const [row] = await store.db
        .select()
        .from(feedback)
        .where(and(eq(feedback.id, id), visibleTo(who)));
      return row ?? null;
    },

    /** Sets or, with null, takes back one's rating of a reply. @throws EspalierError NOTE_TOO_LONG and of `getReply` */
    async rateReply(
      who: Who,
      messageId: string,
      rating: Rating | null,
      note: string | null,
    ): Promise<MessageRow> {
      // An opinion of one's own: it changes nothing of a conversation that is shared for reading.
      const { conversation, message } = await getReply(who, messageId, false);
      if ((note?.length ?? 0) > limits.noteChars)
        throw new EspalierError(
          "NOTE_TOO_LONG",
          `The note has ${note?.length} characters; ${limits.noteChars} are allowed.`,
          { field: "note", hint: "Write a shorter one." },
        );
      await store.write(async (tx) => {
        const isOld = sql`json_extract(${feedback.replies}, '$[0].messageId') = ${messageId}`;
        await tx.delete(feedback).where(and(eq(feedback.kind, "rating"), saidBy(who), isOld));
        if (rating === null) return;
        const said = {
          verdict: rating,
          chosenId: null,
          replies: [judged(message)],
          note: note?.trim() || null,
        };
        await tx.insert(feedback).values(row(who, conversation, { kind: "rating", ...said }));
      }, "chat.rate");
      return message;
    },

    /**
     * Keeps an edited text as another version of a reply, which stays; the edited one is shown.
     * @throws EspalierError MESSAGE_EMPTY, MESSAGE_TOO_LONG and of `getReply`
     */
    async editReply(
      who: Who,
      messageId: string,
      text: string,
    ): Promise<{ conversation: ConversationRow; message: MessageRow }> {
      const { conversation, message } = await getReply(who, messageId);
      const at = Math.max(clock(), message.createdAt + 1);
      const edited: MessageRow = {
        ...message,
        id: newId("message", at),
        text: checkText(text),
        finishReason: "edited",
        usage: null,
        error: null,
        createdAt: at,
      };
      await store.write(async (tx) => {
        await tx.insert(messages).values(edited);
        await tx
          .update(conversations)
          .set({ currentId: edited.id, updatedAt: at })
          .where(eq(conversations.id, conversation.id));
        const replies = [judged(message), judged(edited)];
        const said = { verdict: "edited", chosenId: edited.id, replies, note: null };
        await tx.insert(feedback).values(row(who, conversation, { kind: "edit", ...said }));
      }, "chat.edit");
      return { conversation: { ...conversation, currentId: edited.id }, message: edited };
    },

    /**
     * Keeps a vote on replies side by side, and shows the models' names from now on.
     * @throws EspalierError VOTE_INVALID, VOTE_TWICE and of `getReply`
     */
    async voteOnReplies(who: Who, input: VoteInput): Promise<FeedbackRow> {
      const { messageIds, verdict, chosenId = null } = input;
      if (messageIds.length < 2 || messageIds.length > limits.chatColumns)
        throw voteInvalid("messageIds", `${messageIds.length} replies`, `Name 2 to ${limits.chatColumns}.`);
      const found = [];
      for (const id of messageIds) found.push(await getReply(who, id));
      const groups = new Set(found.map(({ conversation }) => conversation.leadId ?? conversation.id));
      const own = new Set(found.map(({ conversation }) => conversation.id));
      const [first] = found;
      if (!first || groups.size > 1 || own.size < found.length)
        throw voteInvalid(
          "messageIds",
          messageIds.join(", "),
          "Name one reply of each conversation side by side.",
        );
      if ((verdict === "better") !== (chosenId !== null && messageIds.includes(chosenId)))
        throw voteInvalid(
          "chosenId",
          chosenId ?? "none",
          "Name the better reply, and only when one is better.",
        );
      const replies = found.map(({ message }) => judged(message));
      const vote = row(who, first.conversation, { kind: "vote", verdict, chosenId, replies, note: null });
      await store.write(async (tx) => {
        const isOld = sql`EXISTS (SELECT 1 FROM json_each(${feedback.replies}) WHERE json_extract(value, '$.messageId') IN ${messageIds})`;
        const where = and(eq(feedback.kind, "vote"), eq(feedback.conversationId, vote.conversationId));
        if (await tx.$count(feedback, and(where, saidBy(who), isOld)))
          throw new EspalierError("VOTE_TWICE", "You have voted on these replies already.", {
            field: "messageIds",
            hint: "Ask something else, and vote on that.",
            status: 409,
          });
        await tx.insert(feedback).values(vote);
        await tx
          .update(conversations)
          .set({ isBlind: false })
          .where(
            sql`${conversations.id} = ${vote.conversationId} OR ${conversations.leadId} = ${vote.conversationId}`,
          );
      }, "chat.vote");
      return vote;
    },

    /** The latest first; only of a kind, a verdict, or on replies of a model (name or id) when said. */
    pageOfFeedback: (
      who: Who,
      page: PageRequest,
      { kind, verdict, model }: FeedbackFilter = {},
    ): Promise<Page<FeedbackRow>> =>
      readPage(
        store.db,
        feedback,
        {
          where: and(
            visibleTo(who),
            kind ? eq(feedback.kind, kind) : undefined,
            verdict ? eq(feedback.verdict, verdict) : undefined,
            model ? repliedBy(model) : undefined,
          ),
          keys: ["createdAt", "id"],
          order: "descending",
        },
        page,
      ),
  };
}

type Common = Pick<
  FeedbackRow,
  "id" | "projectId" | "userId" | "keyId" | "conversationId" | "isBlind" | "createdAt"
>;

/** Holds for feedback in which a model of this name then, or of this id, replied. */
export function repliedBy(model: string) {
  return sql`EXISTS (SELECT 1 FROM json_each(${feedback.replies})
    WHERE ${model} IN (json_extract(value, '$.model'), json_extract(value, '$.modelId')))`;
}

/** Holds for what a person, or a key, said. */
function saidBy({ projectId, userId, keyId }: Who) {
  const own =
    userId === null
      ? and(isNull(feedback.userId), eq(feedback.keyId, keyId ?? ""))
      : eq(feedback.userId, userId);
  return and(eq(feedback.projectId, projectId), own);
}

/** Holds for what was said of conversations that somebody may read. */
export function visibleTo(who: Who) {
  return and(
    eq(feedback.projectId, who.projectId),
    sql`EXISTS (SELECT 1 FROM ${conversations} WHERE ${conversations.id} = ${feedback.conversationId} AND ${readableBy(who)})`,
  );
}

function judged({ id, model, modelId }: MessageRow): JudgedReply {
  return { messageId: id, model, modelId };
}

function voteOn(verdict: string, isChosen: boolean): NonNullable<Opinion["vote"]> {
  if (verdict === "better") return isChosen ? "chosen" : "not_chosen";
  return verdict === "tie" ? "tie" : "bad";
}

function voteInvalid(field: string, value: string, hint: string): EspalierError {
  return new EspalierError("VOTE_INVALID", `This is no vote: ${field} is ${value.slice(0, 200)}.`, {
    field,
    value: value.slice(0, 200),
    hint,
  });
}
