// What the training form proposes: the columns of a table, and where rows are cut.
import { expect, test } from "bun:test";
import { guessMapping, keptTokens } from "./start-page.tsx";

test("columns with the usual names are proposed, others are left to the reader", () => {
  expect(guessMapping(["id", "Question", "Answer", "system_prompt"])).toEqual({
    prompt: "Question",
    completion: "Answer",
    system: "system_prompt",
  });
  expect(guessMapping(["id", "when", "who"])).toEqual({});
  expect(guessMapping(["message", "label"])).toEqual({ prompt: "message", completion: "label" });
});

test("rows are cut where the form says, at the method's standard where it says nothing, and where the base ends", () => {
  const schema = { properties: { max_length: { default: 512 } } };
  expect(keptTokens(64, schema, 2048)).toBe(64);
  expect(keptTokens(undefined, schema, 2048)).toBe(512);
  expect(keptTokens("", schema, 2048)).toBe(512);
  expect(keptTokens(4096, schema, 2048)).toBe(2048);
  expect(keptTokens(undefined, {}, 2048)).toBe(2048);
});
