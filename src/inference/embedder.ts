// What turns texts into vectors and what orders passages by a question, whoever computes it.

export type Embedder = {
  /** Names the model and its precision: vectors of equal ids may be compared. */
  id: string;
  name: string;
  dimensions: number;
  /** Longest text that it sees, as `countTokens` counts; what is beyond is cut. */
  maxTokens: number;
  /** One vector a text, in order. Some models see questions and passages differently. */
  embed(texts: readonly string[], kind: "query" | "passage", signal?: AbortSignal): Promise<Float32Array[]>;
  /** How many tokens each text has, uncut. */
  countTokens(texts: readonly string[]): Promise<number[]>;
};

export type Reranker = {
  id: string;
  name: string;
  /** How well each passage answers the question, larger is better, in the order of the passages. */
  rerank(query: string, passages: readonly string[], signal?: AbortSignal): Promise<number[]>;
};

/** Where embedders come from: the built-in one, and those of third parties. */
export type Embedders = {
  /** Those that a project may choose; the first is proposed. */
  list(projectId: string): Promise<Pick<Embedder, "id" | "name" | "dimensions" | "maxTokens">[]>;
  /** By id or name; null when there is none (any more). */
  find(projectId: string, idOrName: string): Promise<Embedder | null>;
};

/** Embedders that every project may choose. */
export function createEmbedders(own: readonly Embedder[]): Embedders {
  return {
    list: async () => [...own],
    find: async (_projectId, idOrName) =>
      own.find(({ id, name }) => id === idOrName || name === idOrName) ?? null,
  };
}
