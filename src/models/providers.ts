// Providers of third-party models: their sealed keys, the models chosen of each, prices, and the calls to them.
import { eq } from "drizzle-orm";
import { providers, thirdPartyModels } from "../../schema/tables/providers.ts";
import type { RecordCall } from "../inference/inference.ts";
import { checkAddress } from "../inference/remote/confirmed.ts";
import type { Remote } from "../inference/remote/remote.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { checkName } from "../kit/names.ts";
import type { Secrets } from "../store/secrets.ts";
import { type Page, type PageRequest, readPage, type Store, type Tx } from "../store/store.ts";
import type { ThirdPartyModelRow } from "./catalogue.ts";
import { takeName } from "./names.ts";
import { createProviderCalls, kindOf, type ProviderRow, type ProviderTest } from "./provider-calls.ts";
import { checkModels, checkSettings, type ThirdPartyModelInput } from "./provider-input.ts";
import { createProviderRemoval, providerNotFound } from "./provider-removal.ts";
import { createRemoteEmbedders } from "./remote-embedders.ts";

export type ProviderInput = {
  projectId: string;
  /** Who asks, for the record of a confirmed address. */
  by: string;
  url?: string | null | undefined;
  /** Unsaid keeps the one that is there. */
  key?: string | null | undefined;
  /** All models of the provider; unsaid keeps those that are there. */
  models?: readonly ThirdPartyModelInput[] | null | undefined;
  timeoutMs?: number | null | undefined;
  requestsPerMinute?: number | null | undefined;
  /** Confirms the address's host and port, should they be private. */
  allowPrivate?: boolean | null | undefined;
};

export type ProvidersDeps = {
  store: Store;
  secrets: Secrets;
  remote: Remote;
  clock: Clock;
  /** Keeps what a call took that was made for no person, such as the vectors of a knowledge base. */
  record: RecordCall;
};
export type Providers = ReturnType<typeof createProviders>;

