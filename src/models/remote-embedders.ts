// Third-party models that embed and rerank, behind the house's own interfaces; each call is handed over to be recorded.
import { desc, eq } from "drizzle-orm";
import { providers, thirdPartyModels } from "../../schema/tables/providers.ts";
import {
  type Embedder,
  type Embedders,
  estimateTokens,
  type RecordCall,
  type Reranker,
} from "../inference/inference.ts";
import { kindInfo, type Remote, type RemoteConnection } from "../inference/remote/remote.ts";
import { monotonicMs } from "../kit/clock.ts";
import type { Store } from "../store/store.ts";
import type { ThirdPartyModelRow } from "./catalogue.ts";
import { inputCost, kindOf } from "./provider-calls.ts";

type Deps = {
  store: Store;
  remote: Remote;
  /** Row of a model by its id, and its provider with the key open. */
  reach: (ref: {
    modelId: string;
    name: string;
  }) => Promise<{ model: ThirdPartyModelRow; to: RemoteConnection }>;
  /** Where calls go that nobody else wants to hear of. */
  record: RecordCall;
};

/** What every embedding model sees, where its provider's kind says no more. */
const EMBED_TOKENS = 512;

/** Embedders and rerankers among the third-party models of a project. */
export function createRemoteEmbedders({ store, remote, reach, record: recordForServer }: Deps) {
  const able = async (projectId: string, ability: string): Promise<ThirdPartyModelRow[]> => {
    const where = eq(thirdPartyModels.projectId, projectId);
    const rows = await store.db.query.thirdPartyModels.findMany({
      where,
      orderBy: desc(thirdPartyModels.id),
    });
    return rows.filter(({ abilities }) => abilities.includes(ability));
  };
  const pick = async (projectId: string, ability: string, idOrName: string) =>
    (await able(projectId, ability)).find(({ id, name }) => id === idOrName || name === idOrName) ?? null;

  function note(
    { projectId, id, name, prices }: ThirdPartyModelRow,
    record: RecordCall,
    tokens: number,
    startedAt: number,
  ): void {
    const costUsd = inputCost(prices, tokens);
    const latencyMs = monotonicMs() - startedAt;
    record({
      projectId,
      modelName: name,
      modelId: id,
      inputTokens: tokens,
      outputTokens: 0,
      costUsd,
      latencyMs,
    });
  }

  async function embed(
    row: ThirdPartyModelRow,
    record: RecordCall,
    texts: readonly string[],
    kind: "query" | "passage",
    signal?: AbortSignal,
  ): Promise<Float32Array[]> {
    if (texts.length === 0) return [];
    // The row anew: it may have been removed, or its prices changed, since the embedder was found.
    const { model, to } = await reach({ modelId: row.id, name: row.name });
    const startedAt = monotonicMs();
    const { vectors, tokens } = await remote.embed(to, model.model, texts, kind, signal);
    note(model, record, tokens, startedAt);
    return vectors;
  }

  /** Length of the model's vectors: asked for once, then kept. */
  async function dimensionsOf(row: ThirdPartyModelRow, record: RecordCall): Promise<number> {
    if (row.dimensions !== null) return row.dimensions;
    const [vector] = await embed(row, record, ["dimensions"], "query");
    const dimensions = vector?.length ?? 0;
    await store.write(
      (tx) => tx.update(thirdPartyModels).set({ dimensions }).where(eq(thirdPartyModels.id, row.id)),
      "provider.dimensions",
    );
    return dimensions;
  }

  const embedders: Embedders = {
    async list(projectId) {
      const rows = await able(projectId, "embedding");
      return Promise.all(
        rows.map(async (row) => ({
          id: row.id,
          name: row.name,
          dimensions: row.dimensions,
          maxTokens: await maxTokensOf(row),
        })),
      );
    },
    async find(projectId, idOrName, record = recordForServer): Promise<Embedder | null> {
      const row = await pick(projectId, "embedding", idOrName);
      if (!row) return null;
      return {
        id: row.id,
        name: row.name,
        isThirdParty: true,
        dimensions: await dimensionsOf(row, record),
        maxTokens: await maxTokensOf(row),
        counting: "estimated",
        embed: (texts, kind, signal) => embed(row, record, texts, kind, signal),
        countTokens: async (texts) => texts.map(estimateTokens),
      };
    },
  };

  async function maxTokensOf({ providerId }: ThirdPartyModelRow): Promise<number> {
    const provider = await store.db.query.providers.findFirst({ where: eq(providers.id, providerId) });
    return (provider && kindInfo(kindOf(provider)).embedTokens) ?? EMBED_TOKENS;
  }

  return {
    embedders,
    /** A reranker by id or name; null when there is none (any more). */
    async findReranker(
      projectId: string,
      idOrName: string,
      record: RecordCall = recordForServer,
    ): Promise<Reranker | null> {
      const row = await pick(projectId, "rerank", idOrName);
      if (!row) return null;
      return {
        id: row.id,
        name: row.name,
        async rerank(query, passages, signal) {
          const { model, to } = await reach({ modelId: row.id, name: row.name });
          const startedAt = monotonicMs();
          const scores = await remote.rerank(to, model.model, query, passages, signal);
          note(
            model,
            record,
            [query, ...passages].reduce((sum, text) => sum + estimateTokens(text), 0),
            startedAt,
          );
          return scores.every((score) => score >= 0 && score <= 1)
            ? scores
            : scores.map((score) => 1 / (1 + Math.exp(-score)));
        },
      };
    },
  };
}
