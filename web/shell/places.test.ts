// The table of places: every shortcut and every address stands in it once.
import { expect, test } from "bun:test";
import { deeds, places } from "./places.ts";

test("no two places share a shortcut or an address", () => {
  const all = [...places, ...deeds];
  for (const told of [all.flatMap(({ key }) => key ?? []), all.map(({ to }) => to)])
    expect(told).toEqual([...new Set(told)]);
});
