// Calls to third-party models: a provider's key is opened for one call, and what it cost is worked out.
import { eq } from "drizzle-orm";
import { z } from "zod";
import { type ModelPrices, providers, thirdPartyModels } from "../../schema/tables/providers.ts";
import {
  estimateTokens,
  type GenerationEvent,
  type GenerationRequest,
  type RecordCall,
} from "../inference/inference.ts";
import { isConfirmed } from "../inference/remote/confirmed.ts";
import {
  type ImageOffer,
  type ImageWish,
  imageOffer,
  isProviderKind,
  type MadeImage,
  type ProviderKind,
  type Remote,
  type RemoteConnection,
} from "../inference/remote/remote.ts";
import { monotonicMs } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { createRemembered } from "../kit/remembered.ts";
import type { Secrets } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import type { ModelRef, ThirdPartyModelRow } from "./catalogue.ts";

export type ProviderRow = typeof providers.$inferSelect;

/** Longest that where a provider is, and its opened key, are held in memory for the next call. */
const REMEMBERED_MS = 1_000;

/** What a provider said when it was tried. */
export type ProviderTest = { model: string | null; answer: string; latencyMs: number };

export function createProviderCalls({
  store,
  secrets,
  remote,
}: {
  store: Store;
  secrets: Secrets;
  remote: Remote;
}) {
  const { db } = store;

  /** Many questions come at once, each of which needs the model's row and the key. */
  const reached = createRemembered(readReach, REMEMBERED_MS, store.commits);
  /** What a sealed key says does not depend on what is written meanwhile. */
  const openKey = createRemembered(secrets.open, REMEMBERED_MS);

  /** The provider with its key open. @throws EspalierError SECRET_KEY_… */
  async function connectionOf(row: ProviderRow): Promise<RemoteConnection> {
    const key = row.sealedKey === null ? null : await openKey(row.id, row.sealedKey);
    return { ...row, kind: kindOf(row), key, isConfirmed: isConfirmed(store, row.projectId) };
  }

  async function readReach(modelId: string) {
    const [found] = await db
      .select({ model: thirdPartyModels, provider: providers })
      .from(thirdPartyModels)
      .innerJoin(providers, eq(providers.id, thirdPartyModels.providerId))
      .where(eq(thirdPartyModels.id, modelId));
    if (!found) return null;
    const to = await connectionOf(found.provider);
    return {
      model: found.model,
      to: { ...to, isConfirmed: createRemembered(to.isConfirmed, REMEMBERED_MS, store.commits) },
    };
  }

  /** Model row and open connection behind a reference. */
  async function reach(ref: Pick<ModelRef, "modelId" | "name">) {
    const found = await reached(ref.modelId);
    if (!found)
      throw new EspalierError("MODEL_NOT_FOUND", `${ref.name} was removed.`, {
        field: "model",
        value: ref.name,
        hint: "Choose another model.",
        status: 404,
      });
    return found;
  }

  return {
    reach,
    /** Ids of the models that the provider says it has. @throws EspalierError with the provider's own words */
    remoteModels: async (row: ProviderRow, signal?: AbortSignal): Promise<string[]> =>
      remote.listModels(await connectionOf(row), signal),

    /**
     * Asks a model for something small, which `record` hears of, or the provider for its list of models, which costs
     * nothing, where none is named.
     * @throws EspalierError with the provider's own words
     */
    async tryOut(
      provider: ProviderRow,
      model: ThirdPartyModelRow | undefined,
      record: RecordCall,
    ): Promise<ProviderTest> {
      const to = await connectionOf(provider);
      const startedAt = monotonicMs();
      if (!model) {
        const answer = `${(await remote.listModels(to)).length} models are there.`;
        return { model: null, answer, latencyMs: Math.round(monotonicMs() - startedAt) };
      }
      const { answer, usage, costUsd } = await tryModel(to, model);
      const latencyMs = Math.round(monotonicMs() - startedAt);
      const { projectId, id, name } = model;
      const took = { inputTokens: usage.promptTokens, outputTokens: usage.completionTokens };
      record({ projectId, modelName: name, modelId: id, ...took, costUsd, latencyMs });
      return { model: name, answer, latencyMs };
    },

    /** A reply, with its cost where the price is known. @throws EspalierError MODEL_NOT_FOUND, SECRET_KEY_…, PROVIDER_… */
    async *generate(
      ref: ModelRef,
      request: GenerationRequest,
      signal?: AbortSignal,
    ): AsyncGenerator<GenerationEvent, void, void> {
      const { model, to } = await reach(ref);
      for await (const event of remote.generate(to, model.model, request, signal)) {
        const cost = event.type === "end" ? costOf(model.prices, event.usage) : null;
        yield event.type === "end" && cost !== null ? { ...event, costUsd: cost } : event;
      }
    },

    /** One image, with its cost where the price is known. @throws EspalierError MODEL_NOT_FOUND, SECRET_KEY_…, PROVIDER_…, PICTURE_UNREADABLE */
    async makeImage(
      ref: Pick<ModelRef, "modelId" | "name">,
      wish: ImageWish,
      signal?: AbortSignal,
    ): Promise<MadeImage & { costUsd: number | null }> {
      const { model, to } = await reach(ref);
      const made = await remote.makeImage(to, model.model, wish, signal);
      return { ...made, costUsd: imageCostOf(model.prices, made) };
    },

    /** What can be asked of a model that makes images; null where it makes none. */
    async imageOfferOf(
      row: Pick<ThirdPartyModelRow, "abilities" | "model" | "providerId">,
    ): Promise<ImageOffer | null> {
      if (!row.abilities.includes("image")) return null;
      const provider = await db.query.providers.findFirst({ where: eq(providers.id, row.providerId) });
      return provider ? imageOffer(kindOf(provider), row.model) : null;
    },
  };

  async function tryModel(to: RemoteConnection, { model, abilities, prices }: ThirdPartyModelRow) {
    if (abilities.includes("text")) {
      let answer = "";
      let usage = usageOf(0);
      const request = { messages: [{ role: "user", content: "Say hello." }], maxTokens: 64 };
      for await (const event of remote.generate(to, model, request))
        if (event.type === "delta") answer += event.text;
        else if (event.type === "end") usage = event.usage;
      return { answer, usage, costUsd: costOf(prices, usage) };
    }
    if (abilities.includes("embedding")) {
      const { vectors, tokens } = await remote.embed(to, model, ["hello"], "query");
      const answer = `A vector of ${vectors[0]?.length ?? 0} numbers.`;
      return { answer, usage: usageOf(tokens), costUsd: inputCost(prices, tokens) };
    }
    if (abilities.includes("image")) {
      const wish = { prompt: "A green leaf on white", ratio: "1:1", seed: null, source: null };
      const made = await remote.makeImage(to, model, wish);
      const { width, height, inputTokens, outputTokens } = made;
      const usage = { ...usageOf(inputTokens), completionTokens: outputTokens };
      return {
        answer: `A picture of ${width} × ${height} pixels.`,
        usage,
        costUsd: imageCostOf(prices, made),
      };
    }
    const passages = ["blue", "seven"];
    const scores = await remote.rerank(to, model, "colour", passages);
    const tokens = estimateTokens(["colour", ...passages].join(""));
    const answer = `Scores ${scores.join(" and ")}.`;
    return { answer, usage: usageOf(tokens), costUsd: inputCost(prices, tokens) };
  }
}

