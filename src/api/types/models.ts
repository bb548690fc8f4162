// Models as files: base, customized and complete ones, and what can be picked to talk to.
import { z } from "zod";
import { EspalierError } from "../../kit/errors.ts";
import {
  type BaseModelRow,
  type ModelFit as FitShape,
  readmeOf,
  withoutHeader,
} from "../../models/models.ts";
import type { RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import { importPath } from "../import-paths.ts";
import { Model, NodeInterface, resultUnion } from "./common.ts";
import { connectionOf, pageArgs, pageCost, paged } from "./connections.ts";
import { ModelAbility, ModelKind, NamedStep, Precision } from "./enums.ts";
import { BaseModel, CompleteModel, CustomizedModel, ModelEntry, Training } from "./refs.ts";
import { Run } from "./runs.ts";

const ModelFit = builder.objectRef<FitShape>("ModelFit").implement({
  description: "Whether this machine holds a model.",
  extensions: needs("read"),
  fields: (t) => ({
    fits: t.exposeBoolean("fits", { description: "Whether it does." }),
    neededBytes: t.exposeFloat("neededBytes", { description: "Estimated bytes in memory." }),
    availableBytes: t.exposeFloat("availableBytes", { description: "Bytes set aside for models." }),
    sentence: t.exposeString("sentence", { description: "The same for people." }),
  }),
});

ModelEntry.implement({
  description: "Anything usable as a model, as the pickers list it.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its id." }),
    kind: t.field({ type: ModelKind, description: "Its state.", resolve: (entry) => entry.kind }),
    name: t.exposeString("name", { description: "Its name or alias." }),
    usable: t.exposeBoolean("usable", { description: "Whether it answers now." }),
    reason: t.exposeString("reason", { nullable: true, description: "Why it does not." }),
    abilities: t.field({
      type: [ModelAbility],
      description: "What it can do.",
      resolve: ({ abilities }) => [...abilities],
    }),
  }),
});

/** A base, customized or complete model: files under a name, made from something, and in use or not. */
type Kept = { id: string; name: string; sizeBytes: number; sha256: string; createdAt: number };
const KeptModel = builder.interfaceRef<Kept>("KeptModel").implement({
  description: "A model whose files are here: base, customized or complete.",
  interfaces: [NodeInterface, Model],
  fields: (t) => ({
    sizeBytes: t.exposeFloat("sizeBytes", { description: "Bytes of its files." }),
    hash: t.exposeString("sha256", { description: "SHA-256 over its files' names and contents." }),
  }),
});

BaseModel.implement({
  description: "Weights we start from; never changed.",
  extensions: needs("read"),
  interfaces: [NodeInterface, Model, KeptModel],
  fields: (t) => ({
    architecture: t.string({
      description: "E.g. LlamaForCausalLM.",
      resolve: ({ card }) => card.architecture,
    }),
    format: t.exposeString("format", { description: "hf (safetensors folder) or gguf." }),
    parameters: t.float({ description: "How many weights.", resolve: ({ card }) => card.parameterCount }),
    dtype: t.string({ description: "Their number format in the files.", resolve: ({ card }) => card.dtype }),
    contextLength: t.int({
      description: "Longest conversation, in tokens.",
      resolve: ({ card }) => card.contextLength,
    }),
    licence: t.string({
      nullable: true,
      description: "As the files say it.",
      resolve: ({ card }) => card.licence,
    }),
    chatTemplate: t.string({
      nullable: true,
      description: "How conversations become text (Jinja).",
      resolve: ({ card }) => card.chatTemplate,
    }),
    renderedExample: t.string({
      nullable: true,
      description: "A short conversation as the model sees it.",
      resolve: ({ card }) => card.renderedExample,
    }),
    vocabSize: t.int({ description: "Tokens that the model knows.", resolve: ({ card }) => card.vocabSize }),
    precisions: t.field({
      type: [Precision],
      description: "Precisions it can be served at, the one that suits it and this machine first.",
      resolve: ({ card }, _, { models }) => models.precisions(card),
    }),
    fit: t.field({
      type: ModelFit,
      description: "Whether it fits this machine.",
      resolve: ({ card }, _, { models }) => models.fit(card),
    }),
    card: t.string({
      nullable: true,
      description: "The README that came with it or was written since, Markdown, without its YAML header.",
      resolve: ({ card }) => (card.readme === null ? null : withoutHeader(card.readme)),
    }),
    readme: t.string({
      description: "README.md of the model as hubs read it, with a YAML header of what the scan found.",
      resolve: readmeOf,
    }),
    status: t.string({
      description: "ready: a base model is listed once its import is done.",
      resolve: () => "ready",
    }),
  }),
});

