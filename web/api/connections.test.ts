// Reading on: whole lists from pages of different lengths, none of them twice.
import { expect, test } from "bun:test";
import { readOn } from "./connections.ts";

type Asked = Record<string, string | null>;
const lists: Record<string, number> = { long: 7, short: 2, empty: 0, even: 4 };
const asked: Asked[] = [];

/** A server with lists of numbers in pages of two. */
async function answer(cursors: Asked) {
  asked.push(cursors);
  const page = (name: string) => {
    const from = Number(cursors[name] ?? -1) + 1;
    const nodes = Array.from({ length: lists[name] ?? 0 }, (_, at) => at).slice(from, from + 2);
    const hasNextPage = from + nodes.length < (lists[name] ?? 0);
    const endCursor = nodes.length > 0 ? String(nodes.at(-1)) : null;
    return { nodes, pageInfo: { hasNextPage, endCursor } };
  };
  return {
    version: "1",
    long: page("long"),
    short: page("short"),
    empty: page("empty"),
    node: { id: "x", even: page("even") },
    cut: { nodes: [1, 2] },
  };
}

test("every connection becomes whole, those of the node too, and the rest stays as it was", async () => {
  const data = await readOn(answer, Number.POSITIVE_INFINITY);
  expect(data.long.nodes).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(data.long.pageInfo.hasNextPage).toBe(false);
  expect(data.short.nodes).toEqual([0, 1]);
  expect(data.empty.nodes).toEqual([]);
  expect(data.node.even.nodes).toEqual([0, 1, 2, 3]);
  expect(data.cut.nodes).toEqual([1, 2]);
  expect(asked).toHaveLength(4);
  expect(asked[1]).toEqual({ long: "1", short: "1", empty: null, even: "1" });
});

test("stops after as many pages as were wanted, and says that there is more", async () => {
  const data = await readOn(answer, 2);
  expect(data.long.nodes).toEqual([0, 1, 2, 3]);
  expect(data.long.pageInfo).toEqual({ hasNextPage: true, endCursor: "3" });
});

test("an answer that does not move on is an error and no endless loop", async () => {
  const stuck = async () => ({ list: { nodes: [1], pageInfo: { hasNextPage: true, endCursor: "1" } } });
  expect(readOn(stuck, Number.POSITIVE_INFINITY)).rejects.toThrow("list does not move on");
});
