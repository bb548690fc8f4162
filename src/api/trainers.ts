// The trainers that have checked in: who they are, what they can do, whether they are there, and news when that changes.
import { and, desc, eq, isNull, or, type SQL } from "drizzle-orm";
import { trainers } from "../../schema/tables/runs.ts";
import { type HelloRequest, leaseWaitMs, type MachineLoad } from "../../schema/trainer.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { Notifications } from "../notifications/notifications.ts";
import type { RunRow, Runs } from "../runs/runs.ts";
import { mapPage, type Page, type PageRequest, readPage, type Store } from "../store/store.ts";

export type TrainerRow = typeof trainers.$inferSelect;
/** `silent`: it should have been heard of by now; `away`: what it held goes on elsewhere, or it said goodbye. */
export type Presence = "there" | "silent" | "away";
/** A run in a trainer's hands: who, when it was last heard of, and when it is taken away should it stay silent. */
export type Hold = { run: RunRow; trainerId: string; heardAt: number; until: number; isSilent: boolean };
type Sign = { withinMs?: number; load?: MachineLoad | undefined };
export type TrainerListener = (trainer: TrainerRow) => void;
export type TrainerRegistry = ReturnType<typeof createTrainerRegistry>;

/** How finely the last sign of life is written down. */
const NOTE_MS = 5_000;
/** How often presence is looked at while somebody listens. */
const LOOK_MS = 1_000;

type Deps = { store: Store; runs: Runs; notifications: Notifications; clock: Clock; leaseMs: number };

