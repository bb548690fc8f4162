// Every function against scipy and statsmodels on seeded random inputs, where the trainer's Python has both.
import { beforeAll, describe, expect, test } from "bun:test";
import { python, runPython } from "../../../test/python.ts";
import { uniform } from "../../kit/random.ts";
import { binomialTwoSided, logGamma, normalCdf, normalQuantile } from "./distributions.ts";
import { signFlip } from "./factorial.ts";
import {
  bradleyTerry,
  cohensKappa,
  comparePaired,
  holm,
  minimumDetectableEffect,
  rawAgreement,
  rowsFor,
  scoreInterval,
  testedFactorial,
  wilson,
} from "./statistics.ts";

const PRECISION = 1e-6;
const next = uniform(20_260_101);
const below = (end: number): number => Math.floor(next() * end);
const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));
const scores = (count: number): number[] => times(count, next);
/** Multiples of 1/8, whose differences are exact: many ties and zeros. */
const grades = (count: number): number[] => times(count, () => below(9) / 8);
const verdicts = (count: number, chance: number): number[] => times(count, () => Number(next() < chance));
const pairOf = (make: (count: number) => number[], count: number): [number[], number[]] => [
  make(count),
  make(count),
];

/** Each model beats the next one and loses to it, so that a finite maximum exists; some pairs never meet. */
function winsOf(size: number): number[][] {
  const wins = times(size, () => times(size, () => (next() < 0.5 ? 0 : below(40) / 2)));
  wins.forEach((row, one) => {
    row[one] = 0;
    const other = (one + 1) % size;
    row[other] = 1 + below(20) / 2;
    const back = wins[other];
    if (back) back[one] = 1 + below(20) / 2;
  });
  return wins;
}

const binomials = times(40, (at): [number, number, number] => {
  const trials = 1 + below(at < 30 ? 60 : 5_000);
  return [below(trials + 1), trials, at % 2 === 0 ? 0.5 : 0.05 + 0.9 * next()];
});
const wilsons = times(40, (at): [number, number] => {
  const trials = 1 + below(500);
  return [at === 0 ? 0 : at === 1 ? trials : below(trials + 1), trials];
});
const pairs = [
  ...times(10, () => pairOf((count) => verdicts(count, 0.7), 5 + below(100))),
  ...times(10, () => pairOf(grades, 10 + below(100))),
  ...times(10, () => pairOf(grades, 4 + below(9))),
  ...times(10, () => pairOf(scores, 3 + below(48))),
  ...times(5, () => pairOf(scores, 60 + below(200))),
];
const detectables = times(20, (): [number[], number, number] => [
  times(2 + below(200), () => next() - next()),
  0.6 + 0.35 * next(),
  0.001 + 0.1 * next(),
]);
/** Two treatments with and without each other: some of graded, some of binary scores. */
const factorials = times(12, (at) => {
  const count = 8 + below(60);
  const column = (chance: number) => (at % 2 === 0 ? grades(count) : verdicts(count, chance));
  return { none: column(0.4), first: column(0.6), second: column(0.5), both: column(0.8) };
});
const flips = [
  ...times(8, () => times(4 + below(9), () => next() - 0.4)),
  ...times(8, () => times(4 + below(9), () => (below(9) - 3) / 4)),
];
const asked = {
  factorials,
  flips,
  longFlips: times(4, () => times(300, () => next() - 0.47)),
  points: times(200, (at) => -10 + at * 0.1),
  shares: times(200, (at) => (at < 100 ? next() : 10 ** (-12 * next()))),
  positives: times(100, (at) => (at < 50 ? 5 * next() : 1e5 * next()) + 1e-6),
  binomials,
  wilsons,
  bootstraps: times(6, (at) => ({ values: scores(5 + below(60)), seed: at })),
  pairs,
  signs: times(20, () => [1 + below(25), 1 + below(20), below(25)] as const),
  holms: times(10, () => times(1 + below(20), () => next() ** 3)),
  detected: detectables.map((of) => [minimumDetectableEffect(...of), ...of] as const),
  rows: detectables.map((of) => [0.01 + 0.1 * next(), ...of] as const),
  wins: [
    ...times(8, (at) => winsOf(3 + at)),
    [
      [0, 1_000],
      [0.5, 0],
    ],
  ],
  labels: times(10, (at) => {
    const first = times(10 + below(200), () => "abcde".charAt(below(2 + (at % 4))));
    return [
      first,
      first.map((label) => (next() < 0.6 ? label : "abcde".charAt(below(2 + (at % 4))))),
    ] as const;
  }),
};

type Pair = [number, number];
type Said = {
  normalCdf: number[];
  normalQuantile: number[];
  logGamma: number[];
  binomial: number[];
  wilson: Pair[];
  bootstrap: Pair[];
  scipyBootstrap: Pair[];
  pairs: { p: number; interval: Pair }[];
  signs: number[];
  holm: number[][];
  power: number[];
  rows: number[];
  bradleyTerry: [number, number, number][][];
  agreement: Pair[];
  kappa: [number, number, number][];
  factorials: { estimates: number[]; intervals: Pair[] }[];
  flips: number[];
  longFlips: number[];
};

function missing(): string | null {
  try {
    const probe = Bun.spawnSync([python, "-c", "import scipy, statsmodels"]);
    return probe.success ? null : probe.stderr.toString().trim().split("\n").at(-1) || "no reason given";
  } catch (error) {
    return String(error);
  }
}

