// Paired comparisons: by hand, and how often their interval covers the true difference.
import { expect, test } from "bun:test";
import { uniform } from "../../kit/random.ts";
import { comparePaired } from "./pairs.ts";

/** As many rows as told in which only the first, only the second, and both are right. */
function answers(first: number, second: number, both: number): [number[], number[]] {
  const rows = (a: number, b: number, c: number) =>
    [1, 2, 3].flatMap((_, at) => new Array<number>([first, second, both][at] ?? 0).fill([a, b, c][at] ?? 0));
  return [rows(1, 0, 1), rows(0, 1, 1)];
}

test("binary scores get McNemar's exact test", () => {
  const found = comparePaired(...answers(8, 2, 10));
  expect(found).toMatchObject({
    n: 20,
    wins: 8,
    ties: 10,
    losses: 2,
    difference: 0.3,
    test: "mcnemar-exact",
  });
  expect(found?.p).toBeCloseTo(112 / 1024, 12);
  expect(found?.low).toBeLessThan(0.3);
  expect(found?.high).toBeGreaterThan(0.3);
});

test("the two sides are mirrored, and without discordant rows p is 1", () => {
  const [a, b] = answers(5, 1, 4);
  expect(comparePaired(b, a)).toMatchObject({ wins: 1, losses: 5, difference: -0.4 });
  expect(comparePaired(b, a)?.p).toBe(comparePaired(a, b)?.p ?? Number.NaN);
  const same = { wins: 0, ties: 10, losses: 0, difference: 0, low: 0, high: 0, p: 1 };
  expect(comparePaired(a, a)).toMatchObject({ ...same, test: "mcnemar-exact" });
  const graded = a.map((score) => score / 2);
  expect(comparePaired(graded, graded)).toMatchObject({ ...same, test: "wilcoxon" });
});

test("graded scores get Wilcoxon's exact test", () => {
  const b = [0, 0, 0, 0, 0];
  // One of 2^5 signings is as far out on either side.
  expect(comparePaired([0.1, 0.2, 0.3, 0.4, 0.5], b)?.p).toBeCloseTo(2 / 32, 12);
  // Rank sums 0 and 1: two signings on either side.
  expect(comparePaired([-0.1, 0.2, 0.3, 0.4, 0.5], b)?.p).toBeCloseTo(4 / 32, 12);
  // A zero is dropped.
  expect(comparePaired([0.1, 0.2, 0.3, 0.4, 0.5, 0.7], [...b, 0.7])?.p).toBeCloseTo(2 / 32, 12);
});

test("tied sizes are counted out, though their last digits differ: of one size they are the sign test", () => {
  // All four are of size 0.1, three of them up: of 2^4 signings one has four and four have three.
  const found = comparePaired([0.3, 0.2, 0.9, 0.6], [0.2, 0.1, 0.8, 0.7]);
  expect(found).toMatchObject({ wins: 3, ties: 0, losses: 1, test: "wilcoxon" });
  expect(found?.p).toBeCloseTo((2 * (1 + 4)) / 16, 12);
  // Verdicts of a judge: eight won, ten tied, two lost.
  const won = [...Array<number>(8).fill(1), ...Array<number>(10).fill(0.5), ...Array<number>(2).fill(0)];
  const verdicts = comparePaired(
    won,
    won.map((value) => 1 - value),
  );
  expect(verdicts).toMatchObject({ n: 20, wins: 8, ties: 10, losses: 2, difference: 0.3 });
  expect(verdicts?.p).toBeCloseTo(112 / 1024, 12);
});

test("scores of different rows cannot be paired, and none give nothing", () => {
  expect(() => comparePaired([1], [])).toThrow(RangeError);
  expect(comparePaired([], [])).toBeNull();
});

test("the paired interval covers the true difference in 95 % of 2,000 samples of 60", () => {
  const next = uniform(1);
  let covered = 0;
  for (let sample = 0; sample < 2_000; sample++) {
    const shared = Array.from({ length: 60 }, next);
    const a = shared.map((part) => (part + next()) / 2);
    const b = shared.map((part) => (part + next() ** 2) / 2);
    // Means of 1/2 and 1/3, halved.
    const truth = (1 / 2 - 1 / 3) / 2;
    const found = comparePaired(a, b, sample, 500);
    if (found && found.low <= truth && truth <= found.high) covered++;
  }
  expect(covered / 2_000).toBeGreaterThan(0.925);
  expect(covered / 2_000).toBeLessThan(0.975);
});
