// Assessments: what is asked of which models, how that is scored, and what came of it.
import type { Effort, SampleWish } from "../../../schema/tables/assessments.ts";
import type { AssessmentRow, JudgeSpec } from "../../assessments/assessments.ts";
import { builder, needs } from "../builder.ts";
import { Answer } from "./assessment-answers.ts";
import { Candidate } from "./assessment-candidates.ts";
import { Report } from "./assessment-totals.ts";
import { NodeInterface } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { Run } from "./runs.ts";

const Sample = builder.objectRef<SampleWish>("AssessmentSample").implement({
  description: "Which rows of the split are asked about.",
  extensions: needs("read"),
  fields: (t) => ({
    kind: t.exposeString("kind", { description: "all, first, random or stratified." }),
    size: t.exposeInt("size", { nullable: true, description: "How many at most; null for all." }),
    seed: t.exposeInt("seed", { description: "The same seed chooses the same rows." }),
    by: t.exposeString("by", { nullable: true, description: "The column whose values are the strata." }),
  }),
});

const Judge = builder.objectRef<JudgeSpec>("Judge").implement({
  description: "A model that says how good the answers are, and what it is told.",
  extensions: needs("read"),
  fields: (t) => ({
    model: t.exposeString("model", { description: "As it was named." }),
    mode: t.string({
      nullable: true,
      description: "direct or pairwise; null is pairwise for two candidates and more.",
      resolve: ({ mode }) => mode ?? null,
    }),
    criteria: t.string({
      nullable: true,
      description: "What makes an answer good; null for the usual words.",
      resolve: ({ criteria }) => criteria ?? null,
    }),
    prompt: t.string({
      nullable: true,
      description: "What it is told instead of the usual words.",
      resolve: ({ prompt }) => prompt ?? null,
    }),
  }),
});

const AssessmentEffort = builder.objectRef<Effort>("AssessmentEffort").implement({
  description: "What an assessment takes, judges included.",
  extensions: needs("read"),
  fields: (t) => ({
    seconds: t.exposeFloat("seconds", {
      nullable: true,
      description:
        "Time. What it took is that of its runs together, each from its first start to its end, without the waits between them. Null where it was not known beforehand.",
    }),
    costUsd: t.exposeFloat("costUsd", {
      nullable: true,
      description:
        "US dollars of the candidates' and judges' replies; null where one of them has no price, and where none came.",
    }),
  }),
});

const AssessmentRef = builder.objectRef<AssessmentRow>("Assessment");
export const Assessment = AssessmentRef.implement({
  description: "Candidates asked about the same rows of a dataset, and how their answers were scored.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name." }),
    dataset: t.exposeString("datasetName", { description: "Name and version of the dataset at the time." }),
    datasetVersionId: t.exposeID("datasetVersionId", { description: "The dataset version." }),
    datasetId: t.id({
      nullable: true,
      description: "The dataset; null where it was deleted for good.",
      resolve: async ({ datasetVersionId }, _, { datasets }) =>
        (await datasets.findVersion(datasetVersionId))?.datasetId ?? null,
    }),
    split: t.exposeString("split", { nullable: true, description: "The split; null for all rows." }),
    sample: t.field({ type: Sample, description: "Which rows.", resolve: ({ sample }) => sample }),
    rowCount: t.int({
      nullable: true,
      description: "How many rows were chosen; null until the run has chosen them.",
      resolve: ({ rows }) => rows?.length ?? null,
    }),
    question: t.exposeString("question", { description: "Template of the question." }),
    reference: t.exposeString("reference", { nullable: true, description: "Column of the right answer." }),
    graders: t.stringList({
      description: "How answers are scored, as on the command line.",
      resolve: (row, _, { assessments }) => assessments.graderLabels(row),
    }),
    judges: t.field({
      type: [Judge],
      description: "The models among the graders.",
      resolve: (row, _, { assessments }) => assessments.judgesOf(row),
    }),
    maxTokens: t.exposeInt("maxTokens", { description: "Longest answer." }),
    temperature: t.exposeFloat("temperature", { description: "0 always takes the likeliest token." }),
    concurrency: t.exposeInt("concurrency", {
      nullable: true,
      description: "Replies of one provider that are waited for at once; null takes the usual number.",
    }),
    answersFrom: t.field({
      type: AssessmentRef,
      nullable: true,
      description: "The assessment whose answers are scored here; null where the candidates were asked.",
      resolve: ({ answersFrom }, _, { assessments }) =>
        answersFrom === null ? null : assessments.find(answersFrom),
    }),
    candidates: t.field({
      type: [Candidate],
      description: "Who is asked.",
      resolve: ({ id }, _, { assessments }) => assessments.candidatesOf(id),
    }),
    run: t.field({
      type: Run,
      nullable: true,
      description: "The latest run that asks.",
      resolve: ({ id }, _, { assessments }) => assessments.runOf(id),
    }),
    forecast: t.field({
      type: AssessmentEffort,
      nullable: true,
      description:
        "What it was expected to take when it was started; null where that could not be said, and where no model is asked.",
      resolve: ({ forecast }) => forecast,
    }),
    actual: t.field({
      type: AssessmentEffort,
      nullable: true,
      description: "What it took; null until its latest run ended.",
      complexity: 5,
      resolve: (row, _, { assessments }) => assessments.actual(row),
    }),
    report: t.field({
      type: Report,
      description: "What was found so far.",
      complexity: 20,
      resolve: (row, _, { assessments }) => assessments.report(row),
    }),
    answers: t.field({
      type: connectionOf("Answer", Answer),
      description: "The answers, by row.",
      ...paged,
      resolve: ({ id }, page, { assessments }) => assessments.pageOfAnswers(id, page),
    }),
    createdBy: t.exposeString("createdBy", { description: "Who started it, by name." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When." }),
  }),
});

builder.queryFields((t) => ({
  assessments: t.field({
    type: connectionOf("Assessment", Assessment),
    description: "The assessments of the project, newest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { assessments, principal }) => assessments.page(principal.projectId, page),
  }),
  assessment: t.field({
    type: Assessment,
    nullable: true,
    description: "An assessment by its name or id; null when there is none.",
    extensions: needs("read"),
    args: { name: t.arg.string({ required: true, description: "Name or id." }) },
    resolve: (_, { name }, { assessments, principal }) => assessments.findNamed(principal.projectId, name),
  }),
}));
