// What of an assessment's rows its candidates were trained on, or may look up, and the scores without those.
import type { LookedUpSource, OverlapMeasures, TrainedSource } from "../../../schema/tables/overlaps.ts";
import type {
  AssessmentRow,
  OverlapCheckRow,
  OverlapRow,
  OverlapTotals,
  Seen,
  Step,
} from "../../assessments/assessments.ts";
import type { RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import { Interval } from "./assessment-totals.ts";
import { Assessment } from "./assessments.ts";
import { resultUnion } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { Run } from "./runs.ts";

const Trained = builder.objectRef<TrainedSource>("OverlapTraining").implement({
  description: "Rows that a candidate was trained on, as its training was handed them.",
  extensions: needs("read"),
  fields: (t) => ({
    trainingId: t.exposeID("trainingId", { description: "The training." }),
    training: t.exposeString("training", { description: "Its name at the time." }),
    datasetVersionId: t.exposeID("datasetVersionId", { description: "The dataset version." }),
    datasetId: t.id({
      nullable: true,
      description: "The dataset; null where it was deleted since.",
      resolve: async ({ datasetVersionId }, _, { datasets }) =>
        (await datasets.findVersion(datasetVersionId))?.datasetId ?? null,
    }),
    dataset: t.exposeString("dataset", { description: "Name and version of the dataset." }),
    rows: t.exposeInt("rows", {
      description: "How many rows; those that the training held back for its own validation are among them.",
    }),
  }),
});
const LookedUp = builder.objectRef<LookedUpSource>("OverlapKnowledgeBase").implement({
  description: "A knowledge base that a candidate answers from.",
  extensions: needs("read"),
  fields: (t) => ({
    knowledgeBaseId: t.exposeID("knowledgeBaseId", { description: "The knowledge base." }),
    knowledgeBase: t.exposeString("knowledgeBase", { description: "Its name at the time." }),
    chunks: t.exposeInt("chunks", { description: "Passages that were compared." }),
  }),
});

type CandidateShape = NonNullable<OverlapCheckRow["compared"]>[number] &
  Omit<Seen, "lookedUp"> & { lookedUpRows: number };
const OverlapCandidate = builder.objectRef<CandidateShape>("OverlapCandidate").implement({
  description: "What a candidate's rows were compared with, and how many of them were found.",
  extensions: needs("read"),
  fields: (t) => ({
    candidateId: t.exposeID("candidateId", { description: "Which candidate." }),
    origin: t.exposeString("origin", {
      description:
        "trained: what it was trained on here is known; base: nothing was trained here, what it saw before is not known; third-party: what it was trained on is not known; gone: it was deleted.",
    }),
    trained: t.field({
      type: [Trained],
      description: "What it was trained on here, through every training behind it.",
      resolve: ({ trained }) => trained,
    }),
    lookedUp: t.field({
      type: [LookedUp],
      description: "What it may look up.",
      resolve: ({ lookedUp }) => lookedUp,
    }),
    exact: t.exposeInt("exact", { description: "Rows whose very question it was trained on." }),
    near: t.exposeInt("near", { description: "Rows that it was trained on with small changes." }),
    meaning: t.exposeInt("meaning", { description: "Rows alike in meaning to one that it was trained on." }),
    questionOnly: t.exposeInt("questionOnly", {
      description: "Rows of which nearly the question was trained on with another answer; they do not count.",
    }),
    lookedUpRows: t.exposeInt("lookedUpRows", {
      description: "Rows of which a passage holds question or answer: what looking up is for.",
    }),
  }),
});

const Measures = builder.objectRef<OverlapMeasures>("OverlapMeasures").implement({
  description: "How rows were compared.",
  extensions: needs("read"),
  fields: (t) => ({
    wordsPerGram: t.exposeInt("wordsPerGram", { description: "Words of a run." }),
    nearFrom: t.exposeFloat("nearFrom", {
      description:
        "Share of a question's telling runs of words in one row from which on it is nearly the same.",
    }),
    shortFrom: t.exposeFloat("shortFrom", {
      description:
        "Similarity of questions of up to eight words, by runs of three characters (Jaccard), from which on they are nearly the same.",
    }),
    meaningFrom: t.exposeFloat("meaningFrom", {
      description: "Cosine from which on two are alike in meaning.",
    }),
    embedder: t.exposeString("embedder", {
      nullable: true,
      description: "What compared by meaning; null where nothing was left for it.",
    }),
    meaningRows: t.exposeInt("meaningRows", { description: "Rows that were compared by meaning." }),
    meaningPerRow: t.exposeInt("meaningPerRow", {
      description:
        "With how many rows of training each, those that share most of its rare words for their length.",
    }),
  }),
});

type PairShape = Step["pairs"][number];
const OverlapPair = builder.objectRef<PairShape>("OverlapPair").implement({
  description: "Two candidates on the rows that are left and that both answered.",
  extensions: needs("read"),
  fields: (t) => ({
    first: t.exposeID("first", { description: "Id of one candidate." }),
    second: t.exposeID("second", { description: "Id of the other." }),
    n: t.exposeInt("n", { description: "Rows." }),
    difference: t.exposeFloat("difference", { description: "Mean of the first less that of the second." }),
    low: t.exposeFloat("low", { description: "Lower end of its 95 % interval (paired bootstrap)." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
    p: t.exposeFloat("p", { description: "Chance of such a difference where there is none; uncorrected." }),
  }),
});
const OverlapScore = builder.objectRef<Step["candidates"][number]>("OverlapScore").implement({
  description: "A candidate's score on the rows that are left.",
  extensions: needs("read"),
  fields: (t) => ({
    candidateId: t.exposeID("candidateId", { description: "Which candidate." }),
    interval: t.field({
      type: Interval,
      nullable: true,
      description: "Its score; null where nothing is left.",
      resolve: ({ interval }) => interval,
    }),
  }),
});
const OverlapStep = builder.objectRef<Step>("OverlapStep").implement({
  description: "Scores when rows that a candidate was trained on are left out for all.",
  extensions: needs("read"),
  fields: (t) => ({
    without: t.exposeString("without", {
      description: "nothing, exact (the very questions), near (small changes too) or meaning (these too).",
    }),
    leftOut: t.exposeInt("leftOut", { description: "Rows left out." }),
    candidates: t.field({
      type: [OverlapScore],
      description: "By candidate.",
      resolve: ({ candidates }) => candidates,
    }),
    pairs: t.field({ type: [OverlapPair], description: "By pair.", resolve: ({ pairs }) => pairs }),
  }),
});

const Overlap = builder.objectRef<OverlapRow>("Overlap").implement({
  description: "A row of the assessment that a candidate was trained on, or may look up.",
  extensions: needs("read"),
  fields: (t) => ({
    candidateId: t.exposeID("candidateId", { description: "Which candidate." }),
    row: t.exposeInt("row", {
      description: "Number of the row in the assessment's dataset version, from 0.",
    }),
    question: t.string({
      nullable: true,
      description: "The row's question as it was asked; null where it was not.",
      resolve: async ({ candidateId, row }, _, { assessments }) =>
        (await assessments.findAnswer(candidateId, row))?.sent.at(-1)?.content ?? null,
    }),
    reference: t.string({
      nullable: true,
      description: "The row's right answer.",
      resolve: async ({ candidateId, row }, _, { assessments }) =>
        (await assessments.findAnswer(candidateId, row))?.reference ?? null,
    }),
    how: t.exposeString("how", { description: "trained or looked-up." }),
    level: t.exposeString("level", { description: "exact, near or meaning." }),
    similarity: t.exposeFloat("similarity", { description: "From 0 to 1, as the level measures it." }),
    hasQuestion: t.exposeBoolean("hasQuestion", { description: "Whether the question stands there." }),
    hasAnswer: t.exposeBoolean("hasAnswer", {
      nullable: true,
      description: "Whether the right answer stands there; null where the assessment has none.",
    }),
    counts: t.exposeBoolean("counts", { description: "Whether it is left out of the scores without." }),
    sourceId: t.exposeID("sourceId", { description: "The dataset version, or the document." }),
    datasetId: t.id({
      nullable: true,
      description: "The dataset; null for a document, and where it was deleted since.",
      resolve: async ({ sourceId }, _, { datasets }) =>
        (await datasets.findVersion(sourceId))?.datasetId ?? null,
    }),
    source: t.exposeString("source", { description: "Its name." }),
    sourceRow: t.exposeInt("sourceRow", { description: "Number of its row, or of its passage, from 0." }),
    foundQuestion: t.exposeString("foundQuestion", {
      description: "The question there, cut where it is long.",
    }),
    foundAnswer: t.exposeString("foundAnswer", { description: "The answer, or the passage." }),
  }),
});

type CheckShape = { row: AssessmentRow; check: OverlapCheckRow; totals: OverlapTotals };
const OverlapCheck = builder.objectRef<CheckShape>("OverlapCheck").implement({
  description: "What an assessment's rows were compared with, what was found, and the scores without it.",
  extensions: needs("read"),
  fields: (t) => ({
    rows: t.int({ description: "Rows that were compared.", resolve: ({ check }) => check.rows ?? 0 }),
    checkedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When.",
      resolve: ({ check }) => check.checkedAt,
    }),
    measures: t.field({
      type: Measures,
      nullable: true,
      description: "How.",
      resolve: ({ check }) => check.measures,
    }),
    candidates: t.field({
      type: [OverlapCandidate],
      description: "By candidate.",
      resolve: ({ check, totals }) =>
        (check.compared ?? []).flatMap((one) => {
          const seen = totals.seen.find(({ candidateId }) => candidateId === one.candidateId);
          if (!seen) return [];
          const { lookedUp: lookedUpRows, ...counts } = seen;
          return [{ ...counts, ...one, lookedUpRows }];
        }),
    }),
    steps: t.field({
      type: [OverlapStep],
      description: "Scores of all rows, then without more and more of what was seen in training.",
      resolve: ({ totals }) => totals.steps,
    }),
    found: t.field({
      type: connectionOf("Overlap", Overlap),
      description: "The rows, with what was found.",
      ...paged,
      resolve: ({ check }, page, { assessments }) => assessments.overlaps.page(check.id, page),
    }),
  }),
});

builder.objectFields(Assessment, (t) => ({
  overlaps: t.field({
    type: OverlapCheck,
    nullable: true,
    description:
      "What of its rows the candidates were trained on or may look up; null while that is not checked.",
    complexity: 20,
    resolve: async (row, _, { assessments: { overlaps } }) => {
      const check = await overlaps.latest(row.id);
      return check && { row, check, totals: await overlaps.totals(row, check) };
    },
  }),
  overlapRun: t.field({
    type: Run,
    nullable: true,
    description: "The latest run that checks this.",
    resolve: ({ id }, _, { assessments }) => assessments.overlaps.runOf(id),
  }),
}));

const CheckResult = resultUnion<{ assessment: AssessmentRow; run: RunRow }>(
  "CheckOverlap",
  "What is being checked.",
  (t) => ({
    assessment: t.field({
      type: Assessment,
      description: "The assessment.",
      resolve: ({ assessment }) => assessment,
    }),
    run: t.field({ type: Run, description: "The run that checks.", resolve: ({ run }) => run }),
  }),
);

builder.mutationFields((t) => ({
  checkOverlap: t.field({
    type: CheckResult.union,
    description:
      "Compares an assessment's rows with what its candidates were trained on or may look up, in the background.",
    extensions: needs("chat"),
    args: { id: t.arg.id({ required: true, description: "The assessment's id or name." }) },
    resolve: (_, { id }, { assessments, principal }) =>
      CheckResult.run(async () => assessments.overlaps.start(await assessments.get(principal.projectId, id))),
  }),
}));
