// Agreement of two raters by hand.
import { expect, test } from "bun:test";
import { cohensKappa, rawAgreement } from "./agreement.ts";
import { wilson } from "./intervals.ts";

/** The textbook's 50 grant proposals: both yes 20, only the first 5, only the second 10, neither 15. */
const first = [...new Array<string>(25).fill("yes"), ...new Array<string>(25).fill("no")];
const second = [20, 5, 10, 15].flatMap((count, at) =>
  new Array<string>(count).fill(at % 2 === 0 ? "yes" : "no"),
);

test("raw agreement is the share of equal labels", () => {
  expect(rawAgreement(first, second)).toEqual({ n: 50, agreed: 35, share: 0.7, ...wilson(35, 50) });
  expect(rawAgreement([], [])).toBeNull();
  expect(() => rawAgreement(["a"], [])).toThrow(RangeError);
});

test("Cohen's kappa takes away what chance explains", () => {
  const found = cohensKappa(first, second);
  expect(found?.n).toBe(50);
  expect(found?.kappa).toBeCloseTo(0.4, 12);
  // Both yes and both no: 0.4 · 0.34² + 0.3 · 0.46², off the diagonal: 0.6² (0.1 · 1.1² + 0.2 · 0.9²).
  const half = 1.959964 * Math.sqrt((0.04624 + 0.06348 + 0.10188 - 0.1 ** 2) / (0.5 ** 2 * 50));
  expect(found?.low).toBeCloseTo(0.4 - half, 6);
  expect(found?.high).toBeCloseTo(0.4 + half, 6);
  // Labels may be of any kind.
  const isYes = (label: string): boolean => label === "yes";
  expect(cohensKappa(first.map(isYes), second.map(isYes))).toEqual(found);
});

test("full agreement is 1 for sure, full disagreement of two below 0", () => {
  const full = cohensKappa(first, first);
  for (const end of [full?.kappa, full?.low, full?.high]) expect(end).toBeCloseTo(1, 7);
  const swapped = first.map((label) => (label === "yes" ? "no" : "yes"));
  expect(cohensKappa(first, swapped)?.kappa).toBeCloseTo(-1, 12);
});

test("with one label only, chance agrees fully and kappa says nothing", () => {
  expect(cohensKappa(["a", "a"], ["a", "a"])).toBeNull();
  expect(cohensKappa([], [])).toBeNull();
  expect(cohensKappa(["a", "a"], ["b", "b"])?.kappa).toBe(0);
});
