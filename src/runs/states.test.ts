// The state chart itself, so that a change of it is a decision and not an accident of code and test together.
import { expect, test } from "bun:test";
import { MOVES } from "./states.ts";

test("the chart is the one of the architecture, neither more nor less", () => {
  expect(MOVES).toEqual({
    queued: ["running", "cancelled"],
    running: ["queued", "succeeded", "failed", "cancelled"],
    succeeded: [],
    failed: [],
    cancelled: [],
  });
});
