// One namespace for all model names and aliases of a project: checks, claims and releases.
import { and, eq } from "drizzle-orm";
import { modelNames } from "../../schema/tables/models.ts";
import { now } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import type { Reader, Tx } from "../store/store.ts";

export const MODEL_KINDS = ["base", "customized", "complete", "live", "registered"] as const;
export type ModelKind = (typeof MODEL_KINDS)[number];

const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._:+-]{0,119}$/u;

/**
 * A name as it will be kept (trimmed).
 * @throws EspalierError NAME_INVALID
 */
export function checkName(name: string, field = "name"): string {
  const trimmed = name.trim();
  if (NAME.test(trimmed)) return trimmed;
  throw new EspalierError("NAME_INVALID", `"${trimmed.slice(0, 120)}" cannot be a name.`, {
    field,
    value: trimmed.slice(0, 120),
    hint: "Use 1 to 120 letters, digits, spaces and . _ : + -, beginning with a letter or digit.",
  });
}

/** Id and kind behind a name, or null. */
export async function findName(db: Reader, projectId: string, name: string) {
  const [row] = await db
    .select()
    .from(modelNames)
    .where(and(eq(modelNames.projectId, projectId), eq(modelNames.name, name)));
  return row ?? null;
}

/** @throws EspalierError NAME_TAKEN naming the field when a model or alias of the project has the name. */
export async function refuseTaken(
  db: Reader,
  projectId: string,
  name: string,
  field = "name",
): Promise<void> {
  const taken = await findName(db, projectId, name);
  if (!taken) return;
  throw new EspalierError("NAME_TAKEN", `There already is a ${taken.kind} model named "${name}".`, {
    field,
    value: name,
    hint: "Choose another name, or delete the other one first.",
    status: 409,
  });
}

/** Takes a name inside the caller's transaction. @throws EspalierError NAME_TAKEN */
export async function claimName(
  tx: Tx,
  entry: { projectId: string; name: string; modelId: string; kind: ModelKind },
  field = "name",
): Promise<void> {
  await refuseTaken(tx, entry.projectId, entry.name, field);
  await tx.insert(modelNames).values(entry);
}

/** Frees every name of a model. */
export async function releaseNames(tx: Tx, modelId: string): Promise<void> {
  await tx.delete(modelNames).where(eq(modelNames.modelId, modelId));
}

/**
 * The generated name of a next state: the stem, then the first free number, e.g. `smollm_train_20260131_2`. Names that
 * are `promised` (to trainings that still run) are not free either. Reads the taken names, so it belongs into the transaction that claims it where two may race.
 */
export async function freeName(
  db: Reader,
  projectId: string,
  stem: string,
  promised: ReadonlySet<string> = new Set(),
): Promise<string> {
  const short = stem.slice(0, 100);
  for (let number = 0; ; number++) {
    const name = number === 0 ? short : `${short}_${number + 1}`;
    if (!promised.has(name) && !(await findName(db, projectId, name))) return name;
  }
}

/** Today as YYYYMMDD in UTC, for generated names. */
export function dateStamp(at: number = now()): string {
  return new Date(at).toISOString().slice(0, 10).replaceAll("-", "");
}
