// The embedder against sentence-transformers' way by transformers on the same weights: tokens equal, fp32 within 1e-4,
// int8 as inside the executable with a mean cosine of at least 0.995.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { buildEncoder } from "../src/inference/engine/encoder-build.ts";
import { createBuiltInEmbedder, createEnginePool, type EngineRuntime } from "../src/inference/inference.ts";
import { monotonicMs } from "../src/kit/clock.ts";
import { EMBEDDER_SOURCE } from "../src/kit/native.ts";
import { python, runPython } from "./python.ts";

const root = join(import.meta.dir, "..");
/** Where bin/build leaves the model as it was fetched. */
const model = join(root, EMBEDDER_SOURCE).replace(/\.int8$/, "");
const isReady = existsSync(python) && existsSync(model);

const ODD = [
  "",
  "a",
  "Naïve café — “quoted”, über-señor's 3.14 % of €1,000.50",
  "日本語のテスト 12345 中文混排 한국어 текст по-русски",
  "emoji 😀👩‍👩‍👧 and \u0000 control \u0007 characters\r\n\ttabs   spaces",
  `${"x".repeat(150)} a word that is longer than the tokenizer takes`,
  "snake_case and camelCase: def f(a): return a[0] != b // 2",
  "[CLS] marks [SEP] in the text [MASK] [PAD]",
  "ﬁ ligature, ½ fraction, İstanbul, ß, ﻿zero width",
  "prüfen ".repeat(300),
  "word ".repeat(600),
];
const paragraphs = ["README.md", "docs/LOG.md", "docs/architecture.md"]
  .flatMap((file) => readFileSync(join(root, file), "utf8").split(/\n\s*\n/))
  .filter((paragraph) => paragraph.length > 40)
  .slice(0, 60);
const texts = [...ODD, ...paragraphs];

let folder = "";
let golden: { counts: number[]; vectors: Float32Array };
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  if (!isReady) return;
  folder = await mkdtemp(join(tmpdir(), "espalier-embedder-"));
  const out = join(folder, "vectors");
  const counts = z.array(z.number()).parse(JSON.parse(await runPython("embedder.py", [model, out], texts)));
  golden = { counts, vectors: new Float32Array(await Bun.file(out).arrayBuffer()) };
}, 180_000);
afterAll(async () => {
  for (const close of closers) await close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** The embedder over a folder of its files; that of the executable when none is named. */
function embedderOf(encoderDir?: string, runtime: EngineRuntime = "auto") {
  const pool = createEnginePool({
    cacheDir: join(folder, "cache"),
    command: [process.execPath, join(root, "src/inference/engine/child.entry.ts")],
    env: {},
    memoryBudgetBytes: 2 * 1024 ** 3,
    idleMs: 60_000,
    threads: 2,
    runtime,
    clock: monotonicMs,
    log: () => undefined,
    ...(encoderDir === undefined ? {} : { encoderDir }),
  });
  closers.push(() => pool.close());
  return createBuiltInEmbedder(pool);
}
const row = (place: number): Float32Array => golden.vectors.subarray(place * 384, (place + 1) * 384);
const cosine = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

describe.skipIf(!isReady)("all-MiniLM-L6-v2", () => {
  test("has the same tokens", async () => {
    expect(await embedderOf().countTokens(texts)).toEqual(golden.counts);
  }, 60_000);

  for (const runtime of ["auto", "node"] as const)
    test(`float32 differs by less than 1e-4 (${runtime})`, async () => {
      const built = join(folder, "fp32");
      if (!existsSync(built)) await buildEncoder(model, built, "fp32");
      const vectors = await embedderOf(built, runtime).embed(texts, "passage");
      let largest = 0;
      vectors.forEach((vector, place) => {
        vector.forEach((value, i) => {
          largest = Math.max(largest, Math.abs(value - (row(place)[i] ?? 9)));
        });
      });
      console.log(`embedder: fp32 (${runtime}) differs by at most ${largest.toExponential(1)}`);
      expect(largest).toBeLessThan(1e-4);
    }, 120_000);

  test("int8 has a mean cosine of 0.995 with it, and none under 0.97", async () => {
    const vectors = await embedderOf().embed(texts, "passage");
    const cosines = vectors.map((vector, place) => cosine(vector, row(place)));
    const mean = cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
    const least = Math.min(...cosines);
    console.log(`embedder: int8 has a mean cosine of ${mean.toFixed(4)}, the least ${least.toFixed(4)}`);
    expect(mean).toBeGreaterThan(0.995);
    expect(least).toBeGreaterThan(0.97);
  }, 120_000);
});
