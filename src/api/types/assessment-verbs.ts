// What people do with assessments: look at what would be asked, start, go on, and score again.
import { askerOf } from "../../accounts/accounts.ts";
import type {
  AssessmentRow,
  ForecastPart as ForecastPartShape,
  Forecast as ForecastShape,
  PreviewedRow as PreviewedRowShape,
  Preview as PreviewShape,
  Told,
} from "../../assessments/assessments.ts";
import { limits } from "../../kit/limits.ts";
import type { RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import { Picture, Turn } from "./assessment-answers.ts";
import { Assessment } from "./assessments.ts";
import { resultUnion } from "./common.ts";
import { Run } from "./runs.ts";

export const SampleInput = builder.inputType("AssessmentSampleInput", {
  description: "Which rows of the split are asked about.",
  fields: (t) => ({
    kind: t.string({
      description: "all, first, random or stratified; random with a size, else all, when unsaid.",
    }),
    size: t.int({ description: `How many, up to ${limits.assessmentRows}; 100 when unsaid.` }),
    seed: t.int({ description: "The same seed chooses the same rows; 1 when unsaid." }),
    by: t.string({ description: "The column whose values are the strata." }),
  }),
});
const JudgeInput = builder.inputType("JudgeInput", {
  description: "A model that says how good the answers are.",
  fields: (t) => ({
    model: t.string({ required: true, description: "Name, alias or id of any usable model." }),
    mode: t.string({
      description:
        "direct scores each answer by itself; pairwise compares two at a time in both orders, and is meant when unsaid and there are two candidates and more.",
    }),
    criteria: t.string({ description: "What makes an answer good; being right and helpful when unsaid." }),
    prompt: t.string({
      description:
        "What it is told instead of the usual words, with {{column}}, {{ResponseA}}, {{ResponseB}} and {{CandidateSystemPrompt}}.",
    }),
  }),
});
export const CandidateInput = builder.inputType("CandidateInput", {
  description: "A model to assess.",
  fields: (t) => ({
    model: t.string({ required: true, description: "Name, alias or id of any usable model." }),
    systemPrompt: t.string({ description: "Said instead of each row's own system prompt." }),
    knowledgeBases: t.stringList({ description: "Names or ids of knowledge bases that it answers from." }),
    temperature: t.float({ description: "That of the assessment when unsaid." }),
    topP: t.float({ description: "The model's own when unsaid." }),
    maxTokens: t.int({ description: "That of the assessment when unsaid." }),
  }),
});
const StartInput = builder.inputType("StartAssessmentInput", {
  description: "What to ask whom, and how to score it.",
  fields: (t) => ({
    name: t.string({ description: "Its name; needed to start." }),
    dataset: t.string({ required: true, description: "Name, `name@2`, or id of a dataset version." }),
    split: t.string({
      description: "train, validation or test; test where the dataset has one when unsaid, else all rows.",
    }),
    sample: t.field({ type: SampleInput, description: "Which rows; all when unsaid." }),
    question: t.string({
      description: "The question with {{column}}; `{{prompt}}` when unsaid and the rows are trainable.",
    }),
    reference: t.string({
      description: "Column of the right answer; `completion` when unsaid and there is one.",
    }),
    graders: t.stringList({
      required: true,
      description:
        "exact, normalised, contains, regex:RE, json, json-field:PATH, numeric:TOL, json-schema:SCHEMA, bleu, rouge-1, rouge-2, rouge-l, chrf, similarity, similarity:EMBEDDER, javascript:CODE, judge:MODEL or people; the score is their mean, judges among them.",
    }),
    judges: t.field({
      type: [JudgeInput],
      description: "Models that judge the answers, beside the graders.",
    }),
    candidates: t.field({
      type: [CandidateInput],
      required: true,
      description: `Who is asked, up to ${limits.assessmentCandidates}.`,
    }),
    concurrency: t.int({
      description: `Replies of one provider that are waited for at once, up to ${limits.assessmentConcurrency}; ${limits.assessmentProviderAnswers} when unsaid.`,
    }),
    maxTokens: t.int({ description: "Longest answer in tokens; 256 when unsaid." }),
    temperature: t.float({ description: "0 when unsaid: always the likeliest token." }),
  }),
});

export const AssessmentResult = resultUnion<{ assessment: AssessmentRow; run: RunRow }>(
  "Assessment",
  "What is being asked.",
  (t) => ({
    assessment: t.field({
      type: Assessment,
      description: "The assessment.",
      resolve: ({ assessment }) => assessment,
    }),
    run: t.field({ type: Run, description: "The run that asks.", resolve: ({ run }) => run }),
  }),
);

builder.mutationFields((t) => ({
  startAssessment: t.field({
    type: AssessmentResult.union,
    description:
      "Asks candidates about rows of a dataset, in the background, and scores their answers; what was answered stays.",
    extensions: needs("chat"),
    args: { input: t.arg({ type: StartInput, required: true, description: "What to ask." }) },
    resolve: (_, { input }, { assessments, principal }) =>
      AssessmentResult.run(() =>
        assessments.start({
          ...input,
          name: input.name ?? "",
          ...askerOf(principal),
          createdBy: principal.name,
        }),
      ),
  }),
  resumeAssessment: t.field({
    type: AssessmentResult.union,
    description: "Asks what has no answer yet, and again what failed; nothing is asked twice.",
    extensions: needs("chat"),
    args: { id: t.arg.id({ required: true, description: "Its id or name." }) },
    resolve: (_, { id }, { assessments, principal }) =>
      AssessmentResult.run(() =>
        assessments.resume({ id, ...askerOf(principal), createdBy: principal.name }),
      ),
  }),
  scoreAgain: t.field({
    type: AssessmentResult.union,
    description:
      "Scores the answers of an assessment anew, by other graders or judges, as an assessment of its own; no candidate is asked again.",
    extensions: needs("chat"),
    args: {
      id: t.arg.id({ required: true, description: "Id or name of the assessment with the answers." }),
      name: t.arg.string({ required: true, description: "Name of the new assessment." }),
      graders: t.arg.stringList({ required: true, description: "As for startAssessment." }),
      judges: t.arg({ type: [JudgeInput], description: "Models that judge the answers." }),
    },
    resolve: (_, { id, name, graders, judges }, { assessments, principal }) =>
      AssessmentResult.run(() =>
        assessments.scoreAgain({
          ...{ id, name, graders, judges, ...askerOf(principal) },
          createdBy: principal.name,
        }),
      ),
  }),
}));

const PreviewedCandidate = builder.objectRef<Told>("PreviewedCandidate").implement({
  description: "What a candidate or a judge would be told.",
  extensions: needs("read"),
  fields: (t) => ({
    name: t.exposeString("name", { description: "Who." }),
    sent: t.field({ type: [Turn], description: "The messages.", resolve: ({ sent }) => sent }),
  }),
});
const PreviewedRow = builder.objectRef<PreviewedRowShape>("PreviewedRow").implement({
  description: "A row of the dataset as it would be asked.",
  extensions: needs("read"),
  fields: (t) => ({
    row: t.exposeInt("row", { description: "Its number in the dataset version, from 0." }),
    reference: t.exposeString("reference", { nullable: true, description: "The right answer." }),
    problem: t.exposeString("problem", { nullable: true, description: "What is wrong with this row." }),
    pictures: t.field({
      type: [Picture],
      description: "Pictures that would go along with the question.",
      resolve: ({ pictures }) => pictures,
    }),
    candidates: t.field({
      type: [PreviewedCandidate],
      description: "What each candidate would be told.",
      resolve: ({ candidates }) => candidates,
    }),
    judges: t.field({
      type: [PreviewedCandidate],
      description: "What each judge would be told, with a word in the place of each answer.",
      resolve: ({ judges }) => judges,
    }),
  }),
});
const ForecastPart = builder.objectRef<ForecastPartShape>("ForecastPart").implement({
  description: "How often one candidate or judge would be asked, and what that would take.",
  extensions: needs("read"),
  fields: (t) => ({
    name: t.exposeString("name", { description: "Who." }),
    calls: t.exposeInt("calls", { description: "How often." }),
    inputTokens: t.exposeInt("inputTokens", { description: "Tokens sent in all, about." }),
    outputTokens: t.exposeInt("outputTokens", { description: "Tokens received in all, about." }),
    isMost: t.exposeBoolean("isMost", {
      description: "Whether outputTokens is the most there can be: the model never answered here before.",
    }),
    costUsd: t.exposeFloat("costUsd", { nullable: true, description: "US dollars, where there is a price." }),
    latencyMs: t.exposeInt("latencyMs", {
      nullable: true,
      description: "Median of what a call took before; null where it never answered here.",
    }),
  }),
});
const Forecast = builder.objectRef<ForecastShape>("AssessmentForecast").implement({
  description: "What an assessment would take, from what the same models took before.",
  extensions: needs("read"),
  fields: (t) => ({
    parts: t.field({
      type: [ForecastPart],
      description: "Each who is asked.",
      resolve: ({ parts }) => parts,
    }),
    costUsd: t.exposeFloat("costUsd", { description: "US dollars of those that have a price." }),
    seconds: t.exposeFloat("seconds", {
      nullable: true,
      description: "Until the last answer is judged; null where somebody's speed is not known.",
    }),
  }),
});
const PreviewResult = resultUnion<PreviewShape>("AssessmentPreview", "What would be asked.", (t) => ({
  rowCount: t.exposeInt("rowCount", { description: "Rows that would be asked about." }),
  rows: t.field({ type: [PreviewedRow], description: "Some of them.", resolve: ({ rows }) => rows }),
  forecast: t.field({
    type: Forecast,
    description: "What it would take.",
    resolve: ({ forecast }) => forecast,
  }),
}));

builder.queryField("assessmentPreview", (t) =>
  t.field({
    type: PreviewResult.union,
    description: "What an assessment would ask, and what that would take; no model is asked.",
    extensions: needs("read"),
    complexity: 20,
    args: {
      input: t.arg({ type: StartInput, required: true, description: "What to ask; it needs no name yet." }),
      rows: t.arg.intList({
        description: `Numbers of the rows to show, up to ${limits.assessmentPreviewRows}; the first chosen ones when unsaid.`,
      }),
    },
    resolve: (_, { input, rows }, { assessments, principal }) =>
      PreviewResult.run(() => assessments.preview({ ...input, rows, projectId: principal.projectId })),
  }),
);
