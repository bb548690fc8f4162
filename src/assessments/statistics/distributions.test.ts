// Distributions against values from tables and by hand.
import { expect, test } from "bun:test";
import { binomialTwoSided, logGamma, normalCdf, normalQuantile } from "./distributions.ts";

test("the normal CDF is that of the tables, also far out and where its two formulas meet", () => {
  expect(normalCdf(0)).toBe(0.5);
  expect(normalCdf(1.96)).toBeCloseTo(0.97500210485178, 13);
  expect(normalCdf(-1.96) + normalCdf(1.96)).toBeCloseTo(1, 15);
  expect(normalCdf(-6) / 9.865876450376946e-10).toBeCloseTo(1, 12);
  expect(normalCdf(-3 - 1e-12) / normalCdf(-3 + 1e-12)).toBeCloseTo(1, 10);
  expect(normalCdf(Number.POSITIVE_INFINITY)).toBe(1);
  expect(normalCdf(Number.NEGATIVE_INFINITY)).toBe(0);
  expect(normalCdf(Number.NaN)).toBeNaN();
});

test("the normal quantile undoes the CDF", () => {
  expect(normalQuantile(0.5)).toBe(0);
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 14);
  for (const x of [-8, -5, -2, -0.5, 0.1, 1, 3]) expect(normalQuantile(normalCdf(x))).toBeCloseTo(x, 12);
  expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
  expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
  expect(normalQuantile(1.1)).toBeNaN();
});

test("log-gamma is the logarithm of factorials, and of √π at one half", () => {
  expect(logGamma(1)).toBeCloseTo(0, 14);
  expect(logGamma(5)).toBeCloseTo(Math.log(24), 13);
  expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 14);
  expect(logGamma(0.1)).toBeCloseTo(2.252712651734206, 13);
  expect(logGamma(171) / 706.5730622457874).toBeCloseTo(1, 13);
});

test("the exact binomial test counts outcomes at most as likely as the one seen", () => {
  // 2 (1 + 10 + 45) of 1024 sequences.
  expect(binomialTwoSided(8, 10)).toBeCloseTo(112 / 1024, 13);
  expect(binomialTwoSided(2, 10)).toBeCloseTo(112 / 1024, 13);
  expect(binomialTwoSided(5, 10)).toBe(1);
  expect(binomialTwoSided(0, 0)).toBe(1);
  // The example of scipy.stats.binomtest: none of 0, 1 and 2 is less likely than 3.
  expect(binomialTwoSided(3, 15, 0.1)).toBeCloseTo(0.18406106910639114, 12);
  expect([binomialTwoSided(0, 4, 0), binomialTwoSided(1, 4, 0)]).toEqual([1, 0]);
  expect([binomialTwoSided(4, 4, 1), binomialTwoSided(3, 4, 1)]).toEqual([1, 0]);
});
