// Judged replies as examples and preferences: what was asked, the better reply and the worse one.
import { and, desc, eq, gte, inArray, or } from "drizzle-orm";
import { conversations, feedback, type JudgedReply } from "../../schema/tables/chat.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { Store } from "../store/store.ts";
import type { Asker } from "./access.ts";
import type { Kept } from "./conversations.ts";
import { type FeedbackRow, repliedBy, visibleTo } from "./feedback.ts";
import type { Pictures } from "./pictures.ts";
import { branchTo, type MessageRow } from "./tree.ts";

export type JudgedWish = {
  /** Only these judgements; null takes all that may be read. */
  ids: readonly string[] | null;
  /** Only what was said from then on. */
  since: number | null;
  /** Only on replies of this model: its name then, or its id. */
  model: string | null;
  as: "example" | "preference";
};
type Turn = { role: string; content: string };
export type JudgedRow = {
  prompt: Turn[];
  chosen: string;
  rejected: string | null;
  feedback: FeedbackRow;
  /** Of the better reply; of the worse one where there is one. */
  replies: { chosen: JudgedReply; rejected: JudgedReply | null };
  /** Whether the models' names wait for a vote. */
  isBlind: boolean;
  /** Whether only its maker may read the conversation. */
  isPrivate: boolean;
  /** Whether passages of a knowledge base, which are no part of the prompt, went into a reply. */
  isGrounded: boolean;
};
/** Why a judgement makes no row. */
export type Unusable = "NO_BETTER_REPLY" | "NO_WORSE_REPLY" | "OTHER_CONVERSATION" | "HAS_PICTURES" | "EMPTY";

/** Judgements read at once. */
const PAGE = 100;

/** Builds the reader over `store`. */
export function createJudged({ store, kept, pictures }: { store: Store; kept: Kept; pictures: Pictures }) {
  const { db } = store;

  /** The mended text of a reply, the latest first; null where nobody mended it. */
  async function mendedOf(row: FeedbackRow, messageId: string): Promise<JudgedReply | null> {
    const edits = await db.query.feedback.findMany({
      where: and(eq(feedback.conversationId, row.conversationId), eq(feedback.kind, "edit")),
      orderBy: [desc(feedback.createdAt), desc(feedback.id)],
    });
    const edit = edits.find(({ replies: [first] }) => first?.messageId === messageId);
    return edit?.replies.find((one) => one.messageId === edit.chosenId) ?? null;
  }

  /** The better reply, and those that are worse. */
  async function sidesOf(row: FeedbackRow): Promise<{ chosen: JudgedReply; rejected: JudgedReply[] } | null> {
    const [first] = row.replies;
    if (!first) return null;
    if (row.kind === "rating") {
      if (row.verdict === "up") return { chosen: first, rejected: [] };
      const chosen = await mendedOf(row, first.messageId);
      return chosen && { chosen, rejected: [first] };
    }
    const chosen = row.replies.find(({ messageId }) => messageId === row.chosenId);
    return chosen ? { chosen, rejected: row.replies.filter((one) => one !== chosen) } : null;
  }

  async function promptOf(message: MessageRow): Promise<{ turns: Turn[]; hasPictures: boolean }> {
    const conversation = await db.query.conversations.findFirst({
      where: eq(conversations.id, message.conversationId),
    });
    const branch = (await branchTo(db, message.parentId)).filter(({ error }) => error === null);
    const shown = await pictures.picturesOf(branch.map(({ id }) => id));
    const system = conversation?.systemPrompt ? [{ role: "system", content: conversation.systemPrompt }] : [];
    const turns = branch.flatMap(({ role, text }) => (text === "" ? [] : [{ role, content: text }]));
    return { turns: [...system, ...turns], hasPictures: shown.size > 0 };
  }

  async function* rowsOf(
    who: Asker,
    row: FeedbackRow,
    as: JudgedWish["as"],
  ): AsyncGenerator<JudgedRow | Unusable> {
    const sides = await sidesOf(row);
    // A vote says which reply is better, not that it is good.
    if (!sides || (as === "example" && row.kind === "vote")) return yield "NO_BETTER_REPLY";
    if (as === "preference" && sides.rejected.length === 0) return yield "NO_WORSE_REPLY";
    const chosen = await kept.findMessage(who, sides.chosen.messageId);
    const conversation = await kept.findConversation(who, row.conversationId);
    if (!chosen || !conversation || chosen.text.trim() === "") return yield "EMPTY";
    const { turns: prompt, hasPictures } = await promptOf(chosen);
    if (hasPictures) return yield "HAS_PICTURES";
    if (prompt.at(-1)?.role !== "user") return yield "EMPTY";
    const common = {
      prompt,
      chosen: chosen.text,
      feedback: row,
      isBlind: conversation.isBlind,
      isPrivate: !conversation.isShared,
    };
    if (as === "example") {
      const replies = { chosen: sides.chosen, rejected: null };
      yield { ...common, rejected: null, replies, isGrounded: chosen.citations !== null };
      return;
    }
    for (const worse of sides.rejected) {
      const rejected = await kept.findMessage(who, worse.messageId);
      if (!rejected || rejected.text.trim() === "") yield "EMPTY";
      else if (JSON.stringify((await promptOf(rejected)).turns) !== JSON.stringify(prompt))
        yield "OTHER_CONVERSATION";
      else
        yield {
          ...common,
          rejected: rejected.text,
          replies: { chosen: sides.chosen, rejected: worse },
          isGrounded: chosen.citations !== null || rejected.citations !== null,
        };
    }
  }

  return {
    /**
     * What judgements that somebody may read make, the oldest first; for each that makes nothing, why.
     * @throws EspalierError FEEDBACK_NOT_FOUND, FEEDBACK_TOO_MUCH
     */
    async *judgedRows(
      who: Asker,
      { ids, since, model, as }: JudgedWish,
    ): AsyncGenerator<JudgedRow | Unusable> {
      const wanted = and(
        visibleTo(who),
        ids ? inArray(feedback.id, [...ids]) : undefined,
        since === null ? undefined : gte(feedback.createdAt, since),
        model === null ? undefined : repliedBy(model),
      );
      const found = await db
        .select({ id: feedback.id })
        .from(feedback)
        .where(wanted)
        .orderBy(feedback.createdAt, feedback.id)
        .limit(limits.collectedRows + 1);
      if (found.length > limits.collectedRows)
        throw new EspalierError(
          "FEEDBACK_TOO_MUCH",
          `More than ${limits.collectedRows} judgements are chosen, the limit collectedRows.`,
          { field: "feedback.since", hint: "Name a later day, or a model." },
        );
      const missing = ids?.find((id) => !found.some((one) => one.id === id));
      if (missing !== undefined)
        throw new EspalierError("FEEDBACK_NOT_FOUND", `There is no judgement ${missing.slice(0, 80)}.`, {
          field: "feedback.ids",
          value: missing.slice(0, 80),
          hint: "List the feedback to see what there is.",
          status: 404,
        });
      for (let at = 0; at < found.length; at += PAGE) {
        const page = await db.query.feedback.findMany({
          where: or(...found.slice(at, at + PAGE).map(({ id }) => eq(feedback.id, id))),
          orderBy: (t, { asc }) => [asc(t.createdAt), asc(t.id)],
        });
        for (const row of page) yield* rowsOf(who, row, as);
      }
    },
  };
}
