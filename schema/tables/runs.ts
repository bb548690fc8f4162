// Durable background work: runs, their events, and the trainers that take them.
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

export const runs = sqliteTable(
  "runs",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    /** import-dataset | import-model | train | merge | deploy | export */
    kind: text("kind").notNull(),
    /** server | engine | trainer */
    executor: text("executor").notNull(),
    /** queued | running | succeeded | failed | cancelled */
    status: text("status").notNull(),
    name: text("name").notNull(),
    /** What it makes, e.g. a dataset's id. */
    subjectId: text("subject_id"),
    /** Frozen at creation. */
    spec: json<unknown>("spec").notNull(),
    result: json<unknown>("result"),
    error: json<{ code: string; message: string; hint?: string; field?: string; value?: string }>("error"),
    attempt: integer("attempt").notNull().default(0),
    maxAttempts: integer("max_attempts").notNull().default(3),
    leaseOwner: text("lease_owner"),
    leaseUntil: at("lease_until"),
    lastSeq: integer("last_seq").notNull().default(0),
    progress: real("progress"),
    step: integer("step"),
    totalSteps: integer("total_steps"),
    etaSeconds: real("eta_seconds"),
    retryOf: text("retry_of"),
    cancelRequestedAt: at("cancel_requested_at"),
    /** The person or API key that started it, and that asked for its end; null where nobody did. */
    createdBy: text("created_by"),
    cancelledBy: text("cancelled_by"),
    createdAt: at("created_at").notNull(),
    startedAt: at("started_at"),
    endedAt: at("ended_at"),
  },
  (t) => [
    index("runs_queue").on(t.status, t.executor, t.createdAt),
    index("runs_subject").on(t.subjectId),
    // All that the dashboard counts by, so that it reads no row.
    index("runs_days").on(t.projectId, t.createdAt, t.kind, t.status, t.subjectId),
    index("runs_status").on(t.projectId, t.status, t.id),
  ],
);

export const runEvents = sqliteTable(
  "run_events",
  {
    runId: text("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    /** 1, 2, 3 … over the whole life of the run. */
    seq: integer("seq").notNull(),
    attempt: integer("attempt").notNull(),
    /** The sender's own number within the attempt, for idempotence; null for the server's events. */
    senderSeq: integer("sender_seq"),
    at: at("at").notNull(),
    /** state | metrics | log | sample | checkpoint | progress */
    type: text("type").notNull(),
    data: json<unknown>("data").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.seq] }),
    uniqueIndex("run_events_sender").on(t.runId, t.attempt, t.senderSeq),
    index("run_events_type").on(t.runId, t.type, t.seq),
  ],
);

/** Files that a run delivered or saved as checkpoints; bytes are in the blob folder. */
export const artifacts = sqliteTable(
  "artifacts",
  {
    id: id(),
    runId: text("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    attempt: integer("attempt").notNull(),
    name: text("name").notNull(),
    sha256: text("sha256").notNull(),
    sizeBytes: integer("size_bytes").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [index("artifacts_run").on(t.runId, t.name)],
);

export const trainers = sqliteTable("trainers", {
  id: id(),
  /** The project whose key it came with; null: it serves all projects, as the server's own does. */
  projectId: text("project_id"),
  name: text("name").notNull(),
  host: text("host").notNull(),
  devices: json<unknown>("devices").notNull(),
  methods: json<unknown>("methods").notNull(),
  contractVersion: text("contract_version").notNull(),
  firstSeenAt: at("first_seen_at").notNull(),
  lastSeenAt: at("last_seen_at").notNull(),
});
