// One column of the chat apart from how it looks: a conversation, its messages, the reply that streams, and its verbs.
import { useSyncExternalStore } from "react";
import { act, ask } from "../api/client.ts";
import { follow } from "../api/data.ts";
import { type Problem, ProblemError, toProblem } from "../api/errors.ts";
import { t } from "../i18n.ts";
import {
  conversationQuery,
  editReply,
  rateReply,
  replyTokens,
  retryReply,
  sendMessage,
  showBranch,
  stopReply,
  tailQuery,
} from "./queries.ts";
import { type ChatSettings, inputOf } from "./settings.ts";
import type { Shown } from "./use-pictures.ts";

export type Opinion = {
  rating: "UP" | "DOWN" | null;
  note: string | null;
  vote: "CHOSEN" | "NOT_CHOSEN" | "TIE" | "BAD" | null;
};

export type Cited = {
  number: number;
  document: string;
  documentId: string;
  knowledgeBaseId: string;
  chunkId: string;
  text: string;
  page: number | null;
};

export type ChatMessage = {
  id: string;
  role: string;
  text: string;
  model: string | null;
  /** All messages that stand in its place, oldest first. */
  versionIds: readonly string[];
  opinion: Opinion | null;
  /** Pictures that the person showed with it. */
  pictures?: readonly Shown[];
  /** The passages that a reply was made from. */
  citations?: readonly Cited[] | null;
  isStreaming?: boolean;
  finishReason?: string | null;
  usage?: unknown;
  error?: Problem | null;
};

export type ColumnState = {
  conversationId: string | null;
  messages: readonly ChatMessage[];
  /** Names of the models that took part, the latest last. */
  models: readonly string[];
  /** Conversations that were begun beside this one. */
  beside: readonly string[];
  /** Ids of the knowledge bases that its replies are made from. */
  knowledgeBases: readonly string[];
  /** Whether the models' names stay hidden until a vote. */
  isBlind: boolean;
  /** Whether the reader made it; what others share is read-only. */
  isMine: boolean;
  /** Who made it; null where they are gone. */
  maker: string | null;
  streamingId: string | null;
  /** The reply after which the next message branches off; null at the end. */
  branchId: string | null;
  problem: Problem | null;
};

export type Saying = {
  text: string;
  pictures: readonly Shown[];
  model: string;
  settings: ChatSettings;
  insteadOfId?: string;
  besideId?: string | null;
  isBlind?: boolean;
  /** Ids of knowledge bases to answer from, from now on; as before when unsaid. */
  knowledgeBases?: readonly string[] | null;
};

export type Column = ReturnType<typeof createColumn>;

const empty: ColumnState = {
  conversationId: null,
  messages: [],
  models: [],
  beside: [],
  knowledgeBases: [],
  isBlind: false,
  isMine: true,
  maker: null,
  streamingId: null,
  branchId: null,
  problem: null,
};

let localCount = 0;

