// Another name for a model or training. What points at one does so by id, so lineage and runs under way stay right.
import { and, eq } from "drizzle-orm";
import { completeModels, customizedModels, modelNames, trainings } from "../../schema/tables/models.ts";
import { checkName } from "../kit/names.ts";
import type { Store, Tx } from "../store/store.ts";
import { modelNotFound, setName } from "./named.ts";
import { refuseTaken } from "./names.ts";

/**
 * Renames a base, customized, complete or live model, or a training; one that runs passes its new name on to what it
 * makes. An alias is what programs rely on, and is not renamed.
 * @throws EspalierError NAME_INVALID, NAME_TAKEN, MODEL_NOT_FOUND
 */
export function rename(
  store: Store,
  input: { projectId: string; id: string; name: string },
): Promise<{ id: string; name: string }> {
  const { projectId, id } = input;
  const name = checkName(input.name);
  return store.write(async (tx) => {
    const own = and(eq(modelNames.projectId, projectId), eq(modelNames.modelId, id));
    const model = await tx.query.modelNames.findFirst({ where: own });
    const ofTraining = and(eq(trainings.projectId, projectId), eq(trainings.id, id));
    const training = await tx.query.trainings.findFirst({ where: ofTraining });
    if (!model && !training) throw modelNotFound(id);
    await refuseTaken(tx, projectId, name, { ownIds: [id, ...(training ? await madeBy(tx, id) : [])] });
    await tx.update(modelNames).set({ name }).where(own);
    await setName(tx, id, name);
    return { id, name };
  }, "model.rename");
}

/** What a training made may bear its name. */
async function madeBy(tx: Tx, trainingId: string): Promise<string[]> {
  const customized = eq(customizedModels.trainingId, trainingId);
  const complete = eq(completeModels.trainingId, trainingId);
  const made = [
    ...(await tx.query.customizedModels.findMany({ where: customized })),
    ...(await tx.query.completeModels.findMany({ where: complete })),
  ];
  return made.map((row) => row.id);
}
