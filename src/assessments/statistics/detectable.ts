// What a comparison can find: the least difference at so many rows, and the rows that a difference needs.
import { meanOf } from "./bootstrap.ts";
import { normalQuantile } from "./distributions.ts";

/**
 * The least mean paired difference, in the scores' unit, that a two-sided test at level alpha finds with that
 * power at this number of rows: (z of 1 - alpha/2 + z of power) · sd / √n. Null for fewer than two
 * differences. Cohen: Statistical power analysis for the behavioral sciences, 1988, chapter 2; by the normal
 * approximation.
 */
export function minimumDetectableEffect(
  differences: readonly number[],
  power = 0.8,
  alpha = 0.05,
): number | null {
  const deviation = sampleDeviation(differences);
  if (deviation === null) return null;
  return (standardEffect(power, alpha) * deviation) / Math.sqrt(differences.length);
}

/**
 * How many rows a comparison needs to find an effect (a mean paired difference in the scores' unit, of either
 * sign) with that power, if its differences vary as these do: the inverse of minimumDetectableEffect, rounded
 * up, at least 2. Null for an effect of 0, which no number of rows shows, and for fewer than two differences.
 */
export function rowsFor(
  effect: number,
  differences: readonly number[],
  power = 0.8,
  alpha = 0.05,
): number | null {
  const deviation = sampleDeviation(differences);
  if (deviation === null || effect === 0) return null;
  const rows = ((standardEffect(power, alpha) * deviation) / effect) ** 2;
  // Rounding must not ask for one more row than the effect that was computed at a number of rows.
  return Math.max(2, Math.ceil(rows * (1 - 1e-12)));
}

/** The distance of the two hypotheses' means in standard errors. */
function standardEffect(power: number, alpha: number): number {
  return normalQuantile(1 - alpha / 2) + normalQuantile(power);
}

/** The sample's standard deviation, with n - 1; null for fewer than two values. */
function sampleDeviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
