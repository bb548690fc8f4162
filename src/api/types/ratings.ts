// People who rate answers: a blind queue, and what they said.
import type { Principal } from "../../accounts/accounts.ts";
import type { RatingQueue as QueueShape, RatingTask as TaskShape } from "../../assessments/assessments.ts";
import { builder, needs } from "../builder.ts";

import { Picture, Turn } from "./assessment-answers.ts";
import { Assessment } from "./assessments.ts";
import { resultUnion } from "./common.ts";

const Rated = builder.objectRef<TaskShape["first"]>("BlindAnswer").implement({
  description: "An answer without a word of who gave it.",
  extensions: needs("read"),
  fields: (t) => ({
    answerId: t.exposeID("answerId", { description: "Its id." }),
    text: t.exposeString("text", { description: "What was said." }),
  }),
});
const Task = builder.objectRef<TaskShape>("RatingTask").implement({
  description: "One answer to rate, or two to choose from; sides are by chance.",
  extensions: needs("read"),
  fields: (t) => ({
    grader: t.exposeInt("grader", { description: "Place of the people among the graders, from 0." }),
    row: t.exposeInt("row", { description: "Number of the row." }),
    sent: t.field({ type: [Turn], description: "What was asked.", resolve: ({ sent }) => sent }),
    pictures: t.field({
      type: [Picture],
      description: "Pictures that went along with what was asked.",
      resolve: ({ pictures }) => pictures,
    }),
    reference: t.exposeString("reference", { nullable: true, description: "The right answer." }),
    first: t.field({
      type: Rated,
      description: "The answer, or the left one.",
      resolve: ({ first }) => first,
    }),
    second: t.field({
      type: Rated,
      nullable: true,
      description: "The right one; null where one is rated by itself.",
      resolve: ({ second }) => second,
    }),
  }),
});
const Queue = builder.objectRef<QueueShape>("RatingQueue").implement({
  description: "What the caller has not rated yet.",
  extensions: needs("read"),
  fields: (t) => ({
    tasks: t.field({ type: [Task], description: "The next ones.", resolve: ({ tasks }) => tasks }),
    done: t.exposeInt("done", { description: "How many the caller has rated." }),
    total: t.exposeInt("total", { description: "How many there are." }),
  }),
});

/** Who rates: the person, or the key where a program does. */
const raterOf = ({ userId, keyId, name }: Principal) => ({ id: userId ?? keyId ?? "", name });

builder.objectField(Assessment, "ratingQueue", (t) =>
  t.field({
    type: Queue,
    nullable: true,
    description: "What the caller may rate; null where people are none of its graders.",
    args: { first: t.arg.int({ description: "How many; 3 when unsaid." }) },
    resolve: (row, { first }, { assessments, principal }) =>
      assessments.isRatedByPeople(row)
        ? assessments.ratingQueue(row, raterOf(principal), Math.max(1, Math.min(20, first ?? 3)))
        : null,
  }),
);

const RateResult = resultUnion<{ queue: QueueShape }>("Rate", "What is left to rate.", (t) => ({
  queue: t.field({ type: Queue, description: "The caller's queue.", resolve: ({ queue }) => queue }),
}));
const place = {
  id: "Id or name of the assessment.",
  grader: "As the queue says it.",
  answerId: "The answer, or the left one.",
  otherId: "The right one, where two were shown.",
};

builder.mutationFields((t) => ({
  rateAnswer: t.field({
    type: RateResult.union,
    description: "Keeps what the caller thinks of an answer, or of two; said again, the later word counts.",
    extensions: needs("chat"),
    args: {
      id: t.arg.id({ required: true, description: place.id }),
      grader: t.arg.int({ required: true, description: place.grader }),
      answerId: t.arg.id({ required: true, description: place.answerId }),
      otherId: t.arg.id({ description: place.otherId }),
      value: t.arg.float({
        required: true,
        description: "From 0 to 1: how good it is; of two, 1 where the left one is better, 0.5 for a tie.",
      }),
    },
    resolve: (_, { id, ...said }, { assessments, principal }) =>
      RateResult.run(async () => {
        const row = await assessments.get(principal.projectId, id);
        const rater = raterOf(principal);
        await assessments.rate(row, rater, { ...said, otherId: said.otherId ?? null });
        return { queue: await assessments.ratingQueue(row, rater, 3) };
      }),
  }),
  takeBackRating: t.field({
    type: RateResult.union,
    description: "Takes back what the caller said of an answer, or of two.",
    extensions: needs("chat"),
    args: {
      id: t.arg.id({ required: true, description: place.id }),
      grader: t.arg.int({ required: true, description: place.grader }),
      answerId: t.arg.id({ required: true, description: place.answerId }),
      otherId: t.arg.id({ description: place.otherId }),
    },
    resolve: (_, { id, ...said }, { assessments, principal }) =>
      RateResult.run(async () => {
        const row = await assessments.get(principal.projectId, id);
        const rater = raterOf(principal);
        await assessments.unrate(row, rater, { ...said, otherId: said.otherId ?? null });
        return { queue: await assessments.ratingQueue(row, rater, 3) };
      }),
  }),
}));
