// What a candidate was trained on, by its lineage through every training, and what it may look up.
import type { ComparedCandidate, LookedUpSource, TrainedSource } from "../../../schema/tables/overlaps.ts";
import type { Datasets } from "../../datasets/datasets.ts";
import type { Knowledge } from "../../knowledge/knowledge.ts";
import type { Models } from "../../models/models.ts";
import type { Store } from "../../store/store.ts";
import type { Training } from "../../training/training.ts";
import type { CandidateRow } from "../assessments.ts";
import type { Source } from "./finder.ts";

export type SourcesDeps = {
  store: Store;
  models: Models;
  training: Training;
  datasets: Datasets;
  knowledge: Knowledge;
};
/** A candidate with what its rows are compared with; equal keys are equal sources, looked through once. */
export type CandidateSources = {
  compared: ComparedCandidate;
  trained: { key: string; source: Source; from: TrainedSource }[];
  lookedUp: { key: string; source: Source; from: LookedUpSource }[];
};

/** What each candidate's rows are compared with, as things stand now. */
export async function sourcesOf(
  deps: SourcesDeps,
  projectId: string,
  candidate: CandidateRow,
): Promise<CandidateSources> {
  const { store, models, knowledge } = deps;
  const model = await models.find(projectId, candidate.modelId);
  const trained: CandidateSources["trained"] = [];
  for (const id of await trainingsOf(models, projectId, candidate.modelId)) {
    const one = await trainedOn(deps, id);
    if (one) trained.push(one);
  }
  const lookedUp: CandidateSources["lookedUp"] = [];
  for (const id of candidate.knowledgeBases) {
    const base = await knowledge.find(projectId, id);
    if (!base) continue;
    const { chunks } = await knowledge.counts(base);
    const { dataDir } = store;
    lookedUp.push({
      key: base.id,
      source: { kind: "passages", dataDir, knowledgeBaseId: base.id, chunks },
      from: { knowledgeBaseId: base.id, knowledgeBase: base.name, chunks },
    });
  }
  const origin = (): ComparedCandidate["origin"] => {
    if (trained.length > 0) return "trained";
    if (!model) return "gone";
    return model.kind === "third-party" ? "third-party" : "base";
  };
  return {
    compared: {
      candidateId: candidate.id,
      origin: origin(),
      trained: trained.map(({ from }) => from),
      lookedUp: lookedUp.map(({ from }) => from),
    },
    trained,
    lookedUp,
  };
}

/** Ids of the trainings behind a model, nearest first: a base that is a complete model brought back in has its too. */
async function trainingsOf(models: Models, projectId: string, modelId: string): Promise<string[]> {
  const trainings = new Set<string>();
  const seen = new Set<string>();
  const queue = [modelId];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const nodes = await models.lineage(id);
    for (const node of nodes) if (node.kind === "training") trainings.add(node.id);
    for (const baseId of [id, ...nodes.filter(({ kind }) => kind === "base").map((node) => node.id)])
      queue.push(...(await twinsOf(models, projectId, baseId)));
  }
  return [...trainings];
}

const isWeights = (path: string): boolean => /\.(safetensors|gguf)$/.test(path);

/** Complete models of the project that have the very weights of a base model. */
async function twinsOf(models: Models, projectId: string, baseId: string): Promise<string[]> {
  const base = await models.findBase(baseId);
  if (!base) return [];
  const weights = new Set(base.files.filter(({ path }) => isWeights(path)).map(({ sha256 }) => sha256));
  const all = await models.listComplete(projectId);
  return all
    .filter(({ files }) => {
      const own = files.filter(({ path }) => isWeights(path));
      return own.length > 0 && own.length === weights.size && own.every(({ sha256 }) => weights.has(sha256));
    })
    .map(({ id }) => id);
}

async function trainedOn(
  { store, training, datasets }: SourcesDeps,
  trainingId: string,
): Promise<CandidateSources["trained"][number] | null> {
  const row = await training.find(trainingId);
  const read = row && (await training.frozen(row));
  if (!row || !read) return null;
  const version = await datasets.findVersion(row.datasetVersionId);
  const { sha256, sizeBytes, rowCount } = read.rows;
  return {
    key: sha256,
    source: {
      kind: "trained",
      path: store.blobs.path(sha256),
      sizeBytes,
      versionPath: version?.statistics.hasOwnSplits ? store.blobs.path(version.sha256) : null,
    },
    from: {
      trainingId,
      training: row.name,
      datasetVersionId: row.datasetVersionId,
      dataset: `${read.trainSpec.dataset.name}@${read.trainSpec.dataset.version}`,
      rows: rowCount,
    },
  };
}
