// Labelled questions of knowledge bases and what measuring with them found.
import type {
  EvaluationResult as EvaluationResultShape,
  EvaluationRow,
  LabelledQuestionRow,
  Mean as MeanShape,
} from "../../knowledge/knowledge.ts";
import type { RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import { resultUnion } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { KnowledgeBase, RetrievalType } from "./knowledge.ts";
import { RetrievalInput } from "./knowledge-verbs.ts";
import { DeleteResult } from "./live.ts";
import { Run } from "./runs.ts";

const LabelledQuestion = builder.objectRef<LabelledQuestionRow>("LabelledQuestion");
const RetrievalEvaluation = builder.objectRef<EvaluationRow>("RetrievalEvaluation");

const Relevant = builder.objectRef<LabelledQuestionRow["relevant"][number]>("RelevantPassage").implement({
  description: "What answers a labelled question.",
  extensions: needs("read"),
  fields: (t) => ({
    documentId: t.exposeID("documentId", { description: "The document." }),
    start: t.exposeInt("start", {
      nullable: true,
      description: "Where the part begins; null for all of it.",
    }),
    end: t.exposeInt("end", { nullable: true, description: "Where it ends." }),
    grade: t.exposeInt("grade", { description: "How well it answers, 1 to 4." }),
  }),
});

LabelledQuestion.implement({
  description: "A question whose answers are known.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its id." }),
    text: t.exposeString("text", { description: "The question." }),
    relevant: t.field({
      type: [Relevant],
      description: "What answers it.",
      resolve: ({ relevant }) => relevant,
    }),
  }),
});

const Mean = builder.objectRef<MeanShape>("MeanWithInterval").implement({
  description: "A mean over all questions with its 95 % interval by the bootstrap.",
  extensions: needs("read"),
  fields: (t) => ({
    mean: t.exposeFloat("mean", { description: "The mean, 0 to 1." }),
    low: t.exposeFloat("low", { description: "Lower end of the interval." }),
    high: t.exposeFloat("high", { description: "Upper end of the interval." }),
  }),
});

const QuestionScore = builder
  .objectRef<EvaluationResultShape["questions"][number]>("QuestionScore")
  .implement({
    description: "How well one question was answered.",
    extensions: needs("read"),
    fields: (t) => ({
      questionId: t.exposeID("id", { description: "The labelled question." }),
      ndcg: t.exposeFloat("ndcg", { description: "Its nDCG." }),
    }),
  });

const EvaluationResult = builder.objectRef<EvaluationResultShape>("EvaluationResult").implement({
  description: "Measures of one way of asking.",
  extensions: needs("read"),
  fields: (t) => ({
    settings: t.field({
      type: RetrievalType,
      description: "How it was asked.",
      resolve: ({ settings }) => settings,
    }),
    recall: t.expose("recall", {
      type: Mean,
      description: "Share of what is relevant that was among the first k.",
    }),
    reciprocalRank: t.expose("reciprocalRank", {
      type: Mean,
      description: "One over the rank of the first that is relevant (MRR).",
    }),
    ndcg: t.expose("ndcg", {
      type: Mean,
      description: "Normalised discounted cumulated gain of the first k.",
    }),
    questions: t.field({
      type: [QuestionScore],
      description: "Question by question.",
      resolve: ({ questions }) => questions,
    }),
  }),
});

RetrievalEvaluation.implement({
  description: "Several ways of asking the labelled questions, side by side.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its id." }),
    k: t.exposeInt("k", { description: "Ranks that count." }),
    results: t.field({
      type: [EvaluationResult],
      nullable: true,
      description: "One for each of the ways, in their order; null until the run has succeeded.",
      resolve: (evaluation, _, { knowledge }) => knowledge.resultsOf(evaluation),
    }),
    run: t.field({
      type: Run,
      nullable: true,
      description: "The run that measures.",
      resolve: ({ runId }, _, { runs }) => runs.find(runId),
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was asked for." }),
  }),
});

