// Front door of chat: replies of any usable model, streamed, and the conversations that keep them as trees.
import { and, eq, isNull } from "drizzle-orm";
import { conversations, messagePictures, messages } from "../../schema/tables/chat.ts";
import type { EnginePool, GenerationEvent, GenerationRequest } from "../inference/inference.ts";
import type { Clock } from "../kit/clock.ts";
import { isEspalierError, replyError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import type { Log } from "../kit/log.ts";
import type { Citation, Knowledge } from "../knowledge/knowledge.ts";
import type { ModelRef, Models, Providers } from "../models/models.ts";
import type { Serving } from "../serving/serving.ts";
import type { Store } from "../store/store.ts";
import type { Caller, Usage } from "../usage/usage.ts";
import { type Asker, makerOf } from "./access.ts";
import { type ConversationRow, createConversations } from "./conversations.ts";
import { createFeedback } from "./feedback.ts";
import { createGrounding } from "./grounded.ts";
import { createJudged } from "./judged.ts";
import {
  checkParameters,
  checkText,
  type Parameters,
  type ParametersInput,
  requestOf,
  titleOf,
} from "./parameters.ts";
import { checkSight, copiesFor, createPictures, type PictureRow } from "./pictures.ts";
import { createPlaces, wrongMessage } from "./place.ts";
import { createPrompts } from "./prompts.ts";
import { createReply, type Reply, type ReplyToken } from "./reply.ts";
import { askedRow, branchTo, type MessageRow, replyRow } from "./tree.ts";

export { inTrashOf, isMaker } from "./access.ts";
export type { ConversationRow, VersionedMessage } from "./conversations.ts";
export { type ExportFormat, exportTypes, isExportFormat } from "./export.ts";
export type { FeedbackKind, FeedbackRow, Opinion, VoteVerdict } from "./feedback.ts";
export type { JudgedRow, JudgedWish, Unusable } from "./judged.ts";
export type { PictureRow } from "./pictures.ts";
export { type PromptRow, type PromptVersionRow, variablesOf } from "./prompts.ts";
export type { ReplyToken } from "./reply.ts";
export type { MessageRow } from "./tree.ts";

export type SendMessageInput = ParametersInput &
  Asker & {
    conversationId?: string | null | undefined;
    /** The reply that this answers; the latest of the branch that is shown when unsaid. */
    afterId?: string | null | undefined;
    /** An earlier message of the person: this one is said in its place, on a branch of its own. */
    insteadOfId?: string | null | undefined;
    /** For a new conversation: the one beside which it stands, to compare models. */
    besideId?: string | null | undefined;
    /** For a new conversation: whether the models' names stay hidden until a vote. */
    isBlind?: boolean | null | undefined;
    /** Name, alias or id. */
    model: string;
    /** May be empty where there are pictures. */
    text: string;
    /** Ids of pictures; those of the message in whose place this one is said when unsaid. */
    pictures?: readonly string[] | null | undefined;
    system?: string | null | undefined;
    /** Names or ids of the knowledge bases to answer from, from now on; the conversation's own when unsaid. */
    knowledgeBases?: readonly string[] | null | undefined;
  };

export type RetryReplyInput = ParametersInput &
  Asker & {
    /** The reply that another one is wanted beside. */
    messageId: string;
    /** Name, alias or id; the model of the reply when unsaid. */
    model?: string | null | undefined;
    system?: string | null | undefined;
  };

export type Sent = { conversation: ConversationRow; message: MessageRow };
/** A reply to start, the message before it where that is new too, and the conversation that keeps them. */
type Beginning = Sent & {
  asker: Asker;
  asked?: MessageRow;
  /** Pictures of the message before it, where that is new. */
  pictures?: readonly PictureRow[];
  model: ModelRef;
  parameters: Parameters;
  isNew: boolean;
};

export type ChatDeps = {
  store: Store;
  models: Models;
  providers: Providers;
  serving: Serving;
  knowledge: Knowledge;
  engine: EnginePool;
  usage: Usage;
  clock: Clock;
  log: Log;
};

export type Chat = ReturnType<typeof createChat>;

/** Builds the front door. Replies that a stopped server cut off are marked so by `recover`. */
export function createChat({
  store,
  models,
  providers,
  serving,
  knowledge,
  engine,
  usage,
  clock,
  log,
}: ChatDeps) {
  const replies = new Map<string, Reply>();
  const pictures = createPictures({ store, clock });
  const kept = createConversations(store, pictures, (conversationId) => {
    for (const reply of replies.values()) if (reply.conversationId === conversationId) reply.stop();
  });
  const { getOwnConversation, getMessage, getOwnMessage } = kept;
  const judging = { ...createFeedback({ store, clock, kept }), ...createJudged({ store, kept, pictures }) };
  const places = createPlaces({ store, clock, kept });

  /**
   * One reply of a model, as the engine or its provider makes it; what it took is recorded for the caller.
   * @throws EspalierError MODEL_TAKES_NO_PICTURES, PICTURES_TOO_LARGE, of the model's files and of the engine, e.g.
   * ENGINE_DIED, or of the provider
   */
  async function* complete(
    model: ModelRef,
    request: GenerationRequest,
    caller: Caller,
    signal?: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, void> {
    const seen = (request.messages ?? []).flatMap((message) => message.pictures ?? []);
    checkSight(
      model,
      seen.map(({ bytes }) => bytes.byteLength),
    );
    const startedAt = clock();
    const events =
      model.precision === null
        ? providers.generate(model, request, signal)
        : engine.generate(await models.sourceOf(model.modelId), model.precision, request, signal);
    for await (const event of events) {
      if (event.type === "end") {
        if (model.deploymentId) serving.noteReply(model.deploymentId, event.tokensPerSecond);
        void usage.record({
          ...caller,
          modelName: model.name,
          modelId: model.modelId,
          inputTokens: event.usage.promptTokens,
          outputTokens: event.usage.completionTokens,
          ...(event.costUsd === undefined ? {} : { costUsd: event.costUsd }),
          latencyMs: clock() - startedAt,
        });
      }
      yield event;
    }
  }

  const grounding = createGrounding(knowledge, complete);

  /** Runs the reply to its end and keeps it, whether anybody listens or not. */
  async function run(
    reply: Reply,
    model: ModelRef,
    request: GenerationRequest,
    caller: Caller,
    knowledgeBases: readonly string[],
  ): Promise<void> {
    let text = "";
    let citations: Citation[] | null = null;
    let outcome: Partial<MessageRow>;
    try {
      let end: Extract<GenerationEvent, { type: "end" }> | undefined;
      for await (const event of grounding.answer(model, request, caller, knowledgeBases, reply.signal)) {
        if (event.type === "delta") {
          text += event.text;
          reply.push(event.text);
        } else if (event.type === "end") end = event;
        else if (event.type === "citations") citations = event.citations;
      }
      outcome = {
        finishReason: end?.finishReason ?? "cancelled",
        usage: end
          ? {
              ...end.usage,
              tokensPerSecond: end.tokensPerSecond,
              firstTokenMs: end.firstTokenMs,
              costUsd: end.costUsd ?? null,
            }
          : null,
      };
    } catch (error) {
      if (!isEspalierError(error))
        log.error("a reply failed unexpectedly", { messageId: reply.messageId, error });
      outcome = { finishReason: "error", error: replyError(error, "REPLY_FAILED") };
    }
    try {
      await store.write(async (tx) => {
        await tx
          .update(messages)
          .set({ text, citations, ...outcome })
          .where(eq(messages.id, reply.messageId));
        await tx
          .update(conversations)
          .set({ updatedAt: clock() })
          .where(eq(conversations.id, reply.conversationId));
      }, "chat.reply");
    } catch (error) {
      log.error("a reply could not be kept", { messageId: reply.messageId, error });
    } finally {
      replies.delete(reply.messageId);
      const { finishReason = null, usage, error } = outcome;
      reply.end({ finishReason, usage, error, citations });
    }
  }

  /** What the model is told: the branch so far with its pictures, and what is asked now. */
  async function turnsOf({ asked, message, model, pictures: added = [] }: Beginning) {
    const before = await branchTo(store.db, (asked ?? message).parentId);
    const shown = await pictures.picturesOf(before.map(({ id }) => id));
    if (asked) shown.set(asked.id, [...added]);
    const turns = [...before, ...(asked ? [asked] : [])].filter(
      ({ id, error, text }) => error === null && (text !== "" || shown.has(id)),
    );
    const seen = turns.flatMap(({ id }) => shown.get(id) ?? []);
    checkSight(
      model,
      seen.map(({ sizeBytes }) => sizeBytes),
    );
    return Promise.all(
      turns.map(async ({ id, role, text }) => {
        const own = shown.get(id) ?? [];
        const turn = { role, content: text };
        return own.length === 0 ? turn : { ...turn, pictures: await pictures.readPictures(own) };
      }),
    );
  }

  /** Keeps the messages with the conversation, which now shows the last of them, and starts that reply. */
  async function begin(sent: Beginning): Promise<Sent> {
    const { message, asked, asker, model, parameters, isNew, pictures: added = [] } = sent;
    const conversation = { ...sent.conversation, parameters, currentId: message.id };
    const turns = await turnsOf(sent);
    await store.write(async (tx) => {
      if (isNew) await tx.insert(conversations).values(conversation);
      else await tx.update(conversations).set(conversation).where(eq(conversations.id, conversation.id));
      await tx.insert(messages).values(asked ? [asked, message] : [message]);
      if (asked && added.length > 0)
        await tx.insert(messagePictures).values(copiesFor(asked.id, added, asked.createdAt));
    }, "chat.send");
    const reply = createReply(message.id, conversation.id);
    replies.set(message.id, reply);
    const { systemPrompt } = conversation;
    const system = systemPrompt ? [{ role: "system", content: systemPrompt }] : [];
    const caller: Caller = { ...makerOf(asker), source: "chat" };
    const request = requestOf(parameters, [...system, ...turns]);
    void run(reply, model, request, caller, await grounding.basesOf(conversation));
    return { conversation, message };
  }

  /** Those that are named, or else those of the message that is said anew. */
  async function chosenPictures(input: SendMessageInput) {
    const { pictures: ids, insteadOfId } = input;
    if (ids || !insteadOfId) return pictures.getPictures(input, ids ?? []);
    const { message } = await getMessage(input, insteadOfId, "insteadOfId");
    return [...(await kept.picturesOfMessage(message))];
  }

  return {
    ...kept,
    ...judging,
    ...createPrompts({ store, clock }),
    ...pictures,
    complete,
    /** The same from knowledge: the passages come first, as citations. */
    answer: grounding.answer,

    /**
     * Keeps the user's message and starts the reply, whose text streams by `replyTokens(message.id)`.
     * @throws EspalierError MODEL_NOT_FOUND, MODEL_NOT_USABLE, CONVERSATION_NOT_FOUND, MESSAGE_EMPTY, PARAMETER_INVALID,
     * PICTURE_NOT_FOUND, PICTURES_TOO_MANY, PICTURES_TOO_LARGE, MODEL_TAKES_NO_PICTURES,
     * and for `afterId` and `insteadOfId` MESSAGE_NOT_FOUND, MESSAGE_ELSEWHERE, MESSAGE_NOT_REPLY, MESSAGE_NOT_ASKED
     */
    async sendMessage(input: SendMessageInput): Promise<Sent> {
      const model = await models.resolve(input.projectId, input.model);
      const shown = await chosenPictures(input);
      const text = checkText(input.text, shown.length);
      const parameters = checkParameters(input);
      const known = input.conversationId ? await getOwnConversation(input, input.conversationId) : null;
      const lead = known ? null : await places.leadOf(input);
      const parentId = await places.placeOf(input, known);
      const at = await places.timeAfter(parentId);
      const conversation: ConversationRow = {
        id: known?.id ?? newId("conversation"),
        ...makerOf(input),
        isShared: (known ?? lead)?.isShared ?? false,
        title: known?.title ?? titleOf(text || (shown[0]?.name ?? "")),
        models: [...new Set([...(known?.models ?? []), model.name])],
        systemPrompt: input.system ?? known?.systemPrompt ?? null,
        knowledgeBases: await grounding.namedBases(input, known),
        parameters: {},
        currentId: null,
        leadId: known ? known.leadId : (lead?.id ?? null),
        isBlind: known ? known.isBlind : (input.isBlind ?? false),
        createdAt: known?.createdAt ?? at,
        updatedAt: at,
      };
      const asked = askedRow(conversation.id, parentId, text, at);
      const message = replyRow(asked, model, at + 1);
      const isNew = known === null;
      return begin({
        asker: input,
        conversation,
        message,
        asked,
        pictures: shown,
        model,
        parameters,
        isNew,
      });
    },

    /**
     * Starts another reply to the same message, beside the first.
     * @throws EspalierError MESSAGE_NOT_FOUND, MESSAGE_NOT_REPLY, MODEL_NOT_FOUND, MODEL_NOT_USABLE, PARAMETER_INVALID
     */
    async retryReply(input: RetryReplyInput): Promise<Sent> {
      const { conversation: known, message: old } = await getOwnMessage(input, input.messageId);
      if (old.role !== "assistant")
        throw wrongMessage("MESSAGE_NOT_REPLY", "messageId", old.id, "is no reply", "a reply");
      const model = await models.resolve(input.projectId, input.model ?? old.model ?? "");
      const at = await places.timeAfter(old.parentId);
      const conversation: ConversationRow = {
        ...known,
        models: [...new Set([...known.models, model.name])],
        systemPrompt: input.system ?? known.systemPrompt,
        updatedAt: at,
      };
      const message = replyRow({ ...old, id: old.parentId }, model, at);
      const parameters = checkParameters(input);
      return begin({ asker: input, conversation, message, model, parameters, isNew: false });
    },

    /**
     * The text of a reply from its beginning, as it is made; one that has ended comes as a whole.
     * @throws EspalierError MESSAGE_NOT_FOUND
     */
    async *replyTokens(
      asker: Asker,
      messageId: string,
      signal?: AbortSignal,
    ): AsyncGenerator<ReplyToken, void, void> {
      const { message } = await getMessage(asker, messageId);
      const reply = replies.get(messageId);
      if (reply) {
        yield* reply.read(signal);
        return;
      }
      // It may have ended since it was read.
      const { text, finishReason, usage, error, citations } =
        message.finishReason === null ? (await getMessage(asker, messageId)).message : message;
      yield { text, isDone: true, finishReason, usage, error, citations };
    },

    /** Ends a reply; what was said so far is kept. @throws EspalierError MESSAGE_NOT_FOUND */
    async stopReply(asker: Asker, messageId: string): Promise<Sent> {
      await getOwnMessage(asker, messageId);
      const reply = replies.get(messageId);
      reply?.stop();
      await reply?.ended;
      return getMessage(asker, messageId);
    },

    /** At start: replies that no process makes any more say so. */
    async recover(): Promise<void> {
      const error = {
        code: "REPLY_LOST",
        message: "The server stopped before the reply ended.",
        hint: "Ask again.",
      };
      const isLost = and(
        eq(messages.role, "assistant"),
        isNull(messages.finishReason),
        isNull(messages.error),
      );
      if (!(await store.db.query.messages.findFirst({ where: isLost }))) return;
      await store.write(
        (tx) => tx.update(messages).set({ finishReason: "error", error }).where(isLost),
        "chat.recover",
      );
    },

    /** Stops every reply and waits until they are kept. */
    async close(): Promise<void> {
      const open = [...replies.values()];
      for (const reply of open) reply.stop();
      await Promise.all(open.map((reply) => reply.ended));
    },
  };
}
