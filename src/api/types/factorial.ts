// Training and documents: what each brings and what both bring together, of an assessment of the four.
import { askerOf } from "../../accounts/accounts.ts";
import type {
  FactorialCell as CellShape,
  Factorial as FactorialShape,
} from "../../assessments/assessments.ts";
import { builder, needs } from "../builder.ts";
import { Candidate } from "./assessment-candidates.ts";
import { Interval } from "./assessment-totals.ts";
import { AssessmentResult, SampleInput } from "./assessment-verbs.ts";
import { Assessment } from "./assessments.ts";

type MeanShape = NonNullable<CellShape["latencyMs"]>;
const MeanInterval = builder.objectRef<MeanShape>("MeanInterval").implement({
  description: "A mean with its 95 % interval (bootstrap over rows).",
  extensions: needs("read"),
  fields: (t) => ({
    mean: t.exposeFloat("mean", { description: "In the unit of what was measured." }),
    low: t.exposeFloat("low", { description: "Lower end." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
  }),
});

const Cell = builder.objectRef<CellShape>("FactorialCell").implement({
  description: "One of the four that are compared, on the rows that all four have a score for.",
  extensions: needs("read"),
  fields: (t) => ({
    candidate: t.field({ type: Candidate, description: "Which one.", resolve: ({ candidate }) => candidate }),
    isTuned: t.exposeBoolean("isTuned", { description: "Whether it is the tuned model." }),
    hasDocuments: t.exposeBoolean("hasDocuments", { description: "Whether it answers from documents." }),
    interval: t.field({
      type: Interval,
      nullable: true,
      description: "Its score; null while no row is scored for all four.",
      resolve: ({ interval }) => interval,
    }),
    latencyMs: t.field({
      type: MeanInterval,
      nullable: true,
      description: "Milliseconds of an answer.",
      resolve: ({ latencyMs }) => latencyMs,
    }),
    costUsd: t.exposeFloat("costUsd", {
      nullable: true,
      description: "US dollars of an answer on average; null where one has no price.",
    }),
  }),
});

type EffectShape = NonNullable<FactorialShape["latencyMs"]>["lead"] & { p?: number; adjustedP?: number };
const Effect = builder.objectRef<EffectShape>("FactorialEffect").implement({
  description: "What something brings: a mean over the rows with its 95 % interval (bootstrap over rows).",
  extensions: needs("read"),
  fields: (t) => ({
    estimate: t.exposeFloat("estimate", { description: "In the unit of what was measured." }),
    low: t.exposeFloat("low", { description: "Lower end." }),
    high: t.exposeFloat("high", { description: "Upper end." }),
    p: t.exposeFloat("p", {
      nullable: true,
      description:
        "Chance of such an effect where there is none (sign-flip test); null where none was asked.",
    }),
    adjustedP: t.exposeFloat("adjustedP", {
      nullable: true,
      description: "p after Holm's correction over training, documents and interaction.",
    }),
  }),
});

type EffectsShape = { n: number } & Record<"first" | "second" | "interaction" | "lead", EffectShape>;
const Effects = builder.objectRef<EffectsShape>("FactorialEffects").implement({
  description: "What training and documents bring in one measure.",
  extensions: needs("read"),
  fields: (t) => ({
    training: t.field({
      type: Effect,
      description: "What training brings, without and with documents alike.",
      resolve: ({ first }) => first,
    }),
    documents: t.field({
      type: Effect,
      description: "What documents bring, before and after training alike.",
      resolve: ({ second }) => second,
    }),
    interaction: t.field({
      type: Effect,
      description: "What both bring less what each brings alone: above 0, more than their sum.",
      resolve: ({ interaction }) => interaction,
    }),
    lead: t.field({
      type: Effect,
      description: "What training brings less what documents bring.",
      resolve: ({ lead }) => lead,
    }),
  }),
});

const Factorial = builder.objectRef<FactorialShape>("Factorial").implement({
  description: "What training, documents and both together bring.",
  extensions: needs("read"),
  fields: (t) => ({
    cells: t.field({
      type: [Cell],
      description: "Base, base with documents, tuned, tuned with documents.",
      resolve: ({ cells }) => cells,
    }),
    n: t.exposeInt("n", { description: "Rows that all four have a score for." }),
    score: t.field({
      type: Effects,
      nullable: true,
      description: "In score; null while no row is scored for all four.",
      resolve: ({ score }) => score,
    }),
    latencyMs: t.field({
      type: Effects,
      nullable: true,
      description: "In milliseconds of an answer, as they were while all were asked.",
      resolve: ({ latencyMs }) => latencyMs,
    }),
    costUsd: t.field({
      type: Effects,
      nullable: true,
      description: "In US dollars of an answer; null where one has no price.",
      resolve: ({ costUsd }) => costUsd,
    }),
    warnings: t.exposeStringList("warnings", {
      description: "Why a part of an effect may be something else.",
    }),
    sentence: t.exposeString("english", { description: "What can be said, with its uncertainty." }),
  }),
});

builder.objectField(Assessment, "factorial", (t) =>
  t.field({
    type: Factorial,
    nullable: true,
    description:
      "What training and documents bring, where the candidates hold a base and a model made from it, each without and with the same knowledge bases; else null.",
    complexity: 20,
    resolve: (row, _, { assessments }) => assessments.factorial(row),
  }),
);

const StartInput = builder.inputType("StartFactorialInput", {
  description:
    "Which tuned model and knowledge bases to compare, on which rows, and how to score the answers.",
  fields: (t) => ({
    name: t.string({ required: true, description: "Name of the assessment." }),
    model: t.string({
      required: true,
      description:
        "The tuned model: customized or complete, or served; of a base the one model made from it is taken.",
    }),
    base: t.string({ description: "What it is compared with; its own base model when unsaid." }),
    knowledgeBases: t.stringList({ required: true, description: "Names or ids of the knowledge bases." }),
    systemPrompt: t.string({ description: "Said to all four instead of each row's own system prompt." }),
    dataset: t.string({ required: true, description: "Name, `name@2`, or id of a dataset version." }),
    split: t.string({ description: "As for an assessment." }),
    sample: t.field({ type: SampleInput, description: "Which rows; all when unsaid." }),
    question: t.string({ description: "As for an assessment." }),
    reference: t.string({ description: "As for an assessment." }),
    graders: t.stringList({ required: true, description: "As for an assessment." }),
    maxTokens: t.int({ description: "Longest answer in tokens; 256 when unsaid." }),
    temperature: t.float({ description: "0 when unsaid: always the likeliest token." }),
  }),
});

builder.mutationField("startFactorial", (t) =>
  t.field({
    type: AssessmentResult.union,
    description:
      "Assesses a base and a model made from it, each without and with documents, on the same rows: one assessment of four candidates.",
    extensions: needs("chat"),
    args: { input: t.arg({ type: StartInput, required: true, description: "What to compare." }) },
    resolve: (_, { input }, { assessments, principal }) =>
      AssessmentResult.run(() =>
        assessments.startFactorial({ ...input, ...askerOf(principal), createdBy: principal.name }),
      ),
  }),
);
