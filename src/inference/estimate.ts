// How much memory a model takes in an engine child, estimated before it is loaded.
import type { Precision } from "./protocol.ts";
import type { ModelDescription } from "./weights/weights.ts";

const MiB = 1024 * 1024;
/** Runtime, tokenizer and scratch space of a child, measured on small models. */
export const CHILD_BYTES = 160 * MiB;
/** A child with the embedder inside the executable, at its largest batch. */
export const ENCODER_BYTES = 320 * MiB;
/** Conversation length that the estimate makes room for; longer ones ask for more as they grow. */
const ESTIMATE_TOKENS = 2048;

/** Bytes of the keys and values that the estimate makes room for. */
export function estimateCache(model: ModelDescription): number {
  const tokens = Math.min(ESTIMATE_TOKENS, model.contextLength);
  return 2 * 4 * model.layers * model.kvHeads * model.headDim * tokens;
}

/** Estimated resident bytes of a loaded model: weights, runtime and the cache of one conversation. */
export function estimateMemory(model: ModelDescription, precision: Precision): number {
  const perWeight = precision === "fp32" ? 4 : precision === "int8" ? 1.15 : 0;
  const weights = perWeight ? model.parameterCount * perWeight : model.sizeBytes * 1.25;
  return Math.round(CHILD_BYTES + weights * 1.15 + estimateCache(model));
}
