// Documents for people: one line a thing, whatever stands in it.
import { expect, test } from "bun:test";
import { textOf } from "./table.ts";

test("an error in a list is said in words, with its mend and code", () => {
  const error = {
    code: "DOCUMENT_SCANNED",
    message: "a.pdf has no text.",
    hint: "Add another.",
    field: "file",
  };
  expect(
    textOf({
      items: [
        { name: "a.pdf", error },
        { name: "b.md", error: null },
      ],
    }),
  ).toBe("NAME   ERROR\na.pdf  a.pdf has no text. Add another. (DOCUMENT_SCANNED)\nb.md   -\n");
});

test("a text of several lines stays in its row, and a long one does not push the others aside", () => {
  const lines = textOf({ items: [{ text: `One\n\ntwo ${"x".repeat(200)}`, score: 1 }] }).split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[1]).toStartWith("One two xxx");
  expect(lines[1]).toEndWith("…  1");
  expect(lines[1]).toHaveLength(103);
});
