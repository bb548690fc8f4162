// How far two raters agree, such as a judge and a person: the share of equal labels, and Cohen's kappa.
import type { Interval } from "./bootstrap.ts";
import { normalQuantile } from "./distributions.ts";
import { wilson } from "./intervals.ts";

/** Labels are compared as they are; their order means nothing. */
export type Label = string | number | boolean;
export type Agreement = Interval & { n: number; agreed: number; share: number };
export type Kappa = Interval & { n: number; kappa: number };

/**
 * The share, from 0 to 1, of items that both raters gave the same label (first[i] and second[i] are of the
 * same item), with Wilson's 95 % interval. Null without items.
 * @throws RangeError when the lists differ in length.
 */
export function rawAgreement(first: readonly Label[], second: readonly Label[]): Agreement | null {
  const n = pairsOf(first, second);
  if (n === 0) return null;
  const agreed = first.filter((label, item) => label === second[item]).length;
  return { n, agreed, share: agreed / n, ...wilson(agreed, n) };
}

/**
 * Cohen's kappa of two raters: 1 for full agreement, 0 for that of chance, with its large-sample 95 %
 * interval (which may pass 1). Null without items, and where both gave one same label only: chance alone then
 * agrees fully. Cohen: A coefficient of agreement for nominal scales, 1960; variance by Fleiss, Cohen,
 * Everitt 1969, as statsmodels' cohens_kappa.
 * @throws RangeError when the lists differ in length.
 */
export function cohensKappa(first: readonly Label[], second: readonly Label[]): Kappa | null {
  const n = pairsOf(first, second);
  const labels = [...new Set([...first, ...second])];
  if (labels.length < 2) return null;
  const position = new Map(labels.map((label, at) => [label, at]));
  const table = labels.map(() => labels.map(() => 0));
  const ofFirst = labels.map(() => 0);
  const ofSecond = labels.map(() => 0);
  const add = (shares: number[] | undefined, at: number): void => {
    if (shares) shares[at] = (shares[at] ?? 0) + 1 / n;
  };
  first.forEach((label, item) => {
    const row = position.get(label) ?? 0;
    const column = position.get(second[item] ?? label) ?? 0;
    add(table[row], column);
    add(ofFirst, row);
    add(ofSecond, column);
  });
  let observed = 0;
  let expected = 0;
  labels.forEach((_, at) => {
    observed += table[at]?.[at] ?? 0;
    expected += (ofFirst[at] ?? 0) * (ofSecond[at] ?? 0);
  });
  const kappa = (observed - expected) / (1 - expected);
  let spread = 0;
  table.forEach((shares, row) => {
    shares.forEach((share, column) => {
      spread +=
        row === column
          ? share * (1 - ((ofFirst[row] ?? 0) + (ofSecond[row] ?? 0)) * (1 - kappa)) ** 2
          : share * (1 - kappa) ** 2 * ((ofSecond[row] ?? 0) + (ofFirst[column] ?? 0)) ** 2;
    });
  });
  const variance = (spread - (kappa - expected * (1 - kappa)) ** 2) / ((1 - expected) ** 2 * n);
  // Full agreement has no variance, but for rounding.
  const half = normalQuantile(0.975) * Math.sqrt(Math.max(0, variance));
  return { n, kappa, low: kappa - half, high: kappa + half };
}

function pairsOf(first: readonly Label[], second: readonly Label[]): number {
  if (first.length === second.length) return first.length;
  throw new RangeError(`${first.length} labels cannot be compared with ${second.length}`);
}
