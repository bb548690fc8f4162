// The map's small decisions: which stage is lit as the next one, and the path of an edge.
import { expect, test } from "bun:test";
import { route } from "./layout.ts";
import { stageOfNext } from "./map-page.tsx";

const stages = [
  { key: "base", actionPath: "/base-models?import=1" },
  { key: "customized", actionPath: "/train" },
  { key: "live", actionPath: "/live" },
  { key: "registered", actionPath: null },
];

test("the stage whose action is the next one is lit, else the one whose page it is on", () => {
  expect(stageOfNext({ path: "/train" }, stages)).toBe("customized");
  expect(stageOfNext({ path: "/live/dep_1" }, stages)).toBe("live");
  expect(stageOfNext({ path: "/nowhere" }, stages)).toBeNull();
});

test("an edge goes through its points with round corners and ends at the last", () => {
  const path = route([
    { x: 0, y: 0 },
    { x: 100, y: 0 },
    { x: 100, y: 50 },
  ]);
  expect(path.startsWith("M")).toBe(true);
  expect(path).toMatch(/100[ ,]50$/);
  // The corner itself is cut: no straight line ends in it.
  expect(path).not.toMatch(/L ?100[ ,]0(\D|$)/);
});
