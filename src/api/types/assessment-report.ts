// What is read of an assessment beside its totals: rows by a filter, parts of the rows, and an earlier assessment.
import type {
  ComparedPair as ComparedPairShape,
  EarlierComparison as EarlierComparisonShape,
  Facet as FacetShape,
  RowWish,
  Setting as SettingShape,
  ShownKind,
  SliceDifference,
  Slice as SliceShape,
  Slices as SlicesShape,
} from "../../assessments/assessments.ts";
import { builder, needs } from "../builder.ts";
import { AssessedRowRef } from "./assessment-answers.ts";
import { Candidate } from "./assessment-candidates.ts";
import { Interval } from "./assessment-totals.ts";
import { Assessment } from "./assessments.ts";
import { connectionOf, pageArgs, pageCost } from "./connections.ts";

const Shown = builder.enumType("AssessedRowsShown", {
  description: "Which rows of an assessment are shown.",
  values: {
    ALL: { value: "all", description: "All that were asked about." },
    DISAGREE: { value: "disagree", description: "Those on which the candidates' scores differ." },
    WRONG: {
      value: "wrong",
      description: "Those on which the candidate, or any, has less than the full score.",
    },
    BETTER: {
      value: "better",
      description: "Those on which the candidate scores higher than the other, or any.",
    },
    WORSE: {
      value: "worse",
      description: "Those on which the candidate scores lower than the other, or any.",
    },
    FAILED: { value: "failed", description: "Those at which the candidate, or any, failed." },
    UNSCORED: { value: "unscored", description: "Those whose answer could not be scored." },
  } satisfies Record<Uppercase<ShownKind>, { value: ShownKind; description: string }>,
});

const SliceInput = builder.inputType("AssessedRowsSliceInput", {
  description: "One group of rows.",
  fields: (t) => ({
    column: t.string({ required: true, description: "The column." }),
    key: t.string({ required: true, description: "The group, by its key." }),
  }),
});
const Filter = builder.inputType("AssessedRowsFilter", {
  description: "What holds for each row that is shown.",
  fields: (t) => ({
    show: t.field({ type: Shown, description: "ALL when unsaid." }),
    candidate: t.id({ description: "Id of the candidate that `show` speaks of; any when unsaid." }),
    than: t.id({ description: "Id of whom it is better or worse than; any other when unsaid." }),
    grader: t.int({
      description: "Place of the grader whose scores count, from 0; the mean of all when unsaid.",
    }),
    search: t.string({ description: "A text in the question, the right answer or an answer." }),
    slice: t.field({ type: SliceInput, description: "One group of a column." }),
  }),
});
const wishOf = (said: typeof Filter.$inferInput): RowWish => ({
  show: said.show ?? "all",
  candidate: said.candidate ?? null,
  than: said.than ?? null,
  grader: said.grader ?? null,
  search: said.search ?? null,
  slice: said.slice ?? null,
});

const FacetGroup = builder.objectRef<FacetShape["groups"][number]>("AssessmentFacetGroup").implement({
  description: "Rows that have one value, or numbers of one range.",
  extensions: needs("read"),
  fields: (t) => ({
    key: t.exposeString("key", { description: "What it is called in a filter." }),
    label: t.exposeString("label", { description: "As people read it; empty where the column is." }),
    rows: t.int({ description: "How many rows it has.", resolve: ({ rows }) => rows.length }),
  }),
});
const Facet = builder.objectRef<FacetShape>("AssessmentFacet").implement({
  description: "A column by which the rows fall into groups.",
  extensions: needs("read"),
  fields: (t) => ({
    column: t.exposeString("column", { description: "Its name." }),
    kind: t.exposeString("kind", { description: "values, or ranges of numbers." }),
    groups: t.field({
      type: [FacetGroup],
      description: "Values by how many rows they have, numbers in their order.",
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ groups }) => groups,
    }),
  }),
});