CustomizedModel.implement({
  description: "An adapter: the result of a training. It needs its base.",
  extensions: needs("read"),
  interfaces: [NodeInterface, Model, KeptModel],
  fields: (t) => ({
    base: t.field({
      type: BaseModel,
      description: "The base that it adapts.",
      resolve: ({ baseId }, _, { models }) => models.getBase(baseId),
    }),
    training: t.field({
      type: Training,
      description: "The training that made it.",
      resolve: ({ trainingId }, _, { training }) => training.get(trainingId),
    }),
    rank: t.int({
      description: "Rank of its LoRA matrices; 0 where its files do not say.",
      resolve: (row, _, { training }) => training.rankOf(row),
    }),
  }),
});

CompleteModel.implement({
  description: "A self-contained model: base and adapter merged.",
  extensions: needs("read"),
  interfaces: [NodeInterface, Model, KeptModel],
  fields: (t) => ({
    base: t.field({
      type: BaseModel,
      description: "The base that it grew from.",
      resolve: ({ baseId }, _, { models }) => models.getBase(baseId),
    }),
    customized: t.field({
      type: CustomizedModel,
      nullable: true,
      description: "The customized model that was merged; null when that is gone.",
      resolve: ({ customizedId }, _, { models }) =>
        customizedId ? models.findCustomized(customizedId) : null,
    }),
    verification: t.field({
      type: "JSON",
      nullable: true,
      description: "How far its logits were from base + adapter when it was made.",
      resolve: ({ verification }) => verification,
    }),
  }),
});

builder.queryFields((t) => ({
  models: t.field({
    type: connectionOf("ModelEntry", ModelEntry),
    description:
      "Everything that can be picked as a model: third-party ones, registered, live, customized, complete and base ones, each newest first.",
    extensions: needs("read"),
    args: { ...pageArgs, kinds: t.arg({ type: [ModelKind], description: "Only these states." }) },
    complexity: pageCost,
    resolve: (_, { kinds, ...page }, { models, principal }) =>
      models.pageOfEntries(principal.projectId, kinds ?? undefined, page),
  }),
  model: t.field({
    type: ModelEntry,
    nullable: true,
    description: "What has this name, alias or id; null when nothing has.",
    extensions: needs("read"),
    args: { name: t.arg.string({ required: true, description: "A name, alias or id." }) },
    resolve: (_, { name }, { models, principal }) => models.find(principal.projectId, name),
  }),
  generatedName: t.field({
    type: "String",
    description:
      "What a step calls what it makes of a model when nobody names it, with the first free number for `id`. It is settled when the step starts.",
    extensions: needs("read"),
    args: {
      model: t.arg.string({ required: true, description: "Name, alias or id of the model." }),
      step: t.arg({ type: NamedStep, required: true, description: "The step." }),
      precision: t.arg({ type: Precision, description: "Of a deployment; FP32 when unsaid." }),
    },
    resolve: (_, { model, step, precision }, { models, principal }) =>
      models.generatedName({
        projectId: principal.projectId,
        model,
        // The enums let nothing else through; the tables' words are wider.
        step: z.enum(["train", "save", "deploy"]).parse(step),
        precision: z.enum(["fp32", "int8", "native"]).parse(precision ?? "fp32"),
      }),
  }),
  baseModels: t.field({
    type: connectionOf("BaseModel", BaseModel),
    description: "Base models, newest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { models, principal }) => models.pageOfBases(principal.projectId, page),
  }),
  customizedModels: t.field({
    type: connectionOf("CustomizedModel", CustomizedModel),
    description: "Customized models, newest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { models, principal }) => models.pageOfCustomized(principal.projectId, page),
  }),
  completeModels: t.field({
    type: connectionOf("CompleteModel", CompleteModel),
    description: "Complete models, newest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { models, principal }) => models.pageOfComplete(principal.projectId, page),
  }),
}));

