// The trash: rows leave their tables whole and can be put back, until they are too old.
import { and, eq, getTableName, lt, type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { z } from "zod";
import { type DiscardedRow, trash } from "../../schema/tables/trash.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { Tx } from "./connections.ts";
import type { Store } from "./store.ts";

type TrashRow = typeof trash.$inferSelect;

export type { DiscardedRow } from "../../schema/tables/trash.ts";

const rawRow = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));

/** Takes rows out of a table; the order of several takings is that in which nothing points at a row that is gone. */
export async function takeOut(tx: Tx, table: SQLiteTable, where: SQL): Promise<DiscardedRow[]> {
  return discarded(table, await tx.all(sql`DELETE FROM ${table} WHERE ${where} RETURNING *`));
}

/** The same of rows that stay where they are. */
export async function copyOut(tx: Tx, table: SQLiteTable, where: SQL): Promise<DiscardedRow[]> {
  return discarded(table, await tx.all(sql`SELECT * FROM ${table} WHERE ${where}`));
}

function discarded(table: SQLiteTable, rows: unknown): DiscardedRow[] {
  const name = getTableName(table);
  return z
    .array(rawRow)
    .parse(rows)
    .map((row) => ({ table: name, row }));
}

/** Keeps what was taken out under the id of the thing that it was. */
export async function keepInTrash(
  tx: Tx,
  entry: { id: string; projectId: string; name: string; deletedAt: number },
  taken: readonly DiscardedRow[],
): Promise<void> {
  await tx.insert(trash).values({ ...entry, rows: taken.toReversed() });
}

/** Takes an entry out of the trash, where `more` holds for it too. @throws EspalierError NOT_IN_TRASH */
export async function takeFromTrash(tx: Tx, projectId: string, id: string, more?: SQL): Promise<TrashRow> {
  const own = and(eq(trash.projectId, projectId), eq(trash.id, id), more);
  const [entry] = await tx.delete(trash).where(own).returning();
  if (entry) return entry;
  throw new EspalierError("NOT_IN_TRASH", `${id.slice(0, 80)} is not among what was deleted.`, {
    field: "id",
    value: id.slice(0, 80),
    hint: "It may be back already, or was deleted too long ago.",
    status: 404,
  });
}

/** Puts a row back where it was; one that was only copied there may still, or again, be in its place. */
export async function putBack(tx: Tx, { table, row }: DiscardedRow, isCopy = false): Promise<void> {
  const columns = Object.keys(row).map((name) => sql.identifier(name));
  const values = Object.values(row).map((value) => sql`${value}`);
  const where = sql`${sql.identifier(table)} (${sql.join(columns, sql`, `)})`;
  const end = isCopy ? sql` ON CONFLICT DO NOTHING` : sql``;
  await tx.run(sql`INSERT INTO ${where} VALUES (${sql.join(values, sql`, `)})${end}`);
}

/** Empties the trash of what was deleted too long ago; its blobs go with the next sweep. Returns how many entries. */
export async function purgeTrash(store: Store, at: number): Promise<number> {
  const old = lt(trash.deletedAt, at - limits.trashMs);
  // Most looks find nothing; those should not take the writer's turn.
  if ((await store.db.select({ id: trash.id }).from(trash).where(old).limit(1)).length === 0) return 0;
  return await store.write(
    async (tx) => (await tx.delete(trash).where(old).returning({ id: trash.id })).length,
    "trash.purge",
  );
}
