// Assessments: what is asked of which models, how that is scored, what was answered and what can be said of it.
import type { SampleWish } from "../../../schema/tables/assessments.ts";
import { askerOf } from "../../accounts/accounts.ts";
import type {
  AnswerRow,
  AssessmentRow,
  CandidateRow,
  CandidateTotal as CandidateTotalShape,
  GraderTotal as GraderTotalShape,
  PairTotal as PairTotalShape,
  Report as ReportShape,
  ScoreRow,
} from "../../assessments/assessments.ts";
import { limits } from "../../kit/limits.ts";
import type { RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import { NodeInterface, resultUnion, UserErrorInfo } from "./common.ts";
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

export const Candidate = builder.objectRef<CandidateRow>("Candidate").implement({
  description: "A model that is assessed, with what it is given.",
  extensions: needs("read"),
  fields: (t) => ({
    candidateId: t.exposeID("id", { description: "Its id." }),
    name: t.exposeString("name", { description: "The model's name at the time, with its knowledge bases." }),
    modelId: t.exposeID("modelId", { description: "The model." }),
    systemPrompt: t.exposeString("systemPrompt", {
      nullable: true,
      description: "Said instead of each row's own system prompt.",
    }),
    knowledgeBases: t.exposeStringList("knowledgeBases", {
      description: "Ids of the knowledge bases that it answers from.",
    }),
  }),
});

const Score = builder.objectRef<ScoreRow>("Score").implement({
  description: "How one grader scored an answer.",
  extensions: needs("read"),
  fields: (t) => ({
    grader: t.exposeInt("grader", { description: "Its place among the assessment's graders, from 0." }),
    value: t.exposeFloat("value", { nullable: true, description: "From 0 to 1; null where it is unscored." }),
    detail: t.exposeString("detail", { nullable: true, description: "What there is to say of it." }),
  }),
});

const Turn = builder.objectRef<{ role: string; content: string }>("SentMessage").implement({
  description: "A message as it was sent to a candidate.",
  extensions: needs("read"),
  fields: (t) => ({
    role: t.exposeString("role", { description: "system, user or assistant." }),
    content: t.exposeString("content", { description: "Its text." }),
  }),
});

const Answer = builder.objectRef<AnswerRow>("Answer").implement({
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
    finishReason: t.exposeString("finishReason", {
      nullable: true,
      description: "stop, or length where it was cut.",
    }),
    scores: t.field({
      type: [Score],
      description: "Its scores, in the order of the graders.",
      resolve: ({ id }, _, { assessments }) => assessments.scoresOf(id),
    }),
    inputTokens: t.exposeInt("inputTokens", { description: "Tokens sent." }),
    outputTokens: t.exposeInt("outputTokens", { description: "Tokens received." }),
    costUsd: t.exposeFloat("costUsd", { nullable: true, description: "US dollars, where there is a price." }),
    latencyMs: t.exposeInt("latencyMs", { description: "How long the whole answer took." }),
  }),
});