builder.objectFields(KnowledgeBase, (t) => ({
  questions: t.field({
    type: connectionOf("LabelledQuestion", LabelledQuestion),
    description: "Its labelled questions, oldest first.",
    ...paged,
    resolve: ({ id }, page, { knowledge }) => knowledge.pageOfQuestions(id, page),
  }),
  evaluations: t.field({
    type: connectionOf("RetrievalEvaluation", RetrievalEvaluation),
    description: "What was measured, newest first.",
    ...paged,
    resolve: ({ id }, page, { knowledge }) => knowledge.pageOfEvaluations(id, page),
  }),
}));

const RelevantInput = builder.inputType("RelevantPassageInput", {
  description: "What answers a question.",
  fields: (t) => ({
    documentId: t.id({ required: true, description: "A document of the knowledge base." }),
    start: t.int({ description: "Where the part begins, in characters of its text; all of it when unsaid." }),
    end: t.int({ description: "Where it ends." }),
    grade: t.int({ description: "How well it answers, 1 (when unsaid) to 4." }),
  }),
});
const QuestionInput = builder.inputType("LabelledQuestionInput", {
  description: "A question with what answers it.",
  fields: (t) => ({
    text: t.string({ required: true, description: "The question; one with the same words is replaced." }),
    relevant: t.field({ type: [RelevantInput], required: true, description: "What answers it." }),
  }),
});
const EvaluationInput = builder.inputType("StartRetrievalEvaluationInput", {
  description: "What to measure.",
  fields: (t) => ({
    knowledgeBase: t.id({ required: true, description: "Its id or name." }),
    k: t.int({ description: "Ranks that count; 10 when unsaid." }),
    settings: t.field({
      type: [RetrievalInput],
      required: true,
      description: "Ways of asking to compare: what differs from the knowledge base's own settings.",
    }),
  }),
});

const LabelResult = resultUnion<{ questions: LabelledQuestionRow[] }>(
  "LabelQuestions",
  "The questions as they are kept.",
  (t) => ({
    questions: t.field({
      type: [LabelledQuestion],
      description: "The questions.",
      resolve: ({ questions }) => questions,
    }),
  }),
);
const EvaluationStarted = resultUnion<{ evaluation: EvaluationRow; run: RunRow }>(
  "StartRetrievalEvaluation",
  "The evaluation, and the run that measures.",
  (t) => ({
    evaluation: t.field({
      type: RetrievalEvaluation,
      description: "The evaluation.",
      resolve: ({ evaluation }) => evaluation,
    }),
    run: t.field({ type: Run, description: "The run.", resolve: ({ run }) => run }),
  }),
);

builder.mutationFields((t) => ({
  labelQuestions: t.field({
    type: LabelResult.union,
    description: "Keeps questions with what answers them, to measure a knowledge base.",
    extensions: needs("write"),
    args: {
      knowledgeBase: t.arg.id({ required: true, description: "Its id or name." }),
      questions: t.arg({ type: [QuestionInput], required: true, description: "The questions." }),
    },
    resolve: (_, { knowledgeBase, questions }, { knowledge, principal }) =>
      LabelResult.run(async () => ({
        questions: await knowledge.labelQuestions(principal.projectId, knowledgeBase, questions),
      })),
  }),
  deleteLabelledQuestion: t.field({
    type: DeleteResult.union,
    description: "Forgets a labelled question.",
    extensions: needs("write"),
    args: { id: t.arg.id({ required: true, description: "The question." }) },
    resolve: (_, { id }, { knowledge, principal }) =>
      DeleteResult.run(() => knowledge.deleteQuestion(principal.projectId, id)),
  }),
  startRetrievalEvaluation: t.field({
    type: EvaluationStarted.union,
    description: "Measures several ways of asking on all labelled questions, in the background.",
    extensions: needs("write"),
    args: { input: t.arg({ type: EvaluationInput, required: true, description: "What to measure." }) },
    resolve: (_, { input }, { knowledge, principal }) =>
      EvaluationStarted.run(() => knowledge.startEvaluation({ ...input, projectId: principal.projectId })),
  }),
}));
