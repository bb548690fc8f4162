// Trainings, their curves and samples, and the methods.
import type { CutRows } from "../../datasets/datasets.ts";
import type { TrainingRow } from "../../models/models.ts";
import type { RunRow } from "../../runs/runs.ts";
import type {
  Forecast as ForecastShape,
  Method as MethodShape,
  MetricPoint as MetricPointShape,
} from "../../training/training.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { NodeInterface, resultUnion, UserErrorInfo } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { DatasetVersion } from "./datasets.ts";
import { BaseModel, CustomizedModel, Training } from "./refs.ts";
import { Run } from "./runs.ts";

const Method = builder.objectRef<MethodShape>("Method").implement({
  description: "A way to train.",
  extensions: needs("read"),
  fields: (t) => ({
    name: t.exposeString("name", { description: "E.g. sft." }),
    title: t.exposeString("title", { description: "Its name for people." }),
    parameters: t.field({
      type: "JSON",
      description: "JSON Schema of its parameters: range, unit, default and why.",
      resolve: ({ parameters }) => parameters,
    }),
  }),
});

type Point = MetricPointShape;
const MetricPoint = builder.objectRef<Point>("MetricPoint").implement({
  description: "What was measured at a step.",
  extensions: needs("read"),
  fields: (t) => {
    type Name = "loss" | "evalLoss" | "learningRate" | "gradNorm" | "tokensPerSecond" | "memoryBytes";
    const number = (name: Name, description: string) =>
      t.float({ nullable: true, description, resolve: (p) => finite(p[name]) });
    return {
      step: t.int({ description: "Optimizer steps done.", resolve: (p) => p.step }),
      loss: number("loss", "Mean loss per trained token since the last point."),
      evalLoss: number("evalLoss", "Mean loss over the validation rows."),
      learningRate: number("learningRate", "Size of the updates."),
      gradNorm: number("gradNorm", "Length of the gradient, before clipping."),
      tokensPerSecond: number("tokensPerSecond", "Speed."),
      memoryBytes: number("memoryBytes", "Memory of the trainer."),
    };
  },
});

function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

Training.implement({
  description: "The intent to train: base, dataset version, method and parameters, frozen.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", {
      description:
        "Its name, which what it makes bears too: the customized model, or with `save` the complete one.",
    }),
    base: t.field({
      type: BaseModel,
      description: "What it starts from.",
      resolve: ({ baseId }, _, { models }) => models.getBase(baseId),
    }),
    datasetVersion: t.field({
      type: DatasetVersion,
      nullable: true,
      description: "What it learns from; null while its dataset is deleted.",
      resolve: ({ datasetVersionId }, _, { datasets }) => datasets.findVersion(datasetVersionId),
    }),
    method: t.exposeString("method", { description: "How, e.g. sft." }),
    parameters: t.field({
      type: "JSON",
      description: "All its parameters, defaults filled in.",
      resolve: ({ parameters }) => parameters,
    }),
    save: t.exposeBoolean("save", { description: "Whether a complete model is saved at its end." }),
    run: t.field({
      type: Run,
      description: "Its latest run.",
      resolve: ({ runId }, _, { runs }) => runs.get(runId),
    }),
    customized: t.field({
      type: CustomizedModel,
      nullable: true,
      description: "What it made; null until then.",
      resolve: ({ id }, _, { training }) => training.customizedOf(id),
    }),
    saving: t.field({
      type: Run,
      nullable: true,
      description: "The run that first saved what it made as a complete model; null where none has begun.",
      resolve: async ({ id }, _, { training, models }) => {
        const customized = await training.customizedOf(id);
        return customized && models.firstMerge(customized.id);
      },
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was started." }),
    metrics: t.field({
      type: [MetricPoint],
      description: "Its curves. A list, because a curve is drawn as a whole.",
      args: { after: t.arg.int({ description: "Only points after this step." }) },
      resolve: async (row, { after }, { training }) => {
        const points = await training.metrics(row);
        return after == null ? points : points.filter(({ step }) => step > after);
      },
    }),
    samples: t.field({
      type: ["JSON"],
      description:
        "What the model answered at each evaluation: step, prompt, text, reference. A list: a few for each evaluation.",
      resolve: (row, _, { training }) => training.samples(row),
    }),
  }),
});

