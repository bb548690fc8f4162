// Chooses which rows of a dataset are taken: all, the first, or some by chance that the same seed repeats.
import { EspalierError } from "../../kit/errors.ts";

export type SampleWish = {
  kind: "all" | "first" | "random" | "stratified";
  /** Rows to take at most; "all" does not look at it. */
  size: number;
  /** Chance's beginning; only "random" and "stratified" look at it. */
  seed: number;
};
/** Makes a generator of numbers from 0 to below 1 that repeats by its seed. */
export type Uniform = (seed: number) => () => number;

type Stratum = { rows: number[]; share: number };

/**
 * The indices of the rows to take, ascending, each once. A random sample holds every smaller one of the same
 * seed. A stratified one takes of each stratum its share by largest remainder, and at least one row where
 * there are no more strata than rows to take; `strata` says of each row which it belongs to.
 * @throws EspalierError SAMPLE_INVALID
 */
export function sampleRows(
  count: number,
  wish: SampleWish,
  uniform: Uniform,
  strata?: readonly string[],
): number[] {
  if (wish.kind === "all") return firstOf(count);
  if (!Number.isSafeInteger(wish.size) || wish.size < 1) throw invalid("size", wish.size);
  const size = Math.min(wish.size, count);
  if (wish.kind === "first") return firstOf(size);
  if (!Number.isSafeInteger(wish.seed)) throw invalid("seed", wish.seed);
  const random = uniform(wish.seed);
  if (wish.kind === "random") return inOrder(drawn(count, size, random));
  if (strata?.length !== count) throw new Error(`${count} rows have ${strata?.length ?? "no"} strata.`);
  const groups = groupsOf(strata);
  allot(groups, size, random);
  return inOrder(
    groups.flatMap(({ rows, share }) => drawn(rows.length, share, random).flatMap((at) => rows[at] ?? [])),
  );
}

function firstOf(count: number): number[] {
  return Array.from({ length: count }, (_, row) => row);
}

function inOrder(rows: number[]): number[] {
  return rows.sort((left, right) => left - right);
}

/**
 * Some of the numbers below `count` by chance: the beginning of a shuffle (Fisher and Yates), of which only
 * that much is made, and only what has changed its place is kept.
 */
function drawn(count: number, size: number, random: () => number): number[] {
  const moved = new Map<number, number>();
  return Array.from({ length: size }, (_, at) => {
    const place = at + Math.floor(random() * (count - at));
    const chosen = moved.get(place) ?? place;
    moved.set(place, moved.get(at) ?? at);
    return chosen;
  });
}

/** The strata in the order in which they come. */
function groupsOf(strata: readonly string[]): Stratum[] {
  const groups = new Map<string, Stratum>();
  strata.forEach((key, row) => {
    const group = groups.get(key);
    if (group) group.rows.push(row);
    else groups.set(key, { rows: [row], share: 0 });
  });
  return [...groups.values()];
}

/** Says of each stratum how many rows are taken of it. */
function allot(groups: readonly Stratum[], size: number, random: () => number): void {
  let left = size;
  let rows = groups.reduce((sum, group) => sum + group.rows.length, 0);
  let large: Stratum[] = [...groups];
  if (groups.length <= size) {
    // From the smallest up: whoever's share is below one has one, and the others share what is left.
    large.sort((one, other) => one.rows.length - other.rows.length);
    const small = large.findIndex((group) => {
      if (left * group.rows.length >= rows) return true;
      group.share = 1;
      left--;
      rows -= group.rows.length;
      return false;
    });
    large = small < 0 ? [] : large.slice(small);
  }
  // In whole numbers, so that equal remainders are equal; chance says which is first, not the file's order.
  const ranked = large.map((group) => ({
    group,
    remainder: (left * group.rows.length) % rows,
    luck: random(),
  }));
  let given = 0;
  for (const { group, remainder } of ranked) {
    group.share = (left * group.rows.length - remainder) / rows;
    given += group.share;
  }
  ranked.sort((one, other) => other.remainder - one.remainder || one.luck - other.luck);
  for (const { group } of ranked.slice(0, left - given)) group.share++;
}

function invalid(field: string, value: number): EspalierError {
  return new EspalierError("SAMPLE_INVALID", `The sample's ${field} cannot be ${value}.`, {
    field,
    value: String(value),
    hint: "Give a whole number; a size begins at 1.",
  });
}
