// The decoder over onnxruntime-node, for where the C API cannot be reached: each step makes the caches anew, one longer.
import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { Adapter, Decoder, DecoderShape, PrefillStep } from "./decoder.ts";
import { SESSION_CONFIG, tokenBytes } from "./decoder.ts";
import { cacheNames, INPUTS, LOGITS } from "./graph.ts";

type Feeds = Record<string, Tensor>;
/** Keys and values of a conversation, [1, kvHeads, tokens, headDim]; tensors are never written to. */
type Past = { tokens: number; feeds: Feeds };

/** Steps between collections: each step leaves a whole cache behind in native memory. */
const COLLECT_EVERY = 64;

/** Loads the library. The process must have been started with ORT_DISABLE_TELEMETRY=1. */
export async function openNodeDecoder(shape: DecoderShape): Promise<Decoder> {
  const ort = await import("onnxruntime-node");
  const { kvHeads, headDim } = shape;
  const layers = Array.from({ length: shape.layers }, (_, layer) => cacheNames(layer));
  const pasts = new Map<number, Past>();
  const adapters = new Map<Adapter, Feeds>();
  let graph: { session: InferenceSession; takesAdapters: boolean } | undefined;
  let steps = 0;

  const float32 = (data: Float32Array, dims: readonly number[]): Tensor =>
    new ort.Tensor("float32", data, dims);
  const int64 = (data: readonly number[], dims: readonly number[]): Tensor =>
    new ort.Tensor("int64", BigInt64Array.from(data, BigInt), dims);
  const int32 = (data: readonly number[], dims: readonly number[]): Tensor =>
    new ort.Tensor("int32", Int32Array.from(data), dims);

  /** The first `tokens` tokens of a cache tensor. */
  function cut(tensor: Tensor | undefined, tokens: number): Tensor {
    const out = new Float32Array(kvHeads * tokens * headDim);
    const data = tensor?.data;
    if (data instanceof Float32Array)
      for (let head = 0; head < kvHeads; head++) {
        const from = (head * data.length) / kvHeads;
        out.set(data.subarray(from, from + tokens * headDim), head * tokens * headDim);
      }
    return float32(out, [1, kvHeads, tokens, headDim]);
  }

  function pastOf(slot: number, tokens: number): Past {
    const found = pasts.get(slot);
    if (found?.tokens === tokens) return found;
    if (tokens > (found?.tokens ?? 0)) throw new Error(`slot ${slot} holds fewer than ${tokens} tokens`);
    const names = layers.flatMap(({ pastKey, pastValue }) => [pastKey, pastValue]);
    return {
      tokens,
      feeds: Object.fromEntries(names.map((name) => [name, cut(found?.feeds[name], tokens)])),
    };
  }

  function adapterFeeds(adapter: Adapter | null): Feeds {
    if (!adapter) throw new Error("this graph wants an adapter, or zeros for one");
    let found = adapters.get(adapter);
    if (!found) {
      found = Object.fromEntries(
        adapter.inputs.map(({ name, values, dims }) => [name, float32(values, dims)]),
      );
      adapters.set(adapter, found);
    }
    return found;
  }

  async function step(one: PrefillStep, adapter: Adapter | null): Promise<Float32Array> {
    if (!graph) throw new Error("no graph is open");
    const { slot, past, ids } = one;
    const total = past + ids.length;
    const wanted = one.wanted === "all" ? ids.map((_, i) => i) : [ids.length - 1];
    const outputs = await graph.session.run({
      [INPUTS.ids]: int64(ids, [1, ids.length]),
      [INPUTS.lastPositions]: int32([total - 1], [1]),
      [INPUTS.longest]: int32([total], []),
      [INPUTS.wanted]: int64(wanted, [wanted.length]),
      ...pastOf(slot, past).feeds,
      ...(graph.takesAdapters
        ? {
            ...adapterFeeds(adapter),
            [INPUTS.adapterRows]: float32(Float32Array.of(Number(one.usesAdapter)), [1, 1, 1]),
          }
        : {}),
    });
    const feeds: Feeds = {};
    for (const names of layers) {
      feeds[names.pastKey] = present(outputs[names.presentKey]);
      feeds[names.pastValue] = present(outputs[names.presentValue]);
    }
    pasts.set(slot, { tokens: total, feeds });
    // Native memory of past steps, which the collector does not feel by itself.
    if (++steps % COLLECT_EVERY === 0) Bun.gc(false);
    const logits = outputs[LOGITS]?.data;
    if (!(logits instanceof Float32Array)) throw new Error("the graph gave no float32 logits");
    return logits;
  }

  return {
    runtime: "node",
    async openGraph(path, takesAdapters) {
      await graph?.session.release();
      graph = undefined;
      const session = await ort.InferenceSession.create(path, {
        executionProviders: ["cpu"],
        intraOpNumThreads: shape.threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
        extra: SESSION_CONFIG,
      });
      graph = { session, takesAdapters };
    },
    prefill: step,
    async decode(rows, adapter) {
      const logits: Float32Array[] = [];
      for (const { slot, past, id, usesAdapter } of rows)
        logits.push(await step({ slot, past, ids: [id], usesAdapter, wanted: "last" }, adapter));
      return logits;
    },
    copy: (from, to, tokens) => {
      pasts.set(to, { tokens, feeds: { ...pastOf(from, tokens).feeds } });
    },
    settle(lengths) {
      lengths.forEach((length, slot) => {
        if (length === 0) pasts.delete(slot);
      });
      Bun.gc(false);
    },
    // A step reads the old cache while it writes the new one.
    cacheBytes: () => 2 * tokenBytes(shape) * [...pasts.values()].reduce((sum, past) => sum + past.tokens, 0),
    dropAdapter: (adapter) => {
      adapters.delete(adapter);
    },
    async close() {
      await graph?.session.release();
      pasts.clear();
    },
  };
}

function present(tensor: Tensor | undefined): Tensor {
  if (!tensor) throw new Error("the graph gave no cache");
  return tensor;
}
