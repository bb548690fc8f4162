// The end of providers and their models with what depends on them, and the way back while the trash has them, keys sealed.
import { and, eq, getTableName, inArray, ne, or, sql } from "drizzle-orm";
import { z } from "zod";
import { knowledgeBases, knowledgeIndexes } from "../../schema/tables/knowledge.ts";
import { modelNames } from "../../schema/tables/models.ts";
import { confirmedAddresses, providers, thirdPartyModels } from "../../schema/tables/providers.ts";
import { confirmationOf, forgetAddress } from "../inference/remote/confirmed.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { numberedName } from "../kit/names.ts";
import {
  type DiscardedRow,
  keepInTrash,
  putBack,
  type Reader,
  type Store,
  type Tx,
  takeFromTrash,
  takeOut,
} from "../store/store.ts";
import type { ThirdPartyModelRow } from "./catalogue.ts";
import type { LineageNode } from "./lineage.ts";
import { settledName } from "./names.ts";
import type { ProviderRow } from "./provider-calls.ts";
import { sourceDeleted } from "./remove.ts";

type Deps = { store: Store; clock: Clock };
type Changed = { id: string; name: string };

const modelShape = z.object({ id: z.string(), provider_id: z.string(), model: z.string() });
const isOf = ({ table }: DiscardedRow, of: Parameters<typeof getTableName>[0]): boolean =>
  table === getTableName(of);

/** The part of the providers' front door that deletes into the trash. */
export function createProviderRemoval({ store, clock }: Deps) {
  /** Takes models with their names out of their tables. */
  async function takeModels(tx: Tx, ids: readonly string[]): Promise<DiscardedRow[]> {
    return [
      ...(await takeOut(tx, modelNames, inArray(modelNames.modelId, [...ids]))),
      ...(await takeOut(tx, thirdPartyModels, inArray(thirdPartyModels.id, [...ids]))),
    ];
  }

  /** Deletes models each as an entry of its own. @throws EspalierError HAS_DEPENDANTS naming knowledge bases, unless `confirm` */
  async function discardModels(
    tx: Tx,
    models: readonly ThirdPartyModelRow[],
    confirm: boolean,
  ): Promise<void> {
    const bases = await basesUsing(tx, models);
    if (bases.length > 0 && !confirm) throw hasDependants(models.map(({ name }) => name).join(", "), bases);
    for (const { id, projectId, name } of models)
      await keepInTrash(tx, { id, projectId, name, deletedAt: clock() }, await takeModels(tx, [id]));
  }

  return {
    discardModels,
    /** A provider's models, and the knowledge bases that ask them. */
    dependants: (id: string): Promise<LineageNode[]> => dependantsOf(store.db, id),

    /**
     * Deletes a provider with its sealed key and its models into the trash. What confirmed its private address is no
     * longer in force where nothing else leads there, and comes back with it.
     * @throws EspalierError PROVIDER_NOT_FOUND; HAS_DEPENDANTS naming its models and who asks them, unless `confirm`
     */
    remove: (row: ProviderRow, confirm: boolean): Promise<ProviderRow> =>
      store.write(async (tx) => {
        const dependants = await dependantsOf(tx, row.id);
        if (dependants.length > 0 && !confirm) throw hasDependants(row.name, dependants);
        const ids = dependants.filter(({ kind }) => kind === "third-party").map(({ id }) => id);
        const models = await takeModels(tx, ids);
        const own = await takeOut(tx, providers, eq(providers.id, row.id));
        if (own.length === 0) throw providerNotFound(row.name);
        const taken = [...models, ...own, ...(await confirmationOf(tx, row))];
        await forgetAddress(tx, row);
        const { id, projectId, name } = row;
        await keepInTrash(tx, { id, projectId, name, deletedAt: clock() }, taken);
        return row;
      }, "provider.remove"),

    /** Deletes one model of a provider into the trash. @throws EspalierError MODEL_NOT_FOUND, HAS_DEPENDANTS */
    removeModel: (projectId: string, id: string, confirm: boolean): Promise<Changed> =>
      store.write(async (tx) => {
        const row = await tx.query.thirdPartyModels.findFirst({
          where: and(eq(thirdPartyModels.projectId, projectId), eq(thirdPartyModels.id, id)),
        });
        if (!row)
          throw new EspalierError("MODEL_NOT_FOUND", `There is no third-party model ${id.slice(0, 80)}.`, {
            field: "id",
            value: id.slice(0, 80),
            hint: "List the providers to see their models.",
            status: 404,
          });
        await discardModels(tx, [row], confirm);
        return { id, name: row.name };
      }, "provider.removeModel"),

    /**
     * Brings back a provider with its models, or a model. A provider whose name another has taken since gets a number,
     * and its models are called after it.
     * @throws EspalierError NOT_IN_TRASH, SOURCE_DELETED where a model's provider is not there, NAME_TAKEN where that
     * has the model again
     */
    restore: (projectId: string, id: string): Promise<Changed> =>
      store.write(async (tx) => {
        const entry = await takeFromTrash(tx, projectId, id);
        const names = new Map<string, string>();
        for (const one of entry.rows) {
          if (isOf(one, confirmedAddresses)) await putBack(tx, one, true);
          else if (isOf(one, providers)) {
            const name = await freeName(tx, projectId, entry.name);
            names.set(id, name);
            await putBack(tx, { ...one, row: { ...one.row, name } });
          } else if (isOf(one, thirdPartyModels)) {
            const name = await nameInProvider(tx, projectId, entry.name, one);
            names.set(String(one.row["id"]), name);
            await putBack(tx, { ...one, row: { ...one.row, name } });
          } else {
            const name = names.get(String(one.row["model_id"])) ?? null;
            await putBack(tx, { ...one, row: { ...one.row, name } });
          }
        }
        return { id, name: names.get(id) ?? entry.name };
      }, "provider.restore"),
  };
}

