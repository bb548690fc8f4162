// Detectable effects by hand, and that they and the rows needed undo each other.
import { expect, test } from "bun:test";
import { uniform } from "../../kit/random.ts";
import { minimumDetectableEffect, rowsFor } from "./detectable.ts";
import { comparePaired } from "./pairs.ts";

test("the least effect is (1.96 + 0.84) standard errors", () => {
  // The sample's deviation is √(4/3), its standard error half of that.
  expect(minimumDetectableEffect([1, -1, 1, -1])).toBeCloseTo(
    ((1.959964 + 0.841621) * Math.sqrt(4 / 3)) / 2,
    5,
  );
  expect(minimumDetectableEffect([0.2, 0.2, 0.2])).toBeCloseTo(0, 12);
  expect(minimumDetectableEffect([0.2])).toBeNull();
});

test("the rows needed are those at which the effect is the least one", () => {
  const differences = Array.from({ length: 200 }, uniform(3)).map((value) => value - 0.5);
  const effect = minimumDetectableEffect(differences, 0.9, 0.01) ?? Number.NaN;
  expect(rowsFor(effect, differences, 0.9, 0.01)).toBe(200);
  expect(rowsFor(-effect / 2, differences, 0.9, 0.01)).toBe(800);
  expect(rowsFor(effect * 0.999, differences, 0.9, 0.01)).toBe(201);
  expect(rowsFor(100, differences)).toBe(2);
  expect(rowsFor(0, differences)).toBeNull();
  expect(rowsFor(0.1, [])).toBeNull();
});

test("a comparison finds the least effect in about 80 % of samples", () => {
  const next = uniform(1);
  const noise = (): number => (next() - next()) / 4;
  const effect = minimumDetectableEffect(Array.from({ length: 10_000 }, noise)) ?? Number.NaN;
  let found = 0;
  for (let sample = 0; sample < 500; sample++) {
    // The effect at 100 rows is ten times the one at 10,000.
    const a = Array.from({ length: 100 }, () => 0.5 + 10 * effect + noise());
    if ((comparePaired(a, new Array(100).fill(0.5), 1, 1)?.p ?? 1) < 0.05) found++;
  }
  expect(found / 500).toBeGreaterThan(0.74);
  expect(found / 500).toBeLessThan(0.86);
});
