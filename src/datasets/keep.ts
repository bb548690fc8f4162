// A dataset as a thing that is kept: what depends on it, another name for it, and its end.
import { and, eq, inArray, ne } from "drizzle-orm";
import { datasets, datasetVersions } from "../../schema/tables/datasets.ts";
import { trainings } from "../../schema/tables/models.ts";
import { EspalierError } from "../kit/errors.ts";
import { checkName } from "../kit/names.ts";
import type { Runs } from "../runs/runs.ts";
import type { Reader, Store, Tx } from "../store/store.ts";

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
export async function rename(
  { store, runs }: { store: Store; runs: Runs },
  id: string,
  wanted: string,
): Promise<{ id: string; name: string }> {
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

/** Deletes a dataset; its trainings stay and keep their frozen rows. @throws EspalierError HAS_DEPENDANTS */
export async function remove(
  store: Store,
  id: string,
  confirm: boolean,
): Promise<{ id: string; name: string }> {
  return store.write(async (tx) => {
    const { name } = await getDataset(tx, id);
    const { length } = await dependantsOf(tx, id);
    if (length > 0 && !confirm)
      throw new EspalierError("HAS_DEPENDANTS", `${name} was used by ${length} trainings.`, {
        field: "confirm",
        value: String(length),
        hint: "Confirm to delete it; the trained models stay.",
        status: 409,
      });
    await tx.delete(datasetVersions).where(eq(datasetVersions.datasetId, id));
    await tx.delete(datasets).where(eq(datasets.id, id));
    return { id, name };
  }, "dataset.remove");
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
