// What people thought of replies: ratings, edits and votes, with the models that made them.
import type { FeedbackRow } from "../../chat/chat.ts";
import { limits } from "../../kit/limits.ts";
import { builder, needs } from "../builder.ts";
import { Conversation, Message, MessageConnection, SendMessageResult } from "./chat.ts";
import { LineageNode, NodeInterface, resultUnion } from "./common.ts";
import { connectionOf, pageArgs, pageCost, paged } from "./connections.ts";

const Rating = builder.enumType("Rating", {
  description: "What somebody thinks of one reply.",
  values: {
    UP: { value: "up", description: "A good reply." },
    DOWN: { value: "down", description: "A bad reply." },
  } as const,
});
const VoteVerdict = builder.enumType("VoteVerdict", {
  description: "What somebody thinks of replies side by side.",
  values: {
    BETTER: { value: "better", description: "One is better than the others." },
    TIE: { value: "tie", description: "They are equally good." },
    BAD: { value: "bad", description: "None is good." },
  } as const,
});
const VoteOutcome = builder.enumType("VoteOutcome", {
  description: "How a reply came out of a vote.",
  values: {
    CHOSEN: { value: "chosen", description: "It was the better one." },
    NOT_CHOSEN: { value: "not_chosen", description: "Another one was better." },
    TIE: { value: "tie", description: "It was as good as the others." },
    BAD: { value: "bad", description: "Like the others it was not good." },
  } as const,
});
const FeedbackKind = builder.enumType("FeedbackKind", {
  description: "In which way somebody judged.",
  values: {
    RATING: { value: "rating", description: "A reply was rated up or down." },
    EDIT: { value: "edit", description: "A reply was mended by hand; the mended one is chosen." },
    VOTE: { value: "vote", description: "Replies side by side were compared." },
  } as const,
});

const FeedbackVerdict = builder.enumType("FeedbackVerdict", {
  description: "What somebody said of replies.",
  values: {
    UP: { value: "up", description: "A good reply." },
    DOWN: { value: "down", description: "A bad reply." },
    EDITED: { value: "edited", description: "It was mended by hand." },
    BETTER: { value: "better", description: "One is better than the others." },
    TIE: { value: "tie", description: "They are equally good." },
    BAD: { value: "bad", description: "None is good." },
  } as const,
});

const Opinion = builder.objectRef<FeedbackOpinion>("Opinion").implement({
  description: "What the person or key that asks thought of a reply.",
  extensions: needs("chat"),
  fields: (t) => ({
    rating: t.expose("rating", { type: Rating, nullable: true, description: "Its rating." }),
    note: t.exposeString("note", { nullable: true, description: "The note to the rating." }),
    vote: t.expose("vote", { type: VoteOutcome, nullable: true, description: "How it came out of a vote." }),
  }),
});
type FeedbackOpinion = {
  rating: "up" | "down" | null;
  note: string | null;
  vote: "chosen" | "not_chosen" | "tie" | "bad" | null;
};
builder.objectField(Message, "opinion", (t) =>
  t.field({
    type: Opinion,
    nullable: true,
    description: "What you thought of it; null where you said nothing.",
    extensions: needs("chat"),
    resolve: (message, _, { chat, principal }) => message.opinion ?? chat.opinionOf(principal, message),
  }),
);

type Judged = FeedbackRow["replies"][number] & { isChosen: boolean };
const JudgedReply = builder.objectRef<Judged>("JudgedReply").implement({
  description: "A reply that was judged, with the model that made it.",
  extensions: needs("chat"),
  fields: (t) => ({
    message: t.field({
      type: Message,
      nullable: true,
      description: "The reply itself.",
      resolve: ({ messageId }, _, { chat, principal }) => chat.findMessage(principal, messageId),
    }),
    model: t.exposeString("model", { nullable: true, description: "The model's name then." }),
    modelId: t.exposeID("modelId", {
      nullable: true,
      description: "The base, customized or complete model itself.",
    }),
    lineage: t.field({
      type: [LineageNode],
      description: "What that model was made from, nearest first.",
      resolve: ({ modelId }, _, { models }) => (modelId === null ? [] : models.lineage(modelId)),
    }),
    isChosen: t.exposeBoolean("isChosen", {
      description: "Whether it is the better one, or the edited one.",
    }),
  }),
});

