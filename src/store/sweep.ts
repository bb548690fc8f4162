// Removes blobs that no row names any more: left by a crash between file and row, by deletion, by old checkpoints.
import { stat } from "node:fs/promises";
import { sql } from "drizzle-orm";
import { now } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { Reader, Store } from "./store.ts";
import { purgeTrash } from "./trash.ts";

const HASH = /[0-9a-f]{64}/g;

/** Tables whose hashes do not keep a blob: what somebody said about one, and files of runs that have ended. */
const NO_KEEPERS = new Set(["run_events", "artifacts", "messages", "schema_migrations", "chunks"]);
/** Words and vectors of knowledge bases: virtual tables, and those that they are made of. */
const SEARCH_TABLE = /^chunk_(words|vectors)_/;

export type SweepSummary = { removed: number; freedBytes: number; kept: number };

/**
 * Removes unreferenced blobs that are older than `olderThanMs`; younger ones may belong to work whose row is about
 * to be committed. A blob counts as referenced when its hash stands anywhere in a row: a new table needs no
 * registration here, and a mistake keeps too much instead of too little.
 */
export async function sweepBlobs(store: Store, options: { olderThanMs: number }): Promise<SweepSummary> {
  const summary = { removed: 0, freedBytes: 0, kept: 0 };
  const before = now() - options.olderThanMs;
  const idle: { sha256: string; sizeBytes: number }[] = [];
  for await (const blob of store.blobs.list()) {
    const found = await stat(store.blobs.path(blob.sha256)).catch(() => null);
    if (found && Math.max(found.mtimeMs, found.ctimeMs) < before) idle.push(blob);
    else summary.kept++;
  }
  // Read after the list: a row committed meanwhile for an old blob still saves it.
  const named = await namedHashes(store.db);
  for (const { sha256, sizeBytes } of idle) {
    if (named.has(sha256)) {
      summary.kept++;
      continue;
    }
    if (!(await store.blobs.removeIdle(sha256, before))) {
      summary.kept++;
      continue;
    }
    summary.removed++;
    summary.freedBytes += sizeBytes;
  }
  return summary;
}

const FIRST_SWEEP_MS = 60_000;
const SWEEP_EVERY_MS = 6 * 3_600_000;
const SAFE_AGE_MS = 24 * 3_600_000;
/** Longer than from the taking of uploaded files to the row of their run. */
const CLAIM_MS = 60_000;

/** Sweeps a minute after the start and then now and then; returns what ends it. */
export function keepSwept(store: Store, log: Log): () => void {
  const sweep = async (): Promise<void> => {
    const purged = await purgeTrash(store, now());
    if (purged > 0) log.info("what was deleted long ago is gone for good", { purged });
    const [{ removed, freedBytes }, uploads] = await Promise.all([
      sweepBlobs(store, { olderThanMs: SAFE_AGE_MS }),
      store.incoming.sweep(store.db, { olderThanMs: CLAIM_MS, retryMs: SAFE_AGE_MS }),
    ]);
    if (removed > 0) log.info("blobs that nothing names were removed", { removed, freedBytes });
    if (uploads > 0) log.info("uploaded files that no run needs were removed", { folders: uploads });
  };
  let timer = setTimeout(again, FIRST_SWEEP_MS);
  timer.unref();
  function again(): void {
    sweep().catch((error: unknown) => log.warn("blobs could not be swept", { error }));
    timer = setTimeout(again, SWEEP_EVERY_MS);
    timer.unref();
  }
  return () => clearTimeout(timer);
}

async function namedHashes(db: Reader): Promise<Set<string>> {
  const named = new Set<string>();
  const tables = await db.all<{ name: string }>(
    sql`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
  );
  for (const { name } of tables) {
    if (NO_KEEPERS.has(name) || SEARCH_TABLE.test(name)) continue;
    const columns = await db.all<{ name: string; type: string }>(
      sql`SELECT name, type FROM pragma_table_info(${name})`,
    );
    for (const column of columns) {
      if (column.type.toUpperCase() !== "TEXT") continue;
      const [table, value] = [sql.identifier(name), sql.identifier(column.name)];
      const rows = await db.all<{ value: string }>(
        sql`SELECT ${value} AS value FROM ${table} WHERE length(${value}) >= 64`,
      );
      for (const row of rows) for (const hash of row.value.match(HASH) ?? []) named.add(hash);
    }
  }
  const working = await db.all<{ sha256: string }>(
    sql`SELECT a.sha256 FROM artifacts a JOIN runs r ON r.id = a.run_id WHERE r.status IN ('queued', 'running')`,
  );
  for (const { sha256 } of working) named.add(sha256);
  return named;
}
