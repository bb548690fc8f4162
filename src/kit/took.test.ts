import { expect, test } from "bun:test";
import { tookText } from "./took.ts";

test("time and cost stand beside what was expected, and what is not known is left out", () => {
  const actual = { seconds: 131.2, costUsd: 0.0123 };
  expect(tookText(actual, { seconds: 4_000, costUsd: 1.5 })).toBe(
    "2 min 11 s, 1 h 6 min expected; $0.012, $1.50 expected",
  );
  expect(tookText(actual, { seconds: null, costUsd: null })).toBe("2 min 11 s; $0.012");
  expect(tookText({ seconds: 0.26, costUsd: null }, null)).toBe("0.3 s");
  expect(tookText(null, { seconds: 59.6, costUsd: 0 })).toBe("1 min 0 s expected; $0.00 expected");
  expect(tookText(null, null)).toBeNull();
});
