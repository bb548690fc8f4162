// What turns texts into vectors and what orders passages by a question, whoever computes it.
import type { Counting } from "./token-counter.ts";

export type Embedder = {
  /** Names the model and its precision: vectors of equal ids may be compared. */
  id: string;
  name: string;
  dimensions: number;
  /** Longest text that it sees, as `countTokens` counts; what is beyond is cut. */
  maxTokens: number;
  /** Cosine below which texts had nothing to do with each other where that was measured: docs/LOG.md. */
  unrelatedBelow?: number;
  /** One vector a text, in order. Some models see questions and passages differently. */
  embed(texts: readonly string[], kind: "query" | "passage", signal?: AbortSignal): Promise<Float32Array[]>;
  /** How `countTokens` counts, for processes that cut texts. */
  counting: Counting;
  /** How many tokens each text has, uncut. */
  countTokens(texts: readonly string[]): Promise<number[]>;
  /** True for a third party's, whose calls are recorded as they are made. */
  isThirdParty?: boolean;
};

/** What one call of a third party's embedder or reranker took. */
export type ThirdPartyCall = {
  projectId: string;
  modelName: string;
  modelId: string;
  inputTokens: number;
  outputTokens: number;
  costUsd: number | null;
  latencyMs: number;
};
/** Keeps such a call for whoever asked. */
export type RecordCall = (call: ThirdPartyCall) => void;

export type Reranker = {
  id: string;
  name: string;
  /** How well each passage answers the question, larger is better, in the order of the passages. */
  rerank(query: string, passages: readonly string[], signal?: AbortSignal): Promise<number[]>;
};

/** An embedder to choose; the length of a third party's vectors is null until it was first asked. */
export type ListedEmbedder = Pick<Embedder, "id" | "name" | "maxTokens" | "unrelatedBelow"> & {
  dimensions: number | null;
};

/** Where embedders come from: the built-in one, and those of third parties. */
export type Embedders = {
  /** Those that a project may choose; the first is proposed. */
  list(projectId: string): Promise<ListedEmbedder[]>;
  /** By id or name; null when there is none (any more). `record` hears of a third party's calls, else the server does. */
  find(projectId: string, idOrName: string, record?: RecordCall): Promise<Embedder | null>;
};

/** Embedders that every project may choose, then those of third parties. */
export function createEmbedders(own: readonly Embedder[], others: Embedders): Embedders {
  return {
    list: async (projectId) => [...own, ...(await others.list(projectId))],
    find: async (projectId, idOrName, record) =>
      own.find(({ id, name }) => id === idOrName || name === idOrName) ??
      (await others.find(projectId, idOrName, record)),
  };
}
