// Cells of a dataset's table: which values are conversations, and what the others read like.
import { expect, test } from "bun:test";
import { cellText, turnsOf } from "./cell.tsx";

test("conversations are read in both ways of writing them", () => {
  expect(turnsOf([{ role: "user", content: "Hello" }])).toEqual([{ role: "user", text: "Hello" }]);
  expect(turnsOf([{ from: "gpt", value: "Hi" }])).toEqual([{ role: "gpt", text: "Hi" }]);
});

test("lists of other things are no conversation", () => {
  for (const value of [[], ["a"], [{ role: "user" }], [null], "user: Hello", { role: "user", content: "x" }])
    expect(turnsOf(value)).toBeNull();
  expect(cellText(["a", 1])).toBe('["a",1]');
  expect(cellText("text")).toBe("text");
  expect(cellText(undefined)).toBe("");
});
