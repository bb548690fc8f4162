// Lineage: what a model was made from, back to the dataset, and what was made from it, up to the alias.
import { and, eq, inArray, isNull, or, type SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
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

/** Ids in one statement: below what SQLite binds, and enough that a base with thousands of trainings is soon walked. */
const IDS = 1_000;

/** What stops working when a thing is deleted: everything made from it that still exists, level by level. */
export async function dependantsOf(db: Reader, id: string): Promise<LineageNode[]> {
  const nodes: LineageNode[] = [];
  const seen = new Set<string>([id]);
  for (let level = [id]; level.length > 0; ) {
    const next: string[] = [];
    for (let at = 0; at < level.length; at += IDS)
      for (const node of await madeFrom(db, level.slice(at, at + IDS))) {
        if (seen.has(node.id)) continue;
        seen.add(node.id);
        nodes.push(node);
        next.push(node.id);
      }
    level = next;
  }
  return nodes;
}

/** What was made from any of these, directly. */
async function madeFrom(db: Reader, ids: readonly string[]): Promise<LineageNode[]> {
  const among = (column: SQLiteColumn): SQL => inArray(column, [...ids]);
  const as = (kind: string, relation: string, rows: { id: string; name: string }[]): LineageNode[] =>
    rows.map(({ id, name }) => ({ id, kind, name, relation }));
  const columns = { id: true, name: true } as const;
  const { query } = db;
  const trained = or(among(trainings.baseId), among(trainings.datasetVersionId));
  const served = and(among(deployments.modelId), isNull(deployments.retiredAt));
  return [
    ...as("training", "trained on it", await query.trainings.findMany({ columns, where: trained })),
    ...as(
      "customized",
      "result",
      await query.customizedModels.findMany({ columns, where: among(customizedModels.trainingId) }),
    ),
    ...as(
      "customized",
      "adapter of it",
      await query.customizedModels.findMany({ columns, where: among(customizedModels.baseId) }),
    ),
    ...as(
      "complete",
      "merged from it",
      await query.completeModels.findMany({ columns, where: among(completeModels.customizedId) }),
    ),
    ...as("live", "serves it", await query.deployments.findMany({ columns, where: served })),
    ...as(
      "registered",
      "names it",
      await db
        .select({ id: aliases.id, name: aliases.alias })
        .from(aliases)
        .where(among(aliases.deploymentId)),
    ),
  ];
}
