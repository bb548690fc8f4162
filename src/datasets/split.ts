// Puts each row into train, validation or test: by the dataset's own `split` column, else by seed and fraction.
import { uniform } from "../kit/random.ts";
import type { Row } from "./rows-types.ts";

export const splits = ["train", "validation", "test"] as const;
export type Split = (typeof splits)[number];

export const isSplit = (word: string): word is Split => splits.some((one) => one === word);

const names: Readonly<Record<string, Split>> = {
  train: "train",
  training: "train",
  validation: "validation",
  valid: "validation",
  val: "validation",
  dev: "validation",
  test: "test",
};

/** The split that a row's own `split` column names, or null. */
export function splitOfRow(row: Row): Split | null {
  const value = row.split;
  if (typeof value !== "string" || !Object.hasOwn(names, value.toLowerCase())) return null;
  return names[value.toLowerCase()] ?? null;
}

/**
 * The split of each row, as an index into `splits`. Fractions are in [0, 1); a fraction above 0 gets at least one
 * row where there are enough, and training always keeps at least one. Same seed and count, same answer.
 */
export function assignSplits(
  rowCount: number,
  options: { seed: number; validation?: number; test?: number },
): Uint8Array {
  const assigned = new Uint8Array(rowCount);
  const order = new Uint32Array(rowCount);
  for (let at = 0; at < rowCount; at++) order[at] = at;
  const random = uniform(options.seed);
  for (let at = rowCount - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    const kept = order[at] ?? 0;
    order[at] = order[other] ?? 0;
    order[other] = kept;
  }
  let next = 0;
  for (const [split, fraction] of [
    [1, options.validation ?? 0],
    [2, options.test ?? 0],
  ] as const) {
    const wanted = fraction > 0 ? Math.max(1, Math.round(rowCount * fraction)) : 0;
    const end = Math.min(next + wanted, Math.max(0, rowCount - 1));
    for (; next < end; next++) assigned[order[next] ?? 0] = split;
  }
  return assigned;
}
