// Lineage: what a model was made from, back to the dataset, and what was made from it, up to the alias.
import { and, eq, isNull } from "drizzle-orm";
import { datasets, datasetVersions } from "../../schema/tables/datasets.ts";
import {
  aliases,
  baseModels,
  completeModels,
  customizedModels,
  deployments,
  trainings,
} from "../../schema/tables/models.ts";
import type { Reader } from "../store/store.ts";

/** A thing related to the one asked about. `kind`: base, dataset, training, customized, complete, live, registered. */
export type LineageNode = { id: string; kind: string; name: string; relation: string };

/** What a model, training, live or registered model was made from, nearest first. */
export async function lineageOf(db: Reader, id: string): Promise<LineageNode[]> {
  const nodes: LineageNode[] = [];
  const add = (node: LineageNode): void => {
    if (!nodes.some((one) => one.id === node.id)) nodes.push(node);
  };
  async function base(baseId: string): Promise<void> {
    const row = await db.query.baseModels.findFirst({ where: eq(baseModels.id, baseId) });
    if (row) add({ id: row.id, kind: "base", name: row.name, relation: "base" });
  }
  async function training(trainingId: string, isSelf: boolean): Promise<void> {
    const row = await db.query.trainings.findFirst({ where: eq(trainings.id, trainingId) });
    if (!row) return;
    if (!isSelf) add({ id: row.id, kind: "training", name: row.name, relation: "trained by" });
    const [version] = await db
      .select({ id: datasets.id, name: datasets.name, number: datasetVersions.number })
      .from(datasetVersions)
      .innerJoin(datasets, eq(datasets.id, datasetVersions.datasetId))
      .where(eq(datasetVersions.id, row.datasetVersionId));
    if (version)
      add({
        id: version.id,
        kind: "dataset",
        name: `${version.name}@${version.number}`,
        relation: "trained on",
      });
    await base(row.baseId);
  }
  async function visit(oneId: string): Promise<void> {
    const alias = await db.query.aliases.findFirst({ where: eq(aliases.id, oneId) });
    if (alias) return source(alias.deploymentId, "registers");
    const live = await db.query.deployments.findFirst({ where: eq(deployments.id, oneId) });
    if (live) return source(live.modelId, "serves");
    const complete = await db.query.completeModels.findFirst({ where: eq(completeModels.id, oneId) });
    if (complete) {
      if (complete.customizedId) await source(complete.customizedId, "merged from");
      return base(complete.baseId);
    }
    const customized = await db.query.customizedModels.findFirst({ where: eq(customizedModels.id, oneId) });
    if (customized) {
      await training(customized.trainingId, false);
      return base(customized.baseId);
    }
    return training(oneId, true);
  }
  /** The thing itself, then what is behind it. */
  async function source(sourceId: string, relation: string): Promise<void> {
    for (const [kind, found] of [
      ["live", await db.query.deployments.findFirst({ where: eq(deployments.id, sourceId) })],
      ["complete", await db.query.completeModels.findFirst({ where: eq(completeModels.id, sourceId) })],
      ["customized", await db.query.customizedModels.findFirst({ where: eq(customizedModels.id, sourceId) })],
      ["base", await db.query.baseModels.findFirst({ where: eq(baseModels.id, sourceId) })],
    ] as const)
      if (found) add({ id: found.id, kind, name: found.name, relation });
    await visit(sourceId);
  }
  await visit(id);
  return nodes;
}

/** What stops working when a thing is deleted: everything made from it that still exists, transitively. */
export async function dependantsOf(db: Reader, id: string): Promise<LineageNode[]> {
  const nodes: LineageNode[] = [];
  const seen = new Set<string>([id]);
  async function add(kind: string, relation: string, rows: { id: string; name: string }[]): Promise<void> {
    for (const row of rows) {
      if (seen.has(row.id)) continue;
      seen.add(row.id);
      nodes.push({ id: row.id, kind, name: row.name, relation });
      await visit(row.id);
    }
  }
  async function visit(oneId: string): Promise<void> {
    const trained = await db.query.trainings.findMany({ where: eq(trainings.baseId, oneId) });
    const onVersion = await db.query.trainings.findMany({ where: eq(trainings.datasetVersionId, oneId) });
    await add("training", "trained on it", [...trained, ...onVersion]);
    const byTraining = eq(customizedModels.trainingId, oneId);
    await add("customized", "result", await db.query.customizedModels.findMany({ where: byTraining }));
    const onBase = eq(customizedModels.baseId, oneId);
    await add("customized", "adapter of it", await db.query.customizedModels.findMany({ where: onBase }));
    const merged = eq(completeModels.customizedId, oneId);
    await add("complete", "merged from it", await db.query.completeModels.findMany({ where: merged }));
    const served = and(eq(deployments.modelId, oneId), isNull(deployments.retiredAt));
    await add("live", "serves it", await db.query.deployments.findMany({ where: served }));
    const named = await db.query.aliases.findMany({ where: eq(aliases.deploymentId, oneId) });
    await add(
      "registered",
      "names it",
      named.map((row) => ({ id: row.id, name: row.alias })),
    );
  }
  await visit(id);
  return nodes;
}
