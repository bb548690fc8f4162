// What the engine needs of a loaded graph: steps over conversations in numbered slots, by either way to ONNX Runtime.
import type { ModelConfig } from "../weights/weights.ts";
import type { AdapterInput } from "./adapter.ts";

/** `auto` is the C API with its cache in place, and onnxruntime-node where that cannot be linked. */
export type EngineRuntime = "auto" | "node";

/** An adapter's values, or the zeros that stand for none. Decoders keep their tensors by this object. */
export type Adapter = { readonly inputs: readonly AdapterInput[] };

/** One token of one conversation: fed after the first `past` tokens of its slot. */
export type DecodeRow = { slot: number; past: number; id: number; usesAdapter: boolean };

export type PrefillStep = {
  slot: number;
  /** Tokens of the slot that stay: those after them are forgotten. */
  past: number;
  ids: readonly number[];
  usesAdapter: boolean;
  /** Positions to give logits of. */
  wanted: "last" | "all";
};

/** One step at a time: a caller waits for a step before it asks for the next. */
export type Decoder = {
  readonly runtime: "c-api" | "node";
  /** Opens a graph in place of the one before. The slots keep what they hold. */
  openGraph(path: string, takesAdapters: boolean): Promise<void>;
  /** Feeds tokens to one slot. Logits [wanted, vocab], valid until the next step. */
  prefill(step: PrefillStep, adapter: Adapter | null): Promise<Float32Array>;
  /** Feeds one token to each of several slots at once. Logits [vocab] of each, valid until the next step. */
  decode(rows: readonly DecodeRow[], adapter: Adapter | null): Promise<Float32Array[]>;
  /** Makes slot `to` begin with the first `tokens` tokens of slot `from`. */
  copy(from: number, to: number, tokens: number): void;
  /** Forgets what is not in `lengths`, the tokens of each slot. Memory goes back once much is unused, or if `isTight`. */
  settle(lengths: readonly number[], isTight: boolean): void;
  /** Bytes of caches in memory. */
  cacheBytes(): number;
  /** Frees what an adapter takes. */
  dropAdapter(adapter: Adapter): void;
  close(): Promise<void>;
};

export type DecoderShape = Pick<ModelConfig, "layers" | "kvHeads" | "headDim" | "vocabSize"> & {
  /** Most tokens of one conversation. */
  contextTokens: number;
  threads: number;
};

/** ONNX Runtime's session entries, the same for both ways to it. */
export const SESSION_CONFIG = {
  // Threads spin for a moment between the parts of a run (a quarter faster decode on a free machine) and stop at its
  // end. The moment is short: unlimited spinning made decode 3 times slower beside a training.
  "session.force_spinning_stop": "1",
  "session.intra_op.allow_spinning": "1",
  "session.intra_op.spin_duration_us": "20",
} as const;

/** Bytes of the keys and values of one token. */
export function tokenBytes(shape: Pick<ModelConfig, "layers" | "kvHeads" | "headDim">): number {
  return 2 * 4 * shape.layers * shape.kvHeads * shape.headDim;
}
