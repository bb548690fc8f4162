// Brings a database to this program's schema: snapshot first, then each missing migration in its own transaction.
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { now } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { crashPoint } from "../kit/faults.ts";
import type { Log } from "../kit/log.ts";
import type { Pool } from "./connections.ts";
import { MIGRATIONS, type Migration } from "./migrations.ts";

const SNAPSHOTS_KEPT = 5;

export type MigrateInput = {
  pool: Pool;
  dataDir: string;
  log: Log;
  /** False beside a running server, whose schema is not ours to change. */
  mayApply: boolean;
  migrations?: readonly Migration[];
};

/**
 * Applies what is missing and returns the schema's number (migrations applied).
 * @throws EspalierError SCHEMA_NEWER, SCHEMA_OLDER (only without `mayApply`), SCHEMA_CHANGED
 */
export async function migrate(input: MigrateInput): Promise<number> {
  const { pool, dataDir, log, migrations = MIGRATIONS } = input;
  const { applied } = await compareSchema(input);
  const missing = migrations.slice(applied);
  if (missing.length === 0) return applied;
  if (!input.mayApply)
    throw new EspalierError(
      "SCHEMA_OLDER",
      `${dataDir} has schema ${applied} and a server works in it; this program needs ${migrations.length}`,
      { field: "schema", value: String(applied), hint: "Restart the server with this version first." },
    );
  if (applied > 0) await snapshotBefore(input, applied);
  for (const migration of missing) await apply(pool, migration);
  log.info("schema is up to date", { from: applied, to: migrations.length, dataDir });
  return migrations.length;
}

/**
 * How many migrations a database has and how many this program knows. Changes nothing.
 * @throws EspalierError SCHEMA_NEWER, SCHEMA_CHANGED
 */
export async function compareSchema({
  pool,
  dataDir,
  migrations = MIGRATIONS,
}: Pick<MigrateInput, "pool" | "dataDir" | "migrations">): Promise<{ applied: number; known: number }> {
  const applied = await appliedMigrations(pool);
  if (applied.length > migrations.length) throw schemaNewer(applied.length, migrations.length, dataDir);
  applied.forEach((row, index) => {
    const known = migrations[index];
    if (known?.name !== row.name || known.sha256 !== row.sha256)
      throw new EspalierError(
        "SCHEMA_CHANGED",
        `Migration ${row.name} of ${dataDir} is not the one of this program`,
        {
          field: "migration",
          value: row.name,
          hint: "Use the version of Espalier that made this folder, or restore a backup.",
          status: 500,
        },
      );
  });
  return { applied: applied.length, known: migrations.length };
}

function schemaNewer(found: number, known: number, dataDir: string): EspalierError {
  return new EspalierError(
    "SCHEMA_NEWER",
    `${dataDir} has schema ${found}, but this program knows only ${known}`,
    {
      field: "schema",
      value: String(found),
      hint: "Use the newer Espalier that wrote this folder, or restore a backup of this version.",
      status: 500,
    },
  );
}

async function appliedMigrations(pool: Pool): Promise<{ name: string; sha256: string }[]> {
  const tables = await pool.$client.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations'");
  if (tables.rows.length === 0) return [];
  const result = await pool.$client.execute("SELECT name, sha256 FROM schema_migrations ORDER BY number");
  return result.rows.map((row) => ({ name: String(row.name), sha256: String(row.sha256) }));
}

async function snapshotBefore({ pool, dataDir, log }: MigrateInput, version: number): Promise<void> {
  const folder = join(dataDir, "snapshots");
  await mkdir(folder, { recursive: true });
  const path = join(folder, `schema-${String(version).padStart(4, "0")}-${now()}.db`);
  await pool.$client.execute({ sql: "VACUUM INTO ?", args: [path] });
  log.info("snapshot before migration", { path });
  const old = (await readdir(folder)).filter((name) => name.startsWith("schema-")).sort();
  for (const name of old.slice(0, -SNAPSHOTS_KEPT)) await rm(join(folder, name), { force: true });
}

async function apply(pool: Pool, migration: Migration): Promise<void> {
  await pool.transaction(async (tx) => {
    await tx.run(sql`CREATE TABLE IF NOT EXISTS schema_migrations (
      number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL)`);
    for (const statement of migration.sql.split("--> statement-breakpoint"))
      if (statement.trim() !== "") await tx.run(sql.raw(statement));
    await tx.run(
      sql`INSERT INTO schema_migrations (name, sha256, applied_at) VALUES (${migration.name}, ${migration.sha256}, ${now()})`,
    );
    crashPoint("store.migrate.commit.before");
  });
  crashPoint("store.migrate.commit.after");
}
