// A dataset as a thing that is kept: what depends on it, another name for it, and its end.
import { and, eq, getTableName, inArray, ne } from "drizzle-orm";
import { datasets, datasetVersions } from "../../schema/tables/datasets.ts";
import { trainings } from "../../schema/tables/models.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { checkName, numberedName } from "../kit/names.ts";
import type { Runs } from "../runs/runs.ts";
import {
  keepInTrash,
  putBack,
  type Reader,
  type Store,
  type Tx,
  takeFromTrash,
  takeOut,
} from "../store/store.ts";

type Deps = { store: Store; runs: Runs; clock: Clock };
type Changed = { id: string; name: string };
export type Dependant = { id: string; kind: string; name: string; relation: string };

/** Trainings on any version of a dataset. */
export async function dependantsOf(db: Reader, id: string): Promise<Dependant[]> {
  const versions = db
    .select({ id: datasetVersions.id })
    .from(datasetVersions)
    .where(eq(datasetVersions.datasetId, id));
  const rows = await db.query.trainings.findMany({ where: inArray(trainings.datasetVersionId, versions) });
  return rows.map((row) => ({ id: row.id, kind: "training", name: row.name, relation: "trained on it" }));
}

async function getDataset(tx: Tx, id: string): Promise<typeof datasets.$inferSelect> {
  const row = await tx.query.datasets.findFirst({ where: eq(datasets.id, id) });
  return row ?? datasetNotFound("dataset", id);
}

/** Gives a dataset another name. @throws EspalierError NAME_INVALID, NAME_TAKEN, DATASET_NOT_FOUND */
export async function rename({ store, runs }: Deps, id: string, wanted: string): Promise<Changed> {
  const name = checkName(wanted);
  return store.write(async (tx) => {
    const { projectId } = await getDataset(tx, id);
    const isOther = and(eq(datasets.projectId, projectId), eq(datasets.name, name), ne(datasets.id, id));
    const other = await tx.query.datasets.findFirst({ where: isOther });
    if (other) {
      const ofOther = eq(datasetVersions.datasetId, other.id);
      const hasVersion = await tx.query.datasetVersions.findFirst({ where: ofOther });
      const isImporting = (await runs.unfinished(tx)).some((run) => run.subjectId === other.id);
      if (hasVersion || isImporting)
        throw new EspalierError("NAME_TAKEN", `There already is a dataset named "${name}".`, {
          field: "name",
          value: name,
          hint: "Choose another name, or delete the other one first.",
          status: 409,
        });
      // No list shows a dataset whose imports all failed; one that is tried again can be renamed.
      await tx.update(datasets).set({ name: other.id }).where(eq(datasets.id, other.id));
    }
    await tx.update(datasets).set({ name }).where(eq(datasets.id, id));
    return { id, name };
  }, "dataset.rename");
}

/**
 * Deletes a dataset into the trash; its trainings stay and keep their frozen rows.
 * @throws EspalierError DATASET_NOT_FOUND, HAS_DEPENDANTS, IN_USE while an import adds to it
 */
export async function remove({ store, runs, clock }: Deps, id: string, confirm: boolean): Promise<Changed> {
  return store.write(async (tx) => {
    const { name, projectId } = await getDataset(tx, id);
    const importing = (await runs.unfinished(tx)).find((run) => run.subjectId === id);
    if (importing)
      throw new EspalierError("IN_USE", `${name} is in use: "${importing.name}" is ${importing.status}.`, {
        field: "id",
        value: importing.id,
        hint: `Wait for it, or cancel it: espalier run cancel ${importing.id}`,
        status: 409,
      });
    const { length } = await dependantsOf(tx, id);
    if (length > 0 && !confirm)
      throw new EspalierError("HAS_DEPENDANTS", `${name} was used by ${length} trainings.`, {
        field: "confirm",
        value: String(length),
        hint: "Confirm to delete it; the trained models stay.",
        status: 409,
      });
    const taken = await takeOut(tx, datasetVersions, eq(datasetVersions.datasetId, id));
    taken.push(...(await takeOut(tx, datasets, eq(datasets.id, id))));
    await keepInTrash(tx, { id, projectId, name, deletedAt: clock() }, taken);
    return { id, name };
  }, "dataset.remove");
}

/**
 * Brings back a deleted dataset with its versions, under a numbered name where another has its own by now.
 * @throws EspalierError NOT_IN_TRASH
 */
export async function restore({ store }: Deps, projectId: string, id: string): Promise<Changed> {
  return store.write(async (tx) => {
    const { name: before, rows } = await takeFromTrash(tx, projectId, id);
    const all = await tx
      .select({ name: datasets.name })
      .from(datasets)
      .where(eq(datasets.projectId, projectId));
    const taken = new Set(all.map((row) => row.name));
    const name = numberedName(before, taken);
    for (const one of rows)
      await putBack(tx, one.table === getTableName(datasets) ? { ...one, row: { ...one.row, name } } : one);
    return { id, name };
  }, "dataset.restore");
}

/** @throws EspalierError DATASET_NOT_FOUND, ROW_NOT_FOUND */
export function datasetNotFound(what: "dataset" | "dataset version" | "row", value: string): never {
  const code = what === "row" ? "ROW_NOT_FOUND" : "DATASET_NOT_FOUND";
  throw new EspalierError(code, `There is no ${what} ${value.slice(0, 120)}.`, {
    field: "id",
    value: value.slice(0, 120),
    hint: "List the datasets to see what there is.",
    status: 404,
  });
}
