// Which conversation sits in which slot of the cache: finished ones stay for their next turn while there is room.
import { limits } from "../../kit/limits.ts";

/** What a slot holds: the keys and values of `ids`, computed with the adapter of that hash ("" for none). */
export type Conversation = { readonly slot: number; readonly adapterHash: string; readonly ids: number[] };

type Slot = Conversation & { isBusy: boolean; usedAt: number };

export class Conversations {
  private readonly slots: Slot[] = [];
  private readonly waiting: (() => void)[] = [];
  private clock = 0;

  /** @param copy makes slot `to` begin with the first `tokens` tokens of slot `from`. */
  constructor(private readonly copy: (from: number, to: number, tokens: number) => void) {}

  /**
   * A slot for the prompt `ids`, holding as much of its beginning as some slot remembers, but never all of it: the last
   * token is fed again for its logits. Waits while all slots answer. Give it back with `release`.
   */
  async take(ids: readonly number[], adapterHash: string): Promise<Conversation> {
    for (;;) {
      const slot = this.find(ids, adapterHash);
      if (slot) return slot;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  private find(ids: readonly number[], adapterHash: string): Conversation | null {
    let source: Slot | undefined;
    let shared = 0;
    for (const slot of this.slots) {
      if (slot.adapterHash !== adapterHash) continue;
      const common = Math.min(commonStart(slot.ids, ids), ids.length - 1);
      if (common > shared || (common === shared && common > 0 && source?.isBusy))
        [source, shared] = [slot, common];
    }
    // A conversation that only goes on keeps its slot; one that branches off leaves the old one whole if it can.
    const goesOn = source && !source.isBusy && shared >= source.ids.length - 1;
    const target = goesOn ? source : this.freeSlot();
    if (!target) return null;
    if (source && source !== target) this.copy(source.slot, target.slot, shared);
    const taken: Slot = {
      slot: target.slot,
      adapterHash,
      ids: ids.slice(0, shared),
      isBusy: true,
      usedAt: this.clock++,
    };
    this.slots[target.slot] = taken;
    return taken;
  }

  /** An empty slot, else a new one, else the idle one unused for longest. */
  private freeSlot(): Slot | undefined {
    const idle = this.slots.filter((slot) => !slot.isBusy);
    const empty = idle.find((slot) => slot.ids.length === 0);
    if (empty) return empty;
    if (this.slots.length < limits.engineSlots) {
      const fresh = { slot: this.slots.length, adapterHash: "", ids: [], isBusy: false, usedAt: 0 };
      this.slots.push(fresh);
      return fresh;
    }
    return idle.sort((a, b) => a.usedAt - b.usedAt)[0];
  }

  /**
   * Ends the use of a slot. What it holds is kept within `limits.engineKeptTokens`, the latest one always.
   * Returns the tokens that each slot holds.
   */
  release(conversation: Conversation): number[] {
    const mine = this.slots[conversation.slot];
    if (mine !== conversation) throw new Error(`slot ${conversation.slot} was given back twice`);
    mine.isBusy = false;
    let kept = 0;
    const idle = this.slots.filter((slot) => !slot.isBusy).sort((a, b) => b.usedAt - a.usedAt);
    for (const slot of idle) {
      kept += slot.ids.length;
      if (slot !== mine && kept > limits.engineKeptTokens) slot.ids.length = 0;
    }
    this.waiting.shift()?.();
    return this.lengths();
  }

  /** Forgets the finished conversations. Returns the tokens that each slot holds. */
  forgetIdle(): number[] {
    for (const slot of this.slots) if (!slot.isBusy) slot.ids.length = 0;
    return this.lengths();
  }

  private lengths(): number[] {
    return this.slots.map((slot) => slot.ids.length);
  }
}

/** Ids that both begin with. */
function commonStart(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  let i = 0;
  while (i < most && a[i] === b[i]) i++;
  return i;
}
