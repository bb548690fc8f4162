// Answers of an assessment with their scores, and what judges said of them.
import type { SentTurn } from "../../../schema/tables/assessments.ts";
import {
  type AnswerRow,
  type AssessedRow,
  type JudgementRow,
  picturesOf,
  type RowPicture,
  type ScoredAnswer,
  type ScoreRow,
} from "../../assessments/assessments.ts";
import { builder, needs } from "../builder.ts";
import { storedCitations } from "./citations.ts";
import { UserErrorInfo } from "./common.ts";

const Score = builder.objectRef<ScoreRow>("Score").implement({
  description: "How one grader scored an answer.",
  extensions: needs("read"),
  fields: (t) => ({
    grader: t.exposeInt("grader", { description: "Its place among the assessment's graders, from 0." }),
    value: t.exposeFloat("value", { nullable: true, description: "From 0 to 1; null where it is unscored." }),
    detail: t.exposeString("detail", { nullable: true, description: "What there is to say of it." }),
  }),
});

export const Turn = builder.objectRef<SentTurn>("SentMessage").implement({
  description: "A message as it was sent to a candidate.",
  extensions: needs("read"),
  fields: (t) => ({
    role: t.exposeString("role", { description: "system, user or assistant." }),
    content: t.exposeString("content", { description: "Its text." }),
    pictures: t.stringList({
      description: "Columns of the row whose pictures went along.",
      resolve: ({ pictures }) => pictures ?? [],
    }),
  }),
});

export const Picture = builder.objectRef<RowPicture>("RowPicture").implement({
  description: "A picture of a row that goes along with its question.",
  extensions: needs("read"),
  fields: (t) => ({
    column: t.exposeString("column", { description: "The column that holds it." }),
    url: t.string({
      nullable: true,
      description: "Where it is served to the people of the project; null where the dataset was deleted.",
      resolve: async ({ datasetVersionId, row, column }, _, { datasets }) =>
        (await datasets.findVersion(datasetVersionId))
          ? `/files/${datasetVersionId}/${row}?${new URLSearchParams({ column })}`
          : null,
    }),
  }),
});

const Judgement = builder.objectRef<JudgementRow>("Judgement").implement({
  description: "What a judge said of an answer, or of two against each other.",
  extensions: needs("read"),
  fields: (t) => ({
    judgementId: t.exposeID("id", { description: "Its id." }),
    grader: t.exposeInt("grader", { description: "The judge's place among the graders, from 0." }),
    answerId: t.exposeID("answerId", {
      description: "The answer that was judged; of two, that shown first.",
    }),
    otherId: t.id({
      nullable: true,
      description: "The answer shown second; null where one was judged by itself.",
      resolve: ({ otherId }) => otherId || null,
    }),
    value: t.exposeFloat("value", {
      nullable: true,
      description: "From 0 to 1 for the answer shown first; null where the reply was no verdict.",
    }),
    reason: t.exposeString("reason", {
      nullable: true,
      description: "Why it decided so, or why its reply is no verdict.",
    }),
    sent: t.field({ type: [Turn], description: "Everything it was told.", resolve: ({ sent }) => sent }),
    text: t.exposeString("text", { nullable: true, description: "Its reply; null where it failed." }),
    error: t.field({
      type: UserErrorInfo,
      nullable: true,
      description: "Why there is no reply.",
      resolve: ({ error }) => error,
    }),
    inputTokens: t.exposeInt("inputTokens", { description: "Tokens sent." }),
    outputTokens: t.exposeInt("outputTokens", { description: "Tokens received." }),
    costUsd: t.exposeFloat("costUsd", { nullable: true, description: "US dollars, where there is a price." }),
    latencyMs: t.exposeInt("latencyMs", { description: "How long the whole reply took." }),
  }),
});

