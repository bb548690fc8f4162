// The catalogue: every model's row with its parsed card, and how a name or id becomes something that can answer.
import { and, desc, eq, inArray, isNull, type SQL } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { z } from "zod";
import {
  aliases,
  baseModels,
  completeModels,
  customizedModels,
  deployments,
  type ModelFile,
  modelNames,
  type trainings,
} from "../../schema/tables/models.ts";
import { thirdPartyModels } from "../../schema/tables/providers.ts";
import type { ModelSource, Precision } from "../inference/inference.ts";
import { ABILITIES, type Ability } from "../inference/remote/remote.ts";
import { EspalierError } from "../kit/errors.ts";
import { ID_PREFIX } from "../kit/ids.ts";
import { mapPage, type Page, type PageRequest, readPage, type Store } from "../store/store.ts";
import { cardSchema, defaultPrecision, enginePrecision, type ModelCard, PRECISIONS } from "./card.ts";
import type { ModelFolders } from "./files.ts";
import { findName, MODEL_KINDS, type ModelKind } from "./names.ts";

export type BaseModelRow = Omit<typeof baseModels.$inferSelect, "card" | "format"> & {
  card: ModelCard;
  format: "hf" | "gguf";
};
export type CompleteModelRow = Omit<typeof completeModels.$inferSelect, "card"> & { card: ModelCard };
export type CustomizedModelRow = typeof customizedModels.$inferSelect;
export type TrainingRow = typeof trainings.$inferSelect;
export type DeploymentRow = typeof deployments.$inferSelect;
export type AliasRow = typeof aliases.$inferSelect;
export type ThirdPartyModelRow = typeof thirdPartyModels.$inferSelect;

/** Anything usable as a model, as pickers list it. */
export type ModelEntry = {
  id: string;
  kind: ModelKind;
  name: string;
  usable: boolean;
  /** Why it is not usable now. */
  reason: string | null;
  /** What it can do. */
  abilities: readonly Ability[];
};

/** A model that is to be asked: where its weights lie and at which precision. */
export type ModelRef = ModelEntry & {
  /** Id of the base, customized or complete model behind it; its own for a third-party model. */
  modelId: string;
  deploymentId: string | null;
  /** Null for a third-party model, whose weights are not here. */
  precision: Precision | null;
};

export type Catalogue = ReturnType<typeof createCatalogue>;

const precisionSchema = z.enum(PRECISIONS);
const kindSchema = z.enum(MODEL_KINDS);
const abilitiesSchema = z.array(z.enum(ABILITIES));
/** What a model of the engine can do. */
const TEXT: readonly Ability[] = ["text"];

