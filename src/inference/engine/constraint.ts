// Holds a reply to a grammar: of all tokens, those whose bytes may come next, and the end where it may end.
import { EspalierError } from "../../kit/errors.ts";
import type { GrammarMachine, GrammarState } from "./grammar.ts";
import { argmax } from "./sampler.ts";

/** The tokens of a vocabulary by their bytes, sorted, so that those with the same beginning stand together. */
export type TokenTable = {
  ids: Int32Array;
  bytes: readonly Uint8Array[];
  /** How many bytes each shares with the one before it. */
  shared: Int32Array;
  /** By id; null for tokens without text. */
  byId: readonly (Uint8Array | null)[];
};

export function tokenTable(byId: readonly (Uint8Array | null)[]): TokenTable {
  const sorted: { id: number; bytes: Uint8Array }[] = [];
  for (const [id, bytes] of byId.entries()) if (bytes && bytes.length > 0) sorted.push({ id, bytes });
  sorted.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const shared = new Int32Array(sorted.length);
  for (let i = 1; i < sorted.length; i++) {
    const [before, now] = [sorted[i - 1]!.bytes, sorted[i]!.bytes];
    let same = 0;
    while (same < before.length && same < now.length && before[same] === now[same]) same++;
    shared[i] = same;
  }
  return {
    ids: Int32Array.from(sorted, ({ id }) => id),
    bytes: sorted.map((one) => one.bytes),
    shared,
    byId,
  };
}

export class Constraint {
  private state: GrammarState;
  private readonly masks = new Map<GrammarState, Uint8Array>();

  constructor(
    private readonly machine: GrammarMachine,
    private readonly tokens: TokenTable,
    private readonly endIds: ReadonlySet<number>,
  ) {
    this.state = machine.start;
  }

  /** Whether what came is whole and nothing may follow. */
  get isOver(): boolean {
    return this.state.isOver;
  }

  /**
   * The token that `pick` takes of those that may come. What it likes best may come as a rule, so the vocabulary is
   * looked through only where it may not. @throws EspalierError FORMAT_IMPOSSIBLE
   */
  pick(logits: Float32Array, pick: (logits: Float32Array) => number): number {
    const liked = pick(logits);
    if (this.allows(liked)) return liked;
    const mask = this.mask(logits.length);
    const allowed = new Float32Array(logits.length).fill(Number.NEGATIVE_INFINITY);
    for (let id = 0; id < allowed.length; id++) if (mask[id]) allowed[id] = logits[id]!;
    const best = argmax(allowed);
    if (!mask[best])
      throw new EspalierError("FORMAT_IMPOSSIBLE", "No token of this model can go on with the JSON.", {
        field: "format",
        hint: "Use a model with a byte-level tokenizer.",
      });
    const second = pick(allowed);
    // Rounding may leave the draw beyond the last token that has any weight.
    return mask[second] ? second : best;
  }

  /** Takes a token that was picked. */
  accept(id: number): void {
    for (const byte of this.tokens.byId[id] ?? []) {
      const next = this.machine.after(this.state, byte);
      if (!next) throw new Error(`token ${id} may not come here`);
      this.state = next;
    }
  }

  private allows(id: number): boolean {
    if (this.endIds.has(id)) return this.state.canEnd;
    const bytes = this.tokens.byId[id];
    if (!bytes || bytes.length === 0) return false;
    let state: GrammarState | null = this.state;
    for (const byte of bytes) {
      state = this.machine.after(state, byte);
      if (!state) return false;
    }
    return true;
  }

  private mask(size: number): Uint8Array {
    const known = this.masks.get(this.state);
    if (known) return known;
    const mask = new Uint8Array(size);
    const { ids, bytes, shared } = this.tokens;
    /** The states along the bytes of the token that was looked at last. */
    const path: GrammarState[] = [this.state];
    /** So many first bytes of it may not come; endless where it may. */
    let dead = Number.POSITIVE_INFINITY;
    for (let i = 0; i < ids.length; i++) {
      if (shared[i]! >= dead) continue;
      dead = Number.POSITIVE_INFINITY;
      const own = bytes[i]!;
      for (let at = shared[i]!; at < own.length; at++) {
        const next = this.machine.after(path[at]!, own[at]!);
        if (!next) {
          dead = at + 1;
          break;
        }
        path[at + 1] = next;
      }
      if (dead === Number.POSITIVE_INFINITY) mask[ids[i]!] = 1;
    }
    if (this.state.canEnd) for (const id of this.endIds) mask[id] = 1;
    // A tokenizer may say that its end token has text; it ends the reply all the same.
    else for (const id of this.endIds) mask[id] = 0;
    this.masks.set(this.state, mask);
    return mask;
  }
}
