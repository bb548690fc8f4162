// Front door of models: base, customized and complete ones, their names, cards, files and lineage.
import { and, asc, eq, sql } from "drizzle-orm";
import { baseModels, customizedModels, type ModelFile } from "../../schema/tables/models.ts";
import { runs as runRows } from "../../schema/tables/runs.ts";
import {
  type EnginePool,
  type ModelSource,
  type Precision,
  readModelConfig,
} from "../inference/inference.ts";
import type { Ability } from "../inference/remote/remote.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { incomingHooks, type RunRow, type Runs } from "../runs/runs.ts";
import type { Store, Tx } from "../store/store.ts";
import { cardSchema, enginePrecision, fitOf, type ModelCard, type ModelFit, precisionsOf } from "./card.ts";
import { type BaseModelRow, createCatalogue, type ModelEntry, type ModelRef } from "./catalogue.ts";
import { createModelFolders } from "./files.ts";
import { type ImportModelInput, importHandler, startImport } from "./import.ts";
import { dependantsOf, type LineageNode, lineageOf } from "./lineage.ts";
import { claimName, generatedName, nameEndings } from "./names.ts";
import { remove, restore } from "./remove.ts";
import { rename } from "./rename.ts";
import { mergeHandler, queueMerge, startSave } from "./save.ts";

export { enginePrecision, type ModelCard, type ModelFit } from "./card.ts";
export type {
  AliasRow,
  BaseModelRow,
  CompleteModelRow,
  CustomizedModelRow,
  DeploymentRow,
  ModelEntry,
  ModelRef,
  ThirdPartyModelRow,
  TrainingRow,
} from "./catalogue.ts";
export { filesHash, filesSize } from "./files.ts";
export type { ImportModelInput } from "./import.ts";
export type { LineageNode } from "./lineage.ts";
export {
  generatedName,
  type ModelKind,
  nameEndings,
  refuseTaken,
  releaseNames,
  settledName,
  takeName,
} from "./names.ts";
export type { ProviderRow, ProviderTest } from "./provider-calls.ts";
export type { ThirdPartyModelInput } from "./provider-input.ts";

import { costOf } from "./provider-calls.ts";

export { createProviders, type ProviderInput, type Providers } from "./providers.ts";
export { readmeOf, withoutHeader } from "./readme.ts";
export type { MergeVerification } from "./save.ts";

export type ModelsDeps = {
  store: Store;
  runs: Runs;
  engine: EnginePool;
  clock: Clock;
  memoryBudgetBytes: number;
};

export type Models = ReturnType<typeof createModels>;

