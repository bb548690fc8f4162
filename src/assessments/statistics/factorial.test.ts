// The 2x2 by hand, and how often its intervals cover the true effects and its tests err.
import { expect, test } from "bun:test";
import { uniform } from "../../kit/random.ts";
import { normalCdf } from "./distributions.ts";
import { type Cells, factorialEffects, signFlip, testedFactorial } from "./factorial.ts";

test("effects of four rows by hand", () => {
  const found = testedFactorial({
    none: [0, 0, 0, 1],
    first: [1, 1, 0, 1],
    second: [0, 1, 0, 1],
    both: [1, 1, 1, 1],
  });
  // Means 1/4, 3/4, 1/2, 1.
  expect(found).toMatchObject({
    n: 4,
    first: { estimate: 0.5 },
    second: { estimate: 0.25 },
    interaction: { estimate: 0 },
    lead: { estimate: 0.25 },
  });
  // The first's gains by row are 1, 1/2, 1/2, 0: two of eight signings are as far out.
  expect(found?.first.p).toBeCloseTo(0.25, 12);
  expect(found?.first.adjustedP).toBeCloseTo(0.75, 12);
  // 0, -1, 1, 0.
  expect(found?.interaction.p).toBe(1);
});

test("the sign-flip test is exact on a grid and for few others, and near-normal for many", () => {
  expect(signFlip(new Float64Array(5))).toBe(1);
  expect(signFlip(Float64Array.of(0.1, 0.2, 0.3))).toBeCloseTo(2 / 8, 12);
  // 0.1 + 0.2 - 0.3 is 0 however it is written.
  expect(signFlip(Float64Array.of(0.1, 0.2, -0.3))).toBe(1);
  expect(signFlip(new Float64Array(60).fill(0.5))).toBeCloseTo(2 / 2 ** 60, 24);
  const next = uniform(1);
  const many = Float64Array.from({ length: 400 }, () => next() - 0.45);
  const [sum, squares] = [many.reduce((a, b) => a + b), many.reduce((a, b) => a + b ** 2, 0)];
  expect(signFlip(many)).toBeCloseTo(2 * normalCdf(-Math.abs(sum) / Math.sqrt(squares)), 6);
  const grades = Float64Array.from({ length: 60 }, () => Math.round(next() * 9 - 4) / 2);
  // Counted out and approximated, the two agree at 60 rows.
  expect(Math.abs(signFlip(grades) - signFlip(grades, 0))).toBeLessThan(0.03);
});

test("no rows give nothing, and columns of other lengths cannot be compared", () => {
  expect(testedFactorial({ none: [], first: [], second: [], both: [] })).toBeNull();
  expect(() => factorialEffects({ none: [1], first: [], second: [1], both: [1] })).toThrow(RangeError);
});

/** Rows whose chance of a right answer is their own and grows by what each treatment brings. */
function drawn(next: () => number, rows: number, first: number, second: number, more: number): Cells {
  const cells = { none: [], first: [], second: [], both: [] } as Record<keyof Cells, number[]>;
  for (let row = 0; row < rows; row++) {
    const ease = 0.2 + 0.2 * next();
    cells.none.push(Number(next() < ease));
    cells.first.push(Number(next() < ease + first));
    cells.second.push(Number(next() < ease + second));
    cells.both.push(Number(next() < ease + first + second + more));
  }
  return cells;
}

test("intervals cover the true effects in 95 % of 1,500 samples of 80 rows", () => {
  const next = uniform(2);
  const truth = { first: 0.25 + 0.05, second: 0.1 + 0.05, interaction: 0.1, lead: 0.15 };
  const covered = { first: 0, second: 0, interaction: 0, lead: 0 };
  for (let sample = 0; sample < 1_500; sample++) {
    const found = factorialEffects(drawn(next, 80, 0.25, 0.1, 0.1), sample, 400);
    for (const name of ["first", "second", "interaction", "lead"] as const)
      if (found && found[name].low <= truth[name] && truth[name] <= found[name].high) covered[name] += 1;
  }
  for (const count of Object.values(covered)) {
    expect(count / 1_500).toBeGreaterThan(0.925);
    expect(count / 1_500).toBeLessThan(0.975);
  }
});

test("where nothing brings anything, at least one effect is called real in at most 5 % of 2,000 samples", () => {
  const next = uniform(3);
  let wrong = 0;
  for (let sample = 0; sample < 2_000; sample++) {
    const found = testedFactorial(drawn(next, 40, 0, 0, 0), 1, 1);
    if (found && [found.first, found.second, found.interaction].some(({ adjustedP }) => adjustedP < 0.05))
      wrong += 1;
  }
  expect(wrong / 2_000).toBeLessThan(0.06);
});
