// A look at a data folder that changes nothing: for `espalier doctor`, beside a running server or without one.
import { accessSync, constants, existsSync, mkdtempSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { isNull, sql } from "drizzle-orm";
import { apiKeys } from "../../schema/tables/accounts.ts";
import { nativePath } from "../kit/native.ts";
import { openPool } from "./connections.ts";
import { openError } from "./errors.ts";
import { compareSchema } from "./migrate.ts";
import { DATABASE_FILE } from "./store.ts";

export type Inspection = {
  /** Migrations applied, and how many this program knows. */
  schema: number;
  known: number;
  /** Keys that are not revoked. */
  keys: number;
};

/** The nearest folder of `path` that exists. */
export function existingParent(path: string): string {
  return existsSync(path) ? path : existingParent(dirname(path));
}

/** Whether the folder can be written, or be made; leaves nothing behind. @throws what the system says */
export function checkWritable(dataDir: string): void {
  rmdirSync(mkdtempSync(join(existingParent(dataDir), ".espalier-probe-")));
  if (existsSync(join(dataDir, DATABASE_FILE))) accessSync(join(dataDir, DATABASE_FILE), constants.W_OK);
}

/**
 * What the database of a folder holds; null where there is none yet.
 * @throws EspalierError SCHEMA_NEWER, SCHEMA_CHANGED, DATABASE_DAMAGED, DATA_FOLDER_UNUSABLE
 */
export async function inspect(dataDir: string): Promise<Inspection | null> {
  const path = join(dataDir, DATABASE_FILE);
  if (!existsSync(path)) return null;
  try {
    const pool = openPool({ path, vecPath: nativePath("vec0.so"), size: 1, readOnly: true });
    try {
      const { applied, known } = await compareSchema({ pool, dataDir });
      const [row] = await pool
        .select({ keys: sql<number>`count(*)` })
        .from(apiKeys)
        .where(isNull(apiKeys.revokedAt));
      return { schema: applied, known, keys: row?.keys ?? 0 };
    } finally {
      pool.$client.close();
    }
  } catch (error) {
    throw openError(error, dataDir);
  }
}
