// Everything of the models that has a name: base, customized, complete and live ones, trainings and aliases, by id.
import { sql } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { z } from "zod";
import {
  aliases,
  baseModels,
  completeModels,
  customizedModels,
  deployments,
  trainings,
} from "../../schema/tables/models.ts";
import { EspalierError } from "../kit/errors.ts";
import type { Reader, Tx } from "../store/store.ts";

/** Where a thing has its id and name; each table before those that may point at it. */
export const namedTables = [
  { table: baseModels, id: baseModels.id, name: baseModels.name },
  { table: trainings, id: trainings.id, name: trainings.name },
  { table: customizedModels, id: customizedModels.id, name: customizedModels.name },
  { table: completeModels, id: completeModels.id, name: completeModels.name },
  { table: deployments, id: deployments.id, name: deployments.name },
  { table: aliases, id: aliases.id, name: aliases.alias },
] satisfies { table: SQLiteTable; id: SQLiteColumn; name: SQLiteColumn }[];

const named = z.object({ id: z.string(), name: z.string(), projectId: z.string() });

/** Id, name and project of what has an id; null when there is none. */
export async function findNamed(db: Reader, id: string): Promise<z.infer<typeof named> | null> {
  const parts = namedTables.map(
    ({ table, id: column, name }) =>
      sql`SELECT ${column} AS id, ${name} AS name, project_id AS projectId FROM ${table} WHERE ${column} = ${id}`,
  );
  const [row] = await db.all(sql.join(parts, sql` UNION ALL `));
  return row === undefined ? null : named.parse(row);
}

/** Sets the name of what has an id, which the caller has found to be free. */
export async function setName(tx: Tx, id: string, name: string): Promise<void> {
  for (const { table, id: column, name: at } of namedTables)
    await tx.run(sql`UPDATE ${table} SET ${sql.identifier(at.name)} = ${name} WHERE ${column} = ${id}`);
}

export function modelNotFound(id: string): EspalierError {
  return new EspalierError("MODEL_NOT_FOUND", `There is no model ${id.slice(0, 80)}.`, {
    field: "id",
    value: id.slice(0, 80),
    hint: "List the models to see their names and ids.",
    status: 404,
  });
}
