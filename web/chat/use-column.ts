// One column of the chat: a conversation with one model, its messages, the reply that streams, and stop.
import { useCallback, useEffect, useRef, useState } from "react";
import { act, ask } from "../api/client.ts";
import { follow } from "../api/data.ts";
import { type Problem, toProblem } from "../api/errors.ts";
import { conversationQuery, replyTokens, sendMessage, stopReply } from "./queries.ts";

export type ChatMessage = {
  id: string;
  role: string;
  text: string;
  model: string | null;
  isStreaming?: boolean;
  finishReason?: string | null;
  usage?: unknown;
  error?: Problem | null;
};

export type ChatSettings = {
  system: string;
  temperature: number;
  topP: number;
  topK: number;
  maxTokens: number;
  seed: number | null;
  stop: string;
};

export type Column = {
  messages: ChatMessage[];
  isStreaming: boolean;
  problem: Problem | null;
  systemPrompt: string | null;
  models: string[];
  send: (text: string, model: string, settings: ChatSettings) => Promise<void>;
  stop: () => void;
};

/** Drives one column; `onConversation` is told the id once the first message made one. */
export function useColumn(conversationId: string | null, onConversation: (id: string) => void): Column {
  const [messages, setMessages] = useState<ChatMessage[]>([]);
  const [about, setAbout] = useState<{ systemPrompt: string | null; models: string[] }>({
    systemPrompt: null,
    models: [],
  });
  const [streamingId, setStreamingId] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const own = useRef<string | null>(null);
  const leave = useRef<(() => void) | null>(null);

  const change = useCallback((id: string, edit: (message: ChatMessage) => ChatMessage) => {
    setMessages((old) => old.map((message) => (message.id === id ? edit(message) : message)));
  }, []);

  const listen = useCallback(
    (id: string) => {
      setStreamingId(id);
      const end = () => {
        setStreamingId((old) => (old === id ? null : old));
        change(id, (message) => ({ ...message, isStreaming: false }));
        leave.current?.();
        leave.current = null;
        // What was kept is the truth: a stream that broke and began again may have said things twice.
        const held = own.current;
        if (held)
          ask(conversationQuery, { id: held }).then(
            ({ node }) => {
              const kept =
                node?.__typename === "Conversation"
                  ? node.messages.nodes.find((one) => one.id === id)
                  : undefined;
              if (kept) change(id, (message) => ({ ...message, ...kept, isStreaming: false }));
            },
            () => undefined,
          );
      };
      leave.current = follow(
        replyTokens,
        { messageId: id },
        ({ replyTokens: token }) => {
          change(id, (message) => ({
            ...message,
            text: message.text + token.text,
            finishReason: token.finishReason,
            usage: token.usage,
            error: token.error,
          }));
          if (token.done) end();
        },
        // A reply is told from its beginning each time, so what an earlier stream told is not kept.
        { onEnd: end, onConnected: () => change(id, (message) => ({ ...message, text: "" })) },
      );
    },
    [change],
  );

  useEffect(() => {
    // The conversation this column made itself is already on screen.
    if (conversationId === own.current) return;
    leave.current?.();
    leave.current = null;
    own.current = conversationId;
    setMessages([]);
    setStreamingId(null);
    setProblem(null);
    if (conversationId === null) return;
    let isCurrent = true;
    ask(conversationQuery, { id: conversationId }).then(
      ({ node }) => {
        if (!isCurrent) return;
        if (node?.__typename !== "Conversation") {
          setProblem({ code: "CONVERSATION_NOT_FOUND", message: "There is no such conversation." });
          return;
        }
        const said = node.messages.nodes.filter((message) => message.role !== "system");
        // A reply that is still being made streams from its beginning to whoever opens the conversation now.
        const open = said.findLast(
          ({ role, finishReason, error }) => role === "assistant" && finishReason === null && !error,
        );
        setMessages(
          said.map((message) => (message === open ? { ...message, text: "", isStreaming: true } : message)),
        );
        setAbout({ systemPrompt: node.systemPrompt, models: node.models });
        if (open) listen(open.id);
      },
      (thrown) => isCurrent && setProblem(toProblem(thrown)),
    );
    return () => {
      isCurrent = false;
    };
  }, [conversationId, listen]);

  useEffect(() => () => leave.current?.(), []);

  const send = useCallback(
    async (text: string, model: string, settings: ChatSettings) => {
      setProblem(null);
      const localId = `local-${text.length}-${performance.now()}`;
      setMessages((old) => [...old, { id: localId, role: "user", text, model: null }]);
      try {
        const stop = settings.stop.split("\n").filter(Boolean);
        const done = await act(sendMessage, {
          input: {
            conversationId: own.current,
            model,
            text,
            system: settings.system || null,
            temperature: settings.temperature,
            topP: settings.topP,
            topK: settings.topK > 0 ? settings.topK : null,
            maxTokens: settings.maxTokens,
            seed: settings.seed,
            stop: stop.length > 0 ? stop : null,
          },
        });
        own.current = done.conversation.id;
        onConversation(done.conversation.id);
        setMessages((old) => [
          ...old,
          { id: done.reply.id, role: "assistant", text: "", model, isStreaming: true },
        ]);
        listen(done.reply.id);
      } catch (thrown) {
        setMessages((old) => old.filter((message) => message.id !== localId));
        setProblem(toProblem(thrown));
        throw thrown;
      }
    },
    [listen, onConversation],
  );

  const stop = useCallback(() => {
    if (streamingId)
      act(stopReply, { messageId: streamingId }).catch((thrown) => setProblem(toProblem(thrown)));
  }, [streamingId]);

  return { messages, isStreaming: streamingId !== null, problem, ...about, send, stop };
}
