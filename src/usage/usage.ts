// Front door of usage: what each call of a model took is recorded, and counted by day, caller, model and door.
import { and, eq, gte, lt, lte } from "drizzle-orm";
import { integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { usage } from "../../schema/tables/usage.ts";
import { createBatch } from "../kit/batch.ts";
import type { Clock } from "../kit/clock.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { Log } from "../kit/log.ts";
import { type Page, type PageRequest, readPage, type Store } from "../store/store.ts";

/** The doors by which models are used. */
export type UsageSource = "v1" | "chat" | "knowledge" | "assessment" | "image" | "test";

/** On whose behalf a model is called; user and key are both null for the server's own work. */
export type Caller = {
  projectId: string;
  userId: string | null;
  keyId: string | null;
  source: UsageSource;
};

export type UsageEntry = Caller & {
  /** As the caller named it. */
  modelName: string;
  modelId: string;
  inputTokens: number;
  outputTokens: number;
  /** US dollars; left out where the model has no price. */
  costUsd?: number | null | undefined;
  latencyMs: number;
};

/** The view of migrations/…_usage_callers.sql: one row for each day (UTC), caller, model and door. */
const usageDays = sqliteTable("usage_days", {
  id: text("id").notNull(),
  projectId: text("project_id").notNull(),
  /** YYYY-MM-DD */
  day: text("day").notNull(),
  userId: text("user_id"),
  keyId: text("key_id"),
  /** Name of the key or person; null for the server's own work. */
  caller: text("caller"),
  modelName: text("model_name").notNull(),
  source: text("source").notNull(),
  requests: integer("requests").notNull(),
  inputTokens: integer("input_tokens").notNull(),
  outputTokens: integer("output_tokens").notNull(),
  costUsd: real("cost_usd"),
  /** Mean over the day's calls. */
  latencyMs: real("latency_ms").notNull(),
});
export type UsageDayRow = typeof usageDays.$inferSelect;

export type UsageFilter = {
  keyId?: string | null | undefined;
  modelName?: string | null | undefined;
  /** First and last day, YYYY-MM-DD. */
  from?: string | null | undefined;
  to?: string | null | undefined;
};

/** Calls of so many milliseconds are counted by one commit. */
const GATHER_MS = 20;

export type Usage = ReturnType<typeof createUsage>;

/** Builds the front door. */
export function createUsage({ store, clock, log }: { store: Store; clock: Clock; log: Log }) {
  // A power cut may take the last counts: waiting for the disk would hold up every call of a model.
  const keep = createBatch<typeof usage.$inferInsert>(
    (rows) =>
      store.write(async (tx) => void (await tx.insert(usage).values([...rows])), "usage.record", {
        mayBeLost: true,
      }),
    GATHER_MS,
  );
  let last: Promise<void> = Promise.resolve();
  const settled = (): Promise<void> => last.catch(() => undefined);
  return {
    /** Keeps one call. Never throws: a reply that was given must not fail because it could not be counted. */
    async record(entry: UsageEntry): Promise<void> {
      const { costUsd = null, latencyMs, ...rest } = entry;
      const at = clock();
      const row = { id: newId("usage", at), at, costUsd, latencyMs: Math.round(latencyMs), ...rest };
      try {
        last = keep(row);
        await last;
      } catch (error) {
        log.warn("a call could not be counted", { model: entry.modelName, error });
      }
    },

    /** Days with the latest first, each by caller, model and door; what was recorded before is counted. */
    async pageOfDays(projectId: string, filter: UsageFilter, page: PageRequest): Promise<Page<UsageDayRow>> {
      await settled();
      return readPage(
        store.db,
        usageDays,
        {
          where: and(
            eq(usageDays.projectId, projectId),
            filter.keyId ? eq(usageDays.keyId, filter.keyId) : undefined,
            filter.modelName ? eq(usageDays.modelName, filter.modelName) : undefined,
            filter.from ? gte(usageDays.day, filter.from) : undefined,
            filter.to ? lte(usageDays.day, filter.to) : undefined,
          ),
          keys: ["day", "id"],
          order: "descending",
        },
        page,
      );
    },

    /** Resolves when all that was recorded is kept, or could not be. */
    close: settled,

    /** Forgets calls older than limits.usageKeepMs. */
    async sweep(): Promise<void> {
      await store.write(async (tx) => {
        await tx.delete(usage).where(lt(usage.at, clock() - limits.usageKeepMs));
      }, "usage.sweep");
    },
  };
}
