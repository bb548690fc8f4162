// One namespace for all model names and aliases of a project: claims, releases, and the names that steps generate.
import { and, eq, inArray, isNotNull, sql } from "drizzle-orm";
import { modelNames, trainings } from "../../schema/tables/models.ts";
import { runs } from "../../schema/tables/runs.ts";
import { EspalierError } from "../kit/errors.ts";
import { nameEnding } from "../kit/names.ts";
import type { Reader, Tx } from "../store/store.ts";

export const MODEL_KINDS = ["base", "customized", "complete", "live", "registered", "third-party"] as const;
export type ModelKind = (typeof MODEL_KINDS)[number];

type ModelName = { projectId: string; name: string; modelId: string; kind: ModelKind };

/** Id and kind behind a name, or null. */
export async function findName(db: Reader, projectId: string, name: string) {
  const [row] = await db
    .select()
    .from(modelNames)
    .where(and(eq(modelNames.projectId, projectId), eq(modelNames.name, name)));
  return row ?? null;
}

/**
 * Names that unfinished runs will give: of the model that an import or a merge makes, and of a training, whose model
 * bears its name. `subjectId` is what will bear it.
 */
function promisedNames(db: Reader, projectId: string) {
  const name = sql<string | null>`coalesce(${trainings.name}, json_extract(${runs.spec}, '$.name'))`;
  return db
    .select({ name, subjectId: runs.subjectId, runName: runs.name })
    .from(runs)
    .leftJoin(trainings, eq(trainings.runId, runs.id))
    .where(
      and(
        eq(runs.projectId, projectId),
        inArray(runs.status, ["queued", "running"]),
        inArray(runs.kind, ["import-model", "merge", "train"]),
        isNotNull(name),
      ),
    );
}

/**
 * Refuses a name that a model or alias of the project has, or will have when a run under way has ended. What `ownIds`
 * themselves have or were promised does not count.
 * @throws EspalierError NAME_TAKEN naming the field
 */
export async function refuseTaken(
  db: Reader,
  projectId: string,
  name: string,
  { field = "name", ownIds = [] }: { field?: string; ownIds?: readonly string[] } = {},
): Promise<void> {
  const taken = await findName(db, projectId, name);
  if (taken && !ownIds.includes(taken.modelId))
    throw nameTaken(`There already is a ${taken.kind} model named "${name}".`, name, field);
  const promised = (await promisedNames(db, projectId)).find(
    ({ subjectId, ...one }) => one.name === name && !ownIds.includes(subjectId ?? ""),
  );
  if (promised) throw nameTaken(`"${promised.runName}" is under way and will take "${name}".`, name, field);
}

function nameTaken(message: string, name: string, field: string): EspalierError {
  return new EspalierError("NAME_TAKEN", message, {
    field,
    value: name,
    hint: "Choose another name, or delete the other one first.",
    status: 409,
  });
}

/** Takes a name that was promised, in the transaction that makes the model. @throws EspalierError NAME_TAKEN */
export async function claimName(tx: Tx, entry: ModelName): Promise<void> {
  const taken = await findName(tx, entry.projectId, entry.name);
  if (taken)
    throw nameTaken(`There already is a ${taken.kind} model named "${entry.name}".`, entry.name, "name");
  await tx.insert(modelNames).values(entry);
}

/** Takes a name at once, as a step that makes its model at its start does. @throws EspalierError NAME_TAKEN */
export async function takeName(tx: Tx, entry: ModelName, field = "name"): Promise<void> {
  await refuseTaken(tx, entry.projectId, entry.name, { field });
  await claimName(tx, entry);
}

/** Frees every name of a model. */
export async function releaseNames(tx: Tx, modelId: string): Promise<void> {
  await tx.delete(modelNames).where(eq(modelNames.modelId, modelId));
}

/** The first of the names for 1, 2, 3 … that no model and no training has, and no run under way was promised. */
async function firstFree(db: Reader, projectId: string, nameOf: (number: number) => string): Promise<string> {
  const [models, trained, promised] = await Promise.all([
    db.select({ name: modelNames.name }).from(modelNames).where(eq(modelNames.projectId, projectId)),
    db.select({ name: trainings.name }).from(trainings).where(eq(trainings.projectId, projectId)),
    promisedNames(db, projectId),
  ]);
  const taken = new Set([...models, ...trained, ...promised].map(({ name }) => name));
  for (let number = 1; ; number++) {
    const name = nameOf(number);
    if (!taken.has(name)) return name;
  }
}

/** The name itself, or with the first free number when a model has it: for work that is done and must not be lost. */
export async function settledName(tx: Tx, projectId: string, name: string): Promise<string> {
  if (!(await findName(tx, projectId, name))) return name;
  return firstFree(tx, projectId, (number) => nameEnding(name, `_${number + 1}`));
}

/** How the name of what a step makes ends; `id` is the first number with which the name is free. */
export const nameEndings = {
  train: (at: number) => (id: number) => `_train_${dateStamp(at)}_${id}`,
  save: (id: number) => `_s_${id}`,
  deploy: (precision: string) => (id: number) => `_d_${id}_${precision}`,
};

/**
 * What a step makes of `source` is called when nobody names it: `{base}_train_{YYYYMMDD}_{id}`, `{customized}_s_{id}`,
 * `{source}_d_{id}_{precision}`. Two that start at once get different ones only inside their transactions.
 */
export function generatedName(
  db: Reader,
  projectId: string,
  source: string,
  ending: (id: number) => string,
): Promise<string> {
  return firstFree(db, projectId, (id) => nameEnding(source, ending(id)));
}

/** A day as YYYYMMDD in UTC. */
function dateStamp(at: number): string {
  return new Date(at).toISOString().slice(0, 10).replaceAll("-", "");
}
