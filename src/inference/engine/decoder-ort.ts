// The decoder over ONNX Runtime's C API: attention writes its cache in place, and several chats take one step together.
import type { Adapter, DecodeRow, Decoder, DecoderShape } from "./decoder.ts";
import { SESSION_CONFIG } from "./decoder.ts";
import { INPUTS, LOGITS } from "./graph.ts";
import { KvCache } from "./kv-cache.ts";
import { type OrtSession, type OrtTensor, openOrt, type TensorData } from "./ort.ts";

/** Most idle rows that a step carries along between two that take part. */
const MOST_IDLE_ROWS = 1;

/** Opens the library. Throws where the C API cannot be reached. */
export function openOrtDecoder(shape: DecoderShape): Decoder {
  const ort = openOrt();
  const cache = new KvCache(ort, shape);
  const adapters = new Map<Adapter, Map<string, OrtTensor>>();
  let graph: { session: OrtSession; takesAdapters: boolean } | undefined;
  let logits = new Float32Array(0);

  function adapterTensors(adapter: Adapter): Map<string, OrtTensor> {
    let found = adapters.get(adapter);
    if (!found) {
      found = new Map(adapter.inputs.map(({ name, values, dims }) => [name, ort.tensor(values, dims)]));
      adapters.set(adapter, found);
    }
    return found;
  }

  type Step = {
    /** The rows are the slots from here on. */
    first: number;
    /** Token ids of each row, as many for all. */
    ids: (readonly number[])[];
    /** Tokens of each row, this step's included. */
    totals: number[];
    usesAdapter: boolean[];
    /** Places within the step that need logits. */
    wanted: number[];
  };

  /** Runs one step; logits [rows, wanted, vocab] are written to `out`. */
  function run(step: Step, adapter: Adapter | null, out: Float32Array): void {
    if (!graph) throw new Error("no graph is open");
    const { ids, totals, wanted } = step;
    const rows = ids.length;
    const open: OrtTensor[] = [];
    const tensor = (data: TensorData, dims: number[]): OrtTensor => {
      const made = ort.tensor(data, dims);
      open.push(made);
      return made;
    };
    try {
      const view = cache.view(step.first, rows);
      const inputs = new Map(view.inputs);
      const tokens = BigInt64Array.from(ids.flat(), BigInt);
      inputs.set(INPUTS.ids, tensor(tokens, [rows, tokens.length / rows]));
      const last = Int32Array.from(totals, (total) => total - 1);
      inputs.set(INPUTS.lastPositions, tensor(last, [rows]));
      inputs.set(INPUTS.longest, tensor(Int32Array.of(Math.max(...totals)), []));
      inputs.set(INPUTS.wanted, tensor(BigInt64Array.from(wanted, BigInt), [wanted.length]));
      if (graph.takesAdapters) {
        if (!adapter) throw new Error("this graph wants an adapter, or zeros for one");
        for (const [name, value] of adapterTensors(adapter)) inputs.set(name, value);
        inputs.set(INPUTS.adapterRows, tensor(Float32Array.from(step.usesAdapter, Number), [rows, 1, 1]));
      }
      const outputs = new Map(view.outputs);
      outputs.set(LOGITS, tensor(out, [rows, wanted.length, shape.vocabSize]));
      graph.session.run(inputs, outputs);
    } finally {
      for (const one of open) one.close();
    }
  }

  /** Space for the logits of so many positions; it is used again by the next step. */
  function logitsFor(positions: number): Float32Array<ArrayBuffer> {
    const size = positions * shape.vocabSize;
    if (logits.length < size) logits = new Float32Array(size);
    return logits.subarray(0, size);
  }

  /**
   * Groups rows whose slots are neighbours, since a step is over one piece of memory. A slot between two that take
   * part costs less as an idle row (it writes behind its last token) than as a step of its own.
   */
  function groupsOf(rows: readonly DecodeRow[]): DecodeRow[][] {
    const groups: DecodeRow[][] = [];
    for (const row of [...rows].sort((a, b) => a.slot - b.slot)) {
      const group = groups.at(-1) ?? [];
      const last = group.at(-1);
      const between = last
        ? Array.from({ length: row.slot - last.slot - 1 }, (_, i) => last.slot + 1 + i)
        : [];
      if (last && between.length <= MOST_IDLE_ROWS && between.every((slot) => cache.spare(slot) !== null)) {
        for (const slot of between)
          group.push({ slot, past: cache.spare(slot) ?? 0, id: 0, usesAdapter: false });
        group.push(row);
      } else groups.push([row]);
    }
    return groups;
  }

  return {
    runtime: "c-api",
    async openGraph(path, takesAdapters) {
      graph?.session.close();
      graph = undefined;
      graph = { session: ort.openSession(path, shape.threads, SESSION_CONFIG), takesAdapters };
    },
    async prefill({ slot, past, ids, usesAdapter, wanted }, adapter) {
      const total = past + ids.length;
      cache.reserve(slot, total);
      const places = wanted === "all" ? ids.map((_, i) => i) : [ids.length - 1];
      const out = logitsFor(places.length);
      run(
        { first: slot, ids: [ids], totals: [total], usesAdapter: [usesAdapter], wanted: places },
        adapter,
        out,
      );
      return out;
    },
    async decode(rows, adapter) {
      for (const row of rows) cache.reserve(row.slot, row.past + 1);
      const groups = groupsOf(rows);
      const { vocabSize } = shape;
      const out = logitsFor(groups.reduce((sum, group) => sum + group.length, 0));
      const bySlot = new Map<number, Float32Array>();
      let done = 0;
      for (const group of groups) {
        const part = out.subarray(done * vocabSize, (done + group.length) * vocabSize);
        const step = {
          first: group[0]?.slot ?? 0,
          ids: group.map((row) => [row.id]),
          totals: group.map((row) => row.past + 1),
          usesAdapter: group.map((row) => row.usesAdapter),
          wanted: [0],
        };
        run(step, adapter, part);
        for (const [i, row] of group.entries())
          bySlot.set(row.slot, part.subarray(i * vocabSize, (i + 1) * vocabSize));
        done += group.length;
      }
      return rows.map((row) => bySlot.get(row.slot) ?? new Float32Array(0));
    },
    copy: (from, to, tokens) => cache.copy(from, to, tokens),
    settle: (lengths, isTight) => cache.settle(lengths, isTight),
    cacheBytes: () => cache.bytes(),
    dropAdapter(adapter) {
      for (const tensor of adapters.get(adapter)?.values() ?? []) tensor.close();
      adapters.delete(adapter);
    },
    async close() {
      for (const adapter of [...adapters.keys()]) this.dropAdapter(adapter);
      graph?.session.close();
      cache.close();
    },
  };
}
