// Holm's correction by hand.
import { expect, test } from "bun:test";
import { holm } from "./holm.ts";

test("p-values are multiplied by how many are left, never fall, and keep their order", () => {
  const corrected = holm([0.01, 0.04, 0.03, 0.005]);
  [0.03, 0.06, 0.06, 0.02].forEach((p, at) => {
    expect(corrected[at]).toBeCloseTo(p, 14);
  });
});

test("nothing is above 1, one alone stays, none give none", () => {
  expect(holm([0.6, 0.9])).toEqual([1, 1]);
  expect(holm([0.03])).toEqual([0.03]);
  expect(holm([])).toEqual([]);
});
