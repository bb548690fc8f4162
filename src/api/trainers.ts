// The trainers that have checked in: who they are, what they can do, whether they were heard of lately.
import { and, desc, eq, isNull, or, type SQL } from "drizzle-orm";
import { trainers } from "../../schema/tables/runs.ts";
import type { HelloRequest } from "../../schema/trainer.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { mapPage, type Page, type PageRequest, readPage, type Store } from "../store/store.ts";

export type TrainerRow = typeof trainers.$inferSelect;
export type TrainerRegistry = {
  /** Notes a trainer by its name, with what it says now. `projectId`: the only one that it serves; null for all. */
  hello(input: HelloRequest, projectId: string | null): Promise<TrainerRow>;
  /** The trainer of a key, noted as heard of now. @throws EspalierError TRAINER_NOT_FOUND (404): it says hello again. */
  seen(id: string, projectId: string | null): Promise<TrainerRow>;
  /** All that ever checked in and serve the project, the latest heard of first. */
  list(projectId: string): Promise<TrainerRow[]>;
  /** The same in pages. */
  page(projectId: string, page: PageRequest): Promise<Page<TrainerRow>>;
  find(id: string): Promise<TrainerRow | null>;
  /** Whether it was heard of lately enough to count as there. */
  isOnline(trainer: TrainerRow): boolean;
};

/** How finely the last sign of life is written down. */
const NOTE_MS = 5_000;

export function createTrainerRegistry({ store, clock }: { store: Store; clock: Clock }): TrainerRegistry {
  // Signs of life come several times a second while a run is held: memory has the exact time, the table a recent one.
  const lastSeen = new Map<string, number>();
  const fresh = (row: TrainerRow): TrainerRow => ({
    ...row,
    lastSeenAt: Math.max(row.lastSeenAt, lastSeen.get(row.id) ?? 0),
  });

  return {
    hello(input, projectId) {
      const at = clock();
      const said = {
        host: input.host.hostname,
        devices: { host: input.host, devices: input.devices },
        methods: input.methods,
        contractVersion: input.contractVersion,
        lastSeenAt: at,
        projectId,
      };
      return store.write(async (tx) => {
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
        lastSeen.set(id, at);
        if (!known) {
          const row = { id, name: input.name, firstSeenAt: at, ...said };
          await tx.insert(trainers).values(row);
          return row;
        }
        await tx.update(trainers).set(said).where(eq(trainers.id, id));
        return { ...known, ...said };
      }, "trainer.hello");
    },

    async seen(id, projectId) {
      const [row] = await store.db.select().from(trainers).where(eq(trainers.id, id));
      if (!row || row.projectId !== projectId)
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
      const at = clock();
      lastSeen.set(id, at);
      if (at - row.lastSeenAt >= NOTE_MS)
        await store.write(async (tx) => {
          await tx.update(trainers).set({ lastSeenAt: at }).where(eq(trainers.id, id));
        }, "trainer.seen");
      return { ...row, lastSeenAt: at };
    },

    async list(projectId) {
      const rows = await store.db
        .select()
        .from(trainers)
        .where(serves(projectId))
        .orderBy(desc(trainers.lastSeenAt));
      return rows.map(fresh).sort((a, b) => b.lastSeenAt - a.lastSeenAt);
    },

    async page(projectId, page) {
      const rows = await readPage(
        store.db,
        trainers,
        { where: serves(projectId), keys: ["lastSeenAt", "id"], order: "descending" },
        page,
      );
      return mapPage(rows, fresh);
    },

    async find(id) {
      const [row] = await store.db.select().from(trainers).where(eq(trainers.id, id));
      return row ? fresh(row) : null;
    },

    isOnline: (trainer) => clock() - trainer.lastSeenAt < limits.trainerSilenceMs,
  };
}

/** Trainers of the project, and those of the whole server. */
function serves(projectId: string): SQL | undefined {
  return or(eq(trainers.projectId, projectId), isNull(trainers.projectId));
}
