// The samples of a first start: a small base model and the support messages, imported once into an empty server.
import { join } from "node:path";
import type { Datasets } from "../datasets/datasets.ts";
import { findAsset } from "../kit/assets.ts";
import type { Models } from "../models/models.ts";
import type { Runs } from "../runs/runs.ts";
import type { Store } from "../store/store.ts";

export const SAMPLE_MODEL_NAME = "SmolLM2-135M-Instruct";
export const SAMPLE_DATASET_NAME = "support-messages";

type Fronts = { models: Models; datasets: Datasets; runs: Runs; store: Store };

/** Queues both imports when the project has no model and no dataset and never had an import of them. */
export async function importSamples(
  { models, datasets, runs, store }: Fronts,
  input: { projectId: string; modelPath: string },
): Promise<void> {
  const { projectId, modelPath } = input;
  const earlier = await runs.list({ projectId, first: 1 });
  if (earlier.items.length > 0) return;
  const asset = findAsset(join("samples", "support-messages.jsonl"));
  if (asset) {
    const claim = () => store.incoming.takeBytes("support-messages.jsonl", asset.bytes("identity"));
    await datasets.importDataset({ projectId, name: SAMPLE_DATASET_NAME, claim });
  }
  await models.importModel({
    projectId,
    name: SAMPLE_MODEL_NAME,
    source: async () => ({ path: modelPath }),
  });
}
