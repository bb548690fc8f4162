// The last number of a text, as people of several countries and models of language write it.
import { expect, test } from "bun:test";
import { areWithin, lastNumber } from "./numbers.ts";

/** The number as JavaScript has it. */
function numberOf(text: string): number | null {
  const value = lastNumber(text)?.value;
  return value ? Number(value.units) / 10 ** value.scale : null;
}

test("signs, decimals, exponents, percent and currency", () => {
  const cases: Record<string, number | null> = {
    "42": 42,
    "It is 42.": 42,
    "-3.5": -3.5,
    "−3.5": -3.5,
    "+3.5": 3.5,
    "is .5": 0.5,
    "is -.5": -0.5,
    "No.5": 5,
    "wait...5": 5,
    "50 %": 50,
    "-$5.00": -5,
    "$-5": -5,
    "€ 1,50": 1.5,
    "3e5": 300_000,
    "1.5E-3": 0.0015,
    "3 × 10^5": 300_000,
    "3 \\times 10^{-2}": 0.03,
    "2·10⁻³": 0.002,
    "6 x 10": 10,
    "3-5": 5,
    "GPT-4": 4,
    "x=-4": -4,
    "(1)-4": 4,
    "**-4**": -4,
    "50 m²": 50,
    "3/4": 4,
    "first 7, then 8": 8,
    是42个: 42,
    none: null,
    "½": null,
    "": null,
  };
  for (const [text, value] of Object.entries(cases)) expect([text, numberOf(text)]).toEqual([text, value]);
});

test("separators of thousands and of decimals", () => {
  const cases: Record<string, number> = {
    "1,234": 1_234,
    "1,234,567.89": 1_234_567.89,
    "1.234.567,89": 1_234_567.89,
    "1.234,56": 1_234.56,
    "1'234'567.5": 1_234_567.5,
    "1\u202f234\u202f567,5": 1_234_567.5,
    "1.234": 1.234,
    "1,5": 1.5,
    "0,125": 0.125,
    "1,2345": 1.2345,
    "1,2,3": 3,
    "-1,2,3": 3,
    "0.5,0.7": 0.7,
    "30.11.2026": 2026,
    "1.2.3": 3,
    "1 234": 234,
    "0001": 1,
  };
  for (const [text, value] of Object.entries(cases)) expect([text, numberOf(text)]).toEqual([text, value]);
});

test("digits of every script", () => {
  const cases: Record<string, number> = {
    "４２": 42,
    "－１，２３４．５": -1_234.5,
    "٤٢": 42,
    "٣٫١٤": 3.14,
    "४२": 42,
    "𝟒𝟐": 42,
    "𝟬𝟿": 9,
    "1，2": 2,
  };
  for (const [text, value] of Object.entries(cases)) expect([text, numberOf(text)]).toEqual([text, value]);
});

test("numbers beyond all measure are no number to compare", () => {
  expect(lastNumber("1e401")?.value).toBeNull();
  expect(lastNumber("1e99999999999999999999")?.value).toBeNull();
  expect(lastNumber("9".repeat(401))?.value).toBeNull();
  expect(lastNumber("9".repeat(1_000))?.said).toHaveLength(50);
  expect(numberOf("1e-99999999999999999999")).toBe(0);
  expect(numberOf("0e999")).toBe(0);
});

test("decimals are compared as they are written", () => {
  const within = (left: string, right: string, tolerance: number, unit: "absolute" | "percent") => {
    const [answer, reference] = [lastNumber(left)?.value, lastNumber(right)?.value];
    return answer && reference ? areWithin(answer, reference, { tolerance, unit }) : null;
  };
  expect(within("0.3", "0.1", 0.2, "absolute")).toBe(true);
  expect(within("0.30000000000000004", "0.1", 0.2, "absolute")).toBe(false);
  expect(within("1e-400", "0", 0, "absolute")).toBe(false);
  expect(within("1e300", "1.05e300", 5, "percent")).toBe(true);
  expect(within("1e300", "1.06e300", 5, "percent")).toBe(false);
  expect(within("5", "0", 5e-324, "absolute")).toBe(false);
  expect(within("5", "7", 1e15, "absolute")).toBe(true);
});
