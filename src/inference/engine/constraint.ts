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
  const sorted: { id: number; bytes: Uint8Array; key: string }[] = [];
  // As texts of one character a byte they sort the same way, several times faster.
  for (const [id, bytes] of byId.entries())
    if (bytes && bytes.length > 0) sorted.push({ id, bytes, key: Buffer.from(bytes).toString("latin1") });
  sorted.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.id - b.id));
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

/** Places in a token table, in order, with the bytes that each shares with the one before it in the list. */
type Picks = { at: Int32Array; shared: Int32Array };
/** Of some tokens, those that may come (their ids), and those of which the innermost frames of a state cannot say. */
type Sorted = { allowed: Int32Array; open: Picks };

/**
 * Which tokens may come in the states of one grammar, kept for all replies that are held to it. Most of that depends on
 * the innermost frames of a state alone (within a string it is the same whatever is around the string), so it is found
 * once for those, and for each state only the tokens that lead out of them are looked at.
 */
export class TokenMasks {
  private readonly inner = new Map<GrammarState, Sorted>();
  private readonly whole = new Map<GrammarState, Int32Array>();
  private readonly all: Picks;

  constructor(
    readonly machine: GrammarMachine,
    readonly tokens: TokenTable,
  ) {
    this.all = { at: Int32Array.from(tokens.ids, (_, i) => i), shared: tokens.shared };
  }

  /** Whether it has grown so much that a new one costs less memory than it saves time. */
  get isFull(): boolean {
    return this.machine.size > MOST_PLACES || this.inner.size > MOST_INNER;
  }

  /** Ids of the tokens with text that may come. */
  allowedIn(state: GrammarState): Int32Array {
    const known = this.whole.get(state);
    if (known) return known;
    const inner = this.innerOf(state);
    const more = this.sort(state, inner.open).allowed;
    let allowed = inner.allowed;
    if (more.length > 0) {
      allowed = new Int32Array(inner.allowed.length + more.length);
      allowed.set(inner.allowed);
      allowed.set(more, inner.allowed.length);
    }
    if (this.whole.size >= MOST_WHOLE) this.whole.clear();
    this.whole.set(state, allowed);
    return allowed;
  }

  private innerOf(state: GrammarState): Sorted {
    const inner = this.machine.innermost(state);
    const known = this.inner.get(inner);
    if (known) return known;
    const sorted = this.sort(inner, this.all);
    this.inner.set(inner, sorted);
    return sorted;
  }

  /** Goes along the bytes of each token; tokens with the same beginning are told apart only behind it. */
  private sort(from: GrammarState, { at: picks, shared }: Picks): Sorted {
    const { ids, bytes } = this.tokens;
    const { machine } = this;
    const allowed = new Int32Array(picks.length);
    const open = { at: new Int32Array(picks.length), shared: new Int32Array(picks.length) };
    let allowedCount = 0;
    let openCount = 0;
    /** The states along the bytes of the token that was looked at last. */
    const path: GrammarState[] = [from];
    /** So many first bytes of it may not come; endless where it may. */
    let dead = Number.POSITIVE_INFINITY;
    let isOpen = false;
    /** Bytes that the next open one shares with the one before. */
    let sharedOpen = 0;
    for (let i = 0; i < picks.length; i++) {
      const same = shared[i]!;
      if (same < sharedOpen) sharedOpen = same;
      if (same < dead) {
        dead = Number.POSITIVE_INFINITY;
        const own = bytes[picks[i]!]!;
        for (let at = same; at < own.length; at++) {
          const state = path[at]!;
          const next = state.next[own[at]!];
          const after = next === undefined ? machine.after(state, own[at]!) : next;
          if (after) path[at + 1] = after;
          else {
            dead = at + 1;
            isOpen = false;
            // Where the frames could be left, what is around them may go on.
            for (let before = 0; before <= at && !isOpen; before++) isOpen = path[before]!.canEnd;
            break;
          }
        }
        if (dead === Number.POSITIVE_INFINITY) {
          allowed[allowedCount++] = ids[picks[i]!]!;
          continue;
        }
      }
      if (!isOpen) continue;
      open.at[openCount] = picks[i]!;
      open.shared[openCount++] = openCount === 1 ? 0 : sharedOpen;
      sharedOpen = Number.POSITIVE_INFINITY;
    }
    return {
      allowed: allowed.slice(0, allowedCount),
      open: { at: open.at.slice(0, openCount), shared: open.shared.slice(0, openCount) },
    };
  }
}

/** A few megabytes each. */
const MOST_PLACES = 50_000;
const MOST_INNER = 200;
const MOST_WHOLE = 100;

export class Constraint {
  private state: GrammarState;
  /** A tokenizer may say that its end token has text; it ends the reply all the same. */
  private readonly isEndText: boolean;

  constructor(
    private readonly masks: TokenMasks,
    private readonly endIds: ReadonlySet<number>,
  ) {
    this.state = masks.machine.start;
    this.isEndText = [...endIds].some((id) => (masks.tokens.byId[id]?.length ?? 0) > 0);
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
    const ids = this.allowedIds();
    if (ids.length === 0)
      throw new EspalierError("FORMAT_IMPOSSIBLE", "No token of this model can go on with the JSON.", {
        field: "format",
        hint: "Use a model with a byte-level tokenizer.",
      });
    const allowed = new Float32Array(ids.length);
    for (let i = 0; i < ids.length; i++) allowed[i] = logits[ids[i]!]!;
    return ids[pick(allowed)] ?? ids[argmax(allowed)]!;
  }

  /** Takes a token that was picked. */
  accept(id: number): void {
    const { machine, tokens } = this.masks;
    for (const byte of tokens.byId[id] ?? []) {
      const next = machine.after(this.state, byte);
      if (!next) throw new Error(`token ${id} may not come here`);
      this.state = next;
    }
  }

  private allows(id: number): boolean {
    if (this.endIds.has(id)) return this.state.canEnd;
    const { machine, tokens } = this.masks;
    const bytes = tokens.byId[id];
    if (!bytes || bytes.length === 0) return false;
    let state: GrammarState | null = this.state;
    for (const byte of bytes) {
      state = machine.after(state, byte);
      if (!state) return false;
    }
    return true;
  }

  private allowedIds(): Int32Array {
    const texts = this.masks.allowedIn(this.state);
    const ids = this.isEndText ? texts.filter((id) => !this.endIds.has(id)) : texts;
    return this.state.canEnd ? Int32Array.from([...ids, ...this.endIds]) : ids;
  }
}
