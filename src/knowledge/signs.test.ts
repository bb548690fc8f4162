// What is found by signs, over a real database with sqlite-vec, is what a look at every vector finds.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits } from "../kit/limits.ts";
import { createLog } from "../kit/log.ts";
import { uniform as seededUniform } from "../kit/random.ts";
import { openStore, type Store } from "../store/store.ts";
import { createTables, insertChunks, normalised, removeChunks } from "./indexes.ts";
import { searchIndex } from "./search.ts";
import { isWorthSigns, Signs } from "./signs.ts";

const INDEX = 1;
const DIMENSIONS = 96;
const CLUSTERS = 40;
const uniform = seededUniform(11);
const gauss = (): number => Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform());
/** Far from the origin in one direction, as some embedders' vectors are: their own signs would tell little. */
const away = new Float32Array(DIMENSIONS).fill(1.5);
const centres = Array.from({ length: CLUSTERS }, () => away.map((value) => value + gauss()));
const vectorNear = (cluster: number): Float32Array =>
  normalised((centres[cluster % CLUSTERS] ?? away).map((value) => value + 0.5 * gauss()));

const folder = mkdtempSync(join(tmpdir(), "espalier-signs-"));
let store: Store;
beforeAll(async () => {
  store = await openStore({ dataDir: folder, log: createLog({ level: "silent" }) });
  await store.write((tx) => createTables(tx, INDEX, DIMENSIONS));
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

let ordinal = 0;
async function add(documentId: string, vectors: readonly Float32Array[]): Promise<void> {
  const some = vectors.map((vector) => {
    const place = {
      ordinal: ordinal++,
      headings: [],
      pageFrom: null,
      pageTo: null,
      start: 0,
      end: 0,
      tokens: 1,
    };
    return { documentId, chunk: { ...place, text: `t${ordinal}` }, vector };
  });
  for (let at = 0; at < some.length; at += limits.chunksPerWrite)
    await store.write((tx) => insertChunks(tx, INDEX, some.slice(at, at + limits.chunksPerWrite)));
}
const ask = async (vector: Float32Array, signs?: Signs): Promise<number[]> => {
  const request = { index: INDEX, words: null, vector, depth: 20, filter: {} };
  return (await searchIndex(store.db, request, signs)).map(({ number }) => number);
};

test("signs find what a look at all vectors finds, also what came later, and nothing that went", async () => {
  await add(
    "first",
    Array.from({ length: 3_000 }, (_, at) => vectorNear(at)),
  );
  const signs = new Signs(INDEX);
  await Promise.all([signs.refresh(store.db), signs.refresh(store.db)]);
  expect(signs.size).toBe(3_000);
  const questions = Array.from({ length: 30 }, (_, at) => vectorNear(at));
  const same = { first5: 0, all20: 0 };
  for (const question of questions) {
    const exact = await ask(question);
    expect(exact).toHaveLength(20);
    const found = new Set(await ask(question, signs));
    same.first5 += exact.slice(0, 5).filter((number) => found.has(number)).length;
    same.all20 += exact.filter((number) => found.has(number)).length;
  }
  // By 60 candidates of 3,000 chunks.
  expect(same.first5).toBeGreaterThan(0.97 * 150);
  expect(same.all20).toBeGreaterThan(0.9 * 600);

  const later = vectorNear(7);
  await add("later", [later, ...Array.from({ length: 30 }, (_, at) => vectorNear(at))]);
  await signs.refresh(store.db);
  expect(signs.size).toBe(3_031);
  expect((await ask(later, signs))[0]).toBe((await ask(later))[0] ?? -1);

  await removeChunks(store, INDEX, "later", 0);
  const left = await ask(later, signs);
  expect(left.slice(0, 3)).toEqual((await ask(later)).slice(0, 3));
  expect(Math.max(...left)).toBeLessThanOrEqual(3_000);
}, 60_000);

test("few candidates are far fewer than all, and hold the nearest", async () => {
  const signs = new Signs(INDEX);
  await signs.refresh(store.db);
  const question = vectorNear(3);
  const candidates = signs.nearest(question, 200);
  expect(candidates.length).toBeGreaterThanOrEqual(200);
  expect(candidates.length).toBeLessThan(500);
  const exact = (await ask(question)).slice(0, 10);
  expect(candidates).toEqual(expect.arrayContaining(exact));
});

test("once most of what the signs know has gone, every vector is looked at", async () => {
  const signs = new Signs(INDEX);
  await signs.refresh(store.db);
  await removeChunks(store, INDEX, "first", 100);
  const question = vectorNear(5);
  expect(await ask(question, signs)).toEqual(await ask(question));
});

test("a small index has none", async () => {
  expect(await isWorthSigns(store.db, INDEX)).toBe(false);
});
