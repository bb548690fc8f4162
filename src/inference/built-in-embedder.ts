// The embedder inside the executable.
import { limits } from "../kit/limits.ts";
import type { Embedder } from "./embedder.ts";
import type { EnginePool } from "./inference.ts";

/** The model that scripts/embedder.ts builds. Another build of other numbers takes another id. */
const BUILT_IN = {
  id: "all-MiniLM-L6-v2:int8:1",
  name: "all-MiniLM-L6-v2",
  dimensions: 384,
  /** 256, less the two marks around a text. */
  maxTokens: 254,
  // Of 50 questions about anything else 84 % find nothing in Cranfield, of its own 225 none: docs/LOG.md.
  unrelatedBelow: 0.25,
  counting: "built-in",
} as const;

/**
 * The embedder inside the executable: all-MiniLM-L6-v2, mean over the tokens, vectors of length 1. It runs in a child
 * of its own, loaded when it is first used. Equal texts of one call are computed once; queries go before passages.
 */
export function createBuiltInEmbedder(engine: Pick<EnginePool, "embed" | "countTokens">): Embedder {
  return {
    ...BUILT_IN,
    async embed(texts, kind, signal) {
      const distinct = [...new Set(texts)];
      const vectors = new Map<string, Float32Array>();
      for (let at = 0; at < distinct.length; at += limits.embedTexts) {
        const part = distinct.slice(at, at + limits.embedTexts);
        const all = await engine.embed(part, kind === "query", signal);
        part.forEach((text, i) => {
          vectors.set(text, all.slice(i * BUILT_IN.dimensions, (i + 1) * BUILT_IN.dimensions));
        });
      }
      return texts.map((text) => vectors.get(text) ?? new Float32Array(BUILT_IN.dimensions));
    },
    async countTokens(texts) {
      const counts: number[] = [];
      for (let at = 0; at < texts.length; at += limits.embedTexts)
        counts.push(...(await engine.countTokens(texts.slice(at, at + limits.embedTexts))));
      return counts;
    },
  };
}