/** A call that took only what was sent. */
function usageOf(promptTokens: number) {
  return { promptTokens, completionTokens: 0, cachedTokens: 0 };
}

/** US dollars for such a call; null where the price of what is sent is not known. */
export function inputCost(prices: ModelPrices, tokens: number): number | null {
  return costOf({ ...prices, output: prices.output ?? 0 }, usageOf(tokens));
}

/** Kind of a row, which only ever came from the table of kinds. */
export function kindOf({ kind }: { kind: string }): ProviderKind {
  if (isProviderKind(kind)) return kind;
  throw new Error(`the provider's kind ${kind} is not known`);
}

const pricesSchema = z.object({
  input: z.number().optional(),
  cachedInput: z.number().optional(),
  output: z.number().optional(),
  image: z.number().optional(),
});

/** US dollars for a call by a price table; null where the table does not say both prices. */
export function costOf(
  prices: ModelPrices,
  usage: { promptTokens: number; completionTokens: number; cachedTokens: number },
): number | null {
  const { input, output, cachedInput = input } = pricesSchema.parse(prices);
  if (input === undefined || output === undefined || cachedInput === undefined) return null;
  const fresh = usage.promptTokens - usage.cachedTokens;
  return (fresh * input + usage.cachedTokens * cachedInput + usage.completionTokens * output) / 1e6;
}

/** US dollars for one image: the price of one where it is said, else that of its tokens. */
export function imageCostOf(
  prices: ModelPrices,
  { inputTokens, outputTokens }: { inputTokens: number; outputTokens: number },
): number | null {
  const { image } = pricesSchema.parse(prices);
  if (image !== undefined) return image;
  if (inputTokens + outputTokens === 0) return null;
  return costOf(prices, { promptTokens: inputTokens, completionTokens: outputTokens, cachedTokens: 0 });
}
