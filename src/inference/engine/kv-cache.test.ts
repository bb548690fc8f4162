// The cache's bookkeeping on memory alone: what a slot holds survives growth, copies and settling.
import { expect, test } from "bun:test";
import { KvCache } from "./kv-cache.ts";
import type { Ort, TensorData } from "./ort.ts";

const shape = { layers: 2, kvHeads: 3, headDim: 4, contextTokens: 1000 };

/** Stands for ONNX Runtime: hands out the memory that a run would read and write. */
function memoryOf(): {
  ort: Ort;
  seen: Map<bigint, { data: Float32Array; dims: readonly number[] }>;
  open: () => number;
} {
  const seen = new Map<bigint, { data: Float32Array; dims: readonly number[] }>();
  let next = 1n;
  let closed = 0;
  const ort: Ort = {
    openSession: () => {
      throw new Error("not here");
    },
    tensor: (data: TensorData, dims) => {
      if (!(data instanceof Float32Array)) throw new Error("caches are float32");
      const handle = next++;
      seen.set(handle, { data, dims });
      return { handle, close: () => closed++ };
    },
  };
  return { ort, seen, open: () => seen.size - closed };
}

const keyOf = (slot: number, layer: number, head: number, token: number, i: number): number =>
  slot * 1e6 + layer * 1e5 + head * 1e4 + token * 10 + i;

/** Writes (or checks) tokens of a slot the way attention lays them out: [slots, heads, capacity, dim]. */
function eachValue(
  memory: ReturnType<typeof memoryOf>,
  cache: KvCache,
  slot: number,
  tokens: number,
  visit: (data: Float32Array, at: number, key: number) => void,
): void {
  const view = cache.view(slot, 1);
  for (let layer = 0; layer < shape.layers; layer++)
    for (const side of ["key", "value"]) {
      const handle = view.inputs.get(`past.${layer}.${side}`)?.handle ?? 0n;
      expect(view.outputs.get(`present.${layer}.${side}`)?.handle).toBe(handle);
      const { data, dims } = memory.seen.get(handle)!;
      const capacity = dims[2] ?? 0;
      expect(dims).toEqual([1, shape.kvHeads, capacity, shape.headDim]);
      for (let head = 0; head < shape.kvHeads; head++)
        for (let token = 0; token < tokens; token++)
          for (let i = 0; i < shape.headDim; i++)
            visit(data, (head * capacity + token) * shape.headDim + i, keyOf(slot, layer, head, token, i));
    }
}

function fill(memory: ReturnType<typeof memoryOf>, cache: KvCache, slot: number, tokens: number): void {
  cache.reserve(slot, tokens);
  eachValue(memory, cache, slot, tokens, (data, at, key) => {
    data[at] = key;
  });
}

/** Values of `slot` that differ from what was once written to slot `origin`. */
function wrong(
  memory: ReturnType<typeof memoryOf>,
  cache: KvCache,
  slot: number,
  tokens: number,
  origin = slot,
): number {
  let count = 0;
  eachValue(memory, cache, slot, tokens, (data, at, key) => {
    if (data[at] !== Math.fround(key + (origin - slot) * 1e6)) count++;
  });
  return count;
}

test("growth by tokens and by slots keeps what the slots hold", () => {
  const memory = memoryOf();
  const cache = new KvCache(memory.ort, shape);
  fill(memory, cache, 0, 200);
  fill(memory, cache, 1, 30);
  fill(memory, cache, 2, 700);
  expect([wrong(memory, cache, 0, 200), wrong(memory, cache, 1, 30), wrong(memory, cache, 2, 700)]).toEqual([
    0, 0, 0,
  ]);
  expect(cache.bytes()).toBe((200 + 30 + 700) * 2 * 4 * shape.layers * shape.kvHeads * shape.headDim);
  // Tokens beyond the context have no place.
  expect(cache.spare(2)).toBe(700);
  fill(memory, cache, 2, 1000);
  expect(cache.spare(2)).toBeNull();
});

test("a copy begins like its source, and both then differ", () => {
  const memory = memoryOf();
  const cache = new KvCache(memory.ort, shape);
  fill(memory, cache, 0, 100);
  cache.copy(0, 1, 60);
  expect(wrong(memory, cache, 1, 60, 0)).toBe(0);
  fill(memory, cache, 1, 60);
  expect(wrong(memory, cache, 0, 100)).toBe(0);
});

test("settling gives memory back and keeps what was asked for", () => {
  const memory = memoryOf();
  const cache = new KvCache(memory.ort, shape);
  fill(memory, cache, 0, 50);
  fill(memory, cache, 1, 900);
  cache.settle([50, 0], false);
  expect(wrong(memory, cache, 0, 50)).toBe(0);
  expect(cache.bytes()).toBe(50 * 2 * 4 * shape.layers * shape.kvHeads * shape.headDim);
  cache.close();
  expect(memory.open()).toBe(0);
});