/** Compares lists of lists by place: to 1e-6 of the number, or to 1e-12 where it is nearly 0. */
function expectClose(ours: unknown, theirs: unknown): void {
  const flat = (of: unknown): number[] => [of].flat(5).map(Number);
  const expected = flat(theirs);
  const found = flat(ours);
  expect(expected.length).toBeGreaterThan(0);
  expect(found.length).toBe(expected.length);
  const isClose = (one: number, other: number): boolean =>
    Math.abs(one - other) <= PRECISION * Math.abs(other) + 1e-12;
  const off = found.map((value, at) => [value, expected[at] ?? Number.NaN] as const);
  // Written so that NaN counts as off.
  expect(off.filter(([one, other]) => !isClose(one, other))).toEqual([]);
}

const reason = missing();
if (reason) {
  console.log(`skipped: ${python} lacks scipy or statsmodels: ${reason}`);
  test.skip("statistics against scipy and statsmodels", () => {});
} else {
  describe("as scipy and statsmodels", () => {
    let said: Said;
    // Both libraries are large: importing them takes longer than a test may.
    beforeAll(async () => {
      said = JSON.parse(await runPython("../src/assessments/statistics/golden.py", [], asked)) as Said;
    }, 120_000);
    const ends = (of: { low: number; high: number } | null) => of && [of.low, of.high];

    test("distributions", () => {
      expectClose(asked.points.map(normalCdf), said.normalCdf);
      // By logarithms, because the lower tail is nearly 0.
      expectClose(asked.points.map(normalCdf).map(Math.log), said.normalCdf.map(Math.log));
      expectClose(asked.shares.map(normalQuantile), said.normalQuantile);
      expectClose(asked.positives.map(logGamma), said.logGamma);
      expectClose(
        binomials.map((of) => binomialTwoSided(...of)),
        said.binomial,
      );
    });

    test("intervals", () => {
      expectClose(
        wilsons.map((of) => ends(wilson(...of))),
        said.wilson,
      );
      const intervals = asked.bootstraps.map(({ values, seed }) => ends(scoreInterval(values, seed)) ?? []);
      expectClose(intervals, said.bootstrap);
      // Scipy draws other samples: its ends lie a small part of the width off.
      said.scipyBootstrap.forEach(([low, high], at) => {
        const [ourLow = Number.NaN, ourHigh = Number.NaN] = intervals[at] ?? [];
        expect(Math.abs(ourLow - low)).toBeLessThan(0.05 * (high - low));
        expect(Math.abs(ourHigh - high)).toBeLessThan(0.05 * (high - low));
      });
    });

    test("paired comparisons", () => {
      const found = pairs.map(([a, b]) => comparePaired(a, b));
      expect(new Set(found.map((of) => of?.test))).toEqual(new Set(["mcnemar-exact", "wilcoxon"]));
      expectClose(
        found.map((of) => of?.p),
        said.pairs.map(({ p }) => p),
      );
      // Of fewer than 200 rows we draw the same samples; of more, the ends are where endless rounds would be.
      const isDrawn = pairs.map(([a]) => a.length < 200);
      expect(new Set(isDrawn).size).toBe(2);
      const intervals = said.pairs.map(({ interval }) => interval);
      expectClose(
        found.map(ends).filter((_, at) => isDrawn[at]),
        intervals.filter((_, at) => isDrawn[at]),
      );
      found.map(ends).forEach((own, at) => {
        const [low, high] = intervals[at] ?? [Number.NaN, Number.NaN];
        for (const [place, theirs] of [low, high].entries())
          expect(Math.abs((own?.[place] ?? Number.NaN) - theirs)).toBeLessThan(0.02 * (high - low));
      });
      expectClose(
        asked.signs.map(([wins, ties, losses]) => {
          const won = [1, 0.5, 0].flatMap((value, at) =>
            Array<number>([wins, ties, losses][at] ?? 0).fill(value),
          );
          return comparePaired(
            won,
            won.map((value) => 1 - value),
          )?.p;
        }),
        said.signs,
      );
    });

    test("Holm's correction", () => {
      expectClose(asked.holms.map(holm), said.holm);
    });

    test("detectable effects and rows needed", () => {
      expectClose(
        said.power,
        detectables.map(([, power]) => power),
      );
      expect(asked.rows.map((of) => rowsFor(...of))).toEqual(said.rows);
    });

    test("the 2x2: estimates as a regression, intervals over the same draws, p as scipy's permutations", () => {
      const found = factorials.map((of) => testedFactorial(of));
      const effects = (of: (typeof found)[number]) =>
        of ? [of.first, of.second, of.interaction, of.lead] : [];
      expectClose(
        found.map((of) => effects(of).map(({ estimate }) => estimate)),
        said.factorials.map(({ estimates }) => estimates),
      );
      expectClose(
        found.map((of) => effects(of).map(ends)),
        said.factorials.map(({ intervals }) => intervals),
      );
      expectClose(
        flips.map((of) => signFlip(Float64Array.from(of))),
        said.flips,
      );
      expectClose(
        asked.longFlips.map((of) => signFlip(Float64Array.from(of))),
        said.longFlips,
      );
    });

    test("Bradley–Terry as a logistic regression", () => {
      const found = asked.wins.map((wins) =>
        (bradleyTerry(wins) ?? []).map(({ strength, low, high }) => [strength, low, high]),
      );
      expectClose(found, said.bradleyTerry);
    });

    test("agreement and Cohen's kappa", () => {
      expectClose(
        asked.labels.map((of) => ends(rawAgreement(...of))),
        said.agreement,
      );
      const found = asked.labels.map((of) => cohensKappa(...of));
      expectClose(
        found.map((of) => of && [of.kappa, of.low, of.high]),
        said.kappa,
      );
    });
  });
}