const CutRowsType = builder.objectRef<CutRows>("CutRows").implement({
  description: "What a training cuts off its rows at `max_length`, counted on evenly spaced ones.",
  extensions: needs("read"),
  fields: (t) => ({
    sampled: t.exposeInt("sampled", { description: "Training rows that were looked at." }),
    cut: t.exposeInt("cut", { description: "Those of them that lose their end." }),
    lost: t.exposeInt("lost", { description: "Those of them that keep nothing to learn." }),
    p95: t.exposeInt("p95", { description: "Tokens that hold 95 of 100 rows whole." }),
    max: t.exposeInt("max", { description: "Tokens of the longest." }),
  }),
});

const TrainingForecast = builder.objectRef<ForecastShape>("TrainingForecast").implement({
  description: "What a training would take, and why it might be refused.",
  extensions: needs("read"),
  fields: (t) => ({
    steps: t.exposeInt("steps", { description: "Optimizer steps." }),
    seconds: t.exposeFloat("seconds", {
      nullable: true,
      description: "Estimated time; null without a measure.",
    }),
    memoryBytes: t.exposeFloat("memoryBytes", { description: "Estimated memory of the trainer." }),
    cut: t.field({
      type: CutRowsType,
      nullable: true,
      description:
        "What `max_length` cuts off; null where the rows cannot be read, as of a table without mapping.",
      resolve: ({ cut }) => cut,
    }),
    warnings: t.exposeStringList("warnings", { description: "What is allowed but unwise." }),
    refusals: t.field({
      type: [UserErrorInfo],
      description: "What would be refused.",
      resolve: ({ refusals }) => refusals,
    }),
  }),
});

const StartTrainingInput = builder.inputType("StartTrainingInput", {
  description: "A training to start.",
  fields: (t) => ({
    name: t.string({
      required: true,
      description: "Name of the training and of what it makes; generated when empty, see `generatedName`.",
    }),
    baseId: t.id({ required: true, description: "Id or name of the base model." }),
    datasetVersionId: t.id({
      required: true,
      description: "Id of the dataset version, or `name` or `name@2`.",
    }),
    method: t.string({ required: true, description: "A method's name, e.g. sft." }),
    parameters: t.field({ type: "JSON", description: "Its parameters; missing ones take their defaults." }),
    save: t.boolean({ description: "Also save a complete model at the end." }),
    mapping: t.field({ type: "JSON", description: "Columns for prompt and completion of a table." }),
  }),
});

const StartTrainingResult = resultUnion<{ training: TrainingRow; run: RunRow }>(
  "StartTraining",
  "The training that was started.",
  (t) => ({
    training: t.field({ type: Training, description: "The training.", resolve: ({ training }) => training }),
    run: t.field({ type: Run, description: "Its run.", resolve: ({ run }) => run }),
  }),
);

type Wish = typeof StartTrainingInput.$inferInput;

/** The input as the training wants it: names looked up, ids as they are. */
async function wished({ models, datasets, principal }: Context, input: Wish) {
  const base = await models.resolve(principal.projectId, input.baseId);
  const version = await datasets.resolveVersion(principal.projectId, input.datasetVersionId);
  return {
    projectId: principal.projectId,
    name: input.name,
    baseId: base.modelId,
    datasetVersionId: version.id,
    method: input.method,
    parameters: input.parameters ?? {},
    save: input.save ?? false,
    ...(input.mapping == null ? {} : { mapping: input.mapping }),
  };
}

builder.queryFields((t) => ({
  trainings: t.field({
    type: connectionOf("Training", Training),
    description: "Trainings, newest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { training, principal }) => training.page(principal.projectId, page),
  }),
  methods: t.field({
    type: [Method],
    description: "The ways to train that this server knows. A list, because the program itself fixes them.",
    extensions: needs("read"),
    resolve: (_, _args, { training }) => training.methods(),
  }),
  trainingForecast: t.field({
    type: TrainingForecast,
    description: "What a training would take; starts nothing.",
    extensions: needs("read"),
    args: { input: t.arg({ type: StartTrainingInput, required: true, description: "The training." }) },
    resolve: async (_, { input }, context) => context.training.forecast(await wished(context, input)),
  }),
}));

builder.mutationField("startTraining", (t) =>
  t.field({
    type: StartTrainingResult.union,
    description: "Starts a training, which waits for a trainer.",
    extensions: needs("train"),
    args: { input: t.arg({ type: StartTrainingInput, required: true, description: "The training." }) },
    resolve: (_, { input }, context) =>
      StartTrainingResult.run(async () => context.training.startTraining(await wished(context, input))),
  }),
);
