// The dashboard: what ran and what it cost, day by day, and how server and trainers stand now.
import type {
  DiskReport as DiskShape,
  Queue as QueueShape,
  Range,
  RunCount,
  Share as ShareShape,
  ThirdPartyDay as ThirdPartyDayShape,
} from "../../dashboard/dashboard.ts";
import type { EngineReport } from "../../inference/inference.ts";
import { limits } from "../../kit/limits.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { RunKind, RunStatus } from "./enums.ts";
import { Trainer } from "./refs.ts";
import { Run } from "./runs.ts";

/** Lists here are answers of one question each, not things: they cost what one field does. */
const whole = { complexity: { field: 1, multiplier: 1 } };

const DayRuns = builder.objectRef<RunCount>("DayRuns").implement({
  description: "Runs that were asked for on one day and are alike in kind, method and status.",
  extensions: needs("read"),
  fields: (t) => ({
    day: t.exposeString("day", { description: "The day, as YYYY-MM-DD." }),
    kind: t.field({ type: RunKind, description: "What they do.", resolve: ({ kind }) => kind }),
    method: t.exposeString("method", {
      nullable: true,
      description: "Of trainings the method; null where its training was deleted.",
    }),
    status: t.field({ type: RunStatus, description: "Where they stand.", resolve: ({ status }) => status }),
    count: t.exposeInt("count", { description: "How many." }),
  }),
});

const Share = builder.objectRef<ShareShape>("Share").implement({
  description: "How much of something there was.",
  extensions: needs("read"),
  fields: (t) => ({
    name: t.exposeString("name", { description: "What." }),
    count: t.exposeInt("count", { description: "How many." }),
  }),
});

const ThirdPartyDay = builder.objectRef<ThirdPartyDayShape>("ThirdPartyDay").implement({
  description: "Calls of one third-party model on one day.",
  extensions: needs("read"),
  fields: (t) => ({
    day: t.exposeString("day", { description: "The day, as YYYY-MM-DD." }),
    provider: t.exposeString("provider", { description: "Name of the provider." }),
    model: t.exposeString("model", { description: "The model, as `provider/model`." }),
    calls: t.exposeInt("calls", { description: "How many calls." }),
    inputTokens: t.exposeFloat("inputTokens", { description: "Tokens sent." }),
    outputTokens: t.exposeFloat("outputTokens", { description: "Tokens received." }),
    costUsd: t.exposeFloat("costUsd", {
      nullable: true,
      description: "US dollars by the model's prices; null where it has none.",
    }),
  }),
});

const Queue = builder.objectRef<QueueShape>("Queue").implement({
  description: "What waits and what runs now.",
  extensions: needs("read"),
  fields: (t) => ({
    waiting: t.exposeInt("waiting", { description: "Runs that no worker has taken." }),
    waitingForTrainer: t.exposeInt("waitingForTrainer", {
      description: "Those of them that only a trainer can take.",
    }),
    running: t.exposeInt("running", { description: "Runs that a worker holds." }),
    oldestAt: t.expose("oldestAt", {
      type: "DateTime",
      nullable: true,
      description: "When the one that has waited longest was asked for.",
    }),
  }),
});

type EngineShape = EngineReport & { models: string[] };
const Engine = builder.objectRef<EngineShape>("Engine").implement({
  description: "A process of the server that has a model loaded.",
  extensions: needs("admin"),
  fields: (t) => ({
    models: t.exposeStringList("models", {
      description:
        "Names of this project's models that it serves: one base and its copies. Empty for another project's.",
    }),
    use: t.string({
      description: "fp32, int8 or native for replies, text for tokenizing alone, vectors for the embedder.",
      resolve: ({ precision }) => precision,
    }),
    isReady: t.boolean({
      description: "Whether it answers; false while it loads.",
      resolve: ({ status }) => status === "ready",
    }),
    activeRequests: t.exposeInt("activeRequests", { description: "What it is asked now." }),
    tokensPerSecond: t.exposeFloat("tokensPerSecond", {
      description: "Tokens of replies that it made lately, by the second: over the last five.",
    }),
    estimatedBytes: t.exposeFloat("estimatedBytes", { description: "Its part of the memory budget." }),
    memoryBytes: t.float({
      nullable: true,
      description: "Its resident memory; null where it was too busy to say.",
      resolve: ({ rssBytes }) => rssBytes,
    }),
    lastUsedAt: t.expose("lastUsedAt", { type: "DateTime", description: "When it last answered." }),
  }),
});

type EnginesShape = { budgetBytes: number; loaded: EngineShape[] };
const Engines = builder.objectRef<EnginesShape>("Engines").implement({
  description: "The embedded engine: which models it has loaded, within which memory.",
  extensions: needs("admin"),
  fields: (t) => ({
    budgetBytes: t.exposeFloat("budgetBytes", { description: "Most that all loaded models may take." }),
    usedBytes: t.float({
      description: "What those that are loaded are reckoned to take.",
      resolve: ({ loaded }) => loaded.reduce((sum, { estimatedBytes }) => sum + estimatedBytes, 0),
    }),
    loaded: t.field({
      type: [Engine],
      description: "The loaded ones, of all projects: a list, because memory holds a few.",
      ...whole,
      resolve: ({ loaded }) => loaded,
    }),
  }),
});