const Feedback = builder.objectRef<FeedbackRow>("Feedback");
Feedback.implement({
  description: "Somebody's judgement of replies, for datasets of preferences.",
  extensions: needs("chat"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    kind: t.exposeString("kind", { description: "rating, edit or vote." }),
    verdict: t.exposeString("verdict", {
      description: "up or down for a rating, edited for an edit, better, tie or bad for a vote.",
    }),
    note: t.exposeString("note", { nullable: true, description: "The note to a rating." }),
    isBlind: t.exposeBoolean("isBlind", { description: "Whether the models' names were hidden." }),
    replies: t.field({
      type: [JudgedReply],
      description: `What was judged, in the order in which it was shown; at most ${limits.chatColumns}.`,
      complexity: { multiplier: limits.chatColumns },
      resolve: ({ replies, chosenId }) =>
        replies.map((one) => ({ ...one, isChosen: one.messageId === chosenId })),
    }),
    conversation: t.field({
      type: Conversation,
      nullable: true,
      description: "Where it was said; the first of those side by side.",
      resolve: ({ conversationId }, _, { chat, principal }) =>
        chat.findConversation(principal, conversationId),
    }),
    prompt: t.field({
      type: MessageConnection,
      description: "The messages that the first of the replies answers.",
      ...paged,
      resolve: async ({ replies: [first] }, page, { chat, principal }) => {
        const message = first ? await chat.findMessage(principal, first.messageId) : null;
        return chat.pageOfMessages({ currentId: message?.parentId ?? null }, page);
      },
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was said." }),
  }),
});

builder.queryField("feedback", (t) =>
  t.field({
    type: connectionOf("Feedback", Feedback, "chat"),
    description: "Ratings, edits and votes of conversations that you may read, the latest first.",
    extensions: needs("chat"),
    args: {
      ...pageArgs,
      kind: t.arg({ type: FeedbackKind, description: "Only of this kind." }),
      verdict: t.arg({ type: FeedbackVerdict, description: "Only what says this." }),
      model: t.arg.string({ description: "Only on replies of this model: its name then, or its id." }),
    },
    complexity: pageCost,
    resolve: (_, { kind, verdict, model, ...page }, { chat, principal }) =>
      chat.pageOfFeedback(principal, page, { kind, verdict, model }),
  }),
);

const RateReplyResult = resultUnion<{ message: typeof Message.$inferType }>(
  "RateReply",
  "The reply with its rating.",
  (t) => ({
    reply: t.field({ type: Message, description: "The reply.", resolve: ({ message }) => message }),
  }),
);
const VoteResult = resultUnion<FeedbackRow>("Vote", "The vote as it is kept.", (t) => ({
  vote: t.field({ type: Feedback, description: "The vote.", resolve: (row) => row }),
}));
const VoteInput = builder.inputType("VoteInput", {
  description: "A vote on replies side by side.",
  fields: (t) => ({
    messageIds: t.idList({
      required: true,
      description: `The replies in the order in which they were shown, 2 to ${limits.chatColumns}: one of each conversation.`,
    }),
    verdict: t.field({ type: VoteVerdict, required: true, description: "What you think of them." }),
    chosenId: t.id({ description: "The better one, when one is." }),
  }),
});

builder.mutationFields((t) => ({
  rateReply: t.field({
    type: RateReplyResult.union,
    description: "Rates a reply, in place of an earlier rating of yours.",
    extensions: needs("chat"),
    args: {
      messageId: t.arg.id({ required: true, description: "The reply." }),
      rating: t.arg({ type: Rating, description: "Up or down; takes the rating back when unsaid." }),
      note: t.arg.string({ description: `Why, in at most ${limits.noteChars} characters.` }),
    },
    resolve: (_, { messageId, rating, note }, { chat, principal }) =>
      RateReplyResult.run(async () => ({
        message: await chat.rateReply(principal, messageId, rating ?? null, note ?? null),
      })),
  }),
  editReply: t.field({
    type: SendMessageResult.union,
    description: "Keeps a mended text as another version of a reply and shows it; the reply stays.",
    extensions: needs("chat"),
    args: {
      messageId: t.arg.id({ required: true, description: "The reply." }),
      text: t.arg.string({ required: true, description: "What it should have said." }),
    },
    resolve: (_, { messageId, text }, { chat, principal }) =>
      SendMessageResult.run(() => chat.editReply(principal, messageId, text)),
  }),
  voteOnReplies: t.field({
    type: VoteResult.union,
    description: "Votes on replies side by side; from then on the models' names are shown.",
    extensions: needs("chat"),
    args: { input: t.arg({ type: VoteInput, required: true, description: "The vote." }) },
    resolve: (_, { input }, { chat, principal }) =>
      VoteResult.run(() => chat.voteOnReplies(principal, input)),
  }),
}));