/** Builds the front door and registers the import and the merge with the runs. */
export function createModels({ store, runs, engine, clock, memoryBudgetBytes }: ModelsDeps) {
  const folders = createModelFolders(store);
  const catalogue = createCatalogue(store, folders, memoryBudgetBytes);
  const deps = { store, runs, engine, clock, catalogue };
  runs.registerHandler("import-model", importHandler(deps));
  runs.registerHooks("import-model", incomingHooks(store));
  runs.registerHandler("merge", mergeHandler(deps));
  runs.registerHooks("merge", {
    // A merge lays its folder out before it is verified; one that ends badly must not leave it.
    ended: async (tx, run) => {
      const id = run.subjectId;
      if (run.status !== "succeeded" && id !== null)
        store.afterCommit(tx, () => void folders.remove(id).catch(() => undefined));
    },
  });

  return {
    findBase: catalogue.findBase,
    getBase: catalogue.getBase,
    listBases: catalogue.listBases,
    pageOfBases: catalogue.pageOfBases,
    findCustomized: catalogue.findCustomized,
    getCustomized: catalogue.getCustomized,
    listCustomized: catalogue.listCustomized,
    pageOfCustomized: catalogue.pageOfCustomized,
    findComplete: catalogue.findComplete,
    getComplete: catalogue.getComplete,
    listComplete: catalogue.listComplete,
    pageOfComplete: catalogue.pageOfComplete,
    findDeployment: catalogue.findDeployment,
    listDeployments: catalogue.listDeployments,
    pageOfDeployments: catalogue.pageOfDeployments,
    findAlias: catalogue.findAlias,
    listAliases: catalogue.listAliases,
    pageOfAliases: catalogue.pageOfAliases,
    pageOfEntries: catalogue.pageOfEntries,
    filesOf: catalogue.filesOf,
    cardOf: catalogue.cardOf,
    /** Weights on disk of a base, customized or complete model, by id. */
    sourceOf: (modelId: string): Promise<ModelSource> => catalogue.sourceOf(modelId),
    /** Everything usable as a model. */
    entries: (projectId: string, kinds?: readonly ModelEntry["kind"][]) =>
      catalogue.entries(projectId, kinds),
    /** What has this name, alias or id; null when nothing has. */
    find: (projectId: string, nameOrId: string): Promise<ModelRef | null> =>
      catalogue.find(projectId, nameOrId),
    /**
     * What has this name, alias or id, ready to be asked for what `ability` says.
     * @throws EspalierError MODEL_NOT_FOUND (404), MODEL_NOT_USABLE (409) with the reason, MODEL_CANNOT (409)
     */
    async resolve(projectId: string, nameOrId: string, ability: Ability = "text"): Promise<ModelRef> {
      const found = await catalogue.find(projectId, nameOrId);
      if (!found)
        throw new EspalierError("MODEL_NOT_FOUND", `There is no model "${nameOrId.slice(0, 120)}".`, {
          field: "model",
          value: nameOrId.slice(0, 120),
          hint: "List the models to see their names.",
          status: 404,
        });
      if (!found.usable)
        throw new EspalierError(
          "MODEL_NOT_USABLE",
          `${found.name} cannot be used now. ${found.reason ?? ""}`.trim(),
          {
            field: "model",
            value: found.name,
            hint: "Choose another model, or mend this one on its page.",
            status: 409,
          },
        );
      if (!found.abilities.includes(ability))
        throw new EspalierError(
          "MODEL_CANNOT",
          `${found.name} is for ${found.abilities.join(" and ")}, not for ${ability}.`,
          { field: "model", value: found.name, hint: `Choose a model for ${ability}.`, status: 409 },
        );
      return found;
    },
    /** US dollars for a call of a model; null for one that is served here, and where the price is not known. */
    async priceOf(modelId: string, inputTokens: number, outputTokens: number): Promise<number | null> {
      const row = await catalogue.findThirdParty(modelId);
      const usage = { promptTokens: inputTokens, completionTokens: outputTokens, cachedTokens: 0 };
      return row ? costOf(row.prices, usage) : null;
    },
    /** Precisions that a model of a card can be served at, the one that suits it and this machine first. */
    precisions: (card: ModelCard) => precisionsOf(card, memoryBudgetBytes),
    /** Whether this machine holds the model of a card, as a sentence. */
    fit: (card: ModelCard): ModelFit => fitOf(card, memoryBudgetBytes),

    /**
     * Replaces the README of a base model's card; its weights and hash stay as they are.
     * @throws EspalierError MODEL_NOT_FOUND, CARD_TOO_LONG
     */
    async editCard(input: { projectId: string; baseId: string; text: string }): Promise<BaseModelRow> {
      const { projectId, baseId, text } = input;
      if (text.length > limits.modelCardChars)
        throw new EspalierError(
          "CARD_TOO_LONG",
          `The card has ${text.length} characters, ${limits.modelCardChars} are allowed.`,
          {
            field: "text",
            value: String(text.length),
            hint: "Keep what readers need, and link to the rest.",
          },
        );
      return store.write(async (tx) => {
        const row = await tx.query.baseModels.findFirst({
          where: and(eq(baseModels.projectId, projectId), eq(baseModels.id, baseId)),
        });
        if (!row)
          throw new EspalierError("MODEL_NOT_FOUND", `There is no base model ${baseId.slice(0, 80)}.`, {
            field: "id",
            value: baseId.slice(0, 80),
            hint: "List the base models to see their ids.",
            status: 404,
          });
        const card = { ...cardSchema.parse(row.card), readme: text.trim() === "" ? null : text };
        await tx.update(baseModels).set({ card }).where(eq(baseModels.id, row.id));
        return { ...row, card, format: row.format === "gguf" ? "gguf" : "hf" };
      }, "model.editCard");
    },

    /**
     * What a step would call what it makes of a model or alias now; the step itself decides when it starts.
     * @throws EspalierError MODEL_NOT_FOUND, MODEL_NOT_USABLE
     */
    async generatedName(input: {
      projectId: string;
      model: string;
      step: keyof typeof nameEndings;
      precision: Precision;
    }): Promise<string> {
      const { name, modelId } = await this.resolve(input.projectId, input.model);
      const { format } = await catalogue.cardOf(modelId);
      const endings = {
        train: () => nameEndings.train(clock()),
        save: () => nameEndings.save,
        deploy: () => nameEndings.deploy(enginePrecision(format, input.precision)),
      };
      return generatedName(store.db, input.projectId, name, endings[input.step]());
    },
    /** The run that saved a customized model first, e.g. at the end of its training; null where none did. */
    async firstMerge(customizedId: string): Promise<RunRow | null> {
      const isOfIt = sql`json_extract(${runRows.spec}, '$.customizedId') = ${customizedId}`;
      const where = and(eq(runRows.kind, "merge"), isOfIt);
      return (await store.db.query.runs.findFirst({ where, orderBy: [asc(runRows.id)] })) ?? null;
    },

    /** Queues an import; the base model appears when the run has succeeded. */
    importModel: (input: ImportModelInput): Promise<RunRow> => startImport(deps, input),
    /** Queues the merge of a customized model into a complete one. */
    saveModel: (input: {
      projectId: string;
      customizedId: string;
      name?: string | undefined;
    }): Promise<RunRow> => startSave(deps, input),
    /** The same inside the transaction in which a training ends. */
    queueMerge: (tx: Tx, input: { projectId: string; customizedId: string; name: string }): Promise<RunRow> =>
      queueMerge(runs, tx, input),

    /** Writes the row of a trained adapter in the caller's transaction. @throws EspalierError NAME_TAKEN */
    async addCustomized(tx: Tx, row: typeof customizedModels.$inferInsert): Promise<void> {
      const { projectId, name, id } = row;
      await claimName(tx, { projectId, name, modelId: id, kind: "customized" });
      await tx.insert(customizedModels).values(row);
    },

    /** Files of a customized model (PEFT folder), complete model (HF folder) or base model, with where they lie. */
    async exportFiles(modelId: string): Promise<(ModelFile & { absolutePath: string })[]> {
      const files = await catalogue.filesOf(modelId);
      return files.map((file) => ({ ...file, absolutePath: store.blobs.path(file.sha256) }));
    },
    /** The model's own description, for checks of what was imported. */
    describe: async (modelId: string) => readModelConfig((await catalogue.sourceOf(modelId)).path),

    /** At start: folders of models that never came to be, or were deleted while the server died, go. */
    async recover(): Promise<void> {
      const wanted = new Set((await runs.unfinished(store.db)).map((run) => run.subjectId));
      for (const id of await folders.list()) {
        if (wanted.has(id)) continue;
        const row =
          (await catalogue.findBase(id)) ??
          (await catalogue.findCustomized(id)) ??
          (await catalogue.findComplete(id));
        if (!row) await folders.remove(id);
      }
    },

    /** Another name for a model or training of the project. @throws EspalierError NAME_INVALID, NAME_TAKEN, MODEL_NOT_FOUND */
    rename: (input: { projectId: string; id: string; name: string }) => rename(store, input),

    lineage: (id: string): Promise<LineageNode[]> => lineageOf(store.db, id),
    dependants: (id: string): Promise<LineageNode[]> => dependantsOf(store.db, id),

    /**
     * Deletes a model, training, live model or alias into the trash. With `confirm`, what depends on it goes too.
     * @throws EspalierError MODEL_NOT_FOUND, HAS_DEPENDANTS naming them, IN_USE naming a run that works on one of them
     */
    async remove(id: string, confirm: boolean): Promise<{ id: string; name: string }> {
      const { gone, name } = await remove(deps, id, confirm);
      for (const one of gone) await folders.remove(one);
      return { id, name };
    },
    /** Brings back what `remove` took. @throws EspalierError NOT_IN_TRASH, SOURCE_DELETED */
    restore: (projectId: string, id: string): Promise<{ id: string; name: string }> =>
      restore(store, projectId, id),
  };
}
