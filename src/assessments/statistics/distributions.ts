// The distributions behind intervals and tests: normal CDF and quantile, log-gamma, the exact binomial test.

/**
 * The share of a standard normal distribution below x. Accurate to about 1e-13 relative in the lower tail.
 * Marsaglia: Evaluating the normal distribution, 2004 (the series); Abramowitz, Stegun 26.2.14 (the
 * fraction).
 */
export function normalCdf(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  if (x > 0) return 1 - normalCdf(-x);
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  // The series loses digits in the tail by cancellation, the fraction converges slowly near the middle.
  return x > -3 ? 0.5 - density * oddSeries(-x) : density * tailFraction(-x);
}

/** x + x³/3 + x⁵/(3·5) + …, summed until nothing is added. */
function oddSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let odd = 3; term > sum * 1e-17; odd += 2) {
    term *= (x * x) / odd;
    sum += term;
  }
  return sum;
}

/** 1/(x + 1/(x + 2/(x + …))), from the inside out; 80 steps are enough from x = 3 on. */
function tailFraction(x: number): number {
  if (x === Number.POSITIVE_INFINITY) return 0;
  let bottom = x;
  for (let step = 80; step >= 1; step--) bottom = x + step / bottom;
  return 1 / bottom;
}

// Coefficients of Wichura's PPND16, lowest power first: middle, near tail, far tail.
const MIDDLE = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
    67265.7709270087, 33430.57558358813, 2509.0809287301227,
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
  ],
] as const;
const NEAR_TAIL = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
] as const;
const FAR_TAIL = [
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 0.000027115555687434876, 2.0103343992922881e-7,
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
    0.000018463183175100548, 1.421511758316446e-7, 2.0442631033899397e-15,
  ],
] as const;

/**
 * The x below which a share of a standard normal distribution lies; -∞ for 0, ∞ for 1, NaN outside.
 * Wichura: Algorithm AS 241, the percentage points of the normal distribution, 1988 (about 16 digits).
 */
export function normalQuantile(share: number): number {
  if (!(share >= 0 && share <= 1)) return Number.NaN;
  const centred = share - 0.5;
  if (Math.abs(centred) <= 0.425) return centred * ratio(MIDDLE, 0.180625 - centred * centred);
  const depth = Math.sqrt(-Math.log(Math.min(share, 1 - share)));
  if (depth === Number.POSITIVE_INFINITY) return Math.sign(centred) * depth;
  const size = depth <= 5 ? ratio(NEAR_TAIL, depth - 1.6) : ratio(FAR_TAIL, depth - 5);
  return Math.sign(centred) * size;
}

function ratio([top, bottom]: readonly [readonly number[], readonly number[]], x: number): number {
  const horner = (coefficients: readonly number[]): number =>
    coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
  return horner(top) / horner(bottom);
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 0.000009984369578019572, 1.5056327351493116e-7,
] as const;

/**
 * ln Γ(x) for x > 0, to about 13 digits.
 * Lanczos: A precision approximation of the gamma function, 1964 (g = 7, 9 terms).
 */
export function logGamma(x: number): number {
  // The approximation is made for x ≥ 0.5; Γ(x) = Γ(x + 1) / x brings smaller ones there.
  if (x < 0.5) return logGamma(x + 1) - Math.log(x);
  let sum = 0.9999999999998099;
  LANCZOS.forEach((coefficient, at) => {
    sum += coefficient / (x + at);
  });
  const base = x + 6.5;
  return Math.log(2 * Math.PI) / 2 + (x - 0.5) * Math.log(base) - base + Math.log(sum);
}

/**
 * The two-sided exact p of so many successes in so many trials: the probability of all outcomes at most as
 * likely as the one seen, as scipy.stats.binomtest counts them. Trials 0 give 1.
 */
export function binomialTwoSided(successes: number, trials: number, probability = 0.5): number {
  if (probability <= 0 || probability >= 1) {
    return successes === (probability <= 0 ? 0 : trials) ? 1 : 0;
  }
  const logOfAll = logGamma(trials + 1);
  const likelihood = (count: number): number =>
    Math.exp(
      logOfAll -
        logGamma(count + 1) -
        logGamma(trials - count + 1) +
        count * Math.log(probability) +
        (trials - count) * Math.log1p(-probability),
    );
  // A hair above, because the mirrored outcome's likelihood may differ in its last digits.
  const seen = likelihood(successes) * (1 + 1e-7);
  let sum = 0;
  for (let count = 0; count <= trials; count++) {
    const each = likelihood(count);
    if (each <= seen) sum += each;
  }
  return Math.min(1, sum);
}
