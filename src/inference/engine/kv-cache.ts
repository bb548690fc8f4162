// Keys and values of several conversations in one block of memory for each layer, which attention extends in place.
import { cacheNames } from "./graph.ts";
import type { Ort, OrtTensor } from "./ort.ts";

/** Smallest number of tokens that memory is reserved for; it doubles from there. */
const FIRST_CAPACITY = 256;

export type CacheShape = { layers: number; kvHeads: number; headDim: number; contextTokens: number };

/** One tensor's memory: [slots, kvHeads, capacity, headDim]. */
type Block = { name: { past: string; present: string }; data: Float32Array<ArrayBuffer> };

export type CacheView = { inputs: Map<string, OrtTensor>; outputs: Map<string, OrtTensor> };

/** Reserved memory is not taken until it is written, so what a conversation takes follows its true length. */
export class KvCache {
  private blocks: Block[] = [];
  private slots = 0;
  private capacity = 0;
  /** Most tokens that each slot ever held since its memory was made. */
  private touched: number[] = [];
  private readonly views = new Map<string, CacheView>();

  constructor(
    private readonly ort: Ort,
    private readonly shape: CacheShape,
  ) {}

  /** Bytes that conversations have written to. */
  bytes(): number {
    const { layers, kvHeads, headDim } = this.shape;
    return this.touched.reduce((sum, tokens) => sum + tokens, 0) * 2 * 4 * layers * kvHeads * headDim;
  }

  /** Makes room for `tokens` tokens in `slot`. Where the blocks must grow, all slots move to larger ones. */
  reserve(slot: number, tokens: number): void {
    let { slots, capacity } = this;
    if (slots === 0) [slots, capacity] = [1, Math.min(FIRST_CAPACITY, this.shape.contextTokens)];
    while (slots <= slot) slots *= 2;
    while (capacity < tokens) capacity = Math.min(capacity * 2, this.shape.contextTokens);
    if (slots !== this.slots || capacity !== this.capacity) this.move(slots, capacity);
    this.touched[slot] = Math.max(this.touched[slot] ?? 0, tokens);
  }

  /** A place behind what the slot holds, or null where the slot is full. */
  spare(slot: number): number | null {
    const touched = this.touched[slot] ?? 0;
    return touched < this.capacity ? touched : null;
  }

  /** Moves what the slots hold to new blocks. */
  private move(slots: number, capacity: number): void {
    const { layers, kvHeads, headDim } = this.shape;
    this.closeViews();
    if (this.blocks.length === 0)
      this.blocks = Array.from({ length: layers }, (_, layer) => cacheNames(layer)).flatMap((names) => [
        { name: { past: names.pastKey, present: names.presentKey }, data: new Float32Array(0) },
        { name: { past: names.pastValue, present: names.presentValue }, data: new Float32Array(0) },
      ]);
    for (const block of this.blocks) {
      const old = block.data;
      block.data = new Float32Array(slots * kvHeads * capacity * headDim);
      for (let slot = 0; slot < this.slots; slot++)
        for (let head = 0; head < kvHeads; head++) {
          const row = slot * kvHeads + head;
          const from = row * this.capacity * headDim;
          const kept = old.subarray(from, from + (this.touched[slot] ?? 0) * headDim);
          block.data.set(kept, row * capacity * headDim);
        }
      // Detaching gives the memory back at once, so that only one block is there twice.
      if (old.length > 0) old.buffer.transfer(0);
    }
    this.slots = slots;
    this.capacity = capacity;
  }

  /** Forgets what is not in `lengths` (tokens of each slot). Memory goes back once much of it is unused, or if `isTight`. */
  settle(lengths: readonly number[], isTight: boolean): void {
    const kept = lengths.reduce((sum, tokens) => sum + tokens, 0);
    const held = this.touched.reduce((sum, tokens) => sum + tokens, 0);
    if (held <= (isTight ? kept : 2 * kept + FIRST_CAPACITY)) return;
    this.touched = lengths.map((tokens, slot) => Math.min(tokens, this.touched[slot] ?? 0));
    this.move(this.slots, this.capacity);
  }

  /** Copies the first `tokens` tokens of a slot to another. */
  copy(from: number, to: number, tokens: number): void {
    this.reserve(to, tokens);
    const { kvHeads, headDim } = this.shape;
    for (const { data } of this.blocks)
      for (let head = 0; head < kvHeads; head++) {
        const start = (from * kvHeads + head) * this.capacity * headDim;
        data.copyWithin((to * kvHeads + head) * this.capacity * headDim, start, start + tokens * headDim);
      }
  }

  /** Tensors [count, kvHeads, capacity, headDim] of neighbouring slots, each both input and output of a run. */
  view(first: number, count: number): CacheView {
    const key = `${first}+${count}`;
    const found = this.views.get(key);
    if (found) return found;
    const { kvHeads, headDim } = this.shape;
    const size = kvHeads * this.capacity * headDim;
    const view: CacheView = { inputs: new Map(), outputs: new Map() };
    for (const { name, data } of this.blocks) {
      const part = data.subarray(first * size, (first + count) * size);
      const tensor = this.ort.tensor(part, [count, kvHeads, this.capacity, headDim]);
      view.inputs.set(name.past, tensor);
      view.outputs.set(name.present, tensor);
    }
    this.views.set(key, view);
    return view;
  }

  private closeViews(): void {
    for (const view of this.views.values()) for (const tensor of view.inputs.values()) tensor.close();
    this.views.clear();
  }

  close(): void {
    this.closeViews();
    for (const { data } of this.blocks) data.buffer.transfer(0);
    this.blocks = [];
    [this.slots, this.capacity, this.touched] = [0, 0, []];
  }
}
