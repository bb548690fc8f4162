// Front door of chat: replies of any usable model, streamed, and conversations that keep them.
import { and, asc, eq } from "drizzle-orm";
import { z } from "zod";
import { conversations, messages } from "../../schema/tables/chat.ts";
import type { ChatMessage, EnginePool, GenerationEvent, GenerationRequest } from "../inference/inference.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError, isEspalierError, messageOf } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { Log } from "../kit/log.ts";
import type { ModelRef, Models } from "../models/models.ts";
import type { Serving } from "../serving/serving.ts";
import { type Page, type PageRequest, readPage, type Store } from "../store/store.ts";
import { createReply, type Reply, type ReplyToken } from "./reply.ts";

export type { ReplyToken } from "./reply.ts";
export type ConversationRow = typeof conversations.$inferSelect;
export type MessageRow = typeof messages.$inferSelect;

export type SendMessageInput = {
  projectId: string;
  userId: string | null;
  conversationId?: string | null | undefined;
  /** Name, alias or id. */
  model: string;
  text: string;
  system?: string | null | undefined;
  temperature?: number | null | undefined;
  topP?: number | null | undefined;
  topK?: number | null | undefined;
  maxTokens?: number | null | undefined;
  seed?: number | null | undefined;
  stop?: readonly string[] | null | undefined;
};

export type ChatDeps = {
  store: Store;
  models: Models;
  serving: Serving;
  engine: EnginePool;
  clock: Clock;
  log: Log;
};

export type Chat = ReturnType<typeof createChat>;

const parametersSchema = z.object({
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().gt(0).max(1).optional(),
  topK: z.number().int().min(0).max(1_000_000).optional(),
  maxTokens: z.number().int().min(1).max(limits.engineContextTokens).optional(),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  stop: z.array(z.string().min(1).max(200)).max(16).optional(),
});
type Parameters = z.infer<typeof parametersSchema>;

