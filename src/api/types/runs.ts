// Runs, their events and log lines: the durable background work.
import { limits } from "../../kit/limits.ts";
import { isEnded, type RunEventRow, type RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { notFound } from "../http.ts";
import { NodeInterface, resultUnion, UserErrorInfo } from "./common.ts";
import { connectionOf, pageArgs, pageCost, paged } from "./connections.ts";
import { RunKind, RunStatus } from "./enums.ts";

export const Run = builder.objectRef<RunRow>("Run");
export const RunEvent = builder.objectRef<RunEventRow>("RunEvent");
const RunConnection = connectionOf("Run", Run);
const RunEventConnection = connectionOf("RunEvent", RunEvent);

Run.implement({
  description: "One durable background execution: it survives restarts and ends exactly once.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    kind: t.field({ type: RunKind, description: "What it does.", resolve: (run) => run.kind }),
    status: t.field({ type: RunStatus, description: "Where it stands.", resolve: (run) => run.status }),
    attempt: t.exposeInt("attempt", {
      description: "How often a worker took it; 0 while it was never taken.",
    }),
    name: t.exposeString("name", { description: "What it is called in lists." }),
    progress: t.exposeFloat("progress", {
      nullable: true,
      description: "Share done, 0 to 1, where it is known.",
    }),
    step: t.exposeInt("step", { nullable: true, description: "Steps done." }),
    totalSteps: t.exposeInt("totalSteps", { nullable: true, description: "Steps in all." }),
    etaSeconds: t.exposeFloat("etaSeconds", {
      nullable: true,
      description: "Seconds still to go, as estimated.",
    }),
    error: t.field({
      type: UserErrorInfo,
      nullable: true,
      description: "Why it failed.",
      resolve: (run) => run.error,
    }),
    cancelRequestedAt: t.expose("cancelRequestedAt", {
      type: "DateTime",
      nullable: true,
      description: "When somebody asked for its end.",
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was queued." }),
    startedAt: t.expose("startedAt", {
      type: "DateTime",
      nullable: true,
      description: "When a worker first took it.",
    }),
    endedAt: t.expose("endedAt", { type: "DateTime", nullable: true, description: "When it ended." }),
    retryOf: t.exposeID("retryOf", { nullable: true, description: "The run that this one tries again." }),
    subjectId: t.exposeID("subjectId", { nullable: true, description: "Id of the thing that it makes." }),
    events: t.field({
      type: RunEventConnection,
      description: "Its events in order; the cursor of each is its seq.",
      ...paged,
      resolve: (run, page, { runs }) => runs.pageOfEvents(run.id, page),
    }),
    logLines: t.stringList({
      description: `The end of its log, oldest line first: time, level, text. A list, because a log is read as one text; of more than ${limits.runLogLines} lines, \`events\` has the older ones.`,
      args: {
        search: t.arg.string({ description: "Only lines that contain this text." }),
        last: t.arg.int({ description: "Only the last so many." }),
      },
      resolve: (run, { search, last }, { runs }) =>
        runs.logLines(run.id, { ...(search == null ? {} : { search }), ...(last == null ? {} : { last }) }),
    }),
  }),
});

RunEvent.implement({
  description: "Something that happened in a run.",
  extensions: needs("read"),
  fields: (t) => ({
    seq: t.exposeInt("seq", { description: "1, 2, 3 … over the run's whole life." }),
    at: t.expose("at", { type: "DateTime", description: "When." }),
    type: t.exposeString("type", { description: "state, metrics, log, sample, checkpoint or progress." }),
    data: t.field({ type: "JSON", description: "What it says, by type.", resolve: (event) => event.data }),
  }),
});

/** A run of the caller's project. @throws EspalierError NOT_FOUND. */
export async function ownRun(context: Context, id: string): Promise<RunRow> {
  const run = await context.runs.find(id);
  if (run?.projectId === context.principal.projectId) return run;
  throw notFound("run", id);
}

export const RunResult = resultUnion<{ run: RunRow }>("Run", "The run as it now is.", (t) => ({
  run: t.field({ type: Run, description: "The run.", resolve: ({ run }) => run }),
}));

builder.queryField("runs", (t) =>
  t.field({
    type: RunConnection,
    description: "Runs, newest first.",
    extensions: needs("read"),
    args: {
      ...pageArgs,
      status: t.arg({ type: RunStatus, description: "Only runs that stand so." }),
      kind: t.arg({ type: RunKind, description: "Only runs of this kind." }),
    },
    complexity: pageCost,
    resolve: (_, filter, { runs, principal }) => runs.list({ ...filter, projectId: principal.projectId }),
  }),
);

builder.mutationFields((t) => ({
  cancelRun: t.field({
    type: RunResult.union,
    description: "Asks a run to end; what it has made so far is not kept.",
    extensions: needs("train"),
    args: { id: t.arg.id({ required: true, description: "The run." }) },
    resolve: (_, { id }, context) =>
      RunResult.run(async () => ({ run: await context.runs.requestCancel((await ownRun(context, id)).id) })),
  }),
  retryRun: t.field({
    type: RunResult.union,
    description: "Tries a failed or cancelled run again, as a new run.",
    extensions: needs("train"),
    args: { id: t.arg.id({ required: true, description: "The run." }) },
    resolve: (_, { id }, context) =>
      RunResult.run(async () => ({ run: await context.runs.retry((await ownRun(context, id)).id) })),
  }),
}));

builder.subscriptionFields((t) => ({
  runEvents: t.field({
    type: RunEvent,
    description: "Every event of one run: those after `after` first, then those to come, until it has ended.",
    extensions: needs("read"),
    args: {
      runId: t.arg.id({ required: true, description: "The run." }),
      after: t.arg.int({ description: "The last seq already seen; 0 when unsaid." }),
    },
    subscribe: (_, { runId, after }, context) => eventsOf(context, runId, after ?? 0),
    resolve: (event: RunEventRow) => event,
  }),
  runChanged: t.field({
    type: Run,
    description: "A run of the project each time its status or progress changes.",
    extensions: needs("read"),
    subscribe: (_, _args, { runs, principal }) =>
      stoppable((signal) => runs.changes(principal.projectId, signal)),
    resolve: (run: RunRow) => run,
  }),
}));

async function* eventsOf(
  context: Context,
  runId: string,
  after: number,
): AsyncGenerator<RunEventRow, void, void> {
  const run = await ownRun(context, runId);
  if (isEnded(run) && after >= run.lastSeq) return;
  yield* stoppable((signal) => context.runs.follow(run.id, after, signal));
}

/**
 * An iterable that ends its source as soon as the reader leaves: a generator alone would only do so at its next
 * yield, which may never come.
 */
export function stoppable<T>(
  open: (signal: AbortSignal) => AsyncGenerator<T, void, void>,
): AsyncGenerator<T, void, void> {
  const leaving = new AbortController();
  const source = open(leaving.signal);
  return {
    next: () => source.next(),
    return: (value) => {
      leaving.abort();
      return source.return(value);
    },
    throw: (error) => {
      leaving.abort();
      return source.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      leaving.abort();
      await source.return();
    },
  };
}
