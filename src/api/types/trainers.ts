// Trainers, the runs that they hold, what became of their attempts, and news of both.
import { z } from "zod";
import type { MachineLoad } from "../../../schema/trainer.ts";
import type { NotificationRow } from "../../notifications/notifications.ts";
import type { RunAttempt as AttemptShape, RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import type { Hold, TrainerRow } from "../trainers.ts";
import { NodeInterface } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { Notification, readerOf } from "./notifications.ts";
import { Trainer } from "./refs.ts";
import { Run, stoppable } from "./runs.ts";

const GpuLoad = builder.objectRef<MachineLoad["gpus"][number]>("GpuLoad").implement({
  description: "How busy a GPU of a trainer is.",
  extensions: needs("read"),
  fields: (t) => ({
    share: t.float({
      nullable: true,
      description: "Share of the time in which it works, 0 to 1; null where the machine cannot say.",
      resolve: ({ share }) => share ?? null,
    }),
    memoryBytes: t.exposeFloat("memoryBytes", { description: "Its memory in use, by whomever." }),
  }),
});
const TrainerLoad = builder.objectRef<MachineLoad>("TrainerLoad").implement({
  description: "How busy a trainer's machine is, as it said last.",
  extensions: needs("read"),
  fields: (t) => ({
    cpuShare: t.exposeFloat("cpuShare", { description: "Share of all cores that work, 0 to 1." }),
    memoryBytes: t.exposeFloat("memoryBytes", { description: "Memory in use on the machine." }),
    gpus: t.field({
      type: [GpuLoad],
      description: "Its GPUs, in the order of its devices; a list, for a machine has a few.",
      resolve: ({ gpus }) => gpus,
    }),
  }),
});

Trainer.implement({
  description: "A program that takes trainings, here or elsewhere.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name." }),
    host: t.exposeString("host", { description: "The machine it runs on." }),
    devices: t.field({
      type: "JSON",
      description: "What it can train on.",
      resolve: ({ devices }) => devices,
    }),
    status: t.string({
      description:
        "busy or idle; silent when it should have been heard of by now; away when it left, or was silent for so long that its work goes on elsewhere.",
      resolve: async (trainer, _, { trainers }) => {
        const presence = trainers.presenceOf(trainer);
        if (presence !== "there") return presence;
        return (await heldBy(trainer, trainers)) ? "busy" : "idle";
      },
    }),
    methods: t.stringList({
      description: "Names of the methods it knows.",
      resolve: ({ methods }) => {
        const parsed = z.array(z.looseObject({ name: z.string() })).safeParse(methods);
        return parsed.success ? parsed.data.map(({ name }) => name) : [];
      },
    }),
    lastSeenAt: t.expose("lastSeenAt", { type: "DateTime", description: "When it was last heard of." }),
    load: t.field({
      type: TrainerLoad,
      nullable: true,
      description: "How busy its machine is; null while it is away, or has not said so.",
      resolve: (trainer, _, { trainers }) => trainers.loadOf(trainer),
    }),
    // A trainer may have left long ago: more milliseconds than an Int holds.
    silentMs: t.float({
      description: "How long ago that was, by the server's clock.",
      resolve: (trainer, _, { trainers }) => trainers.msSince(trainer.lastSeenAt),
    }),
    runId: t.id({
      nullable: true,
      description: "The run of this project that it holds.",
      resolve: async (trainer, _, { trainers, principal }) => {
        const hold = await heldBy(trainer, trainers);
        return hold?.run.projectId === principal.projectId ? hold.run.id : null;
      },
    }),
  }),
});

async function heldBy({ id }: TrainerRow, trainers: Context["trainers"]): Promise<Hold | null> {
  return (await trainers.holds()).find(({ trainerId }) => trainerId === id) ?? null;
}

/** A trainer that serves the caller's project; null for others, and for what is no trainer. */
async function ownTrainer({ trainers, principal }: Context, id: string): Promise<TrainerRow | null> {
  const trainer = await trainers.find(id);
  return trainer && (trainer.projectId ?? principal.projectId) === principal.projectId ? trainer : null;
}

const RunHold = builder.objectRef<Hold>("RunHold").implement({
  description: "A run in the hands of a trainer.",
  extensions: needs("read"),
  fields: (t) => ({
    trainer: t.field({
      type: Trainer,
      nullable: true,
      description: "Who has it.",
      resolve: ({ trainerId }, _, context) => ownTrainer(context, trainerId),
    }),
    isSilent: t.exposeBoolean("isSilent", {
      description: "Whether it should have been heard of by now.",
    }),
    silentMs: t.float({
      description: "How long ago it was last heard of, by the server's clock.",
      resolve: ({ heardAt }, _, { trainers }) => trainers.msSince(heardAt),
    }),
    heardAt: t.expose("heardAt", { type: "DateTime", description: "When it was last heard of." }),
    until: t.expose("until", {
      type: "DateTime",
      description: "When the run goes back to the queue, should it stay silent.",
    }),
  }),
});