export function createCatalogue(store: Store, folders: ModelFolders, budgetBytes: number) {
  const { db } = store;
  const asBase = (row: typeof baseModels.$inferSelect): BaseModelRow => ({
    ...row,
    card: cardSchema.parse(row.card),
    format: row.format === "gguf" ? "gguf" : "hf",
  });
  const asComplete = (row: typeof completeModels.$inferSelect): CompleteModelRow => ({
    ...row,
    card: cardSchema.parse(row.card),
  });

  const newest = <T extends SQLiteTable & { $inferSelect: { id: string } }>(
    table: T,
    where: SQL | undefined,
    page: PageRequest,
  ) => readPage(db, table, { where, keys: ["id"], order: "descending" }, page);
  const served = (projectId: string) =>
    and(eq(deployments.projectId, projectId), isNull(deployments.retiredAt));

  const self = {
    folders,
    async findBase(id: string): Promise<BaseModelRow | null> {
      const row = await db.query.baseModels.findFirst({ where: eq(baseModels.id, id) });
      return row ? asBase(row) : null;
    },
    async getBase(id: string): Promise<BaseModelRow> {
      return (await self.findBase(id)) ?? missing("base", id);
    },
    async listBases(projectId: string): Promise<BaseModelRow[]> {
      const where = eq(baseModels.projectId, projectId);
      return (await db.query.baseModels.findMany({ where, orderBy: [desc(baseModels.id)] })).map(asBase);
    },
    async pageOfBases(projectId: string, page: PageRequest): Promise<Page<BaseModelRow>> {
      return mapPage(await newest(baseModels, eq(baseModels.projectId, projectId), page), asBase);
    },
    async findCustomized(id: string): Promise<CustomizedModelRow | null> {
      return (await db.query.customizedModels.findFirst({ where: eq(customizedModels.id, id) })) ?? null;
    },
    async getCustomized(id: string): Promise<CustomizedModelRow> {
      return (await self.findCustomized(id)) ?? missing("customized", id);
    },
    async listCustomized(projectId: string): Promise<CustomizedModelRow[]> {
      const where = eq(customizedModels.projectId, projectId);
      return db.query.customizedModels.findMany({ where, orderBy: [desc(customizedModels.id)] });
    },
    pageOfCustomized: (projectId: string, page: PageRequest): Promise<Page<CustomizedModelRow>> =>
      newest(customizedModels, eq(customizedModels.projectId, projectId), page),
    async findComplete(id: string): Promise<CompleteModelRow | null> {
      const row = await db.query.completeModels.findFirst({ where: eq(completeModels.id, id) });
      return row ? asComplete(row) : null;
    },
    async getComplete(id: string): Promise<CompleteModelRow> {
      return (await self.findComplete(id)) ?? missing("complete", id);
    },
    async listComplete(projectId: string): Promise<CompleteModelRow[]> {
      const where = eq(completeModels.projectId, projectId);
      return (await db.query.completeModels.findMany({ where, orderBy: [desc(completeModels.id)] })).map(
        asComplete,
      );
    },
    async pageOfComplete(projectId: string, page: PageRequest): Promise<Page<CompleteModelRow>> {
      return mapPage(await newest(completeModels, eq(completeModels.projectId, projectId), page), asComplete);
    },
    async findDeployment(id: string): Promise<DeploymentRow | null> {
      return (await db.query.deployments.findFirst({ where: eq(deployments.id, id) })) ?? null;
    },
    /** Live models, retired ones left out. */
    async listDeployments(projectId: string): Promise<DeploymentRow[]> {
      return db.query.deployments.findMany({ where: served(projectId), orderBy: [desc(deployments.id)] });
    },
    pageOfDeployments: (projectId: string, page: PageRequest): Promise<Page<DeploymentRow>> =>
      newest(deployments, served(projectId), page),
    async findAlias(id: string): Promise<AliasRow | null> {
      return (await db.query.aliases.findFirst({ where: eq(aliases.id, id) })) ?? null;
    },
    async listAliases(projectId: string): Promise<AliasRow[]> {
      const where = eq(aliases.projectId, projectId);
      return db.query.aliases.findMany({ where, orderBy: [desc(aliases.id)] });
    },
    pageOfAliases: (projectId: string, page: PageRequest): Promise<Page<AliasRow>> =>
      newest(aliases, eq(aliases.projectId, projectId), page),

    async findThirdParty(id: string): Promise<ThirdPartyModelRow | null> {
      return (await db.query.thirdPartyModels.findFirst({ where: eq(thirdPartyModels.id, id) })) ?? null;
    },

    /** Weights of a customized model: its base and its adapter's folder. */
    async customizedSource(row: CustomizedModelRow): Promise<ModelSource> {
      const base = await self.sourceOf(row.baseId);
      const path = await folders.ensure(row.id, row.files);
      return { ...base, adapter: { path, hash: row.sha256 } };
    },

    /** Weights on disk of a base, customized or complete model. @throws MODEL_NOT_FOUND, MODEL_FILE_MISSING */
    async sourceOf(modelId: string): Promise<ModelSource> {
      await refuseThirdParty(modelId);
      const customized = await self.findCustomized(modelId);
      if (customized) return self.customizedSource(customized);
      const base = await self.findBase(modelId);
      if (base) {
        const path = await folders.weightsPath(base.id, base.format, base.files);
        return { kind: base.format, path, hash: base.sha256 };
      }
      const complete = await self.getComplete(modelId);
      return { kind: "hf", path: await folders.ensure(complete.id, complete.files), hash: complete.sha256 };
    },

    /** Files of a model of its own. */
    async filesOf(modelId: string): Promise<ModelFile[]> {
      await refuseThirdParty(modelId);
      const row =
        (await self.findCustomized(modelId)) ??
        (await self.findBase(modelId)) ??
        (await self.getComplete(modelId));
      return row.files;
    },

    /** The card that says how a model is served: its own, or its base's. */
    async cardOf(modelId: string): Promise<ModelCard> {
      await refuseThirdParty(modelId);
      const customized = await self.findCustomized(modelId);
      if (customized) return (await self.getBase(customized.baseId)).card;
      return ((await self.findBase(modelId)) ?? (await self.getComplete(modelId))).card;
    },

    /** Anything that has this name, alias or id in the project; null when nothing has. */
    async find(projectId: string, nameOrId: string): Promise<ModelRef | null> {
      const named = await findName(db, projectId, nameOrId);
      const id = named?.modelId ?? nameOrId;
      const alias = await self.findAlias(id);
      if (alias?.projectId === projectId) {
        const live = await self.findDeployment(alias.deploymentId);
        return live
          ? { ...(await liveRef(live)), id: alias.id, kind: "registered", name: alias.alias }
          : null;
      }
      const live = await self.findDeployment(id);
      if (live?.projectId === projectId && live.retiredAt === null) return liveRef(live);
      const remote = await self.findThirdParty(id);
      if (remote?.projectId === projectId)
        return { ...entryOfThirdParty(remote), modelId: remote.id, deploymentId: null, precision: null };
      for (const [kind, row] of [
        ["base", await self.findBase(id)],
        ["customized", await self.findCustomized(id)],
        ["complete", await self.findComplete(id)],
      ] as const) {
        if (row?.projectId !== projectId) continue;
        const precision = defaultPrecision(await self.cardOf(row.id), budgetBytes);
        const entry = { id: row.id, kind, name: row.name, usable: true, reason: null, abilities: TEXT };
        return { ...entry, modelId: row.id, deploymentId: null, precision };
      }
      return null;
    },

    /** Everything usable as a model, newest first within each kind. */
    async entries(projectId: string, kinds?: readonly ModelKind[]): Promise<ModelEntry[]> {
      const wants = (kind: ModelKind): boolean => !kinds || kinds.includes(kind);
      const entries: ModelEntry[] = [];
      const plain = (kind: ModelKind, rows: { id: string; name: string }[]): void => {
        for (const { id, name } of rows)
          entries.push({ id, kind, name, usable: true, reason: null, abilities: TEXT });
      };
      const live = wants("live") || wants("registered") ? await self.listDeployments(projectId) : [];
      if (wants("registered"))
        for (const alias of await self.listAliases(projectId)) {
          const row = live.find((one) => one.id === alias.deploymentId);
          const state = row ? stateOf(row) : { usable: false, reason: "Its live model was retired." };
          entries.push({ id: alias.id, kind: "registered", name: alias.alias, ...state, abilities: TEXT });
        }
      if (wants("live"))
        for (const row of live)
          entries.push({ id: row.id, kind: "live", name: row.name, ...stateOf(row), abilities: TEXT });
      if (wants("complete")) plain("complete", await self.listComplete(projectId));
      if (wants("customized")) plain("customized", await self.listCustomized(projectId));
      if (wants("base")) plain("base", await self.listBases(projectId));
      if (wants("third-party")) {
        const where = eq(thirdPartyModels.projectId, projectId);
        const orderBy = [desc(thirdPartyModels.id)];
        entries.push(
          ...(await db.query.thirdPartyModels.findMany({ where, orderBy })).map(entryOfThirdParty),
        );
      }
      return entries;
    },

    /** The same in pages: third-party, registered and live ones before customized, complete and base ones. */
    async pageOfEntries(
      projectId: string,
      kinds: readonly string[] | undefined,
      page: PageRequest,
    ): Promise<Page<ModelEntry>> {
      const where = and(
        eq(modelNames.projectId, projectId),
        kinds ? inArray(modelNames.kind, [...kinds]) : undefined,
      );
      const names = await readPage(
        db,
        modelNames,
        { where, keys: ["kind", "modelId"], order: "descending" },
        page,
      );
      const ids = names.items.map(({ modelId }) => modelId);
      const named = await db.query.aliases.findMany({ where: inArray(aliases.id, ids) });
      const liveOfAlias = new Map(named.map(({ id, deploymentId }) => [id, deploymentId]));
      const served = await db.query.deployments.findMany({
        where: and(inArray(deployments.id, [...ids, ...liveOfAlias.values()]), isNull(deployments.retiredAt)),
      });
      const live = new Map(served.map((row) => [row.id, row]));
      const remote = await db.query.thirdPartyModels.findMany({ where: inArray(thirdPartyModels.id, ids) });
      const remoteEntries = new Map(remote.map((row) => [row.id, entryOfThirdParty(row)]));
      return mapPage(names, (name) => remoteEntries.get(name.modelId) ?? entryOf(name, live, liveOfAlias));
    },
  };

  /** The entry behind a name, with whether it answers now. */
  function entryOf(
    { modelId, name, kind }: typeof modelNames.$inferSelect,
    live: ReadonlyMap<string, DeploymentRow>,
    liveOfAlias: ReadonlyMap<string, string>,
  ): ModelEntry {
    const entry = { id: modelId, kind: kindSchema.parse(kind), name, abilities: TEXT };
    if (entry.kind !== "live" && entry.kind !== "registered") return { ...entry, usable: true, reason: null };
    const row = live.get(liveOfAlias.get(modelId) ?? modelId);
    return { ...entry, ...(row ? stateOf(row) : { usable: false, reason: "Its live model was retired." }) };
  }

  /** @throws EspalierError MODEL_NOT_HERE for a model whose weights somebody else has */
  async function refuseThirdParty(modelId: string): Promise<void> {
    const row = modelId.startsWith(`${ID_PREFIX.thirdPartyModel}_`) && (await self.findThirdParty(modelId));
    if (!row) return;
    throw new EspalierError(
      "MODEL_NOT_HERE",
      `${row.name} is a third-party model: its weights are not here.`,
      {
        field: "model",
        value: row.name,
        hint: "Choose a base, customized or complete model.",
        status: 409,
      },
    );
  }

  async function liveRef(row: DeploymentRow): Promise<ModelRef> {
    const card = await self.cardOf(row.modelId);
    const precision = enginePrecision(card.format, precisionSchema.parse(row.precision));
    const entry = { id: row.id, kind: "live" as const, name: row.name, ...stateOf(row), abilities: TEXT };
    return { ...entry, modelId: row.modelId, deploymentId: row.id, precision };
  }

  return self;
}

/** A third-party model as pickers list it. */
export function entryOfThirdParty({ id, name, abilities }: ThirdPartyModelRow): ModelEntry {
  const able = abilitiesSchema.parse(abilities);
  return { id, kind: "third-party", name, usable: true, reason: null, abilities: able };
}

function stateOf(row: DeploymentRow): { usable: boolean; reason: string | null } {
  if (row.status === "live") return { usable: true, reason: null };
  const reasons: Record<string, string> = {
    starting: "It is still starting.",
    stopped: "It is stopped; start it first.",
    failed: "Its start failed; look at its run, then deploy again.",
  };
  return { usable: false, reason: reasons[row.status] ?? `It is ${row.status}.` };
}

function missing(kind: string, id: string): never {
  throw new EspalierError("MODEL_NOT_FOUND", `There is no ${kind} model ${id.slice(0, 80)}.`, {
    field: "id",
    value: id.slice(0, 80),
    hint: "List the models to see their names and ids.",
    status: 404,
  });
}
