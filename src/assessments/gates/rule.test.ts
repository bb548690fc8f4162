// Rules of gates: which figures pass, at the edges too, and how both are said.
import { describe, expect, test } from "bun:test";
import { type Figure, figureSentence, type GateRule, ruleSentence, shortfallOf } from "./rule.ts";

const score = (atLeast: number, lowerBoundAtLeast: number | null = null): GateRule => ({
  kind: "score",
  grader: null,
  atLeast,
  lowerBoundAtLeast,
});
const notWorse = (byAtMost: number): GateRule => ({
  kind: "not-worse",
  grader: "exact",
  than: "support",
  byAtMost,
});
const figure = (value: number, low: number, high: number): Figure => ({ value, low, high, n: 80 });

describe("shortfallOf", () => {
  const cases: [what: string, rule: GateRule, figure: Figure, shortfall: ReturnType<typeof shortfallOf>][] = [
    ["above", score(0.8), figure(0.9, 0.5, 1), null],
    ["exactly", score(0.8), figure(0.8, 0.5, 1), null],
    ["exactly, but for rounding", score(0.3), figure(0.1 * 3 - 1e-16, 0, 1), null],
    ["below", score(0.8), figure(0.79, 0.5, 1), "score"],
    ["high enough, not sure enough", score(0.8, 0.7), figure(0.85, 0.69, 0.95), "lower-bound"],
    ["neither", score(0.8, 0.7), figure(0.6, 0.5, 0.7), "score"],
    ["both", score(0.8, 0.7), figure(0.85, 0.7, 0.95), null],
    ["better", notWorse(0.02), figure(0.1, 0.05, 0.15), null],
    ["perhaps a little worse", notWorse(0.02), figure(0.01, -0.02, 0.04), null],
    ["0.3 less 0.32", notWorse(0.02), figure(0, 0.3 - 0.32, 0.02), null],
    [
      "perhaps too much worse, though better in the mean",
      notWorse(0.02),
      figure(0.01, -0.021, 0.04),
      "worse",
    ],
    ["no worse at all, equal on every row", notWorse(0), figure(0, 0, 0), null],
    ["no worse at all, one row lost", notWorse(0), figure(-0.01, -0.03, 0), "worse"],
  ];
  test.each(cases)("%s", (_, rule, one, shortfall) => expect(shortfallOf(rule, one)).toBe(shortfall));
});

test("rules and figures are said with what they are about", () => {
  expect(ruleSentence(score(0.8, 0.705), "")).toBe(
    "The score is at least 0.80, and its lower bound at least 0.705.",
  );
  expect(ruleSentence(notWorse(0.02), "support")).toBe(
    "The score by exact is not worse than that of support by more than 0.02.",
  );
  const measured = { candidate: "bot", other: "support", by: "exact", assessment: "router" };
  expect(figureSentence(score(0.8), figure(0.62, 0.51, 0.72), measured)).toBe(
    "bot scores 0.62 [0.51, 0.72] (exact, 80 rows of router); it takes 0.80 or more.",
  );
  expect(figureSentence(score(0.8), figure(2 / 3, 0.5149, 0.7222), measured)).toContain("0.67 [0.51, 0.72]");
  expect(figureSentence(score(0.8), figure(0.7996, 0.5149, 0.8222), measured)).toContain(
    "0.7996 [0.5149, 0.8222]",
  );
  expect(figureSentence(score(0.5, 0.52), figure(0.62, 0.51, 0.72), measured)).toBe(
    "bot scores 0.62 [0.51, 0.72] (exact, 80 rows of router); its lower bound has to be 0.52 or more.",
  );
  expect(figureSentence(notWorse(0.02), figure(-0.04, -0.09, 0.01), measured)).toBe(
    "bot differs from support by −0.04 [−0.09, +0.01] (exact, 80 rows of router); its lower bound has to be −0.02 or more.",
  );
  expect(figureSentence(notWorse(0.1), figure(-0.04, -0.09, 0.01), measured)).toEndWith("which passes.");
});
