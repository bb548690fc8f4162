import { expect, test } from "bun:test";
import { scoresOfRatings } from "./scores.ts";

const said = (answerId: string, otherId: string, raterId: string, value: number) => ({
  ...{ answerId, otherId, raterId, value },
});
const scored = (all: Parameters<typeof scoresOfRatings>[0]) => Object.fromEntries(scoresOfRatings(all));

test("an answer by itself has the mean of its raters", () => {
  expect(scored([said("a", "", "x", 1), said("a", "", "y", 0.5), said("b", "", "x", 0)])).toEqual({
    a: 0.75,
    b: 0,
  });
});

test("of two, what one has the other has not; a pair that many rated counts as one pair", () => {
  expect(scored([said("a", "b", "x", 1), said("a", "b", "y", 0.5)])).toEqual({ a: 0.75, b: 0.25 });
  expect(
    scored([
      said("a", "b", "x", 1),
      said("a", "b", "y", 1),
      said("a", "c", "x", 0),
      said("b", "c", "x", 0.5),
    ]),
  ).toEqual({ a: 0.5, b: 0.25, c: 0.75 });
});
