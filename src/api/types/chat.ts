// Conversations, messages and the streamed text of replies.
import type { InputFieldBuilder } from "@pothos/core";
import { askerOf } from "../../accounts/accounts.ts";
import {
  type ConversationRow,
  isMaker,
  type ReplyToken as ReplyTokenShape,
  type VersionedMessage,
} from "../../chat/chat.ts";
import { limits } from "../../kit/limits.ts";
import { mapPage } from "../../store/store.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { Citation, storedCitations } from "./citations.ts";
import { NodeInterface, resultUnion, UserErrorInfo } from "./common.ts";
import { connectionOf, pageArgs, pageCost, paged } from "./connections.ts";
import { KnowledgeBase } from "./knowledge.ts";
import { DeleteResult, storedError } from "./live.ts";
import { MessagePicture } from "./pictures.ts";
import { stoppable } from "./runs.ts";

export const Conversation = builder.objectRef<ConversationRow>("Conversation");
export const Message = builder.objectRef<VersionedMessage>("Message");
export const MessageConnection = connectionOf("Message", Message, "chat");

Conversation.implement({
  description: "Messages with one or several models, private to who made it unless it is shared.",
  extensions: needs("chat"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    title: t.exposeString("title", { description: "Its first words, or what it was renamed to." }),
    models: t.exposeStringList("models", { description: "Names of the models that took part." }),
    systemPrompt: t.exposeString("systemPrompt", { nullable: true, description: "The system prompt." }),
    parameters: t.field({
      type: "JSON",
      description: "Sampling parameters of the latest message.",
      resolve: ({ parameters }) => parameters,
    }),
    knowledgeBases: t.field({
      type: [KnowledgeBase],
      description: `The knowledge bases that its replies are made from; at most ${limits.chatKnowledgeBases}.`,
      resolve: async ({ knowledgeBases }, _, { knowledge, principal }) => {
        const found = await Promise.all(knowledgeBases.map((id) => knowledge.find(principal.projectId, id)));
        return found.filter((base) => base !== null);
      },
    }),
    messages: t.field({
      type: MessageConnection,
      description: "The messages of the branch that is shown, in order.",
      ...paged,
      resolve: async (conversation, page, { chat, principal }) => {
        const found = await chat.pageOfMessages(conversation, page);
        const opinions = await chat.opinionsOf(principal, conversation);
        return mapPage(found, (one) => ({ ...one, opinion: opinions.get(one.id) ?? null }));
      },
    }),
    isBlind: t.exposeBoolean("isBlind", {
      description: "Whether the models' names stay hidden until a vote.",
    }),
    lead: t.field({
      type: Conversation,
      nullable: true,
      description: "The conversation beside which this one was begun, to compare models.",
      resolve: ({ leadId }, _, { chat, principal }) =>
        leadId === null ? null : chat.findConversation(principal, leadId),
    }),
    beside: t.field({
      type: [Conversation],
      description: `The conversations that were begun beside this one, in order; at most ${limits.chatColumns - 1}.`,
      complexity: { multiplier: limits.chatColumns - 1 },
      resolve: (conversation, _, { chat }) => chat.besides(conversation),
    }),
    isShared: t.exposeBoolean("isShared", { description: "Whether everybody of the project may read it." }),
    isMine: t.boolean({
      description: "Whether you made it; only then may you change it.",
      resolve: (conversation, _, { principal }) => isMaker(principal, conversation),
    }),
    maker: t.string({
      nullable: true,
      description: "Name of the person or key that made it; null where they are gone.",
      resolve: ({ userId, keyId }, _, { accounts }) => accounts.nameOf(userId ?? keyId),
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it began." }),
    updatedAt: t.expose("updatedAt", { type: "DateTime", description: "When the latest message came." }),
  }),
});

Message.implement({
  description: "One turn of a conversation.",
  extensions: needs("chat"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    role: t.exposeString("role", { description: "user or assistant." }),
    text: t.exposeString("text", { description: "Its text; empty while a reply is being made." }),
    parentId: t.exposeID("parentId", {
      nullable: true,
      description: "The message that this one follows; null for a first one.",
    }),
    versionIds: t.idList({
      description:
        "All messages that stand in its place, oldest first, itself among them: edits of a message, further tries of a reply.",
      resolve: (message, _, { chat }) => chat.versionIds(message),
    }),
    model: t.exposeString("model", {
      nullable: true,
      description: "The model that replied, by its name then.",
    }),
    modelId: t.exposeID("modelId", {
      nullable: true,
      description: "The base, customized or complete model that replied, whatever name it went by.",
    }),
    finishReason: t.exposeString("finishReason", {
      nullable: true,
      description:
        "Why the reply ended: stop, length, cancelled or error; edited for one that was mended by hand; null while it is being made.",
    }),
    usage: t.field({
      type: "JSON",
      nullable: true,
      description: "Tokens and speed of the reply.",
      resolve: ({ usage }) => usage,
    }),
    citations: t.field({
      type: [Citation],
      nullable: true,
      description: "The passages that the reply was made from; null without knowledge bases.",
      resolve: ({ citations }) => storedCitations(citations),
    }),
    pictures: t.field({
      type: [MessagePicture],
      description: `Pictures that the person showed with it, in order; at most ${limits.messagePictures}.`,
      complexity: { multiplier: limits.messagePictures },
      resolve: async (message, _, { chat }) => [...(await chat.picturesOfMessage(message))],
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was sent." }),
    error: t.field({
      type: UserErrorInfo,
      nullable: true,
      description: "Why there is no reply.",
      resolve: ({ error }) => storedError(error),
    }),
  }),
});

const ReplyToken = builder.objectRef<ReplyTokenShape>("ReplyToken").implement({
  description: "A piece of a reply as it is made.",
  extensions: needs("chat"),
  fields: (t) => ({
    text: t.exposeString("text", { description: "Text to append." }),
    done: t.exposeBoolean("isDone", { description: "Whether this is the end." }),
    finishReason: t.string({
      nullable: true,
      description: "At the end: stop, length, cancelled or error.",
      resolve: ({ finishReason }) => finishReason ?? null,
    }),
    usage: t.field({
      type: "JSON",
      nullable: true,
      description: "At the end: tokens and speed.",
      resolve: ({ usage }) => usage ?? null,
    }),
    citations: t.field({
      type: [Citation],
      nullable: true,
      description: "At the end: the passages that the reply was made from; null without knowledge bases.",
      resolve: ({ citations }) => storedCitations(citations),
    }),
    error: t.field({
      type: UserErrorInfo,
      nullable: true,
      description: "At the end: why there is no more.",
      resolve: ({ error }) => storedError(error),
    }),
  }),
});

type Sent = { conversation: ConversationRow; message: VersionedMessage };
export const SendMessageResult = resultUnion<Sent>(
  "SendMessage",
  "The conversation, and the reply that was started.",
  (t) => ({
    conversation: t.field({
      type: Conversation,
      description: "The conversation.",
      resolve: ({ conversation }) => conversation,
    }),
    // Not "message": the errors of the union have a text of that name.
    reply: t.field({
      type: Message,
      description: "The reply; its text streams by replyTokens.",
      resolve: ({ message }) => message,
    }),
  }),
);

const ConversationResult = resultUnion<ConversationRow>(
  "Conversation",
  "The conversation as it is now.",
  (t) => ({
    conversation: t.field({ type: Conversation, description: "The conversation.", resolve: (row) => row }),
  }),
);

type Fields = InputFieldBuilder<(typeof builder)["$inferSchemaTypes"], "InputObject">;
/** What shapes a reply: the same for a first and for a further one. */
const shaping = (t: Fields) => ({
  system: t.string({ description: "System prompt; the conversation's own when unsaid." }),
  temperature: t.float({ description: "0 (always the likeliest token) to 2." }),
  topP: t.float({ description: "Keep the likeliest tokens that together have this probability, up to 1." }),
  topK: t.int({ description: "Keep this many of the likeliest tokens; 0 keeps all." }),
  maxTokens: t.int({ description: "Most tokens of the reply." }),
  seed: t.int({ description: "The same seed gives the same reply." }),
  stop: t.stringList({ description: "Texts that end the reply." }),
  isJson: t.boolean({
    description: "Whether the reply is to be a JSON object: it parses, unless it ends with `length`.",
  }),
  schema: t.field({
    type: "JSON",
    description:
      "JSON Schema that the reply fits: type, properties, required, additionalProperties, items, minItems, maxItems, enum, const, anyOf, oneOf, $ref within it.",
  }),
});

const SendMessageInput = builder.inputType("SendMessageInput", {
  description: "A message for a model.",
  fields: (t) => ({
    conversationId: t.id({ description: "The conversation to go on with; a new one when unsaid." }),
    afterId: t.id({
      description: "The reply that this answers; the last of the branch that is shown when unsaid.",
    }),
    insteadOfId: t.id({
      description: "An earlier message of yours: this one is said in its place, on a branch of its own.",
    }),
    besideId: t.id({
      description: "For a new conversation: the one beside which it stands, to compare models.",
    }),
    isBlind: t.boolean({
      description: "For a new conversation: whether the models' names stay hidden until a vote.",
    }),
    model: t.string({ required: true, description: "Name, alias or id of a usable model." }),
    text: t.string({ required: true, description: "What to say; may be empty where there are pictures." }),
    pictures: t.idList({
      description: `Ids from addPicture, or of pictures of other messages; at most ${limits.messagePictures}. With \`insteadOfId\`, those of that message when unsaid. The model has to see: ability vision.`,
    }),
    knowledgeBases: t.idList({
      description:
        "Names or ids of knowledge bases to answer from, from now on; the conversation's own when unsaid, none when empty.",
    }),
    ...shaping(t),
  }),
});

const RetryReplyInput = builder.inputType("RetryReplyInput", {
  description: "Another reply to the same message.",
  fields: (t) => ({
    messageId: t.id({ required: true, description: "The reply that another one is wanted beside." }),
    model: t.string({ description: "Name, alias or id of a usable model; the reply's own when unsaid." }),
    ...shaping(t),
  }),
});

builder.queryField("conversations", (t) =>
  t.field({
    type: connectionOf("Conversation", Conversation, "chat"),
    description:
      "Your own conversations and those that others share, the one with the latest message first; those begun beside another are in its `beside`.",
    extensions: needs("chat"),
    args: {
      ...pageArgs,
      search: t.arg.string({ description: "Only those whose title or messages contain this text." }),
    },
    complexity: pageCost,
    resolve: (_, { search, ...page }, { chat, principal }) =>
      chat.pageOfConversations(principal, page, search),
  }),
);

builder.mutationFields((t) => ({
  sendMessage: t.field({
    type: SendMessageResult.union,
    description: "Keeps the user's message and starts the reply; its text streams by replyTokens(reply.id).",
    extensions: needs("chat"),
    args: { input: t.arg({ type: SendMessageInput, required: true, description: "What to send to whom." }) },
    resolve: (_, { input }, { chat, principal }) =>
      SendMessageResult.run(() => chat.sendMessage({ ...input, ...askerOf(principal) })),
  }),
  retryReply: t.field({
    type: SendMessageResult.union,
    description: "Starts another reply to the same message, beside the first; both are kept.",
    extensions: needs("chat"),
    args: { input: t.arg({ type: RetryReplyInput, required: true, description: "Which, and by whom." }) },
    resolve: (_, { input }, { chat, principal }) =>
      SendMessageResult.run(() => chat.retryReply({ ...input, ...askerOf(principal) })),
  }),
  showBranch: t.field({
    type: ConversationResult.union,
    description: "Shows the branch of a message, down to the newest message below it.",
    extensions: needs("chat"),
    args: { messageId: t.arg.id({ required: true, description: "A message of the branch." }) },
    resolve: (_, { messageId }, { chat, principal }) =>
      ConversationResult.run(() => chat.showBranch(principal, messageId)),
  }),
  renameConversation: t.field({
    type: ConversationResult.union,
    description: "Gives a conversation another title.",
    extensions: needs("chat"),
    args: {
      id: t.arg.id({ required: true, description: "The conversation." }),
      title: t.arg.string({ required: true, description: "The new title." }),
    },
    resolve: (_, { id, title }, { chat, principal }) =>
      ConversationResult.run(() => chat.renameConversation(principal, id, title)),
  }),
  shareConversation: t.field({
    type: ConversationResult.union,
    description:
      "Lets everybody of the project read one of your conversations, with those beside it, or makes it private again.",
    extensions: needs("chat"),
    args: {
      id: t.arg.id({ required: true, description: "The conversation." }),
      isShared: t.arg.boolean({ required: true, description: "Whether everybody may read it." }),
    },
    resolve: (_, { id, isShared }, { chat, principal }) =>
      ConversationResult.run(() => chat.shareConversation(principal, id, isShared)),
  }),
  copyConversation: t.field({
    type: ConversationResult.union,
    description: "A copy of your own of a conversation that you may read: the branch that is shown.",
    extensions: needs("chat"),
    args: { id: t.arg.id({ required: true, description: "The conversation." }) },
    resolve: (_, { id }, { chat, principal }) =>
      ConversationResult.run(() => chat.copyConversation(principal, id)),
  }),
  stopReply: t.field({
    type: SendMessageResult.union,
    description: "Ends a reply; what was said so far is kept.",
    extensions: needs("chat"),
    args: { messageId: t.arg.id({ required: true, description: "The reply." }) },
    resolve: (_, { messageId }, { chat, principal }) =>
      SendMessageResult.run(() => chat.stopReply(principal, messageId)),
  }),
  deleteConversation: t.field({
    type: DeleteResult.union,
    description: "Deletes a conversation with its messages.",
    extensions: needs("chat"),
    args: { id: t.arg.id({ required: true, description: "The conversation." }) },
    resolve: (_, { id }, { chat, principal }) =>
      DeleteResult.run(() => chat.deleteConversation(principal, id)),
  }),
}));

builder.subscriptionField("replyTokens", (t) =>
  t.field({
    type: ReplyToken,
    description: "The text of a reply from its beginning, as it is made.",
    extensions: needs("chat"),
    args: { messageId: t.arg.id({ required: true, description: "The reply." }) },
    subscribe: (_, { messageId }, { chat, principal }: Context) =>
      stoppable((signal) => chat.replyTokens(principal, messageId, signal)),
    resolve: (token: ReplyTokenShape) => token,
  }),
);
