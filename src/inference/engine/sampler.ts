// Chooses the next token: greedy, or temperature with top-k and top-p, from a seeded generator.
import { uniform } from "../../kit/random.ts";

export type Sampling = { temperature: number; topP: number; topK: number; seed: number };

/** Index of the largest logit; the first one where several are equal. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/** A function that picks a token id from logits of one position: top-k first, then top-p of what is left. */
export function createSampler(sampling: Sampling): (logits: Float32Array) => number {
  const { temperature, topP, topK } = sampling;
  if (temperature <= 0) return argmax;
  const random = uniform(sampling.seed);
  return (logits) => {
    const largest = logits[argmax(logits)]!;
    const weightOf = (id: number): number => Math.exp((logits[id]! - largest) / temperature);
    let total = 0;
    if (topK <= 0) for (let id = 0; id < logits.length; id++) total += weightOf(id);
    if (topK <= 0 && topP >= 1) return draw(logits.length, (id) => id, weightOf, random() * total);
    const order = largestFirst(logits, largest, temperature, (ids) =>
      topK > 0 ? ids.length >= topK : massOf(ids, weightOf) >= topP * total,
    );
    if (topK > 0 && order.length > topK) order.length = topK;
    const whole = topK > 0 ? massOf(order, weightOf) : total;
    let kept = 0;
    let mass = 0;
    while (kept < order.length && (kept === 0 || mass < topP * whole)) mass += weightOf(order[kept++]!);
    return draw(kept, (i) => order[i]!, weightOf, random() * mass);
  };
}

function massOf(ids: readonly number[], weightOf: (id: number) => number): number {
  let mass = 0;
  for (const id of ids) mass += weightOf(id);
  return mass;
}

/** Walks `count` ids until their weights pass `point`. */
function draw(
  count: number,
  idAt: (i: number) => number,
  weightOf: (id: number) => number,
  point: number,
): number {
  let left = point;
  for (let i = 0; i < count; i++) {
    left -= weightOf(idAt(i));
    if (left < 0) return idAt(i);
  }
  return idAt(count - 1);
}

/** Ids of the largest logits, largest first, as many as `isEnough` asks: sorting a whole vocabulary takes 10 ms. */
function largestFirst(
  logits: Float32Array,
  largest: number,
  temperature: number,
  isEnough: (ids: readonly number[]) => boolean,
): number[] {
  let ids: number[] = [];
  for (const depth of [3, 6, 12, 24, Number.POSITIVE_INFINITY]) {
    const floor = largest - depth * temperature;
    ids = [];
    for (let id = 0; id < logits.length; id++) if (logits[id]! >= floor) ids.push(id);
    if (isEnough(ids)) break;
  }
  return ids.sort((a, b) => logits[b]! - logits[a]! || a - b);
}