export function createTrainerRegistry({ store, runs, notifications, clock, leaseMs }: Deps) {
  // Signs of life come several times a second while a run is held: memory has the exact time, the table a recent one.
  const lastSeen = new Map<string, number>();
  const loads = new Map<string, MachineLoad>();
  /** By when each should be heard of again. */
  const due = new Map<string, number>();
  const left = new Set<string>();
  const listeners = new Set<TrainerListener>();
  let told = new Map<string, string>();
  let timer: ReturnType<typeof setInterval> | undefined;
  const fresh = (row: TrainerRow): TrainerRow => ({
    ...row,
    lastSeenAt: Math.max(row.lastSeenAt, lastSeen.get(row.id) ?? 0),
  });

  function heard(id: string, withinMs: number): number {
    const at = clock();
    lastSeen.set(id, at);
    due.set(id, at + withinMs + limits.trainerQuietMs);
    if (left.delete(id)) void look();
    return at;
  }

  function presenceOf(trainer: TrainerRow): Presence {
    if (left.has(trainer.id)) return "away";
    const at = clock();
    // Before the server started it may have been told to wait for as long as it may.
    const dueAt = due.get(trainer.id) ?? trainer.lastSeenAt + leaseWaitMs + limits.trainerQuietMs;
    if (at <= dueAt) return "there";
    return at <= Math.max(dueAt, trainer.lastSeenAt + leaseMs) ? "silent" : "away";
  }

  /** The run as its trainer holds it; null when no trainer does. */
  function holdOf(run: RunRow): Hold | null {
    if (run.status !== "running" || run.executor !== "trainer" || !run.leaseOwner || run.leaseUntil === null)
      return null;
    // Each sign of life about a run moves the end of its lease.
    const heardAt = run.leaseUntil - leaseMs;
    return {
      run,
      trainerId: run.leaseOwner,
      heardAt,
      until: run.leaseUntil,
      isSilent: clock() > heardAt + limits.trainerQuietMs,
    };
  }

  /** Runs that trainers hold now, of all projects. */
  async function holds(): Promise<Hold[]> {
    const { items } = await runs.list({ status: "running", kind: "train", first: limits.pageItems });
    return items.flatMap((run) => holdOf(run) ?? []);
  }

  /** Tells the listeners of each trainer that came, went, fell silent, or took or lost a run since the last look. */
  async function look(): Promise<void> {
    if (listeners.size === 0) return;
    const held = Map.groupBy(await holds(), ({ trainerId }) => trainerId);
    const now = new Map<string, string>();
    const rows = (await store.db.select().from(trainers)).map(fresh);
    for (const row of rows) {
      const ofRuns = (held.get(row.id) ?? []).map(({ run, isSilent }) => `${run.id} ${isSilent}`);
      now.set(row.id, [presenceOf(row), ...ofRuns].join());
    }
    const before = told;
    told = now;
    for (const row of rows)
      if (before.get(row.id) !== now.get(row.id)) for (const listener of [...listeners]) listener(row);
  }
  const lookAgain = (): void => void look().catch(() => undefined);

  return {
    /** Notes a trainer by its name, with what it says now. `projectId`: the only one that it serves; null for all. */
    hello(input: HelloRequest, projectId: string | null): Promise<TrainerRow> {
      const at = clock();
      const said = {
        host: input.host.hostname,
        devices: { host: input.host, devices: input.devices },
        methods: input.methods,
        contractVersion: input.contractVersion,
        lastSeenAt: at,
        projectId,
      };
      const noted = store.write(async (tx) => {
        const [known] = await tx
          .select()
          .from(trainers)
          .where(
            and(
              eq(trainers.name, input.name),
              projectId === null ? isNull(trainers.projectId) : serves(projectId),
            ),
          );
        const id = known?.id ?? newId("trainer");
        if (!known) {
          const row = { id, name: input.name, firstSeenAt: at, ...said };
          await tx.insert(trainers).values(row);
          const next = { verb: "open", name: "", path: "/trainers" };
          const told = {
            kind: "trainer-joined",
            event: `${id} joined`,
            about: { name: row.name, next },
          } as const;
          if (projectId === null) await notifications.tellServerAdmins(tx, told);
          else await notifications.tellAdmins(tx, { projectId, ...told });
          return row;
        }
        await tx.update(trainers).set(said).where(eq(trainers.id, id));
        return { ...known, ...said };
      }, "trainer.hello");
      return noted.then((row) => {
        heard(row.id, 0);
        lookAgain();
        return row;
      });
    },

    /**
     * The trainer of a key, noted as heard of now, and again within so many ms; with how busy its machine is.
     * @throws EspalierError TRAINER_NOT_FOUND (404): it says hello again.
     */
    async seen(id: string, projectId: string | null, { withinMs = 0, load }: Sign = {}): Promise<TrainerRow> {
      const row = await known(id, projectId);
      const at = heard(id, withinMs);
      if (load) loads.set(id, load);
      if (at - row.lastSeenAt >= NOTE_MS)
        await store.write(async (tx) => {
          await tx.update(trainers).set({ lastSeenAt: at }).where(eq(trainers.id, id));
        }, "trainer.seen");
      return { ...row, lastSeenAt: at };
    },

    /** It waited for work and is not on the line any more: unless it calls again soon, it has ended. */
    hungUp(id: string): void {
      due.set(id, clock());
      lookAgain();
    },

    /** It ends, and says so. @throws EspalierError TRAINER_NOT_FOUND */
    async goodbye(id: string, projectId: string | null): Promise<TrainerRow> {
      const row = fresh(await known(id, projectId));
      left.add(id);
      lookAgain();
      return row;
    },

    /** All that ever checked in and serve the project, the latest heard of first. */
    async list(projectId: string): Promise<TrainerRow[]> {
      const rows = await store.db
        .select()
        .from(trainers)
        .where(serves(projectId))
        .orderBy(desc(trainers.lastSeenAt));
      return rows.map(fresh).sort((a, b) => b.lastSeenAt - a.lastSeenAt);
    },

    /** The same in pages. */
    async page(projectId: string, page: PageRequest): Promise<Page<TrainerRow>> {
      const rows = await readPage(
        store.db,
        trainers,
        { where: serves(projectId), keys: ["lastSeenAt", "id"], order: "descending" },
        page,
      );
      return mapPage(rows, fresh);
    },

    async find(id: string): Promise<TrainerRow | null> {
      const [row] = await store.db.select().from(trainers).where(eq(trainers.id, id));
      return row ? fresh(row) : null;
    },

    /** How busy its machine is, as it said last; null where it did not, or is away. */
    loadOf: (trainer: TrainerRow): MachineLoad | null =>
      presenceOf(trainer) === "away" ? null : (loads.get(trainer.id) ?? null),
    msSince: (at: number): number => Math.max(0, clock() - at),
    presenceOf,
    holdOf,
    holds,
    /** Whether training work can be expected of it. */
    isOnline: (trainer: TrainerRow): boolean => presenceOf(trainer) !== "away",

    /** News of trainers until the returned function is called. Presence is looked at while anybody listens. */
    subscribe(listener: TrainerListener): () => void {
      listeners.add(listener);
      if (timer === undefined) {
        told = new Map();
        timer = setInterval(lookAgain, LOOK_MS);
        timer.unref();
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    close(): void {
      listeners.clear();
      clearInterval(timer);
    },
  };

  async function known(id: string, projectId: string | null): Promise<TrainerRow> {
    const [row] = await store.db.select().from(trainers).where(eq(trainers.id, id));
    if (row?.projectId === projectId) return row;
    throw new EspalierError(
      "TRAINER_NOT_FOUND",
      `this server does not know the trainer ${id.slice(0, 100)}`,
      {
        hint: "Say hello first.",
        field: "trainerId",
        value: id.slice(0, 100),
        status: 404,
      },
    );
  }
}

/** Trainers of the project, and those of the whole server. */
function serves(projectId: string): SQL | undefined {
  return or(eq(trainers.projectId, projectId), isNull(trainers.projectId));
}
