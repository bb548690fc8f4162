// Chooses the next token: greedy, or temperature with top-k and top-p, from a seeded generator.

export type Sampling = { temperature: number; topP: number; topK: number; seed: number };

/** A uniform generator on [0, 1) (mulberry32): the same seed gives the same replies. */
export function seededUniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Index of the largest logit; the first one where several are equal. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/** A function that picks a token id from logits of one position. */
export function createSampler(sampling: Sampling): (logits: Float32Array) => number {
  const { temperature, topP, topK } = sampling;
  if (temperature <= 0) return argmax;
  const uniform = seededUniform(sampling.seed);
  return (logits) => {
    const order = candidates(logits, topK > 0 ? topK : logits.length, temperature);
    const largest = logits[order[0]!]!;
    const weights = order.map((id) => Math.exp((logits[id]! - largest) / temperature));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let kept = 0;
    let mass = 0;
    while (kept < order.length && (kept === 0 || mass < topP * total)) mass += weights[kept++]!;
    let point = uniform() * mass;
    for (let i = 0; i < kept; i++) {
      point -= weights[i]!;
      if (point < 0) return order[i]!;
    }
    return order[kept - 1]!;
  };
}

/** Ids of the `count` largest logits, largest first; those too unlikely to be ever drawn are left out. */
function candidates(logits: Float32Array, count: number, temperature: number): number[] {
  const floor = logits[argmax(logits)]! - 30 * temperature;
  const ids: number[] = [];
  for (let i = 0; i < logits.length; i++) if (logits[i]! >= floor) ids.push(i);
  ids.sort((a, b) => logits[b]! - logits[a]! || a - b);
  return ids.length > count ? ids.slice(0, count) : ids;
}
