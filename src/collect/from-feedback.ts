// Replies that people judged in the chat, as examples or preferences: only of conversations that who asks may read.
import type { Chat } from "../chat/chat.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { By } from "./collect.ts";
import type { Reason } from "./reasons.ts";
import type { Collected } from "./warnings.ts";

export type FeedbackSource = {
  /** Only these judgements; all that may be read when unsaid. */
  ids?: readonly string[] | null | undefined;
  /** Only what was said from then on, in milliseconds since the epoch. */
  since?: number | null | undefined;
  /** Only on replies of this model: its name then, or its id. */
  model?: string | null | undefined;
};

/**
 * The rows, and why for each judgement that makes none.
 * @throws EspalierError FEEDBACK_NOT_FOUND, FEEDBACK_TOO_MUCH, COLLECT_INVALID
 */
export async function* fromFeedback(
  chat: Chat,
  by: By,
  { ids = null, since = null, model = null }: FeedbackSource,
  as: "example" | "preference",
): AsyncGenerator<Collected | Reason, void, void> {
  if (ids && ids.length > limits.collectedJudgements)
    throw new EspalierError(
      "COLLECT_INVALID",
      `${ids.length} judgements are named; the limit collectedJudgements is ${limits.collectedJudgements}.`,
      {
        field: "feedback.ids",
        value: String(ids.length),
        hint: "Name fewer at a time, or a day and a model.",
      },
    );
  for await (const row of chat.judgedRows(by, { ids, since, model: model || null, as })) {
    if (typeof row === "string") {
      yield row;
      continue;
    }
    const { feedback, replies, isBlind } = row;
    // While a blind comparison waits for its vote, a dataset must not name its models.
    const modelOf = (reply: { model: string | null } | null) => (isBlind ? null : (reply?.model ?? null));
    yield {
      prompt: row.prompt,
      chosen: row.chosen,
      rejected: row.rejected,
      measured: null,
      isPrivate: row.isPrivate,
      isGrounded: row.isGrounded,
      whence: {
        feedback: feedback.id,
        kind: feedback.kind,
        verdict: feedback.verdict,
        conversation: feedback.conversationId,
        message: replies.chosen.messageId,
        model: modelOf(replies.chosen),
        ...(replies.rejected
          ? { rejectedMessage: replies.rejected.messageId, rejectedModel: modelOf(replies.rejected) }
          : {}),
        by: feedback.userId ?? feedback.keyId,
      },
    };
  }
}