const Difference = builder.objectRef<SliceDifference>("ScoreDifference").implement({
  description: "How the scores of two differ on the rows that both have one for.",
  extensions: needs("read"),
  fields: (t) => ({
    n: t.exposeInt("n", { description: "Rows that both have a score for." }),
    wins: t.exposeInt("wins", { description: "Rows that the first scores higher on." }),
    ties: t.exposeInt("ties", { description: "Rows on which they score the same." }),
    losses: t.exposeInt("losses", { description: "Rows that the second scores higher on." }),
    difference: t.exposeFloat("difference", { description: "Mean of the first less that of the second." }),
    low: t.exposeFloat("low", { description: "Lower end of its 95 % interval (paired bootstrap)." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
    p: t.exposeFloat("p", { description: "Chance of such a difference where there is none." }),
    test: t.exposeString("test", { description: "The test: mcnemar-exact or wilcoxon." }),
    adjustedP: t.exposeFloat("adjustedP", {
      description: "p after Holm's correction over all that are shown.",
    }),
  }),
});
const SliceScore = builder.objectRef<SliceShape["scores"][number]>("AssessmentSliceScore").implement({
  description: "How a candidate did on a group of rows.",
  extensions: needs("read"),
  fields: (t) => ({
    candidateId: t.exposeID("candidateId", { description: "Which candidate." }),
    interval: t.field({
      type: Interval,
      nullable: true,
      description: "Its score; null where nothing is scored. Not corrected for the number of groups.",
      resolve: ({ interval }) => interval,
    }),
  }),
});
const Slice = builder.objectRef<SliceShape>("AssessmentSlice").implement({
  description: "How candidates did on one group of rows.",
  extensions: needs("read"),
  fields: (t) => ({
    key: t.exposeString("key", { description: "The group, as a filter calls it." }),
    label: t.exposeString("label", { description: "As people read it; empty where the column is." }),
    rows: t.exposeInt("rows", { description: "Rows of the assessment that belong to it." }),
    scores: t.field({
      type: [SliceScore],
      description: "In the order of the candidates.",
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ scores }) => scores,
    }),
    difference: t.field({
      type: Difference,
      nullable: true,
      description: "Of the two that are compared; null where no row is scored for both.",
      resolve: ({ difference }) => difference,
    }),
  }),
});
const Slices = builder.objectRef<SlicesShape>("AssessmentSlices").implement({
  description: "How candidates did by the values of a column.",
  extensions: needs("read"),
  fields: (t) => ({
    column: t.exposeString("column", { description: "The column." }),
    kind: t.exposeString("kind", { description: "values, or ranges of numbers." }),
    compared: t.field({
      type: [Candidate],
      nullable: true,
      description:
        "The two whose difference is told; null where no two were named and there are not just two.",
      resolve: ({ compared }) => compared,
    }),
    slices: t.field({
      type: [Slice],
      description: "One for each group.",
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ slices }) => slices,
    }),
  }),
});

