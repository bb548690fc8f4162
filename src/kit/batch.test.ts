import { expect, test } from "bun:test";
import { createBatch } from "./batch.ts";

test("what comes during a write goes with the next one, each item once and in order", async () => {
  const writes: number[][] = [];
  const add = createBatch<number>(async (items) => {
    writes.push([...items]);
    await Bun.sleep(5);
  });
  const first = add(0);
  await Bun.sleep(1);
  const later = Promise.all(Array.from({ length: 250 }, (_, at) => add(at + 1)));
  await first;
  expect(writes).toEqual([[0], Array.from({ length: 200 }, (_, at) => at + 1)]);
  await later;
  expect(writes.flat()).toEqual(Array.from({ length: 251 }, (_, at) => at));
  expect(writes.length).toBe(3);
});

test("a write that fails fails its own items, and the next ones are written", async () => {
  const add = createBatch<string>((items) =>
    items.includes("bad") ? Promise.reject(new Error("disk")) : Promise.resolve(),
  );
  const ends = await Promise.allSettled([add("bad"), add("with it")]);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await add("good");
});
