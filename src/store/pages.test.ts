// Pages of a list: whole and in order however they are asked for, also while rows come and go.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eq, inArray } from "drizzle-orm";
import { conversations } from "../../schema/tables/chat.ts";
import { isEspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { createLog } from "../kit/log.ts";
import { openStore, type PageRequest, pageOfNumbers, readPage, type Store } from "./store.ts";

let folder: string;
let store: Store;
const row = (id: string, updatedAt: number, projectId = "mine") => ({
  ...{ id, projectId, userId: null, title: id, models: [], systemPrompt: null, parameters: {} },
  ...{ createdAt: 1, updatedAt },
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "espalier-pages-"));
  store = await openStore({ dataDir: folder, log: createLog({ level: "silent" }) });
  // Each moment has three of them, so that the first key alone orders nothing.
  const rows = Array.from({ length: 30 }, (_, at) =>
    row(`c${String(at).padStart(2, "0")}`, Math.floor(at / 3)),
  );
  await store.write((tx) => tx.insert(conversations).values([...rows, row("foreign", 5, "theirs")]));
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const page = (request: PageRequest, order: "ascending" | "descending" = "descending") =>
  readPage(
    store.db,
    conversations,
    { where: eq(conversations.projectId, "mine"), keys: ["updatedAt", "id"], order },
    request,
  );
const ids = async (request: PageRequest, order?: "ascending" | "descending") =>
  (await page(request, order)).items.map(({ id }) => id);
const newestFirst = Array.from({ length: 30 }, (_, at) => `c${String(29 - at).padStart(2, "0")}`);

/** All pages of `size`, following cursors one way. */
async function walk(size: number, way: "first" | "last"): Promise<string[]> {
  const all: string[] = [];
  let cursor: string | undefined;
  for (;;) {
    const got = await page(way === "first" ? { first: size, after: cursor } : { last: size, before: cursor });
    const found = got.items.map(({ id }) => id);
    if (way === "first") all.push(...found);
    else all.unshift(...found);
    expect(way === "first" ? got.hasPreviousPage : got.hasNextPage).toBe(cursor !== undefined);
    if (!(way === "first" ? got.hasNextPage : got.hasPreviousPage)) return all;
    cursor = way === "first" ? got.cursors.at(-1) : got.cursors[0];
  }
}

describe("a list of 30 with three at each moment", () => {
  test.each([1, 2, 7, 10, 29, 30, 31])("is whole and in order in pages of %i, both ways", async (size) => {
    expect(await walk(size, "first")).toEqual(newestFirst);
    expect(await walk(size, "last")).toEqual(newestFirst);
  });

  test("rises as well as it falls, and lies between two cursors", async () => {
    expect(await ids({ first: 3 }, "ascending")).toEqual(["c00", "c01", "c02"]);
    expect(await ids({ last: 2 }, "ascending")).toEqual(["c28", "c29"]);
    const { cursors } = await page({ first: 10 });
    expect(await ids({ after: cursors[2], before: cursors[6] })).toEqual(newestFirst.slice(3, 6));
    expect(await ids({ after: cursors[2], before: cursors[6], last: 1 })).toEqual(newestFirst.slice(5, 6));
  });

  test("counts itself and not the others", async () => {
    const got = await page({ first: 0 });
    expect(got).toMatchObject({ items: [], cursors: [], hasNextPage: true });
    expect(await got.totalCount()).toBe(30);
    expect(await ids({})).toHaveLength(30);
  });

  test("goes on at its cursor when rows before it came and the cursor's own row went", async () => {
    const { cursors } = await page({ first: 5 });
    await store.write(async (tx) => {
      await tx.insert(conversations).values(row("c99", 50));
      await tx.delete(conversations).where(inArray(conversations.id, ["c25"]));
    });
    expect(await ids({ first: 3, after: cursors[4] })).toEqual(["c24", "c23", "c22"]);
  });
});

test.each<[string, PageRequest, string, string, string]>([
  ["a negative size", { first: -1 }, "PAGE_INVALID", "first", "-1"],
  ["a negative last", { last: -3 }, "PAGE_INVALID", "last", "-3"],
  ["both ways at once", { first: 1, last: 1 }, "PAGE_INVALID", "last", "1"],
  ["too many", { first: limits.pageItems + 1 }, "PAGE_TOO_LARGE", "first", String(limits.pageItems + 1)],
  ["too many from the end", { last: 10_000 }, "PAGE_TOO_LARGE", "last", "10000"],
  ["a cursor of nothing", { after: "x" }, "CURSOR_INVALID", "after", "x"],
  ["a cursor of another list", { before: "run_1" }, "CURSOR_INVALID", "before", "run_1"],
  ["a cursor without its number", { after: "~c01" }, "CURSOR_INVALID", "after", "~c01"],
  ["an empty cursor", { after: "" }, "CURSOR_INVALID", "after", ""],
])("%s is refused, naming the field and the value", async (_, request, code, field, value) => {
  const error = await page(request).catch((thrown: unknown) => thrown);
  if (!isEspalierError(error)) throw error;
  expect({ code: error.code, field: error.field, value: error.value }).toEqual({ code, field, value });
});

test("a list of numbers that is there as a whole is paged both ways and holds each once", async () => {
  const all = [0, 2, 3, 5, 8, 13, 21];
  for (const size of [1, 2, 3, 7, 10]) {
    const forwards: number[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const got = pageOfNumbers(all, { first: size, after });
      expect([await got.totalCount(), got.hasPreviousPage]).toEqual([7, after !== null]);
      forwards.push(...got.items);
      ({ hasNextPage: more } = got);
      after = got.cursors.at(-1) ?? null;
    }
    expect(forwards).toEqual(all);
    const backwards: number[] = [];
    for (let before: string | null = null, more = true; more; ) {
      const got = pageOfNumbers(all, { last: size, before });
      backwards.unshift(...got.items);
      ({ hasPreviousPage: more } = got);
      before = got.cursors[0] ?? null;
    }
    expect(backwards).toEqual(all);
  }
  expect(pageOfNumbers(all, { first: 2, after: "4" }).items).toEqual([5, 8]);
  expect(pageOfNumbers(all, { first: 0 }).items).toEqual([]);
  expect(() => pageOfNumbers(all, { after: "x" })).toThrow("no cursor of this list");
  expect(() => pageOfNumbers(all, { first: -1 })).toThrow("no fewer than 0");
});