const DiskPart = builder.objectRef<DiskShape["parts"][number]>("DiskPart").implement({
  description: "A part of the data folder.",
  extensions: needs("admin"),
  fields: (t) => ({
    name: t.exposeString("name", {
      description:
        "database, base-models, customized, complete, datasets, documents, run-files, other-blobs, snapshots or uploads.",
    }),
    bytes: t.exposeFloat("bytes", { description: "What it takes." }),
  }),
});
const Disk = builder.objectRef<DiskShape>("Disk").implement({
  description: "What the data folder takes on its disk; measured once a minute at most.",
  extensions: needs("admin"),
  fields: (t) => ({
    parts: t.field({
      type: [DiskPart],
      description: "Its parts, of all projects; a list of ten.",
      ...whole,
      resolve: ({ parts }) => parts,
    }),
    totalBytes: t.exposeFloat("totalBytes", { description: "All of them." }),
    freeBytes: t.exposeFloat("freeBytes", { description: "What is left on the disk." }),
    diskBytes: t.exposeFloat("diskBytes", { description: "Size of the disk." }),
    at: t.expose("at", { type: "DateTime", description: "When it was measured." }),
  }),
});

const Dashboard = builder.objectRef<Range>("Dashboard").implement({
  description:
    "A project's days in figures, and how things stand now. Each field is counted only when asked for.",
  extensions: needs("read"),
  fields: (t) => ({
    days: t.stringList({
      description: "The days of the range, YYYY-MM-DD.",
      resolve: ({ days }) => days.map(({ day }) => day),
    }),
    runs: t.field({
      type: [DayRuns],
      description: "Runs by the day on which they were asked for; days without any are left out.",
      ...whole,
      resolve: (range, _, { dashboard }) => dashboard.runs(range),
    }),
    bases: t.field({
      type: [Share],
      description: "How many trainings began with each base model, most first.",
      ...whole,
      resolve: (range, _, { dashboard }) => dashboard.bases(range),
    }),
    assessments: t.field({
      type: [Share],
      description: "How many assessments were made in each mode. Empty until this server can assess.",
      ...whole,
      resolve: (range, _, { dashboard }) => dashboard.assessments(range),
    }),
    thirdParty: t.field({
      type: [ThirdPartyDay],
      description: "Calls of third-party models by day and model; days without any are left out.",
      ...whole,
      resolve: (range, _, { dashboard }) => dashboard.thirdParty(range),
    }),
    failures: t.field({
      type: [Run],
      description: `The latest runs that failed, ${limits.dashboardFailures} at most, whatever the range.`,
      resolve: async (_, _args, { runs, principal: { projectId } }) =>
        (await runs.list({ projectId, status: "failed", first: limits.dashboardFailures })).items,
    }),
    queue: t.field({
      type: Queue,
      description: "What waits and runs in the project now.",
      resolve: ({ projectId }, _, { dashboard }) => dashboard.queue(projectId),
    }),
    trainers: t.field({
      type: [Trainer],
      description: "Trainers that serve the project, the latest heard of first: a list, for they are few.",
      resolve: ({ projectId }, _, { trainers }) => trainers.list(projectId),
    }),
    engines: t.field({
      type: Engines,
      description: "What the server has loaded now.",
      extensions: needs("admin"),
      resolve: ({ projectId }, _, context) => enginesOf(context, projectId),
    }),
    disk: t.field({
      type: Disk,
      description: "What the server's data takes.",
      extensions: needs("admin"),
      resolve: (_, _args, { dashboard }) => dashboard.disk(),
    }),
  }),
});

/** The engines, those of the project by the names of its models: of others' nothing is told but their size. */
async function enginesOf({ engine, models, config }: Context, projectId: string): Promise<EnginesShape> {
  const named = [...(await models.listBases(projectId)), ...(await models.listComplete(projectId))];
  const reports = await engine.report();
  return {
    budgetBytes: config.memoryBudgetBytes,
    loaded: reports.map((report) => ({
      ...report,
      models: named.filter(({ sha256 }) => sha256 === report.hash).map(({ name }) => name),
    })),
  };
}

builder.queryField("dashboard", (t) =>
  t.field({
    type: Dashboard,
    description: "Runs, trainings, third-party use, queue, trainers, engines and disk for a range of days.",
    extensions: needs("read"),
    args: {
      from: t.arg.string({ required: true, description: "The first day, YYYY-MM-DD." }),
      to: t.arg.string({
        required: true,
        description: `The last day, YYYY-MM-DD; at most ${limits.dashboardDays} days in all.`,
      }),
      timeZone: t.arg.string({
        description: "Whose days they are, as Europe/Berlin; UTC when unsaid.",
      }),
    },
    resolve: (_, { from, to, timeZone }, { dashboard, principal }) =>
      dashboard.rangeOf(principal.projectId, from, to, timeZone ?? "UTC"),
  }),
);
