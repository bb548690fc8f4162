// Numbers and orders as a language has them.
import { expect, test } from "bun:test";
import { t } from "../i18n.ts";
import { inOrder } from "./format.ts";

test("texts are sorted as people do, numbers by size", () => {
  const names = ["run 10", "run 9", "Zebra", "apple", "Äpfel"];
  expect(names.sort(inOrder)).toEqual(["Äpfel", "apple", "run 9", "run 10", "Zebra"]);
  expect([10, 9, 100].sort(inOrder)).toEqual([9, 10, 100]);
});

test("a number in a sentence is written as the language writes it, text stays as it is", () => {
  expect(t("{{n}} failed", { n: 12_345 })).toBe("12,345 failed");
  expect(t("{{n}} failed", { n: "<b>12345 & $& {{n}}" })).toBe("<b>12345 & $& {{n}} failed");
});
