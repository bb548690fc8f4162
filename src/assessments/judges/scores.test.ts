import { expect, test } from "bun:test";
import { type Judgement, pairOutcomes, scoresOf } from "./scores.ts";

const said = (answerId: string, otherId: string, value: number | null): Judgement => ({
  ...{ row: 0, answerId, otherId, value },
  reason: value === null ? "no verdict" : "why",
});
const scored = (all: readonly Judgement[]) =>
  Object.fromEntries(scoresOf("pairwise", all).map(({ answerId, value }) => [answerId, value]));

test("an answer by itself has its own score and reason", () => {
  expect(scoresOf("direct", [said("a", "", 0.75), said("b", "", null)])).toEqual([
    { answerId: "a", value: 0.75, detail: "why" },
    { answerId: "b", value: null, detail: "no verdict" },
  ]);
});

test("a pair counts by both orders: agreed, tied, and a judge that always takes the first", () => {
  expect(scored([said("a", "b", 1), said("b", "a", 0)])).toEqual({ a: 1, b: 0 });
  expect(scored([said("a", "b", 0.5), said("b", "a", 0.5)])).toEqual({ a: 0.5, b: 0.5 });
  const always = [said("a", "b", 1), said("b", "a", 1)];
  expect(scored(always)).toEqual({ a: 0.5, b: 0.5 });
  expect(pairOutcomes(always)[0]?.isConsistent).toBe(false);
  expect(scoresOf("pairwise", always)[0]?.detail).toContain("other order");
  expect(scored([said("a", "b", 1), said("b", "a", 0.5)])).toEqual({ a: 0.75, b: 0.25 });
});

test("one order alone is no score, and one that is no verdict leaves both unscored", () => {
  expect(scored([said("a", "b", 1)])).toEqual({});
  expect(scored([said("a", "b", 1), said("b", "a", null)])).toEqual({ a: null, b: null });
});

test("against several, the mean over the others", () => {
  const all = [
    ...[said("a", "b", 1), said("b", "a", 0)],
    ...[said("a", "c", 1), said("c", "a", 0)],
    ...[said("b", "c", 0.5), said("c", "b", 0.5)],
  ];
  expect(scored(all)).toEqual({ a: 1, b: 0.25, c: 0.25 });
});