const ImportModelResult = resultUnion<{ model: BaseModelRow | null; run: RunRow }>(
  "ImportModel",
  "The import that was started.",
  (t) => ({
    model: t.field({
      type: BaseModel,
      nullable: true,
      description: "The model, once the run has made it.",
      resolve: ({ model }) => model,
    }),
    run: t.field({ type: Run, description: "The import.", resolve: ({ run }) => run }),
  }),
);
const SaveModelResult = resultUnion<{ run: RunRow }>("SaveModel", "The saving that was started.", (t) => ({
  run: t.field({ type: Run, description: "The merge.", resolve: ({ run }) => run }),
}));

const EditCardResult = resultUnion<{ model: BaseModelRow }>("EditCard", "The model with its card.", (t) => ({
  model: t.field({ type: BaseModel, description: "The base model.", resolve: ({ model }) => model }),
}));

const ImportModelInput = builder.inputType("ImportModelInput", {
  description: "A base model to take in, from a path or an upload.",
  fields: (t) => ({
    name: t.string({ required: true, description: "Name of the base model." }),
    path: t.string({
      description: "Path on the server's machine: a Hugging Face folder, its zip, or a GGUF file.",
    }),
    uploadId: t.id({ description: "A finished upload instead: a GGUF file, or the zip of a folder." }),
    uploadIds: t.idList({
      description: "Finished uploads instead: the files of a Hugging Face folder, one by one.",
    }),
  }),
});
const SaveModelInput = builder.inputType("SaveModelInput", {
  description: "A customized model to merge into a complete one.",
  fields: (t) => ({
    customizedId: t.id({ required: true, description: "Id or name of the customized model." }),
    name: t.string({
      description: "Name of the complete model; generated when unsaid, see `generatedName`.",
    }),
  }),
});

builder.mutationFields((t) => ({
  importModel: t.field({
    type: ImportModelResult.union,
    description: "Scans a base model's files and takes them in, in the background.",
    extensions: needs("write"),
    args: { input: t.arg({ type: ImportModelInput, required: true, description: "What to import." }) },
    resolve: (_, { input }, context) =>
      ImportModelResult.run(async () => {
        const { models, uploads, config, principal } = context;
        const { name, path, uploadId, uploadIds } = input;
        const ids = uploadIds ?? (uploadId ? [uploadId] : []);
        if ((path ? 1 : 0) + (uploadId ? 1 : 0) + (uploadIds?.length ? 1 : 0) !== 1)
          throw new EspalierError("FILE_MISSING", "there is no model to import, or more than one way to it", {
            hint: "Give one of `path`, `uploadId` and `uploadIds`.",
            field: "path",
          });
        const run = await models.importModel({
          projectId: principal.projectId,
          name,
          source: async () =>
            path
              ? { path: await importPath(path, principal, config.importDirs) }
              : { incoming: await uploads.claim(ids, principal) },
        });
        return { run, model: null };
      }),
  }),
  editCard: t.field({
    type: EditCardResult.union,
    description:
      "Replaces the README of a base model's card; empty removes it. The weights stay as they are.",
    extensions: needs("write"),
    args: {
      id: t.arg.id({ required: true, description: "Id of the base model." }),
      text: t.arg.string({ required: true, description: "Markdown." }),
    },
    resolve: (_, { id, text }, { models, principal }) =>
      EditCardResult.run(async () => ({
        model: await models.editCard({ projectId: principal.projectId, baseId: id, text }),
      })),
  }),
  saveModel: t.field({
    type: SaveModelResult.union,
    description: "Merges base and adapter into a complete model, in the background, and verifies it.",
    extensions: needs("write"),
    args: { input: t.arg({ type: SaveModelInput, required: true, description: "What to save." }) },
    resolve: (_, { input }, { models, principal }) =>
      SaveModelResult.run(async () => {
        const found = await models.resolve(principal.projectId, input.customizedId);
        const name = input.name ?? undefined;
        return {
          run: await models.saveModel({ projectId: principal.projectId, customizedId: found.modelId, name }),
        };
      }),
  }),
}));
