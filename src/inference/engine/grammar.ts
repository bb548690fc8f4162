// A grammar over bytes as a machine that is built while it runs: which byte may come next, and whether it may end.

/** 256 entries: 1 for each byte that fits. */
export type ByteSet = Uint8Array;
export type Element = { bytes: ByteSet } | { rule: number };
/** Elements one after the other. */
export type Sequence = readonly Element[];
/** Alternatives by rule. None may begin with itself. */
export type Grammar = { rules: readonly (readonly Sequence[])[]; root: number };

/** Where the machine stands in one reading of what came: the rest of a sequence, then that of the one around it. */
type Place = { id: number; sequence: Sequence; at: number; outer: Place | null; inner?: Place };

/** All that may still come: a state of the machine. Equal ones are the same object. */
export type GrammarState = {
  /** Whether what came is whole. */
  canEnd: boolean;
  /** Whether nothing may follow. */
  isOver: boolean;
  /** @internal */
  places: readonly Place[];
  /** @internal The state after each byte; null where it may not come, undefined while nobody asked. */
  next: (GrammarState | null | undefined)[];
  /** @internal */
  inner?: GrammarState;
};

/** Frames that `innermost` keeps: within a string its character, the rest of its characters, and its end. */
const FRAMES = 3;

export class GrammarMachine {
  readonly start: GrammarState;
  private readonly places = new Map<string, Place>();
  private readonly states = new Map<string, GrammarState>();
  private readonly sequenceIds = new Map<Sequence, number>();

  constructor(private readonly grammar: Grammar) {
    const found = new Set<Place | null>();
    this.descend({ rule: grammar.root }, null, found);
    this.start = this.stateOf(found);
  }

  /** The state after a byte, or null where it may not come. */
  after(state: GrammarState, byte: number): GrammarState | null {
    const known = state.next[byte];
    if (known !== undefined) return known;
    const found = new Set<Place | null>();
    for (const { sequence, at, outer } of state.places) {
      const element = sequence[at];
      if (element && "bytes" in element && element.bytes[byte]) this.resume(sequence, at + 1, outer, found);
    }
    const next = found.size === 0 ? null : this.stateOf(found);
    state.next[byte] = next;
    return next;
  }

  /** Places and states so far. */
  get size(): number {
    return this.places.size + this.states.size;
  }

  /** The state without what is around its innermost frames: where `canEnd` comes true, these may have been left. */
  innermost(state: GrammarState): GrammarState {
    state.inner ??= this.stateOf(new Set(state.places.map((place) => this.innermostPlace(place))));
    return state.inner;
  }

  private innermostPlace(place: Place): Place {
    if (place.inner) return place.inner;
    const kept = (one: Place | null, frames: number): Place | null =>
      one && frames > 0 ? this.placeOf(one.sequence, one.at, kept(one.outer, frames - 1)) : null;
    place.inner = this.placeOf(place.sequence, place.at, kept(place.outer, FRAMES - 1));
    return place.inner;
  }

  /** Goes on in a sequence: down into rules until bytes are wanted; null stands for the end of all. */
  private resume(sequence: Sequence, at: number, outer: Place | null, found: Set<Place | null>): void {
    const element = sequence[at];
    if (!element) {
      if (outer) this.resume(outer.sequence, outer.at, outer.outer, found);
      else found.add(null);
    } else if ("bytes" in element) found.add(this.placeOf(sequence, at, outer));
    // A last element needs no way back: a list of any length takes no more room than one of one.
    else
      this.descend(element, at + 1 < sequence.length ? this.placeOf(sequence, at + 1, outer) : outer, found);
  }

  private descend({ rule }: { rule: number }, outer: Place | null, found: Set<Place | null>): void {
    for (const sequence of this.grammar.rules[rule] ?? []) this.resume(sequence, 0, outer, found);
  }

  private placeOf(sequence: Sequence, at: number, outer: Place | null): Place {
    const sequenceId = this.sequenceIds.get(sequence) ?? this.sequenceIds.size;
    this.sequenceIds.set(sequence, sequenceId);
    const key = `${sequenceId}.${at}.${outer?.id ?? ""}`;
    const known = this.places.get(key);
    if (known) return known;
    const place = { id: this.places.size, sequence, at, outer };
    this.places.set(key, place);
    return place;
  }

  private stateOf(found: Set<Place | null>): GrammarState {
    const places = [...found].filter((place) => place !== null).sort((a, b) => a.id - b.id);
    const canEnd = found.has(null);
    const key = `${canEnd}:${places.map(({ id }) => id).join()}`;
    const known = this.states.get(key);
    if (known) return known;
    const state: GrammarState = { canEnd, isOver: places.length === 0, places, next: [] };
    this.states.set(key, state);
    return state;
  }
}
