// The process map: the first page in one query.

import { builder, needs } from "../builder.ts";
import { readProcessMap } from "../process-facts.ts";
import type { ProcessMap as MapShape, MapNext as NextShape, MapStage as StageShape } from "../process-map.ts";
import { Trainer } from "./refs.ts";
import { Run } from "./runs.ts";

const MapStage = builder.objectRef<StageShape>("MapStage").implement({
  description: "A stage of the lifecycle.",
  extensions: needs("read"),
  fields: (t) => ({
    key: t.exposeString("key", {
      description: "base, datasets, customized, complete, live, registered, chat, knowledge or thirdParty.",
    }),
    count: t.exposeInt("count", { description: "How many things are there." }),
    summary: t.exposeString("summary", { description: "The newest of them, or what the stage is for." }),
    running: t.field({
      type: [Run],
      description: "What is being made there.",
      resolve: ({ running }) => running,
    }),
    available: t.exposeBoolean("available", { description: "Whether the stage can be used now." }),
    reason: t.exposeString("reason", { nullable: true, description: "Why it cannot." }),
    actionLabel: t.exposeString("actionLabel", {
      nullable: true,
      description: "What can be done there next.",
    }),
    actionPath: t.exposeString("actionPath", { nullable: true, description: "The page for it." }),
    missing: t.exposeStringList("missing", { description: "What has to exist before." }),
  }),
});

const MapNext = builder.objectRef<NextShape>("MapNext").implement({
  description: "The one next thing to do.",
  extensions: needs("read"),
  fields: (t) => ({
    sentence: t.exposeString("sentence", { description: "What." }),
    detail: t.exposeString("detail", { description: "Why." }),
    label: t.exposeString("label", { description: "The button's words." }),
    path: t.exposeString("path", { description: "The page for it." }),
  }),
});

const ProcessMap = builder.objectRef<MapShape>("ProcessMap").implement({
  description: "The lifecycle as it stands.",
  extensions: needs("read"),
  fields: (t) => ({
    stages: t.field({
      type: [MapStage],
      description: "The stages in order.",
      resolve: ({ stages }) => stages,
    }),
    next: t.field({ type: MapNext, description: "What to do next.", resolve: ({ next }) => next }),
    trainers: t.field({
      type: [Trainer],
      description: "Trainers that checked in.",
      resolve: ({ trainers }) => trainers,
    }),
    trainerHint: t.exposeString("trainerHint", {
      nullable: true,
      description: "How to add a trainer; null while there is one.",
    }),
    project: t.exposeString("project", { description: "The project's name." }),
  }),
});

builder.queryField("processMap", (t) =>
  t.field({
    type: ProcessMap,
    description: "The lifecycle as it stands: what exists, what runs, what is missing, what to do next.",
    extensions: needs("read"),
    resolve: (_, _args, context) => readProcessMap(context),
  }),
);