/** Builds the part of models that somebody else serves. Whoever calls its writing verbs has checked that an admin asks. */
export function createProviders({ store, secrets, remote, clock, record }: ProvidersDeps) {
  const { db } = store;
  const calls = createProviderCalls({ store, secrets, remote });
  const { tryOut, generate, makeImage, imageOfferOf, remoteModels, reach } = calls;
  const address = { store, clock, check: remote.check };
  const removal = createProviderRemoval({ store, clock });

  async function find(projectId: string, nameOrId: string): Promise<ProviderRow | null> {
    const rows = await db.query.providers.findMany({ where: eq(providers.projectId, projectId) });
    return rows.find((row) => row.id === nameOrId) ?? rows.find((row) => row.name === nameOrId) ?? null;
  }

  async function get(projectId: string, nameOrId: string): Promise<ProviderRow> {
    const row = await find(projectId, nameOrId);
    if (row) return row;
    throw providerNotFound(nameOrId);
  }

  const modelsOf = (providerId: string): Promise<ThirdPartyModelRow[]> =>
    db.query.thirdPartyModels.findMany({
      where: eq(thirdPartyModels.providerId, providerId),
      orderBy: thirdPartyModels.id,
    });

  /** Makes the provider's models those of the list: rows that stay keep their ids, others go into the trash. */
  async function putModels(
    tx: Tx,
    provider: ProviderRow,
    wanted: readonly ThirdPartyModelInput[],
    confirm = false,
  ) {
    const { projectId, id: providerId } = provider;
    const known = await tx.query.thirdPartyModels.findMany({
      where: eq(thirdPartyModels.providerId, providerId),
    });
    const dropped = known.filter((row) => !wanted.some(({ model }) => model === row.model));
    await removal.discardModels(tx, dropped, confirm);
    for (const { model, abilities, prices } of checkModels(kindOf(provider), wanted)) {
      const row = known.find((one) => one.model === model);
      if (row) {
        await tx.update(thirdPartyModels).set({ abilities, prices }).where(eq(thirdPartyModels.id, row.id));
        continue;
      }
      const id = newId("thirdPartyModel");
      const name = `${provider.name}/${model}`;
      await takeName(tx, { projectId, name, modelId: id, kind: "third-party" }, "models");
      await tx
        .insert(thirdPartyModels)
        .values({ id, projectId, providerId, name, model, abilities, prices, createdAt: clock() });
    }
  }

  return {
    find,
    get,
    findById: async (id: string): Promise<ProviderRow | null> =>
      (await db.query.providers.findFirst({ where: eq(providers.id, id) })) ?? null,
    modelsOf,
    generate,
    makeImage,
    imageOfferOf,
    remoteModels,
    ...createRemoteEmbedders({ store, remote, reach, record }),
    findModel: async (id: string): Promise<ThirdPartyModelRow | null> =>
      (await db.query.thirdPartyModels.findFirst({ where: eq(thirdPartyModels.id, id) })) ?? null,
    pageOf: (projectId: string, page: PageRequest): Promise<Page<ProviderRow>> =>
      readPage(
        db,
        providers,
        { where: eq(providers.projectId, projectId), keys: ["id"], order: "descending" },
        page,
      ),

    /**
     * Keeps a provider with its models.
     * @throws EspalierError NAME_INVALID, NAME_TAKEN, PROVIDER_KIND_UNKNOWN, URL_INVALID, ADDRESS_FORBIDDEN,
     * ADDRESS_PRIVATE (to be confirmed), KEY_MISSING, PARAMETER_INVALID
     */
    async add(input: ProviderInput & { name: string; kind: string }): Promise<ProviderRow> {
      const name = checkName(input.name);
      const settings = checkSettings(input);
      const { kind } = settings;
      checkModels(kind, input.models ?? []);
      if (await find(input.projectId, name))
        throw new EspalierError("NAME_TAKEN", `There already is a provider named "${name}".`, {
          field: "name",
          value: name,
          hint: "Choose another name, or change the other one.",
          status: 409,
        });
      await checkAddress(address, settings.url, input);
      const id = newId("provider");
      const row: ProviderRow = {
        id,
        projectId: input.projectId,
        name,
        kind,
        url: settings.url,
        sealedKey: settings.key === null ? null : await secrets.seal(id, settings.key),
        timeoutMs: settings.timeoutMs ?? limits.providerTimeoutMs,
        requestsPerMinute: settings.requestsPerMinute ?? null,
        createdAt: clock(),
      };
      await store.write(async (tx) => {
        await tx.insert(providers).values(row);
        await putModels(tx, row, input.models ?? []);
      }, "provider.add");
      return row;
    },

    /**
     * Changes what is said of a provider.
     * @throws EspalierError as `add`, PROVIDER_NOT_FOUND, KEY_MISSING when the address moves to another host without a
     * key, and HAS_DEPENDANTS when a knowledge base asks a model that goes, unless `confirm`
     */
    async update(
      input: ProviderInput & { provider: string; confirm?: boolean | null | undefined },
    ): Promise<ProviderRow> {
      const before = await get(input.projectId, input.provider);
      const settings = checkSettings({ ...input, url: input.url ?? before.url, kind: before.kind }, before);
      checkModels(settings.kind, input.models ?? []);
      await checkAddress(address, settings.url, input);
      const sealedKey =
        settings.key === null ? before.sealedKey : await secrets.seal(before.id, settings.key);
      const row: ProviderRow = {
        ...before,
        url: settings.url,
        sealedKey,
        timeoutMs: settings.timeoutMs ?? before.timeoutMs,
        requestsPerMinute:
          input.requestsPerMinute === undefined
            ? before.requestsPerMinute
            : (settings.requestsPerMinute ?? null),
      };
      await store.write(async (tx) => {
        await tx.update(providers).set(row).where(eq(providers.id, row.id));
        if (input.models) await putModels(tx, row, input.models, input.confirm ?? false);
      }, "provider.update");
      return row;
    },

    /**
     * Deletes a provider with its sealed key and its models into the trash.
     * @throws EspalierError PROVIDER_NOT_FOUND; HAS_DEPENDANTS naming its models and who asks them, unless `confirm`
     */
    remove: async (projectId: string, nameOrId: string, confirm: boolean): Promise<ProviderRow> =>
      removal.remove(await get(projectId, nameOrId), confirm),
    removeModel: removal.removeModel,
    restore: removal.restore,
    dependants: removal.dependants,

    /**
     * Tries a model of a provider, its first when unsaid; `record` hears of what that took.
     * @throws EspalierError PROVIDER_NOT_FOUND, MODEL_NOT_FOUND, and the provider's own refusal
     */
    async test(
      projectId: string,
      nameOrId: string,
      model: string | null | undefined,
      record: RecordCall,
    ): Promise<ProviderTest & { provider: ProviderRow }> {
      const provider = await get(projectId, nameOrId);
      const known = await modelsOf(provider.id);
      const row = model ? known.find((one) => one.model === model || one.name === model) : known[0];
      if (!model || row) return { provider, ...(await tryOut(provider, row, record)) };
      const value = model.slice(0, 120);
      throw new EspalierError("MODEL_NOT_FOUND", `${provider.name} has no model "${value}".`, {
        field: "model",
        value,
        hint: "Add it to the provider first.",
        status: 404,
      });
    },
  };
}
