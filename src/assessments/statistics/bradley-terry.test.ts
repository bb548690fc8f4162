// Bradley–Terry by hand, and when it has no answer.
import { expect, test } from "bun:test";
import { uniform } from "../../kit/random.ts";
import { bradleyTerry } from "./bradley-terry.ts";

test("two models: the log-odds between them, with the textbook's deviation", () => {
  const [first, second] =
    bradleyTerry([
      [0, 3],
      [1, 0],
    ]) ?? [];
  expect(first?.strength).toBeCloseTo(Math.log(3) / 2, 10);
  expect(second?.strength).toBeCloseTo(-Math.log(3) / 2, 10);
  // Information 4 · ¾ · ¼ of the difference, of which each strength is half.
  const half = (1.959964 * Math.sqrt(1 / 0.75)) / 2;
  expect(first?.high).toBeCloseTo(Math.log(3) / 2 + half, 5);
  expect(second?.low).toBeCloseTo(-Math.log(3) / 2 - half, 5);
});

test("a circle and ties only leave all alike; the diagonal means nothing", () => {
  const circle = [
    [9, 1, 0],
    [0, 9, 1],
    [1, 0, 9],
  ];
  for (const wins of [
    circle,
    [
      [0, 2.5],
      [2.5, 0],
    ],
  ]) {
    for (const { strength } of bradleyTerry(wins) ?? []) expect(strength).toBeCloseTo(0, 10);
    expect(bradleyTerry(wins)).toHaveLength(wins.length);
  }
});

test("a chain of models that barely meet is settled, too", () => {
  for (const [size, won, lost] of [
    [15, 1_000, 0.5],
    [8, 100_000, 0.5],
    [30, 3, 1],
  ] as const) {
    const wins = Array.from({ length: size }, (_, one) =>
      Array.from({ length: size }, (_, other) => (other === one + 1 ? won : other === one - 1 ? lost : 0)),
    );
    const strengths = (bradleyTerry(wins) ?? []).map(({ strength }) => strength);
    expect(strengths).toHaveLength(size);
    // Without circles each pair of neighbours is as far apart as its own verdicts say.
    strengths.slice(1).forEach((strength, at) => {
      expect((strengths[at] ?? 0) - strength).toBeCloseTo(Math.log(won / lost), 6);
    });
  }
});

test("without a way from each to each there is no finite maximum", () => {
  const neverBeaten = [
    [0, 2, 2],
    [0, 0, 1],
    [0, 1, 0],
  ];
  const neverMet = [
    [0, 1, 0, 0],
    [1, 0, 0, 0],
    [0, 0, 0, 1],
    [0, 0, 1, 0],
  ];
  const neverWon = neverBeaten.map((row, one) => row.map((_, other) => neverBeaten[other]?.[one] ?? 0));
  expect(bradleyTerry(neverBeaten)).toBeNull();
  expect(bradleyTerry(neverMet)).toBeNull();
  expect(bradleyTerry(neverWon)).toBeNull();
  // Half a win, which a tie is, closes the circle.
  const tied = neverBeaten.map((row, one) => row.map((won, other) => (one === 2 && other === 0 ? 0.5 : won)));
  expect(bradleyTerry(tied)?.every(({ strength }) => Number.isFinite(strength))).toBe(true);
});

test("none and one alone", () => {
  expect(bradleyTerry([])).toEqual([]);
  expect(bradleyTerry([[0]])).toEqual([{ strength: 0, low: 0, high: 0 }]);
  expect(() => bradleyTerry([[0, 1]])).toThrow(RangeError);
});

test("strengths come back from simulated comparisons, within their intervals", () => {
  const truth = [1.2, 0.3, -0.2, -1.3];
  const next = uniform(1);
  let covered = 0;
  for (let sample = 0; sample < 100; sample++) {
    const wins = truth.map(() => truth.map(() => 0));
    const count = (winner: number, loser: number): void => {
      const row = wins[winner];
      if (row) row[loser] = (row[loser] ?? 0) + 1;
    };
    truth.forEach((strong, one) => {
      truth.slice(0, one).forEach((weak, other) => {
        for (let round = 0; round < 60; round++) {
          if (next() < 1 / (1 + Math.exp(weak - strong))) count(one, other);
          else count(other, one);
        }
      });
    });
    bradleyTerry(wins)?.forEach(({ low, high }, at) => {
      const strength = truth[at] ?? Number.NaN;
      if (low <= strength && strength <= high) covered++;
    });
  }
  expect(covered / 400).toBeGreaterThan(0.92);
  expect(covered / 400).toBeLessThan(0.98);
});