/** Builds the front door. Replies that a stopped server cut off are marked so by `recover`. */
export function createChat({ store, models, serving, engine, clock, log }: ChatDeps) {
  const replies = new Map<string, Reply>();

  /**
   * One reply of a model, as the engine makes it.
   * @throws EspalierError of the model's files and of the engine, e.g. ENGINE_DIED
   */
  async function* complete(
    model: ModelRef,
    request: GenerationRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, void> {
    const source = await models.sourceOf(model.modelId);
    for await (const event of engine.generate(source, model.precision, request, signal)) {
      if (event.type === "end" && model.deploymentId)
        serving.noteReply(model.deploymentId, event.tokensPerSecond);
      yield event;
    }
  }

  async function getConversation(projectId: string, id: string): Promise<ConversationRow> {
    const where = and(eq(conversations.id, id), eq(conversations.projectId, projectId));
    const row = await store.db.query.conversations.findFirst({ where });
    if (row) return row;
    throw new EspalierError("CONVERSATION_NOT_FOUND", `There is no conversation ${id.slice(0, 80)}.`, {
      field: "conversationId",
      value: id.slice(0, 80),
      hint: "Start a new one by leaving it out.",
      status: 404,
    });
  }

  const listMessages = (conversationId: string): Promise<MessageRow[]> =>
    store.db.query.messages.findMany({
      where: eq(messages.conversationId, conversationId),
      orderBy: [asc(messages.createdAt), asc(messages.id)],
    });

  /** Runs the reply to its end and keeps it, whether anybody listens or not. */
  async function run(reply: Reply, model: ModelRef, request: GenerationRequest): Promise<void> {
    let text = "";
    let outcome: Partial<MessageRow>;
    try {
      let end: Extract<GenerationEvent, { type: "end" }> | undefined;
      for await (const event of complete(model, request, reply.signal)) {
        if (event.type === "delta") {
          text += event.text;
          reply.push(event.text);
        } else if (event.type === "end") end = event;
      }
      outcome = {
        finishReason: end?.finishReason ?? "cancelled",
        usage: end
          ? { ...end.usage, tokensPerSecond: end.tokensPerSecond, firstTokenMs: end.firstTokenMs }
          : null,
      };
    } catch (error) {
      if (!isEspalierError(error))
        log.error("a reply failed unexpectedly", { messageId: reply.messageId, error });
      outcome = { finishReason: "error", error: errorOf(error) };
    }
    try {
      await store.write(async (tx) => {
        await tx
          .update(messages)
          .set({ text, ...outcome })
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
      reply.end({ finishReason: outcome.finishReason ?? null, usage: outcome.usage, error: outcome.error });
    }
  }

  return {
    complete,

    /**
     * Keeps the user's message and starts the reply, whose text streams by `replyTokens(message.id)`.
     * @throws EspalierError MODEL_NOT_FOUND, MODEL_NOT_USABLE, CONVERSATION_NOT_FOUND, MESSAGE_EMPTY, PARAMETER_INVALID
     */
    async sendMessage(
      input: SendMessageInput,
    ): Promise<{ conversation: ConversationRow; message: MessageRow }> {
      const model = await models.resolve(input.projectId, input.model);
      const text = checkText(input.text);
      const parameters = checkParameters(input);
      const known = input.conversationId
        ? await getConversation(input.projectId, input.conversationId)
        : null;
      const system = input.system ?? known?.systemPrompt ?? null;
      const history = known ? await listMessages(known.id) : [];
      const at = clock();
      const conversation: ConversationRow = {
        id: known?.id ?? newId("conversation"),
        projectId: input.projectId,
        userId: known?.userId ?? input.userId,
        title: known?.title ?? titleOf(text),
        models: [...new Set([...(known?.models ?? []), model.name])],
        systemPrompt: system,
        parameters,
        createdAt: known?.createdAt ?? at,
        updatedAt: at,
      };
      const asked = messageRow(conversation.id, "user", text, null, at);
      // One millisecond later, so that the order is that of the words.
      const message = messageRow(conversation.id, "assistant", "", model.name, at + 1);
      await store.write(async (tx) => {
        if (known)
          await tx.update(conversations).set(conversation).where(eq(conversations.id, conversation.id));
        else await tx.insert(conversations).values(conversation);
        await tx.insert(messages).values([asked, message]);
      }, "chat.send");
      const reply = createReply(message.id, conversation.id);
      replies.set(message.id, reply);
      const turns = [...history, asked].filter((one) => one.error === null && one.text !== "").map(asTurn);
      const request: GenerationRequest = {
        messages: [...(system ? [{ role: "system", content: system }] : []), ...turns],
        maxTokens: parameters.maxTokens ?? limits.replyTokens,
        ...(parameters.temperature === undefined ? {} : { temperature: parameters.temperature }),
        ...(parameters.topP === undefined ? {} : { topP: parameters.topP }),
        ...(parameters.topK === undefined ? {} : { topK: parameters.topK }),
        ...(parameters.seed === undefined ? {} : { seed: parameters.seed }),
        ...(parameters.stop === undefined ? {} : { stop: parameters.stop }),
      };
      void run(reply, model, request);
      return { conversation, message };
    },

    /** The text of a reply from its beginning, as it is made; one that has ended comes as a whole. */
    async *replyTokens(messageId: string, signal?: AbortSignal): AsyncGenerator<ReplyToken, void, void> {
      const reply = replies.get(messageId);
      if (reply) {
        yield* reply.read(signal);
        return;
      }
      const row = await store.db.query.messages.findFirst({ where: eq(messages.id, messageId) });
      if (!row) throw messageNotFound(messageId);
      const { text, finishReason, usage, error } = row;
      yield { text, isDone: true, finishReason, usage, error };
    },

    /** Ends a reply; what was said so far is kept. @throws EspalierError MESSAGE_NOT_FOUND */
    async stopReply(messageId: string): Promise<{ conversation: ConversationRow; message: MessageRow }> {
      const reply = replies.get(messageId);
      reply?.stop();
      await reply?.ended;
      const message = await store.db.query.messages.findFirst({ where: eq(messages.id, messageId) });
      const conversation = message
        ? await store.db.query.conversations.findFirst({
            where: eq(conversations.id, message.conversationId),
          })
        : undefined;
      if (!message || !conversation) throw messageNotFound(messageId);
      return { conversation, message };
    },

    getConversation,
    findConversation: async (id: string): Promise<ConversationRow | null> =>
      (await store.db.query.conversations.findFirst({ where: eq(conversations.id, id) })) ?? null,
    findMessage: async (id: string): Promise<MessageRow | null> =>
      (await store.db.query.messages.findFirst({ where: eq(messages.id, id) })) ?? null,
    /** Those with the latest message first. */
    pageOfConversations: (projectId: string, page: PageRequest): Promise<Page<ConversationRow>> =>
      readPage(
        store.db,
        conversations,
        {
          where: eq(conversations.projectId, projectId),
          keys: ["updatedAt", "id"],
          order: "descending",
        },
        page,
      ),
    /** Messages in order. */
    pageOfMessages: (conversationId: string, page: PageRequest): Promise<Page<MessageRow>> =>
      readPage(
        store.db,
        messages,
        {
          where: eq(messages.conversationId, conversationId),
          keys: ["createdAt", "id"],
          order: "ascending",
        },
        page,
      ),
    async deleteConversation(projectId: string, id: string): Promise<{ id: string; name: string }> {
      const row = await getConversation(projectId, id);
      for (const reply of replies.values()) if (reply.conversationId === id) reply.stop();
      await store.write(async (tx) => {
        await tx.delete(messages).where(eq(messages.conversationId, id));
        await tx.delete(conversations).where(eq(conversations.id, id));
      }, "chat.delete");
      return { id, name: row.title };
    },

    /** At start: replies that no process makes any more say so. */
    async recover(): Promise<void> {
      const error = {
        code: "REPLY_LOST",
        message: "The server stopped before the reply ended.",
        hint: "Ask again.",
      };
      const lost = (await store.db.query.messages.findMany({ where: eq(messages.role, "assistant") })).filter(
        (row) => row.finishReason === null && row.error === null,
      );
      if (lost.length === 0) return;
      await store.write(async (tx) => {
        for (const row of lost)
          await tx.update(messages).set({ finishReason: "error", error }).where(eq(messages.id, row.id));
      }, "chat.recover");
    },

    /** Stops every reply and waits until they are kept. */
    async close(): Promise<void> {
      const open = [...replies.values()];
      for (const reply of open) reply.stop();
      await Promise.all(open.map((reply) => reply.ended));
    },
  };
}

function messageRow(
  conversationId: string,
  role: string,
  text: string,
  model: string | null,
  at: number,
): MessageRow {
  const rest = { finishReason: null, usage: null, error: null };
  return { id: newId("message", at), conversationId, role, text, model, ...rest, createdAt: at };
}

function asTurn(row: MessageRow): ChatMessage {
  return { role: row.role, content: row.text };
}

function titleOf(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
}

function checkText(text: string): string {
  if (text.trim() !== "" && text.length <= limits.messageChars) return text;
  throw new EspalierError(
    text.trim() === "" ? "MESSAGE_EMPTY" : "MESSAGE_TOO_LONG",
    text.trim() === ""
      ? "The message is empty."
      : `The message has ${text.length} characters; ${limits.messageChars} are allowed.`,
    { field: "text", hint: "Write something shorter than the limit." },
  );
}

/** @throws EspalierError PARAMETER_INVALID naming the parameter */
function checkParameters(input: SendMessageInput): Parameters {
  const { temperature, topP, topK, maxTokens, seed, stop } = input;
  const said = Object.entries({ temperature, topP, topK, maxTokens, seed, stop });
  const given = Object.fromEntries(said.filter(([, value]) => value !== null && value !== undefined));
  const parsed = parametersSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = String(issue?.path[0] ?? "parameters");
  throw new EspalierError("PARAMETER_INVALID", `${field}: ${issue?.message ?? "invalid"}`, {
    field,
    value: JSON.stringify(given[field])?.slice(0, 100) ?? "",
    hint: "Give a value inside the range.",
  });
}

function messageNotFound(id: string): EspalierError {
  return new EspalierError("MESSAGE_NOT_FOUND", `There is no message ${id.slice(0, 80)}.`, {
    field: "messageId",
    value: id.slice(0, 80),
    status: 404,
  });
}

function errorOf(error: unknown): { code: string; message: string; hint?: string } {
  if (!isEspalierError(error))
    return { code: "REPLY_FAILED", message: messageOf(error), hint: "Ask again; the server's log has more." };
  return { code: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) };
}
