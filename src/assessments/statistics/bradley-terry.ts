// Bradley–Terry: one scale of strength for models out of verdicts between pairs of them.
import type { Interval } from "./bootstrap.ts";
import { normalQuantile } from "./distributions.ts";

/** On the scale of log-odds: one that is stronger by 1 wins e/(1 + e) = 73 % of the comparisons. */
export type Strength = Interval & { strength: number };
type Wins = readonly (readonly number[])[];

const PRECISION = 1e-12;
const MOST_STEPS = 100;

/**
 * Log-strengths with mean 0 and their 95 % intervals, in the order of the rows. wins[i][j] says how often i
 * beat j (a tie is half a win for each); the diagonal is ignored. Null when somebody's strength has no finite
 * maximum: when the models fall into two groups of which one never beat the other. By
 * minorisation–maximisation and then Newton's steps (Hunter: MM algorithms for generalized Bradley–Terry
 * models, 2004), intervals by the observed information, pseudo-inverted.
 * @throws RangeError when the matrix is not square.
 */
export function bradleyTerry(wins: Wins): Strength[] | null {
  const size = wins.length;
  if (wins.some((row) => row.length !== size))
    throw new RangeError(`the matrix of wins is not ${size} by ${size}`);
  if (!isStronglyConnected(wins)) return null;
  const strengths = maximise(wins);
  const covariance = centredInverse(informationOf(wins, strengths));
  const z = normalQuantile(0.975);
  return strengths.map((strength, at) => {
    const half = z * Math.sqrt(Math.max(0, covariance[at]?.[at] ?? 0));
    return { strength, low: strength - half, high: strength + half };
  });
}

const winsOf = (wins: Wins, one: number, other: number): number => wins[one]?.[other] ?? 0;

/** Whether everybody beat everybody else, directly or through others: Ford's condition of 1957. */
function isStronglyConnected(wins: Wins): boolean {
  const reached = (hasEdge: (from: number, to: number) => boolean): number => {
    const seen = new Set(wins.length === 0 ? [] : [0]);
    // A set that grows while it is walked visits what was added, too.
    for (const from of seen) {
      for (let to = 0; to < wins.length; to++) if (hasEdge(from, to)) seen.add(to);
    }
    return seen.size;
  };
  const forwards = reached((from, to) => winsOf(wins, from, to) > 0);
  const backwards = reached((from, to) => winsOf(wins, to, from) > 0);
  return forwards === wins.length && backwards === wins.length;
}

/**
 * Minorisation–maximisation comes near from anywhere, but needs millions of steps where models barely meet;
 * Newton's steps settle the last digits in a few. Strengths are kept as logarithms with mean 0.
 */
function maximise(wins: Wins): number[] {
  let logs = wins.map(() => 0);
  for (const improve of [minoriseAndMaximise, stepByNewton]) {
    for (let step = 0; step < MOST_STEPS; step++) {
      const next = improve(wins, logs);
      const largest = Math.max(0, ...next.map((value, at) => Math.abs(value - (logs[at] ?? 0))));
      logs = next;
      if (largest < PRECISION) break;
    }
  }
  return logs;
}

function minoriseAndMaximise(wins: Wins, logs: readonly number[]): number[] {
  const worths = logs.map(Math.exp);
  return centred(
    worths.map((worth, one) => {
      let won = 0;
      let weight = 0;
      worths.forEach((otherWorth, other) => {
        if (other === one) return;
        won += winsOf(wins, one, other);
        weight += (winsOf(wins, one, other) + winsOf(wins, other, one)) / (worth + otherWorth);
      });
      // One alone has neither won nor lost.
      return weight === 0 ? 0 : Math.log(won / weight);
    }),
  );
}

/** Halved until the likelihood does not fall, because a whole step may jump over the maximum. */
function stepByNewton(wins: Wins, logs: readonly number[]): number[] {
  const slopes = logs.map((strength, one) =>
    logs.reduce((sum, otherStrength, other) => {
      if (other === one) return sum;
      const met = winsOf(wins, one, other) + winsOf(wins, other, one);
      return sum + winsOf(wins, one, other) - met * chanceOf(strength - otherStrength);
    }, 0),
  );
  const step = centredInverse(informationOf(wins, logs)).map((row) =>
    row.reduce((sum, value, at) => sum + value * (slopes[at] ?? 0), 0),
  );
  const now = logLikelihood(wins, logs);
  for (let scale = 1; scale > PRECISION; scale /= 2) {
    const next = centred(logs.map((strength, at) => strength + scale * (step[at] ?? 0)));
    if (logLikelihood(wins, next) >= now) return next;
  }
  return [...logs];
}

function logLikelihood(wins: Wins, logs: readonly number[]): number {
  let sum = 0;
  logs.forEach((strength, one) => {
    logs.forEach((otherStrength, other) => {
      if (other !== one) sum -= winsOf(wins, one, other) * Math.log1p(Math.exp(otherStrength - strength));
    });
  });
  return sum;
}

/** The chance to win against one that is weaker by so much. */
function chanceOf(advantage: number): number {
  return 1 / (1 + Math.exp(-advantage));
}

function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

/** Minus the second derivatives of the log-likelihood by the log-strengths. */
function informationOf(wins: Wins, strengths: readonly number[]): number[][] {
  const information = strengths.map(() => strengths.map(() => 0));
  strengths.forEach((strength, one) => {
    const row = information[one] ?? [];
    strengths.forEach((otherStrength, other) => {
      if (other === one) return;
      const chance = chanceOf(strength - otherStrength);
      const each = (winsOf(wins, one, other) + winsOf(wins, other, one)) * chance * (1 - chance);
      row[other] = -each;
      row[one] = (row[one] ?? 0) + each;
    });
  });
  return information;
}

/**
 * The pseudo-inverse of a matrix whose rows sum to 0 and that has no other such direction: filling that
 * direction makes it invertible, and taking it out again afterwards leaves the pseudo-inverse.
 */
function centredInverse(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length;
  // As large as the other directions are on average, so that the inversion is not the worse for it.
  const trace = matrix.reduce((sum, row, at) => sum + (row[at] ?? 0), 0);
  const fill = trace > 0 ? trace / size : 1;
  const filled = matrix.map((row) => row.map((value) => value + fill / size));
  return inverse(filled).map((row) => row.map((value) => value - 1 / (fill * size)));
}

/** By Gauss and Jordan with row pivots. */
function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length;
  const rows = matrix.map((row, at) => [...row, ...row.map((_, column) => (column === at ? 1 : 0))]);
  for (let column = 0; column < size; column++) {
    let best = column;
    for (let at = column + 1; at < size; at++) {
      if (Math.abs(rows[at]?.[column] ?? 0) > Math.abs(rows[best]?.[column] ?? 0)) best = at;
    }
    const pivot = rows[best] ?? [];
    rows[best] = rows[column] ?? [];
    const scale = pivot[column] ?? 1;
    const scaled = pivot.map((value) => value / scale);
    rows[column] = scaled;
    rows.forEach((row, at) => {
      const factor = row[column] ?? 0;
      if (at !== column) rows[at] = row.map((value, i) => value - factor * (scaled[i] ?? 0));
    });
  }
  return rows.map((row) => row.slice(size));
}
