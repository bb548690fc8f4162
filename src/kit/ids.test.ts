// Ids: unique, of one length, and in the order in which they were made, also within a millisecond.
import { expect, test } from "bun:test";
import { ID_PREFIX, newId, timeOfId } from "./ids.ts";

test("ids made in one millisecond sort as they were made", () => {
  const ids = Array.from({ length: 5000 }, () => newId("run", 1_700_000_000_000));
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids.slice(0, 50)) expect(id).toMatch(/^run_[0-9a-hjkmnp-tv-z]{26}$/);
});

test("ids of different milliseconds sort by time and tell it", () => {
  const ids = [1_700_000_000_000, 1_700_000_000_001, 1_700_000_900_000].map((at) => newId("run", at));
  expect([...ids].sort()).toEqual(ids);
  expect(ids.map(timeOfId)).toEqual([1_700_000_000_000, 1_700_000_000_001, 1_700_000_900_000]);
});

test("no two nouns share a prefix", () => {
  const prefixes = Object.values(ID_PREFIX);
  expect([...new Set(prefixes)]).toEqual(prefixes);
});