type CitationShape = NonNullable<ReturnType<typeof storedCitations>>[number];
const AnswerCitation = builder.objectRef<CitationShape>("AnswerCitation").implement({
  description: "A passage that an answer was made from.",
  extensions: needs("read"),
  fields: (t) => ({
    number: t.exposeInt("number", { description: "As the answer may refer to it: [1]." }),
    document: t.exposeString("document", { description: "Name of the document." }),
    documentId: t.exposeID("documentId", { description: "The document." }),
    knowledgeBaseId: t.exposeID("knowledgeBaseId", { description: "Its knowledge base." }),
    chunkId: t.exposeID("chunkId", { description: "The chunk that was found; it goes with its index." }),
    text: t.exposeString("text", { description: "What the model was given of it." }),
    page: t.exposeInt("page", {
      nullable: true,
      description: "Its first page, where the document has pages.",
    }),
    start: t.exposeInt("start", { description: "Where it begins in the document's text, in characters." }),
    end: t.exposeInt("end", { description: "Where it ends." }),
  }),
});

/** An answer, with its scores where they were read along with it. */
type AnswerShape = AnswerRow | ScoredAnswer;
export const Answer = builder.objectRef<AnswerShape>("Answer").implement({
  description: "What one candidate said to one row.",
  extensions: needs("read"),
  fields: (t) => ({
    answerId: t.exposeID("id", { description: "Its id." }),
    candidateId: t.exposeID("candidateId", { description: "Who answered." }),
    row: t.exposeInt("row", { description: "Number of the row in the dataset version, from 0." }),
    sent: t.field({ type: [Turn], description: "Everything that was sent.", resolve: ({ sent }) => sent }),
    reference: t.exposeString("reference", { nullable: true, description: "The right answer." }),
    text: t.exposeString("text", { nullable: true, description: "The answer; null where the model failed." }),
    error: t.field({
      type: UserErrorInfo,
      nullable: true,
      description: "Why there is no answer.",
      resolve: ({ error }) => error,
    }),
    citations: t.field({
      type: [AnswerCitation],
      nullable: true,
      description: "Passages that it was made from; null where it was made without knowledge.",
      resolve: ({ citations }) => storedCitations(citations),
    }),
    finishReason: t.exposeString("finishReason", {
      nullable: true,
      description: "stop, or length where it was cut.",
    }),
    scores: t.field({
      type: [Score],
      description: "Its scores, in the order of the graders.",
      resolve: (answer, _, { assessments }) =>
        "scores" in answer ? answer.scores : assessments.scoresOf(answer.id),
    }),
    judgements: t.field({
      type: [Judgement],
      description: "What judges said of it.",
      resolve: ({ id }, _, { assessments }) => assessments.judgementsOf(id),
    }),
    inputTokens: t.exposeInt("inputTokens", { description: "Tokens sent." }),
    outputTokens: t.exposeInt("outputTokens", { description: "Tokens received." }),
    costUsd: t.exposeFloat("costUsd", { nullable: true, description: "US dollars, where there is a price." }),
    latencyMs: t.exposeInt("latencyMs", { description: "How long the whole answer took." }),
  }),
});

export const AssessedRowRef = builder.objectRef<AssessedRow>("AssessedRow").implement({
  description: "One row of an assessment, with what each candidate said to it.",
  extensions: needs("read"),
  fields: (t) => ({
    row: t.exposeInt("row", { description: "Its number in the dataset version, from 0." }),
    answers: t.field({
      type: [Answer],
      description: "In the order of the candidates; who was not asked yet has none.",
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ answers }) => answers,
    }),
    pictures: t.field({
      type: [Picture],
      description: "Its pictures that went along with the question.",
      resolve: ({ assessment: { datasetVersionId }, row, answers }) =>
        picturesOf(
          { datasetVersionId, row },
          answers.map(({ sent }) => sent),
        ),
    }),
    columns: t.field({
      type: "JSON",
      nullable: true,
      description: "The row as the dataset has it; null where the dataset was deleted.",
      resolve: (row, _, { assessments }) => assessments.columnsOf(row),
    }),
  }),
});
