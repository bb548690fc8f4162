// Two treatments, each with and without the other, on the same rows: what each brings, and whether both bring more than
// their sum.
import { bootstrapMeans, type Interval, meanOf, ROUNDS } from "./bootstrap.ts";
import { normalCdf } from "./distributions.ts";
import { holm } from "./holm.ts";

/** One measure of the four, row by row: none, only the first treatment, only the second, both. */
export type Cells = {
  none: readonly number[];
  first: readonly number[];
  second: readonly number[];
  both: readonly number[];
};
/** A mean over the rows in the measure's unit, with its 95 % interval. */
export type Effect = Interval & { estimate: number };
export type Effects = {
  n: number;
  /** Mean gain by the first treatment, over rows with and without the second alike. */
  first: Effect;
  second: Effect;
  /** Gain by both less the gains by each alone; above 0, both bring more than their sum. */
  interaction: Effect;
  /** The first's gain less the second's. */
  lead: Effect;
};
export type TestedEffect = Effect & { p: number; adjustedP: number };
export type TestedEffects = {
  n: number;
  first: TestedEffect;
  second: TestedEffect;
  interaction: TestedEffect;
  /** Not one of the three that are corrected for each other: ask it only where one of them is there. */
  lead: Effect & { p: number };
};

/** Work of the exact test, in sums; more rows take the normal approximation, which is close by then. */
const EXACT_SUMS = 400_000;

/** Per row, in the order first, second, interaction, lead. @throws RangeError when the four differ in length */
function contrastsOf({ none, first, second, both }: Cells): Float64Array[] {
  const n = none.length;
  if ([first, second, both].some(({ length }) => length !== n))
    throw new RangeError("four columns of one length are compared");
  const of = (contrast: (o: number, a: number, b: number, ab: number) => number): Float64Array =>
    Float64Array.from(none, (o, row) =>
      settled(contrast(o, first[row] ?? 0, second[row] ?? 0, both[row] ?? 0)),
    );
  return [
    of((o, a, b, ab) => (a - o + ab - b) / 2),
    of((o, a, b, ab) => (b - o + ab - a) / 2),
    of((o, a, b, ab) => ab - a - b + o),
    of((_, a, b) => a - b),
  ];
}

/**
 * The two main effects, their interaction and their difference, each a mean over rows with a 95 % interval by the
 * percentile bootstrap over whole rows, so that what a row is like for all four stays together. Null without rows.
 * Montgomery: Design and analysis of experiments, 2017, section 5.3. @throws RangeError when the four differ in length
 */
export function factorialEffects(cells: Cells, seed = 1, rounds = ROUNDS): Effects | null {
  return effectsOf(contrastsOf(cells), seed, rounds);
}

/**
 * The same with two-sided p by the sign-flip test of each mean (Fisher: The design of experiments, 1935, section 21),
 * p of the two main effects and the interaction also corrected for their number by Holm.
 */
export function testedFactorial(cells: Cells, seed = 1, rounds = ROUNDS): TestedEffects | null {
  const contrasts = contrastsOf(cells);
  const effects = effectsOf(contrasts, seed, rounds);
  if (!effects) return null;
  const [first = 1, second = 1, interaction = 1, lead = 1] = contrasts.map((of) => signFlip(of));
  const adjusted = holm([first, second, interaction]);
  const tested = (effect: Effect, p: number, at: number): TestedEffect => ({
    ...effect,
    p,
    adjustedP: adjusted[at] ?? p,
  });
  return {
    n: effects.n,
    first: tested(effects.first, first, 0),
    second: tested(effects.second, second, 1),
    interaction: tested(effects.interaction, interaction, 2),
    lead: { ...effects.lead, p: lead },
  };
}

function effectsOf(contrasts: readonly Float64Array[], seed: number, rounds: number): Effects | null {
  const n = contrasts[0]?.length ?? 0;
  if (n === 0) return null;
  const intervals = bootstrapMeans(contrasts, seed, rounds);
  const none = { estimate: 0, low: 0, high: 0 };
  const [first = none, second = none, interaction = none, lead = none] = contrasts.map((of, at) => ({
    ...(intervals[at] ?? none),
    estimate: meanOf(of),
  }));
  return { n, first, second, interaction, lead };
}

/** Without the last digits, in which sums of scores such as 0.1 differ though they are the same. */
function settled(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

/**
 * The two-sided p that a mean is 0 where each value is as likely with the other sign: exact, by the distribution of all
 * 2^n sums, as long as these are few enough to count (values on a grid, as sums of grades are, or about 18 others);
 * else by the normal approximation with the variance of those sums. As scipy.stats.permutation_test with
 * permutation_type "samples". 1 where no value differs from 0. `most` is how many sums may be worked out.
 */
export function signFlip(values: Float64Array, most = EXACT_SUMS): number {
  // Whole billionths, so that equal sums are one sum.
  const sizes = [...values].filter((value) => value !== 0).map((value) => Math.round(value * 1e9));
  if (sizes.length === 0) return 1;
  const observed = Math.abs(sizes.reduce((sum, size) => sum + size, 0));
  let chances = new Map([[0, 1]]);
  let work = 0;
  for (const size of sizes) {
    work += chances.size * 2;
    if (work > most) {
      const deviation = Math.sqrt(sizes.reduce((sum, one) => sum + one ** 2, 0));
      return Math.min(1, 2 * normalCdf(-observed / deviation));
    }
    const next = new Map<number, number>();
    for (const [sum, chance] of chances)
      for (const to of [sum - size, sum + size]) next.set(to, (next.get(to) ?? 0) + chance / 2);
    chances = next;
  }
  let asFar = 0;
  for (const [sum, chance] of chances) if (Math.abs(sum) >= observed) asFar += chance;
  return Math.min(1, asFar);
}
