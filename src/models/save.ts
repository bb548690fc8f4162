// Saving: a customized model becomes a complete one by a merge that is verified through the engine.
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { completeModels, type ModelFile } from "../../schema/tables/models.ts";
import type { EnginePool, ModelSource } from "../inference/inference.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { checkName } from "../kit/names.ts";
import type { RunHandler, RunRow, Runs } from "../runs/runs.ts";
import type { Store, Tx } from "../store/store.ts";
import type { Catalogue } from "./catalogue.ts";
import { filesHash, filesSize } from "./files.ts";
import { writeConfigFromGguf, writeMerged } from "./merge.ts";
import { claimName, generatedName, nameEndings, refuseTaken } from "./names.ts";

/** What a merge run keeps. */
export const mergeSpec = z.object({ modelId: z.string(), customizedId: z.string(), name: z.string() });

export type MergeVerification = {
  tokens: number;
  maxDifference: number;
  meanDifference: number;
  topAgreement: number;
  tolerance: number;
};

type Deps = { store: Store; runs: Runs; engine: EnginePool; clock: Clock; catalogue: Catalogue };

/** Queues a merge inside the caller's transaction. */
export async function queueMerge(
  runs: Runs,
  tx: Tx,
  input: { projectId: string; customizedId: string; name: string },
): Promise<RunRow> {
  const modelId = newId("completeModel");
  return runs.createRun(tx, {
    projectId: input.projectId,
    kind: "merge",
    executor: "server",
    name: `Save ${input.name}`,
    subjectId: modelId,
    spec: { modelId, customizedId: input.customizedId, name: input.name },
  });
}

/** Queues the saving of a customized model. @throws EspalierError MODEL_NOT_FOUND, NAME_TAKEN, NAME_INVALID */
export async function startSave(
  { store, runs, catalogue }: Deps,
  input: { projectId: string; customizedId: string; name?: string | undefined },
): Promise<RunRow> {
  const customized = await catalogue.getCustomized(input.customizedId);
  const asked = input.name ? checkName(input.name) : null;
  return store.write(async (tx) => {
    const { projectId } = input;
    const name = asked ?? (await generatedName(tx, projectId, customized.name, nameEndings.save));
    await refuseTaken(tx, projectId, name);
    return queueMerge(runs, tx, { projectId, customizedId: customized.id, name });
  }, "model.save.start");
}

/** Merges, verifies and lists; a repeat after a crash writes the same bytes again. */
export function mergeHandler({ store, engine, clock, catalogue }: Deps): RunHandler {
  return async ({ run, signal, log, progress, crashPoint }) => {
    const spec = mergeSpec.parse(run.spec);
    const customized = await catalogue.getCustomized(spec.customizedId);
    const base = await catalogue.getBase(customized.baseId);
    const source = await catalogue.customizedSource(customized);
    if (!source.adapter) throw new Error("a customized model without adapter");
    const folder = store.blobs.tempPath();
    try {
      await mkdir(folder, { recursive: true });
      log(`merging ${customized.name} into ${base.name}`);
      const { dtype } = await writeMerged(
        { basePath: source.path, adapterPath: source.adapter.path, folder },
        ({ done, total }) => progress({ fraction: (0.6 * done) / total }),
        signal,
      );
      crashPoint("merged");
      const files: ModelFile[] = [];
      if (base.format === "gguf") await writeConfigFromGguf(source.path, folder);
      else files.push(...base.files.filter((file) => !/\.safetensors(\.index\.json)?$/.test(file.path)));
      const known = new Set(files.map((file) => file.path));
      for (const name of (await readdir(folder)).sort()) {
        if (known.has(name)) continue;
        const temp = store.blobs.tempPath();
        await rename(join(folder, name), temp);
        files.push({ path: name, ...(await store.blobs.putFile(temp)) });
        crashPoint("file-put");
      }
      progress({ fraction: 0.75 });
      const path = await catalogue.folders.ensure(spec.modelId, files);
      // By its final hash, so that the first deployment finds the engine's graph ready.
      const merged: ModelSource = { kind: "hf", path, hash: filesHash(files) };
      const verification = await verify(engine, source, merged, dtype);
      log(`verified: largest logit difference ${verification.maxDifference.toExponential(2)}`);
      signal.throwIfAborted();
      crashPoint("verified");
      return {
        result: { id: spec.modelId, name: spec.name, verification },
        commit: async (tx) => {
          const { modelId: id, name } = spec;
          await claimName(tx, { projectId: run.projectId, name, modelId: id, kind: "complete" });
          await tx.insert(completeModels).values({
            id,
            projectId: run.projectId,
            name,
            baseId: base.id,
            customizedId: customized.id,
            trainingId: customized.trainingId,
            files,
            sha256: filesHash(files),
            sizeBytes: filesSize(files),
            card: {
              ...base.card,
              format: "hf",
              dtype,
              sizeBytes: filesSize(files),
              memoryBytes: base.card.memoryBytes,
            },
            verification,
            createdAt: clock(),
          });
        },
      };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

const PROBE = "What is the capital of France? Answer in one sentence, then say why it is known.";

/** Compares logits of base + adapter with those of the merged folder over a prompt, both at fp32. */
async function verify(
  engine: EnginePool,
  adapted: ModelSource,
  merged: ModelSource,
  dtype: "F32" | "F16" | "BF16",
): Promise<MergeVerification> {
  const { ids } = await engine.tokenize(adapted, PROBE);
  const expected = await engine.logits(adapted, "fp32", ids);
  const actual = await engine.logits(merged, "fp32", ids);
  await engine.unload(merged, "fp32");
  const vocab = expected.vocabSize;
  let maxDifference = 0;
  let sum = 0;
  let agreed = 0;
  for (let at = 0; at < ids.length; at++) {
    let best = 0;
    let bestActual = 0;
    for (let token = 0; token < vocab; token++) {
      const one = expected.logits[at * vocab + token] ?? 0;
      const other = actual.logits[at * vocab + token] ?? 0;
      const difference = Math.abs(one - other);
      sum += difference;
      if (!(difference <= maxDifference)) maxDifference = difference;
      if (one > (expected.logits[at * vocab + best] ?? 0)) best = token;
      if (other > (actual.logits[at * vocab + bestActual] ?? 0)) bestActual = token;
    }
    if (best === bestActual) agreed++;
  }
  // Sixteen-bit weights round the sum of base and adapter, which float32 keeps.
  const tolerance = dtype === "F32" ? 1e-2 : 1;
  const verification = {
    tokens: ids.length,
    maxDifference,
    meanDifference: sum / Math.max(1, ids.length * vocab),
    topAgreement: agreed / Math.max(1, ids.length),
    tolerance,
  };
  if (!(maxDifference <= tolerance))
    throw new EspalierError(
      "MERGE_MISMATCH",
      `The merged model differs from base + adapter by ${maxDifference}, more than ${tolerance}.`,
      {
        value: String(maxDifference),
        hint: "Nothing was saved; report this with the names of base and training.",
      },
    );
  return verification;
}
