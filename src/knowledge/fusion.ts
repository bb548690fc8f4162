// Reciprocal rank fusion: one order of what several rankers found, which need not agree on a scale.
// Cormack, Clarke, Büttcher: Reciprocal Rank Fusion outperforms Condorcet …, SIGIR 2009.
import type { Found } from "./search.ts";

/** Their constant: the larger, the less the very first ranks weigh. */
const K = 60;

/** Best first; the score is 1 for what each ranker that found anything has in its first place. */
export function fuse(found: readonly Found[]): { found: Found; score: number }[] {
  const rankers = [found.some(({ words }) => words), found.some(({ meaning }) => meaning?.rank)];
  const most = (rankers.filter(Boolean).length || 1) / (K + 1);
  const part = (rank: number | null | undefined): number => (rank ? 1 / (K + rank) : 0);
  return found
    .map((one) => ({ found: one, score: (part(one.words?.rank) + part(one.meaning?.rank)) / most }))
    .toSorted((a, b) => b.score - a.score || a.found.number - b.found.number);
}
