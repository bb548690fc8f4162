// What the training form proposes: names that are free and the columns of a table.
import { expect, test } from "bun:test";
import { freeName, guessMapping } from "./start-page.tsx";

test("the first free number names a training", () => {
  expect(freeName("support-router", [])).toBe("support-router-1");
  expect(freeName("support-router", ["support-router-1", "support-router-3"])).toBe("support-router-2");
});

test("columns with the usual names are proposed, others are left to the reader", () => {
  expect(guessMapping(["id", "Question", "Answer", "system_prompt"])).toEqual({
    prompt: "Question",
    completion: "Answer",
    system: "system_prompt",
  });
  expect(guessMapping(["id", "when", "who"])).toEqual({});
  expect(guessMapping(["message", "label"])).toEqual({ prompt: "message", completion: "label" });
});
