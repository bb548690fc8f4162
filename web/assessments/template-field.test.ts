import { expect, test } from "bun:test";
import { nameAt } from "./template-field.tsx";

test.each([
  ["Say {{", 6, { from: 6, typed: "" }],
  ["Say {{que", 9, { from: 6, typed: "que" }],
  ["Say {{ que", 10, { from: 6, typed: "que" }],
  ["{{a}} and {{b", 13, { from: 12, typed: "b" }],
  ["{{a}}", 5, null],
  ["{{a\nb", 5, null],
  ["Say {que", 8, null],
  ["{{question}}", 5, { from: 2, typed: "que" }],
] as const)("%s at %d", (text, caret, found) => {
  expect(nameAt(text, caret)).toEqual(found);
});
