// Runs, their events and log lines: the durable background work.
import { isEnded, type RunEventRow, type RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { notFound } from "../http.ts";
import { NodeInterface, PageInfo, resultUnion, UserErrorInfo } from "./common.ts";
import { RunKind, RunStatus } from "./enums.ts";

export const Run = builder.objectRef<RunRow>("Run");
export const RunEvent = builder.objectRef<RunEventRow>("RunEvent");

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
      type: [RunEvent],
      description: "Its events in order.",
      args: {
        after: t.arg.int({ description: "Only events with a larger seq." }),
        first: t.arg.int({ description: "At most so many; the server has a limit of its own." }),
      },
      resolve: (run, { after, first }, { runs }) =>
        runs.events(run.id, { ...(after == null ? {} : { after }), ...(first == null ? {} : { first }) }),
    }),
    logLines: t.stringList({
      description: "Its log, oldest line first: time, level, text.",
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

type Edge = { cursor: string; node: RunRow };
const RunEdge = builder.objectRef<Edge>("RunEdge").implement({
  description: "A run in a list.",
  extensions: needs("read"),
  fields: (t) => ({
    cursor: t.exposeString("cursor", { description: "Where it is, for `after`." }),
    node: t.field({ type: Run, description: "The run.", resolve: (edge) => edge.node }),
  }),
});

type Connection = { items: RunRow[]; totalCount: number; hasNextPage: boolean; hasPreviousPage: boolean };
const RunConnection = builder.objectRef<Connection>("RunConnection").implement({
  description: "A page of runs, newest first.",
  extensions: needs("read"),
  fields: (t) => ({
    edges: t.field({
      type: [RunEdge],
      description: "The runs of this page.",
      resolve: ({ items }) => items.map((node) => ({ cursor: node.id, node })),
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: "Where the page lies.",
      resolve: ({ items, hasNextPage, hasPreviousPage }) => ({
        hasNextPage,
        hasPreviousPage,
        startCursor: items[0]?.id ?? null,
        endCursor: items.at(-1)?.id ?? null,
      }),
    }),
    totalCount: t.exposeInt("totalCount", { description: "All that match, on every page." }),
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
      first: t.arg.int({ description: "At most so many; 50 when unsaid." }),
      after: t.arg.string({ description: "Cursor of the last run of the page before." }),
      status: t.arg({ type: RunStatus, description: "Only runs that stand so." }),
      kind: t.arg({ type: RunKind, description: "Only runs of this kind." }),
    },
    complexity: ({ first }) => ({ field: 1, multiplier: Math.max(1, Math.min(first ?? 50, 200)) / 10 }),
    resolve: async (_, { first, after, status, kind }, { runs, principal }) => {
      const page = await runs.list({
        projectId: principal.projectId,
        ...(first == null ? {} : { first }),
        ...(after == null ? {} : { after }),
        ...(status == null ? {} : { status }),
        ...(kind == null ? {} : { kind }),
      });
      return { ...page, hasPreviousPage: after != null };
    },
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
