// One decoder, many replies: steps that wait together are taken together, and long prompts go in between.
import type { Adapter, Decoder, PrefillStep } from "./decoder.ts";

type Waiting<Step, Result> = {
  step: Step;
  adapter: Adapter | null;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
};
type Row = { slot: number; past: number; id: number };

/**
 * Each round takes one waiting change of the decoder, else one waiting piece of a prompt and then all waiting tokens:
 * tokens of the base and of one adapter in one step, those of other adapters in steps of their own.
 */
export class StepQueue {
  private readonly prefills: Waiting<PrefillStep, Float32Array>[] = [];
  private readonly rows: Waiting<Row, Float32Array>[] = [];
  private readonly changes: (() => Promise<void>)[] = [];
  private isRunning = false;

  /** @param zeros stands for no adapter; null while the graph takes none. */
  constructor(
    private readonly decoder: Decoder,
    private readonly zeros: () => Adapter | null,
  ) {}

  /** Feeds a piece of a prompt. The logits are valid until the next await. */
  prefill(step: Omit<PrefillStep, "usesAdapter">, adapter: Adapter | null): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      const whole = { ...step, usesAdapter: adapter !== null };
      this.prefills.push({ step: whole, adapter, resolve, reject });
      this.wake();
    });
  }

  /** Feeds one token. The logits [vocab] are valid until the next await. */
  decode(row: Row, adapter: Adapter | null): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      this.rows.push({ step: row, adapter, resolve, reject });
      this.wake();
    });
  }

  /** Runs `work` while no step runs. */
  change<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.changes.push(() => work().then(resolve, reject));
      this.wake();
    });
  }

  private wake(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    void this.pump();
  }

  private async pump(): Promise<void> {
    await breathe();
    for (;;) {
      const change = this.changes.shift();
      if (change) await change().then(breathe);
      else if (this.prefills.length > 0 || this.rows.length > 0) await this.round();
      else break;
    }
    this.isRunning = false;
  }

  private async round(): Promise<void> {
    const rows = this.rows.splice(0);
    const prompt = this.prefills.shift();
    if (prompt) {
      const { step, adapter, resolve, reject } = prompt;
      await this.decoder.prefill(step, adapter ?? this.zeros()).then(resolve, reject);
      await breathe();
    }
    for (const group of byAdapter(rows)) {
      const adapter = group.find((row) => row.adapter)?.adapter ?? this.zeros();
      const step = group.map((row) => ({ ...row.step, usesAdapter: row.adapter !== null }));
      try {
        const logits = await this.decoder.decode(step, adapter);
        for (const [i, row] of group.entries()) row.resolve(logits[i] ?? new Float32Array(0));
      } catch (error) {
        for (const row of group) row.reject(error);
      }
      await breathe();
    }
  }
}

/** Whoever has logits reads them and asks for the next step; messages (a cancel among them) come in. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Rows of one step share at most one adapter; those of the base join the first group. */
function byAdapter(rows: readonly Waiting<Row, Float32Array>[]): Waiting<Row, Float32Array>[][] {
  const groups = new Map<Adapter, Waiting<Row, Float32Array>[]>();
  const base = rows.filter((row) => row.adapter === null);
  for (const row of rows) {
    if (!row.adapter) continue;
    const group = groups.get(row.adapter);
    if (group) group.push(row);
    else groups.set(row.adapter, [row]);
  }
  const all = [...groups.values()];
  if (base.length > 0) all[0] = [...(all[0] ?? []), ...base];
  return all;
}
