// Suites: assessments kept to be asked of every new candidate, what each run found, and how scores went over the runs.
import { askerOf } from "../../accounts/accounts.ts";
import type {
  SuitePoint as PointShape,
  SuiteReport as ReportShape,
  SuiteEntryRow,
  SuiteRow,
  SuiteRunRow,
} from "../../assessments/assessments.ts";
import { limits } from "../../kit/limits.ts";
import type { RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import { Interval } from "./assessment-totals.ts";
import { CandidateInput } from "./assessment-verbs.ts";
import { Assessment } from "./assessments.ts";
import { NodeInterface, resultUnion } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { Run } from "./runs.ts";

const Entry = builder.objectRef<SuiteEntryRow>("SuiteEntry").implement({
  description: "What a suite asks: an assessment as it was defined when it was added.",
  extensions: needs("read"),
  fields: (t) => ({
    entryId: t.exposeID("id", { description: "Its id." }),
    name: t.exposeString("name", { description: "Its name, unique in the suite." }),
    dataset: t.string({
      description: "Name and version of the dataset at the time.",
      resolve: ({ definition }) => definition.datasetName,
    }),
    datasetVersionId: t.id({
      description: "The dataset version.",
      resolve: ({ definition }) => definition.datasetVersionId,
    }),
    isThere: t.boolean({
      description: "Whether the dataset version is still there.",
      resolve: (entry, _, { assessments }) => assessments.suites.hasDataset(entry),
    }),
    split: t.string({
      nullable: true,
      description: "The split; null for all rows.",
      resolve: ({ definition }) => definition.split,
    }),
    question: t.string({
      description: "Template of the question.",
      resolve: ({ definition }) => definition.question,
    }),
    graders: t.stringList({
      description: "How answers are scored, as on the command line.",
      resolve: ({ definition }, _, { assessments }) => assessments.graderLabels(definition),
    }),
  }),
});

type MacroShape = NonNullable<ReportShape["lines"][number]["overall"]>;
const Macro = builder.objectRef<MacroShape>("SuiteScore").implement({
  description: "The mean of the entries' means with its 95 % interval; each entry counts the same.",
  extensions: needs("read"),
  fields: (t) => ({
    mean: t.exposeFloat("mean", { description: "From 0 to 1." }),
    low: t.exposeFloat("low", { description: "Lower end." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
    entries: t.exposeInt("sets", { description: "Entries that are scored." }),
    n: t.exposeInt("n", { description: "Rows in all." }),
    method: t.exposeString("method", {
      description:
        "bootstrap, stratified by entry, or combined from the entries' own intervals: from 5,000 rows on, and where all rows of one score the same.",
    }),
  }),
});

type CellShape = ReportShape["lines"][number]["cells"][number];
const Cell = builder.objectRef<CellShape>("SuiteCell").implement({
  description: "A candidate on one entry.",
  extensions: needs("read"),
  fields: (t) => ({
    interval: t.field({
      type: Interval,
      nullable: true,
      description: "Its score; null while nothing is scored.",
      resolve: ({ interval }) => interval,
    }),
    answered: t.exposeInt("answered", { description: "Rows that are scored." }),
  }),
});

const Line = builder.objectRef<ReportShape["lines"][number]>("SuiteLine").implement({
  description: "A candidate on every entry of a run, and over all of them.",
  extensions: needs("read"),
  fields: (t) => ({
    name: t.exposeString("name", { description: "The candidate." }),
    cells: t.field({ type: [Cell], description: "By entry, in their order.", resolve: ({ cells }) => cells }),
    overall: t.field({
      type: Macro,
      nullable: true,
      description: "Over the entries that are scored; null while none is.",
      resolve: ({ overall }) => overall,
    }),
  }),
});

type LeadShape = NonNullable<ReportShape["lead"]>;
const Lead = builder.objectRef<LeadShape>("SuiteLead").implement({
  description: "The best candidate against the second, on the rows that both have a score for.",
  extensions: needs("read"),
  fields: (t) => ({
    best: t.exposeString("best", { description: "The best." }),
    second: t.exposeString("second", { description: "The second." }),
    difference: t.exposeFloat("difference", {
      description: "Mean over the entries of the mean differences.",
    }),
    low: t.exposeFloat("low", { description: "Lower end of its 95 % interval." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
    p: t.exposeFloat("p", {
      description: "By the sign-flip test, corrected for the number of pairs (Holm).",
    }),
    n: t.exposeInt("n", { description: "Rows in all." }),
    entries: t.exposeInt("sets", { description: "Entries." }),
  }),
});

const MadeEntry = builder.objectRef<ReportShape["entries"][number]>("SuiteRunEntry").implement({
  description: "An assessment that a run of the suite made.",
  extensions: needs("read"),
  fields: (t) => ({
    entry: t.string({ description: "The entry's name at the time.", resolve: ({ run }) => run.entry }),
    dataset: t.string({
      description: "Name and version of the dataset at the time.",
      resolve: ({ run }) => run.datasetName,
    }),
    assessment: t.field({
      type: Assessment,
      nullable: true,
      description: "The assessment; null where it is deleted since.",
      resolve: ({ assessment }) => assessment,
    }),
  }),
});

type RunShape = { first: SuiteRunRow; report: ReportShape };
const SuiteRun = builder.objectRef<RunShape>("SuiteRun").implement({
  description: "What a run of a suite found.",
  extensions: needs("read"),
  fields: (t) => ({
    number: t.int({ description: "Counts the suite's runs, from 1.", resolve: ({ first }) => first.number }),
    createdAt: t.field({ type: "DateTime", description: "When.", resolve: ({ first }) => first.createdAt }),
    createdBy: t.string({ description: "Who started it.", resolve: ({ first }) => first.createdBy }),
    entries: t.field({
      type: [MadeEntry],
      description: "The assessments that it made.",
      resolve: ({ report }) => report.entries,
    }),
    lines: t.field({ type: [Line], description: "By candidate.", resolve: ({ report }) => report.lines }),
    lead: t.field({
      type: Lead,
      nullable: true,
      description: "The best against the second; null where there are no two.",
      resolve: ({ report }) => report.lead,
    }),
    isClear: t.boolean({
      description: "Whether one candidate is told apart from all others as better.",
      resolve: ({ report }) => report.isClear,
    }),
    sentence: t.string({
      description: "The verdict with its uncertainty.",
      resolve: ({ report }) => report.english,
    }),
  }),
});

const Point = builder.objectRef<PointShape>("SuitePoint").implement({
  description:
    "A candidate's score over all entries of one run, with its 95 % interval, combined from those of the entries.",
  extensions: needs("read"),
  fields: (t) => ({
    number: t.exposeInt("number", { description: "The run's number." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When the run was started." }),
    name: t.exposeString("name", { description: "The candidate." }),
    mean: t.exposeFloat("mean", { description: "From 0 to 1." }),
    low: t.exposeFloat("low", { description: "Lower end." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
    entries: t.exposeInt("entries", { description: "Entries that are scored." }),
    of: t.exposeInt("of", { description: "Entries of the run." }),
  }),
});

const Suite = builder.objectRef<SuiteRow>("Suite").implement({
  description:
    "Assessments that are asked again of every new candidate, as they were defined when they were added.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name." }),
    entries: t.field({
      type: [Entry],
      description: "What it asks.",
      resolve: ({ id }, _, { assessments }) => assessments.suites.entriesOf(id),
    }),
    runCount: t.int({
      description: "How often it was run.",
      resolve: async ({ id }, _, { assessments }) => (await assessments.suites.runOf(id))[0]?.number ?? 0,
    }),
    run: t.field({
      type: SuiteRun,
      nullable: true,
      description: "What a run found; null where there is none.",
      complexity: 20,
      args: { number: t.arg.int({ description: "Which run; the latest when unsaid." }) },
      resolve: async ({ id }, { number }, { assessments }) => {
        const made = await assessments.suites.runOf(id, number);
        const [first] = made;
        return first ? { first, report: await assessments.suites.report(made) } : null;
      },
    }),
    history: t.field({
      type: [Point],
      description: `Scores of the latest ${limits.suiteHistory} runs, the oldest first.`,
      complexity: 10,
      resolve: ({ id }, _, { assessments }) => assessments.suites.history(id),
    }),
    createdBy: t.exposeString("createdBy", { description: "Who made it, by name." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When." }),
  }),
});

builder.queryFields((t) => ({
  suites: t.field({
    type: connectionOf("Suite", Suite),
    description: "The suites of the project, newest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { assessments, principal }) => assessments.suites.page(principal.projectId, page),
  }),
  suite: t.field({
    type: Suite,
    nullable: true,
    description: "A suite by its name or id; null when there is none.",
    extensions: needs("read"),
    args: { name: t.arg.string({ required: true, description: "Name or id." }) },
    resolve: (_, { name }, { assessments, principal }) =>
      assessments.suites.findNamed(principal.projectId, name),
  }),
}));

const SuiteResult = resultUnion<{ suite: SuiteRow }>("Suite", "The suite.", (t) => ({
  suite: t.field({ type: Suite, description: "The suite as it is now.", resolve: ({ suite }) => suite }),
}));
const StartResult = resultUnion<{ suite: SuiteRow; number: number; runs: RunRow[] }>(
  "StartSuite",
  "What is being asked.",
  (t) => ({
    suite: t.field({ type: Suite, description: "The suite.", resolve: ({ suite }) => suite }),
    number: t.exposeInt("number", { description: "The run's number." }),
    runs: t.field({
      type: [Run],
      description: "The run of each assessment, in the order of the entries.",
      resolve: ({ runs }) => runs,
    }),
  }),
);

builder.mutationFields((t) => ({
  createSuite: t.field({
    type: SuiteResult.union,
    description: "Makes a suite of assessments, as they are defined now.",
    extensions: needs("write"),
    args: {
      name: t.arg.string({ required: true, description: "Its name." }),
      assessments: t.arg.stringList({ description: "Names or ids of the assessments that it begins with." }),
    },
    resolve: (_, { name, assessments: kept }, { assessments, principal }) =>
      SuiteResult.run(async () => ({
        suite: await assessments.suites.create({
          ...askerOf(principal),
          createdBy: principal.name,
          name,
          assessments: kept ?? [],
        }),
      })),
  }),
  addToSuite: t.field({
    type: SuiteResult.union,
    description: "Adds an assessment to a suite, as it is defined now.",
    extensions: needs("write"),
    args: {
      suite: t.arg.id({ required: true, description: "The suite's id or name." }),
      assessment: t.arg.id({ required: true, description: "The assessment's id or name." }),
    },
    resolve: (_, { suite, assessment }, { assessments, principal }) =>
      SuiteResult.run(async () => ({
        suite: await assessments.suites.add(principal.projectId, suite, assessment),
      })),
  }),
  takeOutOfSuite: t.field({
    type: SuiteResult.union,
    description: "Takes an entry out of a suite; what earlier runs found of it stays.",
    extensions: needs("write"),
    args: {
      suite: t.arg.id({ required: true, description: "The suite's id or name." }),
      entry: t.arg.id({ required: true, description: "The entry's id or name." }),
    },
    resolve: (_, { suite, entry }, { assessments, principal }) =>
      SuiteResult.run(async () => ({
        suite: await assessments.suites.takeOutEntry(principal.projectId, suite, entry),
      })),
  }),
  copySuite: t.field({
    type: SuiteResult.union,
    description: "Makes another suite of the same entries, without the runs.",
    extensions: needs("write"),
    args: {
      suite: t.arg.id({ required: true, description: "The suite's id or name." }),
      name: t.arg.string({ required: true, description: "Name of the copy." }),
    },
    resolve: (_, { suite, name }, { assessments, principal }) =>
      SuiteResult.run(async () => ({
        suite: await assessments.suites.copy({
          ...askerOf(principal),
          createdBy: principal.name,
          suite,
          name,
        }),
      })),
  }),
  startSuite: t.field({
    type: StartResult.union,
    description:
      "Asks candidates all that a suite holds: one assessment for each entry, all of them or none, in the background.",
    extensions: needs("chat"),
    args: {
      suite: t.arg.id({ required: true, description: "The suite's id or name." }),
      candidates: t.arg({
        type: [CandidateInput],
        required: true,
        description: `Who is asked, up to ${limits.assessmentCandidates}.`,
      }),
    },
    resolve: (_, { suite, candidates }, { assessments, principal }) =>
      StartResult.run(() =>
        assessments.suites.start({
          ...askerOf(principal),
          createdBy: principal.name,
          suite,
          candidates,
        }),
      ),
  }),
}));