type IntervalShape = NonNullable<CandidateTotalShape["interval"]>;
export const Interval = builder.objectRef<IntervalShape>("ScoreInterval").implement({
  description: "A mean score with its 95 % interval.",
  extensions: needs("read"),
  fields: (t) => ({
    n: t.exposeInt("n", { description: "Rows that it is the mean of." }),
    mean: t.exposeFloat("mean", { description: "From 0 to 1." }),
    low: t.exposeFloat("low", { description: "Lower end." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
    method: t.exposeString("method", { description: "How the interval was made: wilson or bootstrap." }),
  }),
});

const GraderTotal = builder.objectRef<GraderTotalShape>("GraderTotal").implement({
  description: "How one grader scored a candidate.",
  extensions: needs("read"),
  fields: (t) => ({
    label: t.exposeString("label", { description: "The grader, as on the command line." }),
    interval: t.field({
      type: Interval,
      nullable: true,
      description: "Its mean score; null while there is none.",
      resolve: ({ interval }) => interval,
    }),
    unscored: t.exposeInt("unscored", { description: "Answers that it could not score." }),
  }),
});

type StrengthShape = NonNullable<CandidateTotalShape["strength"]>;
const Strength = builder.objectRef<StrengthShape>("Strength").implement({
  description: "A candidate on the scale of log-odds by Bradley and Terry, with its 95 % interval.",
  extensions: needs("read"),
  fields: (t) => ({
    strength: t.exposeFloat("strength", { description: "0 is the mean of all; 1 more wins 73 % of rows." }),
    low: t.exposeFloat("low", { description: "Lower end." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
  }),
});

const CandidateTotal = builder.objectRef<CandidateTotalShape>("CandidateTotal").implement({
  description: "How a candidate did.",
  extensions: needs("read"),
  fields: (t) => ({
    candidate: t.field({ type: Candidate, description: "Which one.", resolve: ({ candidate }) => candidate }),
    interval: t.field({
      type: Interval,
      nullable: true,
      description: "Its score over all graders; null while nothing is scored.",
      resolve: ({ interval }) => interval,
    }),
    graders: t.field({ type: [GraderTotal], description: "By grader.", resolve: ({ graders }) => graders }),
    answered: t.exposeInt("answered", { description: "Rows that it answered." }),
    failed: t.exposeInt("failed", { description: "Rows at which it failed; they can be asked again." }),
    unscored: t.exposeInt("unscored", { description: "Answers without a score by every grader." }),
    medianLatencyMs: t.exposeInt("medianLatencyMs", { nullable: true, description: "Of its answers." }),
    inputTokens: t.exposeInt("inputTokens", { description: "Tokens sent in all." }),
    outputTokens: t.exposeInt("outputTokens", { description: "Tokens received in all." }),
    costUsd: t.exposeFloat("costUsd", {
      nullable: true,
      description: "US dollars in all; null where an answer has no price.",
    }),
    strength: t.field({
      type: Strength,
      nullable: true,
      description: "Of three candidates and more; null for two, and where some never lost to the others.",
      resolve: ({ strength }) => strength,
    }),
  }),
});

const PairTotal = builder.objectRef<PairTotalShape>("PairTotal").implement({
  description: "Two candidates on the rows that both answered.",
  extensions: needs("read"),
  fields: (t) => ({
    first: t.field({ type: Candidate, description: "One.", resolve: ({ first }) => first }),
    second: t.field({ type: Candidate, description: "The other.", resolve: ({ second }) => second }),
    n: t.exposeInt("n", { description: "Rows that both have a score for." }),
    wins: t.exposeInt("wins", { description: "Rows that the first scores higher on." }),
    ties: t.exposeInt("ties", { description: "Rows on which they score the same." }),
    losses: t.exposeInt("losses", { description: "Rows that the second scores higher on." }),
    difference: t.exposeFloat("difference", { description: "Mean of the first less that of the second." }),
    low: t.exposeFloat("low", { description: "Lower end of its 95 % interval (paired bootstrap)." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
    p: t.exposeFloat("p", { description: "Chance of such a difference where there is none." }),
    test: t.exposeString("test", { description: "The test: mcnemar-exact or wilcoxon." }),
    adjustedP: t.exposeFloat("adjustedP", { description: "p after Holm's correction over all pairs." }),
    detectable: t.exposeFloat("detectable", {
      nullable: true,
      description: "The least difference that so many rows show with a power of 0.8.",
    }),
    rowsNeeded: t.exposeInt("rowsNeeded", {
      nullable: true,
      description: "Rows that would show a difference as large as this one with a power of 0.8.",
    }),
  }),
});

const Report = builder.objectRef<ReportShape>("AssessmentReport").implement({
  description: "What an assessment found, from the answers that are there.",
  extensions: needs("read"),
  fields: (t) => ({
    sentence: t.string({
      description: "The verdict in one sentence with its uncertainty.",
      resolve: ({ verdict }) => verdict.english,
    }),
    isClear: t.boolean({
      description: "Whether one candidate is told apart from all others as better.",
      resolve: ({ verdict }) => verdict.isClear,
    }),
    best: t.field({
      type: Candidate,
      nullable: true,
      description: "The candidate with the highest score.",
      resolve: ({ verdict }) => verdict.best,
    }),
    candidates: t.field({
      type: [CandidateTotal],
      description: "Each candidate, in the order in which they were named.",
      resolve: ({ candidates }) => candidates,
    }),
    pairs: t.field({ type: [PairTotal], description: "Each pair.", resolve: ({ pairs }) => pairs }),
    unscored: t.exposeInt("unscored", { description: "Answers that could not be scored, in all." }),
  }),
});

export const Assessment = builder.objectRef<AssessmentRow>("Assessment").implement({
  description: "Candidates asked about the same rows of a dataset, and how their answers were scored.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name." }),
    dataset: t.exposeString("datasetName", { description: "Name and version of the dataset at the time." }),
    datasetVersionId: t.exposeID("datasetVersionId", { description: "The dataset version." }),
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
    maxTokens: t.exposeInt("maxTokens", { description: "Longest answer." }),
    temperature: t.exposeFloat("temperature", { description: "0 always takes the likeliest token." }),
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
export const CandidateInput = builder.inputType("CandidateInput", {
  description: "A model to assess.",
  fields: (t) => ({
    model: t.string({ required: true, description: "Name, alias or id of any usable model." }),
    systemPrompt: t.string({ description: "Said instead of each row's own system prompt." }),
    knowledgeBases: t.stringList({ description: "Names or ids of knowledge bases that it answers from." }),
  }),
});
const StartInput = builder.inputType("StartAssessmentInput", {
  description: "What to ask whom, and how to score it.",
  fields: (t) => ({
    name: t.string({ required: true, description: "Its name." }),
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
        "exact, normalised, contains, regex:RE, json, json-field:PATH or numeric:TOL; the score is their mean.",
    }),
    candidates: t.field({
      type: [CandidateInput],
      required: true,
      description: `Who is asked, up to ${limits.assessmentCandidates}.`,
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
        assessments.start({ ...input, ...askerOf(principal), createdBy: principal.name }),
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
}));
