// Compares by meaning what words did not find: each row with those rows of training that share most of its rare words.
import type { Embedders } from "../../inference/inference.ts";
import { limits } from "../../kit/limits.ts";
import type { Found, Unfound } from "./finding.ts";
import { MEANING_FROM } from "./measures.ts";

/** Texts that are embedded between two looks at the signal. */
const BATCH = 128;

/**
 * Rows whose question, without the wording that all share, is alike in meaning to that of a row of training: by the
 * cosine of the built-in embedder. One with other figures is another question.
 */
export async function alikeInMeaning(
  embedders: Embedders,
  projectId: string,
  unfound: readonly Unfound[],
  { signal, onProgress }: { signal: AbortSignal; onProgress: (fraction: number) => void },
): Promise<{ found: Found[]; rows: number; embedder: string | null }> {
  const [proposed] = await embedders.list(projectId);
  const embedder = proposed && (await embedders.find(projectId, proposed.id));
  const some = unfound.slice(0, limits.overlapMeaningRows);
  if (!embedder || embedder.isThirdParty || some.length === 0) return { found: [], rows: 0, embedder: null };
  const sameNumbers = (a: readonly string[], b: readonly string[]): boolean =>
    a.every((number) => b.includes(number));
  const texts = new Set<string>();
  for (const { telling, numbers, candidates } of some)
    for (const candidate of candidates) {
      if (candidate.telling === "" || !sameNumbers(numbers, candidate.numbers)) continue;
      texts.add(telling);
      texts.add(candidate.telling);
    }
  const vectors = new Map<string, Float32Array>();
  const all = [...texts];
  for (let at = 0; at < all.length; at += BATCH) {
    signal.throwIfAborted();
    const part = all.slice(at, at + BATCH);
    const made = await embedder.embed(part, "passage", signal);
    part.forEach((text, i) => {
      const vector = made[i];
      if (vector) vectors.set(text, vector);
    });
    onProgress((at + part.length) / all.length);
  }
  const found: Found[] = [];
  for (const { row, telling, numbers, candidates } of some) {
    const own = vectors.get(telling);
    let best: Found | null = null;
    for (const { entry, telling: other, numbers: others, hasAnswer } of candidates) {
      const vector = vectors.get(other);
      if (!own || !vector || !sameNumbers(numbers, others)) continue;
      const similarity = Math.min(1, cosine(own, vector));
      if (similarity < MEANING_FROM || similarity <= (best?.similarity ?? 0)) continue;
      best = { row, level: "meaning", similarity, hasQuestion: true, hasAnswer, entry };
    }
    if (best) found.push(best);
  }
  return { found, rows: some.length, embedder: embedder.name };
}

/** Of two vectors of length 1. */
function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}
