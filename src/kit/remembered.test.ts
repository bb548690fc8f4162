import { expect, test } from "bun:test";
import { createRemembered } from "./remembered.ts";

function counting(ms = 60_000) {
  let commits = 0;
  const read: string[] = [];
  const get = createRemembered(
    async (name: string, port: number) => {
      read.push(`${name}:${port}`);
      if (name === "bad") throw new Error("disk");
      return read.length;
    },
    ms,
    () => commits,
  );
  return { get, read, commit: () => void commits++ };
}

test("is read once for those who ask at once and after, each by what it is given", async () => {
  const { get, read } = counting();
  expect(await Promise.all([get("a", 1), get("a", 1), get("a", 2)])).toEqual([1, 1, 2]);
  expect(await get("a", 1)).toBe(1);
  expect(read).toEqual(["a:1", "a:2"]);
});

test("a commit makes it be read again", async () => {
  const { get, read, commit } = counting();
  await get("a", 1);
  commit();
  expect(await get("a", 1)).toBe(2);
  expect(read).toHaveLength(2);
});

test("time makes it be read again, because others write, too", async () => {
  const { get } = counting(10);
  await get("a", 1);
  await Bun.sleep(30);
  expect(await get("a", 1)).toBe(2);
});

test("what failed is read again", async () => {
  const { get, read } = counting();
  await expect(get("bad", 1)).rejects.toThrow("disk");
  await expect(get("bad", 1)).rejects.toThrow("disk");
  expect(read).toHaveLength(2);
});
