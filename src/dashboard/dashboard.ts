// Front door of the dashboard: what ran, what was trained and what third parties cost, day by day, and how full queue and disk are.
import { type SQL, sql } from "drizzle-orm";
import type { Clock } from "../kit/clock.ts";
import type { Store } from "../store/store.ts";
import { type Day, daysOf } from "./days.ts";
import { createDiskReport } from "./disk.ts";

export type { DiskReport } from "./disk.ts";

/** Runs of a day that are alike. */
export type RunCount = { day: string; kind: string; method: string | null; status: string; count: number };
/** How much of something there was. */
export type Share = { name: string; count: number };
/** Calls of one third-party model on one day. */
export type ThirdPartyDay = {
  day: string;
  provider: string;
  model: string;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  costUsd: number | null;
};
export type Queue = {
  waiting: number;
  running: number;
  /** Waiting runs that only a trainer can take. */
  waitingForTrainer: number;
  /** When the longest waiting run was asked for. */
  oldestAt: number | null;
};

/** A project's days, for the questions below. */
export type Range = { projectId: string; days: readonly Day[] };

export type Dashboard = ReturnType<typeof createDashboard>;

/** Builds the front door. Everything is counted by the database; a row is never read for its own sake. */
export function createDashboard({ store, clock }: { store: Store; clock: Clock }) {
  const disk = createDiskReport({ store, clock });
  const all = <T>(query: SQL): Promise<T[]> => store.db.all<T>(query);

  /** Rows of `table` within the range, each with the place of its day; driven by the days, so that an index is used. */
  const within = ({ projectId, days }: Range, table: SQL, at: SQL): SQL => sql`
    json_each(${JSON.stringify(days.map(({ start, end }) => [start, end]))}) d
    CROSS JOIN ${table} x ON x.project_id = ${projectId}
      AND x.${at} >= (d.value ->> 0) AND x.${at} < (d.value ->> 1)`;
  const dayAt = ({ days }: Range, place: number): string => days[place]?.day ?? "";

  return {
    /** @throws EspalierError DAY_INVALID, RANGE_INVALID, RANGE_TOO_LONG, TIME_ZONE_UNKNOWN */
    rangeOf: (projectId: string, from: string, to: string, timeZone: string): Range => ({
      projectId,
      days: daysOf(from, to, timeZone),
    }),

    /** Runs by the day on which they were asked for, kind, method (of trainings) and status. */
    async runs(range: Range): Promise<RunCount[]> {
      const rows = await all<Omit<RunCount, "day"> & { place: number }>(sql`
        SELECT d.key AS place, x.kind AS kind, t.method AS method, x.status AS status, count(*) AS count
        FROM ${within(range, sql`runs`, sql`created_at`)}
        LEFT JOIN trainings t ON x.kind = 'train' AND t.id = x.subject_id
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`);
      return rows.map(({ place, ...row }) => ({ day: dayAt(range, place), ...row }));
    },

    /** How many trainings began with each base model, most first. */
    bases: (range: Range): Promise<Share[]> =>
      all<Share>(sql`
        SELECT b.name AS name, count(*) AS count
        FROM ${within(range, sql`trainings`, sql`created_at`)}
        JOIN base_models b ON b.id = x.base_id
        GROUP BY b.id ORDER BY 2 DESC, 1`),

    /** How many assessments were made in each mode: runs whose kind is one of assessments', by what their spec says. */
    assessments: (range: Range): Promise<Share[]> =>
      all<Share>(sql`
        SELECT coalesce(x.spec ->> 'mode', x.kind) AS name, count(*) AS count
        FROM ${within(range, sql`runs`, sql`created_at`)}
        WHERE x.kind IN ('assess', 'answer', 'judge')
        GROUP BY 1 ORDER BY 2 DESC, 1`),

    /** Calls of third-party models by day and model. */
    async thirdParty(range: Range): Promise<ThirdPartyDay[]> {
      const rows = await all<Omit<ThirdPartyDay, "day" | "provider"> & { place: number }>(sql`
        SELECT d.key AS place, coalesce(m.name, max(x.model_name)) AS model, count(*) AS calls,
          sum(x.input_tokens) AS inputTokens, sum(x.output_tokens) AS outputTokens, sum(x.cost_usd) AS costUsd
        FROM ${within(range, sql`usage`, sql`at`)}
        LEFT JOIN third_party_models m ON m.id = x.model_id
        WHERE x.model_id GLOB 'tpm_*'
        GROUP BY d.key, x.model_id ORDER BY 1, 2`);
      // A third-party model's name is `provider/model`.
      return rows.map(({ place, model, ...row }) => {
        const [provider = model] = model.split("/", 1);
        return { day: dayAt(range, place), provider, model, ...row };
      });
    },

    /** What waits and what runs now. */
    async queue(projectId: string): Promise<Queue> {
      const [row] = await all<{ [Name in keyof Queue]: number | null }>(sql`
        SELECT sum(status = 'queued') AS waiting, sum(status = 'running') AS running,
          sum(status = 'queued' AND executor = 'trainer') AS waitingForTrainer,
          min(CASE status WHEN 'queued' THEN created_at END) AS oldestAt
        FROM runs WHERE status IN ('queued', 'running') AND project_id = ${projectId}`);
      const { waiting, running, waitingForTrainer, oldestAt = null } = row ?? {};
      return {
        waiting: waiting ?? 0,
        running: running ?? 0,
        waitingForTrainer: waitingForTrainer ?? 0,
        oldestAt,
      };
    },

    disk,
  };
}
