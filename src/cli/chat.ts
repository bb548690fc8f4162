// `chat`: one message to a model, its reply streamed as it is made.
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import { type Client, ERRORS } from "./client.ts";
import type { VerbContext } from "./context.ts";
import { failure, usage } from "./outcome.ts";
import type { Json } from "./verbs.ts";

export type ChatFlags = {
  system?: string;
  temperature?: number;
  topP?: number;
  topK?: number;
  maxTokens?: number;
  seed?: number;
  stop?: readonly string[];
  conversation?: string;
};

const sent = z.object({
  conversation: z.object({ id: z.string() }),
  reply: z.object({ id: z.string(), model: z.string().nullable() }),
});
const token = z.object({
  replyTokens: z.object({
    text: z.string(),
    done: z.boolean(),
    finishReason: z.string().nullable(),
    usage: z.record(z.string(), z.json()).nullable(),
    error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullish() }).nullable(),
  }),
});

/** Sends the text ("-": standard input) and returns {text, …}; without --json the text is written as it comes. */
export async function chat(
  context: VerbContext,
  model: string,
  text: string,
  flags: ChatFlags,
): Promise<Json> {
  const { client, stdout, isJson } = context;
  const said = text === "-" ? await Bun.stdin.text() : text;
  if (said.trim() === "") throw usage("there is no text to send", 'espalier chat MODEL "Hello"');
  const { conversation, ...sampling } = flags;
  const input = { ...sampling, model, text: said, ...(conversation ? { conversationId: conversation } : {}) };
  const { reply: started, conversation: kept } = await client.mutate(
    `mutation Send($input: SendMessageInput!) { sendMessage(input: $input) { __typename
      ... on SendMessageSuccess { conversation { id } reply { id model } } ${ERRORS} } }`,
    { input },
    sent,
  );
  let reply = "";
  for await (const { replyTokens: piece } of tokensOf(client, started.id)) {
    reply += piece.text;
    if (!isJson) stdout.write(piece.text);
    if (!piece.done) continue;
    if (!isJson && reply !== "" && !reply.endsWith("\n")) stdout.write("\n");
    if (piece.error) throw failure(piece.error);
    return {
      text: reply,
      model: started.model ?? model,
      finishReason: piece.finishReason,
      usage: piece.usage,
      conversationId: kept.id,
      messageId: started.id,
    };
  }
  throw failure({
    code: "REPLY_CUT",
    message: "the reply ended before it was complete",
    hint: "Send it again.",
  });
}

function tokensOf(client: Client, messageId: string) {
  return client.subscribe(
    `subscription Tokens($messageId: ID!) { replyTokens(messageId: $messageId) {
      text done finishReason usage error { code message hint } } }`,
    { messageId },
    token,
  );
}

/** --kb is part of the fixed surface; refused rather than ignored. */
export function refuseKnowledge(name: string): never {
  throw new EspalierError("NOT_IN_THIS_VERSION", "this version of Espalier has no knowledge bases", {
    hint: "Leave --kb out.",
    field: "kb",
    value: name,
    status: 409,
  });
}
