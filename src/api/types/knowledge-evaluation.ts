// Labelled questions of knowledge bases and what measuring with them found.
import type {
  EvaluationResult as EvaluationResultShape,
  EvaluationRow,
  FoundRank as FoundRankShape,
  LabelledQuestionRow,
  Mean as MeanShape,
  QuestionScore as QuestionScoreShape,
  RefusedLine,
} from "../../knowledge/knowledge.ts";
import type { RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import { resultUnion } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { KnowledgeBase, KnowledgeDocument, RetrievalType } from "./knowledge.ts";
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
    documents: t.field({
      type: [KnowledgeDocument],
      description: "The documents that answer it and are there still.",
      resolve: async ({ relevant }, _, { knowledge }) => {
        const found = await Promise.all(
          [...new Set(relevant.map(({ documentId }) => documentId))].map(knowledge.findDocument),
        );
        return found.filter((document) => document !== null);
      },
    }),
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

const FoundRank = builder.objectRef<FoundRankShape>("FoundRank").implement({
  description: "One rank of what was found for a question.",
  extensions: needs("read"),
  fields: (t) => ({
    documentId: t.exposeID("documentId", { description: "The document." }),
    document: t.exposeString("document", { description: "Its name at that time." }),
    chunkId: t.exposeID("chunkId", { description: "The chunk that was found." }),
    isRelevant: t.exposeBoolean("isRelevant", { description: "Whether it answers the question." }),
  }),
});

const QuestionScore = builder.objectRef<QuestionScoreShape>("QuestionScore").implement({
  description: "How well one question was answered.",
  extensions: needs("read"),
  fields: (t) => ({
    questionId: t.exposeID("id", { description: "The labelled question." }),
    text: t.exposeString("text", { description: "The question as it was asked." }),
    recall: t.exposeFloat("recall", { description: "Share of what is relevant that was found." }),
    reciprocalRank: t.exposeFloat("reciprocalRank", { description: "One over the first relevant rank." }),
    ndcg: t.exposeFloat("ndcg", { description: "Its nDCG." }),
    found: t.field({
      type: [FoundRank],
      description: "What was found, best first, k ranks at most.",
      resolve: ({ found }) => found,
    }),
  }),
});

const Difference = builder
  .objectRef<NonNullable<EvaluationResultShape["difference"]>>("EvaluationDifference")
  .implement({
    description: "Paired differences to the first way of asking, question by question.",
    extensions: needs("read"),
    fields: (t) => ({
      recall: t.expose("recall", { type: Mean, description: "Of recall." }),
      reciprocalRank: t.expose("reciprocalRank", { type: Mean, description: "Of the reciprocal rank." }),
      ndcg: t.expose("ndcg", { type: Mean, description: "Of nDCG." }),
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
    difference: t.field({
      type: Difference,
      nullable: true,
      description: "What it has more than the first way; null for the first.",
      resolve: ({ difference }) => difference,
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
  evaluation: t.field({
    type: RetrievalEvaluation,
    nullable: true,
    description: "One of its evaluations; null when there is none of this id.",
    args: { id: t.arg.id({ required: true, description: "The evaluation." }) },
    resolve: ({ id: base }, { id }, { knowledge }) => knowledge.findEvaluation(base, id),
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
const Refused = builder.objectRef<RefusedLine>("RefusedLine").implement({
  description: "A line of a file that was left out.",
  extensions: needs("write"),
  fields: (t) => ({
    line: t.exposeInt("line", { description: "Its number, from 1." }),
    message: t.exposeString("message", { description: "What is wrong with it." }),
  }),
});
const ImportResult = resultUnion<{ questions: LabelledQuestionRow[]; refused: RefusedLine[] }>(
  "ImportLabelledQuestions",
  "What was kept of the file, and what was not.",
  (t) => ({
    count: t.int({ description: "Questions that were kept.", resolve: ({ questions }) => questions.length }),
    refused: t.field({
      type: [Refused],
      description: "Lines that were left out.",
      resolve: ({ refused }) => refused,
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
  importLabelledQuestions: t.field({
    type: ImportResult.union,
    description:
      "Keeps the questions of a CSV file (columns question, document, grade) or a JSONL file (question, documents, grade); wrong lines are left out and said.",
    extensions: needs("write"),
    args: {
      knowledgeBase: t.arg.id({ required: true, description: "Its id or name." }),
      text: t.arg.string({ required: true, description: "The file's text." }),
    },
    resolve: (_, { knowledgeBase, text }, { knowledge, principal }) =>
      ImportResult.run(() => knowledge.importQuestions(principal.projectId, knowledgeBase, text)),
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
