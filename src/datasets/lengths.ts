// How long rows are in a base model's tokens, and what a training that keeps only so many would cut off.
import type { EnginePool, ModelSource, RenderedRow } from "../inference/inference.ts";
import type { Mapping, TrainingRow } from "./shape.ts";

export type Histogram = {
  /** Bounds of the bars: one more than there are bars. */
  edges: number[];
  counts: number[];
  p50: number;
  p95: number;
  max: number;
  sampled: number;
};
/** A row's tokens, and the first of them that the training learns, from 0; -1 where there is none. */
export type RowLength = { tokens: number; firstLearned: number; isTrained: boolean };
export type CutRows = {
  /** Training rows that were looked at. */
  sampled: number;
  /** Those of them that lose their end. */
  cut: number;
  /** Those of them that keep nothing to learn. */
  lost: number;
  /** Tokens that hold 95 of 100 rows whole, and all of them. */
  p95: number;
  max: number;
};

const BARS = 20;
/** Datasets and base models whose lengths are remembered: a form asks for the same ones at each keystroke. */
const KEPT = 20;

/** A row as the trainer will encode it: test/mask.test.ts holds both to the same ids and marks. */
export const seenBy = (engine: EnginePool, source: ModelSource, row: TrainingRow): Promise<RenderedRow> =>
  "messages" in row
    ? engine.render(source, row.messages)
    : engine.renderPair(source, row.prompt, row.completion);

type Count<V> = (version: V, source: ModelSource, mapping: Mapping | undefined) => Promise<RowLength[]>;

/** The same count, remembered for a while: neither a version nor a base model ever changes. */
export function keepLengths<V extends { id: string }>(count: Count<V>): Count<V> {
  const known = new Map<string, Promise<RowLength[]>>();
  return (version, source, mapping) => {
    const key = JSON.stringify([version.id, source.hash, mapping]);
    const found = known.get(key) ?? count(version, source, mapping);
    known.delete(key);
    known.set(key, found);
    found.catch(() => known.delete(key));
    for (const [oldest] of known) if (known.size > KEPT) known.delete(oldest);
    return found;
  };
}

export function cutOf(lengths: readonly RowLength[], maxTokens: number): CutRows {
  const trained = lengths.filter(({ isTrained }) => isTrained);
  const { p95, max } = histogramOf(trained);
  return {
    sampled: trained.length,
    cut: trained.filter(({ tokens }) => tokens > maxTokens).length,
    lost: trained.filter(({ firstLearned }) => firstLearned < 0 || firstLearned >= maxTokens).length,
    p95,
    max,
  };
}

/** Bars of equal width from 0 to the longest row. */
export function histogramOf(lengths: readonly RowLength[]): Histogram {
  const sorted = lengths.map(({ tokens }) => tokens).sort((a, b) => a - b);
  const max = sorted.at(-1) ?? 0;
  const width = Math.max(1, Math.ceil((max + 1) / BARS));
  const edges = Array.from({ length: BARS + 1 }, (_, at) => at * width);
  const counts = new Array<number>(BARS).fill(0);
  for (const length of sorted) {
    const bar = Math.min(BARS - 1, Math.floor(length / width));
    counts[bar] = (counts[bar] ?? 0) + 1;
  }
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { edges, counts, p50: at(0.5), p95: at(0.95), max, sampled: sorted.length };
}