const Setting = builder.objectRef<SettingShape>("AssessmentSetting").implement({
  description: "Something that two assessments set differently.",
  extensions: needs("read"),
  fields: (t) => ({
    name: t.exposeString("name", { description: "What, as the API calls it." }),
    candidate: t.exposeString("candidate", {
      nullable: true,
      description: "The candidate whose setting it is; null where it is the assessment's.",
    }),
    here: t.exposeString("here", { description: "As it is in this one." }),
    there: t.exposeString("there", { description: "As it is in the other." }),
  }),
});
const ComparedPair = builder.objectRef<ComparedPairShape>("AssessmentComparedPair").implement({
  description: "A candidate of this assessment against one of another.",
  extensions: needs("read"),
  fields: (t) => ({
    candidate: t.field({ type: Candidate, description: "Of this.", resolve: ({ candidate }) => candidate }),
    against: t.field({ type: Candidate, description: "Of the other.", resolve: ({ against }) => against }),
    interval: t.field({
      type: Interval,
      nullable: true,
      description: "Of this, over the rows that both have a score for.",
      resolve: ({ interval }) => interval,
    }),
    againstInterval: t.field({
      type: Interval,
      nullable: true,
      description: "Of the other, over the same rows.",
      resolve: ({ againstInterval }) => againstInterval,
    }),
    difference: t.field({
      type: Difference,
      nullable: true,
      description: "This less the other; null where no row is scored for both.",
      resolve: ({ comparison }) => comparison,
    }),
  }),
});
const EarlierComparison = builder.objectRef<EarlierComparisonShape>("AssessmentComparison").implement({
  description: "An assessment against another one on the rows that both asked about.",
  extensions: needs("read"),
  fields: (t) => ({
    other: t.field({ type: Assessment, description: "The other.", resolve: ({ other }) => other }),
    commonRows: t.exposeInt("commonRows", { description: "Rows that both asked about." }),
    matchedBy: t.exposeString("matchedBy", {
      description: "How they were found: number within one dataset version, else content.",
    }),
    pairs: t.field({
      type: [ComparedPair],
      description: "The two that were named, else each model that is a candidate of both.",
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ pairs }) => pairs,
    }),
    settings: t.field({
      type: [Setting],
      description: "What is set differently: a difference may come from it.",
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ settings }) => settings,
    }),
  }),
});

builder.objectFields(Assessment, (t) => ({
  rows: t.field({
    type: connectionOf("AssessedRow", AssessedRowRef),
    description: "Rows with the answers of all candidates, by their number.",
    args: { ...pageArgs, filter: t.arg({ type: Filter, description: "Which rows; all when unsaid." }) },
    complexity: pageCost,
    resolve: (row, { filter, ...page }, { assessments }) => assessments.rows(row, wishOf(filter ?? {}), page),
  }),
  row: t.field({
    type: AssessedRowRef,
    nullable: true,
    description: "One row by its number; null where nobody was asked about it.",
    args: { number: t.arg.int({ required: true, description: "Its number in the dataset version." }) },
    resolve: (row, { number }, { assessments }) => assessments.row(row, number),
  }),
  facets: t.field({
    type: [Facet],
    description: "Columns of the dataset by which the rows fall into groups; none that holds long texts.",
    complexity: { field: 5, multiplier: 5 },
    resolve: (row, _, { assessments }) => assessments.facets(row),
  }),
  slices: t.field({
    type: Slices,
    description: "How candidates did by the values of a column.",
    args: {
      column: t.arg.string({ required: true, description: "One of the facets." }),
      candidate: t.arg.id({ description: "Id of the first of two whose difference is told." }),
      than: t.arg.id({ description: "Id of the second." }),
    },
    complexity: { field: 20, multiplier: 1 },
    resolve: (row, { column, candidate, than }, { assessments }) =>
      assessments.slices(row, column, { candidate: candidate ?? null, than: than ?? null }),
  }),
  comparable: t.field({
    type: [Assessment],
    description: "Other assessments of the same dataset, newest first, at most 50.",
    complexity: { field: 1, multiplier: 5 },
    resolve: (row, _, { assessments }) => assessments.comparable(row),
  }),
  comparison: t.field({
    type: EarlierComparison,
    nullable: true,
    description: "This against another assessment; null where there is none of that name or id.",
    args: {
      with: t.arg.id({ required: true, description: "Name or id of the other." }),
      candidate: t.arg.id({
        description: "Id of a candidate of this; with `against`, instead of those in both.",
      }),
      against: t.arg.id({ description: "Id of a candidate of the other." }),
    },
    complexity: { field: 20, multiplier: 1 },
    resolve: async (row, { with: named, candidate, against }, { assessments, principal }) => {
      const other = await assessments.findNamed(principal.projectId, named);
      if (!other) return null;
      return assessments.compare(row, other, { candidate: candidate ?? null, against: against ?? null });
    },
  }),
}));
