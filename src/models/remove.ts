// The end of a model or training with what depends on it, and the way back while the trash still has it.
import { inArray, sql } from "drizzle-orm";
import { z } from "zod";
import { modelNames } from "../../schema/tables/models.ts";
import { trash } from "../../schema/tables/trash.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import type { Runs } from "../runs/runs.ts";
import {
  type DiscardedRow,
  keepInTrash,
  putBack,
  type Store,
  type Tx,
  takeFromTrash,
  takeOut,
} from "../store/store.ts";
import { dependantsOf, type LineageNode } from "./lineage.ts";
import { findNamed, modelNotFound, namedTables, setName } from "./named.ts";
import { settledName } from "./names.ts";
import { mergeSpec } from "./save.ts";

type Deps = { store: Store; runs: Runs; clock: Clock };
type Changed = { id: string; name: string };

/** Ids in one statement, below what SQLite binds. */
const IDS = 1_000;
/** Columns that name a row which has to be there. */
const PARENTS = ["base_id", "training_id", "model_id", "deployment_id"];
/**
 * Deletes a model, training, live model or alias into the trash. With `confirm`, what depends on it goes along.
 * Returns the ids of all that went.
 * @throws EspalierError MODEL_NOT_FOUND, HAS_DEPENDANTS naming them, IN_USE naming a run that works on one of them
 */
export function remove(
  { store, runs, clock }: Deps,
  id: string,
  confirm: boolean,
): Promise<Changed & { gone: string[] }> {
  return store.write(async (tx) => {
    const own = await findNamed(tx, id);
    if (!own) throw modelNotFound(id);
    const { name, projectId } = own;
    const dependants = await dependantsOf(tx, id);
    const gone = [...dependants.map((node) => node.id), id];
    await refuseBusy(runs, tx, name, gone);
    if (dependants.length > 0 && !confirm) throw hasDependants(name, dependants);
    // Table by table from the end of the lifecycle: nothing may point at a row that is gone.
    const taken: DiscardedRow[] = [];
    const columns = [modelNames.modelId, ...namedTables.map((one) => one.id).reverse()];
    for (const column of columns)
      for (let at = 0; at < gone.length; at += IDS)
        taken.push(...(await takeOut(tx, column.table, inArray(column, gone.slice(at, at + IDS)))));
    await keepInTrash(tx, { id, projectId, name, deletedAt: clock() }, taken);
    return { id, name, gone };
  }, "model.remove");
}

/** A run that lost its subject could only fail, with hours of work in it; its owner ends it first. */
async function refuseBusy(runs: Runs, tx: Tx, name: string, ids: readonly string[]): Promise<void> {
  for (const run of await runs.unfinished(tx)) {
    const merged = run.kind === "merge" ? mergeSpec.parse(run.spec).customizedId : null;
    if (!ids.some((id) => id === run.subjectId || id === merged)) continue;
    throw new EspalierError("IN_USE", `${name} is in use: "${run.name}" is ${run.status}.`, {
      field: "id",
      value: run.id,
      hint: `Wait for it, or cancel it: espalier run cancel ${run.id}`,
      status: 409,
    });
  }
}

/**
 * Brings back what was deleted under an id, with what went along. A name that another has taken since gets a number.
 * @throws EspalierError NOT_IN_TRASH, SOURCE_DELETED naming what has to come back first
 */
export function restore(store: Store, projectId: string, id: string): Promise<Changed> {
  return store.write(async (tx) => {
    const entry = await takeFromTrash(tx, projectId, id);
    for (const one of entry.rows) {
      if (one.table !== "model_names") {
        await requireParents(tx, entry.name, one);
        await putBack(tx, one);
        continue;
      }
      const { name: before, model_id: modelId } = z
        .object({ name: z.string(), model_id: z.string() })
        .parse(one.row);
      const name = await settledName(tx, projectId, before);
      await putBack(tx, { ...one, row: { ...one.row, name } });
      if (name !== before) await setName(tx, modelId, name);
    }
    const back = await findNamed(tx, id);
    if (!back) throw modelNotFound(id);
    return { id, name: back.name };
  }, "model.restore");
}

/** @throws EspalierError SOURCE_DELETED when a row that this one needs is not there */
async function requireParents(tx: Tx, name: string, { row }: DiscardedRow): Promise<void> {
  for (const column of PARENTS) {
    const id = row[column];
    if (typeof id === "string" && !(await findNamed(tx, id))) throw await sourceDeleted(tx, name, id);
  }
}

/** The refusal to bring something back without what it was made from, naming what has to come back first. */
export async function sourceDeleted(tx: Tx, name: string, id: string): Promise<EspalierError> {
  const holds = sql`instr(${trash.rows}, ${JSON.stringify({ id }).slice(1, -1)}) > 0`;
  const [holder] = await tx.select().from(trash).where(holds).limit(1);
  return new EspalierError(
    "SOURCE_DELETED",
    `${name} cannot come back alone: what it was made from, ${holder?.name ?? id}, is deleted too.`,
    {
      field: "id",
      value: holder?.id ?? id,
      hint: holder ? `Bring ${holder.name} back first.` : "It is gone for good.",
      status: 409,
    },
  );
}

/** The refusal that names what depends on a thing. */
function hasDependants(name: string, dependants: readonly LineageNode[]): EspalierError {
  const shown = dependants.slice(0, 5).map((node) => `${node.kind} ${node.name}`);
  const more = dependants.length > shown.length ? ` and ${dependants.length - shown.length} more` : "";
  return new EspalierError("HAS_DEPENDANTS", `${name} is used by ${shown.join(", ")}${more}.`, {
    field: "confirm",
    value: String(dependants.length),
    hint: "Confirm to delete these too.",
    status: 409,
  });
}