const RunAttempt = builder.objectRef<AttemptShape>("RunAttempt").implement({
  description: "One attempt at a run.",
  extensions: needs("read"),
  fields: (t) => ({
    number: t.exposeInt("number", { description: "1, 2, 3 …" }),
    worker: t.string({
      nullable: true,
      description: "Name of the trainer that took it; null where the server itself did.",
      resolve: async ({ owner }, _, context) => (await ownTrainer(context, owner))?.name ?? null,
    }),
    startedAt: t.expose("startedAt", { type: "DateTime", description: "When it was taken." }),
    endedAt: t.expose("endedAt", { type: "DateTime", nullable: true, description: "When it ended." }),
    outcome: t.exposeString("outcome", {
      description: "running, succeeded, failed, cancelled, or lost: it went back to the queue.",
    }),
    why: t.exposeString("why", { nullable: true, description: "Why it was lost." }),
  }),
});

builder.objectFields(Run, (t) => ({
  hold: t.field({
    type: RunHold,
    nullable: true,
    description: "The trainer that has it now; null where none does.",
    extensions: needs("read"),
    resolve: (run, _, { trainers }) => trainers.holdOf(run),
  }),
  attempts: t.field({
    type: [RunAttempt],
    description: "Its attempts, the latest ones, oldest first. A list, because a run has few.",
    extensions: needs("read"),
    resolve: ({ id }, _, { runs }) => runs.attempts(id),
  }),
  checkpointStep: t.int({
    nullable: true,
    description: "The step from which another attempt at a training goes on; null where it begins anew.",
    extensions: needs("read"),
    resolve: ({ id, kind }, _, { training }) => (kind === "train" ? training.checkpointStep(id) : null),
  }),
}));

builder.queryField("trainers", (t) =>
  t.field({
    type: connectionOf("Trainer", Trainer),
    description:
      "Trainers that serve the project: those that came with a key of it, and the server's own. The latest heard of first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { trainers, principal }) => trainers.page(principal.projectId, page),
  }),
);

/** `told`: the caller's notifications changed, by a new one or because some were read. */
type ChangeShape = {
  run: RunRow | null;
  trainer: TrainerRow | null;
  told: { added: NotificationRow | null } | null;
};
const Change = builder.objectRef<ChangeShape>("Change").implement({
  description: "What has changed: a run, a trainer, or the caller's notifications.",
  extensions: needs("read"),
  fields: (t) => ({
    run: t.field({
      type: Run,
      nullable: true,
      description: "The run as it now is.",
      resolve: (change) => change.run,
    }),
    trainer: t.field({
      type: Trainer,
      nullable: true,
      description: "The trainer as it now is.",
      resolve: (change) => change.trainer,
    }),
    notification: t.field({
      type: Notification,
      nullable: true,
      description: "A new notification of the caller.",
      resolve: ({ told }) => told?.added ?? null,
    }),
    unread: t.int({
      nullable: true,
      description: "How many notifications are unread now, where that changed.",
      resolve: ({ told }, _, context) => (told ? context.notifications.unread(readerOf(context)) : null),
    }),
  }),
});

builder.subscriptionField("changed", (t) =>
  t.field({
    type: Change,
    description:
      "A run of the project each time its status or progress changes, and a trainer each time it comes, goes, falls silent, takes or loses a run, and the caller's notifications: one stream for a page, because browsers open few at once.",
    extensions: needs("read"),
    subscribe: (_, _args, context) => stoppable((signal) => changesOf(context, signal)),
    resolve: (change: ChangeShape) => change,
  }),
);

/** All kinds of news as they come; those that pile up are merged into the latest of each run and trainer. */
async function* changesOf(context: Context, signal: AbortSignal): AsyncGenerator<ChangeShape, void, void> {
  const { runs, trainers, notifications, principal } = context;
  const { projectId } = principal;
  const pending = new Map<string, ChangeShape>();
  let wake = (): void => undefined;
  const note = (id: string, change: ChangeShape): void => {
    pending.set(id, change);
    wake();
  };
  const leave = [
    runs.subscribe((news) => {
      if (news.kind === "changed" && news.projectId === projectId)
        note(news.runId, { run: news.run, trainer: null, told: null });
    }),
    trainers.subscribe((trainer) => {
      if ((trainer.projectId ?? projectId) === projectId)
        note(trainer.id, { run: null, trainer, told: null });
    }),
    notifications.onChange(readerOf(context), (told) =>
      note(told.added?.id ?? "read", { run: null, trainer: null, told }),
    ),
  ];
  signal.addEventListener("abort", () => wake());
  try {
    while (!signal.aborted) {
      for (const [id, change] of pending) {
        pending.delete(id);
        yield change;
        if (signal.aborted) return;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (pending.size > 0 || signal.aborted) resolve();
      });
    }
  } finally {
    for (const end of leave) end();
  }
}
