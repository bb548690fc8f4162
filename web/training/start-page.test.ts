// What the training form proposes: the columns of a table.
import { expect, test } from "bun:test";
import { guessMapping } from "./start-page.tsx";

test("columns with the usual names are proposed, others are left to the reader", () => {
  expect(guessMapping(["id", "Question", "Answer", "system_prompt"])).toEqual({
    prompt: "Question",
    completion: "Answer",
    system: "system_prompt",
  });
  expect(guessMapping(["id", "when", "who"])).toEqual({});
  expect(guessMapping(["message", "label"])).toEqual({ prompt: "message", completion: "label" });
});