/** A column without a conversation. Its verbs report their failure as `problem`. */
export function createColumn() {
  let state = empty;
  const listeners = new Set<() => void>();
  let leave: (() => void) | null = null;
  /** Counts what was opened, so that a late answer for an earlier conversation is dropped. */
  let opened = 0;

  function set(change: Partial<ColumnState>): void {
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  }
  function change(id: string, edit: (message: ChatMessage) => ChatMessage): void {
    set({ messages: state.messages.map((message) => (message.id === id ? edit(message) : message)) });
  }
  function stopListening(): void {
    leave?.();
    leave = null;
  }

  /** Takes over what the server keeps; a reply in the making streams on. */
  async function load(id: string): Promise<void> {
    const turn = opened;
    const { node } = await ask(conversationQuery, { id });
    if (turn !== opened) return;
    if (node?.__typename !== "Conversation")
      throw new ProblemError({
        code: "CONVERSATION_NOT_FOUND",
        message: t("This conversation is not there."),
      });
    const messages: ChatMessage[] = node.messages.nodes;
    const last = messages.at(-1);
    const isOpen = last?.role === "assistant" && last.finishReason === null && !last.error;
    const beside = node.beside.map((one) => one.id);
    const knowledgeBases = node.knowledgeBases.map((one) => one.id);
    const { models, isBlind, isMine, maker } = node;
    set({ messages, models, isBlind, isMine, maker, beside, knowledgeBases, branchId: null });
    if (last && isOpen) listen(last.id);
  }

  function listen(id: string): void {
    stopListening();
    set({ streamingId: id });
    change(id, (message) => ({ ...message, text: "", isStreaming: true }));
    const end = (): void => {
      if (state.streamingId !== id) return;
      stopListening();
      set({ streamingId: null });
      change(id, (message) => ({ ...message, isStreaming: false }));
      void takeTail(id);
    };
    leave = follow(
      replyTokens,
      { messageId: id },
      ({ replyTokens: token }) => {
        change(id, (message) => ({
          ...message,
          text: message.text + token.text,
          finishReason: token.finishReason,
          usage: token.usage,
          error: token.error,
          citations: token.citations ?? message.citations ?? null,
        }));
        if (token.done) end();
      },
      // A reply is told from its beginning each time, so what an earlier stream told is not kept.
      { onEnd: end, onConnected: () => change(id, (message) => ({ ...message, text: "" })) },
    );
  }

  /** What was kept is the truth: a stream that broke may have said things twice, and the question has its id by now. */
  async function takeTail(replyId: string): Promise<void> {
    const { conversationId } = state;
    if (!conversationId) return;
    const { node } = await ask(tailQuery, { id: conversationId }).catch(() => ({ node: null }));
    if (node?.__typename !== "Conversation" || state.messages.at(-1)?.id !== replyId) return;
    const kept: ChatMessage[] = node.messages.nodes;
    if (kept.at(-1)?.id === replyId) set({ messages: [...state.messages.slice(0, -kept.length), ...kept] });
  }

  /** Shows `messages` at once, starts a reply, and listens to it; where that is refused, all is as it was. */
  async function start(
    messages: readonly ChatMessage[],
    model: string,
    begin: () => Promise<{ conversation: { id: string }; reply: { id: string } }>,
  ): Promise<void> {
    const before = state;
    set({ messages, problem: null, branchId: null });
    try {
      const { conversation, reply } = await begin();
      const placeholder: ChatMessage = {
        id: reply.id,
        role: "assistant",
        text: "",
        model,
        versionIds: [reply.id],
        opinion: null,
      };
      set({
        conversationId: conversation.id,
        messages: [...state.messages, placeholder],
        models: [...state.models.filter((name) => name !== model), model],
      });
      listen(reply.id);
    } catch (thrown) {
      set({ messages: before.messages, branchId: before.branchId, problem: toProblem(thrown) });
      throw thrown;
    }
  }

  async function attempt(work: () => Promise<void>): Promise<void> {
    set({ problem: null });
    await work().catch((thrown: unknown) => set({ problem: toProblem(thrown) }));
  }

  return {
    read: (): ColumnState => state,
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /** Shows a conversation, or an empty column; the one that is shown stays. */
    open(id: string | null): void {
      if (id === state.conversationId) return;
      stopListening();
      opened += 1;
      state = empty;
      set({ conversationId: id });
      if (id) void attempt(() => load(id));
    },
    reload: (): Promise<void> =>
      attempt(async () => {
        if (state.conversationId) await load(state.conversationId);
      }),
    /** Notes a conversation that was begun beside this one. */
    join: (id: string): void => set({ beside: [...state.beside, id] }),

    /** Says something at the end, after the branching point, or instead of an earlier message. Rethrows a refusal. */
    async send({
      text,
      pictures,
      model,
      settings,
      insteadOfId,
      besideId,
      isBlind,
      knowledgeBases,
    }: Saying): Promise<void> {
      const { conversationId, branchId } = state;
      const kept = branchBefore(state, insteadOfId);
      localCount += 1;
      const id = `local-${localCount}`;
      const said: ChatMessage = {
        id,
        role: "user",
        text,
        pictures,
        model: null,
        versionIds: [id],
        opinion: null,
      };
      if (isBlind) set({ isBlind });
      if (knowledgeBases) set({ knowledgeBases });
      await start([...kept, said], model, () =>
        act(sendMessage, {
          input: {
            conversationId,
            model,
            text,
            pictures: pictures.map((one) => one.id),
            ...inputOf(settings),
            ...(knowledgeBases ? { knowledgeBases: [...knowledgeBases] } : {}),
            ...(insteadOfId ? { insteadOfId } : branchId ? { afterId: branchId } : {}),
            ...(conversationId ? {} : { besideId: besideId ?? null, isBlind: isBlind ?? false }),
          },
        }),
      );
    },
    /** Asks for another reply beside one. */
    async retry(messageId: string, model: string, settings: ChatSettings): Promise<void> {
      const place = state.messages.findIndex(({ id }) => id === messageId);
      await start(state.messages.slice(0, place), model, () =>
        act(retryReply, { input: { messageId, model, ...inputOf(settings) } }),
      ).catch(() => undefined);
    },
    stop(): void {
      const messageId = state.streamingId;
      if (messageId) void attempt(async () => void (await act(stopReply, { messageId })));
    },

    /** Shows the branch of another version. */
    show: (messageId: string): Promise<void> =>
      attempt(async () => {
        await act(showBranch, { messageId });
        if (state.conversationId) await load(state.conversationId);
      }),
    /** The next message answers this reply; null for the last one. */
    branchAt: (branchId: string | null): void => set({ branchId }),
    /** Keeps a mended text beside a reply. Rethrows a refusal. */
    async mend(messageId: string, text: string): Promise<void> {
      await act(editReply, { messageId, text });
      if (state.conversationId) await load(state.conversationId);
    },
    rate: (messageId: string, rating: "UP" | "DOWN" | null, note: string | null = null): Promise<void> =>
      attempt(async () => {
        const { reply } = await act(rateReply, { messageId, rating, note });
        change(messageId, (message) => ({ ...message, opinion: reply.opinion }));
      }),
  };
}

/** The messages that the next one would follow: of the whole branch, up to the branching point, or before an earlier one. */
export function branchBefore(
  { messages, branchId }: Pick<ColumnState, "messages" | "branchId">,
  insteadOfId?: string,
): readonly ChatMessage[] {
  const until = insteadOfId ?? branchId;
  const place = until === null ? -1 : messages.findIndex(({ id }) => id === until);
  return place < 0 ? messages : messages.slice(0, insteadOfId ? place : place + 1);
}

/** The column as it is now; the component draws again when it changes. */
export function useColumn(column: Column): ColumnState {
  return useSyncExternalStore(column.subscribe, column.read);
}

/** Ids of the replies that stream in any of the columns, as one text that changes only when they do. */
export function useStreaming(columns: readonly Column[]): string {
  return useSyncExternalStore(
    (listener) => {
      const leaves = columns.map((column) => column.subscribe(listener));
      return () => {
        for (const leave of leaves) leave();
      };
    },
    () => columns.map((column) => column.read().streamingId ?? "").join(","),
  );
}
