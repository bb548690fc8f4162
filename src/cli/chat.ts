// `chat`: one message to a model, its reply streamed as it is made.
import { basename } from "node:path";
import { z } from "zod";
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
  kb?: readonly string[];
  picture?: readonly string[];
};

const CITATION = "number document documentId chunkId text page score";

const sent = z.object({
  conversation: z.object({ id: z.string() }),
  reply: z.object({ id: z.string(), model: z.string().nullable() }),
});
const added = z.object({ picture: z.object({ id: z.string() }) });
const token = z.object({
  replyTokens: z.object({
    text: z.string(),
    done: z.boolean(),
    finishReason: z.string().nullable(),
    usage: z.record(z.string(), z.json()).nullable(),
    citations: z.array(z.record(z.string(), z.json())).nullable(),
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
  const { client, stdout, stderr, isJson } = context;
  const said = text === "-" ? await Bun.stdin.text() : text;
  if (said.trim() === "" && !flags.picture)
    throw usage("there is no text to send", 'espalier chat MODEL "Hello"');
  const { conversation, kb, picture = [], ...sampling } = flags;
  const pictures: string[] = [];
  for (const path of picture) pictures.push(await addPicture(client, path));
  const input = {
    ...sampling,
    model,
    text: said,
    ...(conversation ? { conversationId: conversation } : {}),
    ...(kb ? { knowledgeBases: kb } : {}),
    ...(pictures.length > 0 ? { pictures } : {}),
  };
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
    if (!isJson)
      for (const one of piece.citations ?? []) stderr.write(`[${one["number"]}] ${sourceOf(one)}\n`);
    return {
      text: reply,
      model: started.model ?? model,
      finishReason: piece.finishReason,
      usage: piece.usage,
      ...(piece.citations === null ? {} : { citations: piece.citations }),
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

/** Sends a picture ahead of the message that shows it, and returns its id. */
async function addPicture(client: Client, path: string): Promise<string> {
  const file = Bun.file(path);
  if (!(await file.exists()))
    throw usage(`there is no picture ${path}`, 'espalier chat MODEL "What is this?" --picture photo.jpg');
  const { picture } = await client.mutate(
    `mutation Add($input: AddPictureInput!) { addPicture(input: $input) { __typename
      ... on AddPictureSuccess { picture { id } } ${ERRORS} } }`,
    { input: { name: basename(path), file: null } },
    added,
    { "input.file": file },
  );
  return picture.id;
}

function tokensOf(client: Client, messageId: string) {
  return client.subscribe(
    `subscription Tokens($messageId: ID!) { replyTokens(messageId: $messageId) {
      text done finishReason usage citations { ${CITATION} } error { code message hint } } }`,
    { messageId },
    token,
  );
}

/** A citation for people: the document's name and page. */
function sourceOf({ document, page }: Record<string, Json>): string {
  return page === null ? String(document) : `${document}, page ${page}`;
}