export function providerNotFound(nameOrId: string): EspalierError {
  return new EspalierError("PROVIDER_NOT_FOUND", `There is no provider "${nameOrId.slice(0, 120)}".`, {
    field: "provider",
    value: nameOrId.slice(0, 120),
    hint: "List the providers to see their names.",
    status: 404,
  });
}

/** What stops working when a provider goes: its models, and the knowledge bases that ask them. */
async function dependantsOf(db: Reader, providerId: string): Promise<LineageNode[]> {
  const models = await db.query.thirdPartyModels.findMany({
    where: eq(thirdPartyModels.providerId, providerId),
    orderBy: thirdPartyModels.id,
  });
  const nodes = models.map(({ id, name }) => ({ id, kind: "third-party", name, relation: "model of it" }));
  return [...nodes, ...(await basesUsing(db, models))];
}

/** The knowledge bases that are, or are about to be, embedded or reranked by one of the models. */
async function basesUsing(db: Reader, models: readonly ThirdPartyModelRow[]): Promise<LineageNode[]> {
  const [projectId] = models.map((model) => model.projectId);
  if (projectId === undefined) return [];
  const ids = models.map(({ id }) => id);
  const reranker = sql`json_extract(${knowledgeBases.retrieval}, '$.reranker')`;
  const rows = await db
    .selectDistinct({ id: knowledgeBases.id, name: knowledgeBases.name })
    .from(knowledgeBases)
    .innerJoin(
      knowledgeIndexes,
      and(eq(knowledgeIndexes.knowledgeBaseId, knowledgeBases.id), ne(knowledgeIndexes.state, "retired")),
    )
    .where(
      and(
        eq(knowledgeBases.projectId, projectId),
        or(
          inArray(knowledgeIndexes.embedder, ids),
          inArray(reranker, [...ids, ...models.map(({ name }) => name)]),
        ),
      ),
    )
    .orderBy(knowledgeBases.id);
  return rows.map((row) => ({ ...row, kind: "knowledge", relation: "asks a model of it" }));
}

/** The refusal that names what depends on a provider or its models. */
function hasDependants(name: string, dependants: readonly LineageNode[]): EspalierError {
  const names = dependants.map((node) =>
    node.kind === "knowledge" ? `knowledge base ${node.name}` : node.name,
  );
  const shown = names.slice(0, 5).join(", ");
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  return new EspalierError("HAS_DEPENDANTS", `On ${name} depend ${shown}${more}.`, {
    field: "confirm",
    value: String(names.length),
    hint: "Confirm to remove it all the same; a knowledge base then needs another model.",
    status: 409,
  });
}

/** The name itself, or a numbered one that no provider of the project has. */
async function freeName(tx: Tx, projectId: string, before: string): Promise<string> {
  const own = eq(providers.projectId, projectId);
  const taken = new Set((await tx.query.providers.findMany({ where: own })).map(({ name }) => name));
  return numberedName(before, taken);
}

/** What a model that comes back is called, after its provider as that is called now. @throws EspalierError SOURCE_DELETED, NAME_TAKEN */
async function nameInProvider(tx: Tx, projectId: string, was: string, one: DiscardedRow): Promise<string> {
  const { provider_id: providerId, model } = modelShape.parse(one.row);
  const provider = await tx.query.providers.findFirst({ where: eq(providers.id, providerId) });
  if (!provider) throw await sourceDeleted(tx, was, providerId);
  const again = and(eq(thirdPartyModels.providerId, providerId), eq(thirdPartyModels.model, model));
  if (await tx.query.thirdPartyModels.findFirst({ where: again }))
    throw new EspalierError("NAME_TAKEN", `${provider.name} has its model "${model}" again.`, {
      field: "id",
      value: model,
      hint: "Remove that one first, should the old one come back in its place.",
      status: 409,
    });
  return settledName(tx, projectId, `${provider.name}/${model}`);
}
