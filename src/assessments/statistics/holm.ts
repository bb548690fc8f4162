// Many comparisons at once: p-values corrected so that chance alone rarely calls any of them different.

/**
 * Holm's step-down correction of p-values, in the order given: each at most 1, none smaller than one of a
 * smaller p. Holm: A simple sequentially rejective multiple test procedure, 1979; as statsmodels
 * multipletests(method="holm").
 */
export function holm(pValues: readonly number[]): number[] {
  const corrected = new Array<number>(pValues.length).fill(1);
  const ascending = pValues.map((p, at) => ({ p, at })).sort((one, other) => one.p - other.p);
  let largest = 0;
  ascending.forEach(({ p, at }, rank) => {
    largest = Math.max(largest, Math.min(1, p * (pValues.length - rank)));
    corrected[at] = largest;
  });
  return corrected;
}
