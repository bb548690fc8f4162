// The embedder inside the executable, in its child: vectors by both ways to ONNX Runtime, order, turns, cancel, eviction.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicMs } from "../kit/clock.ts";
import { isEspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { createBuiltInEmbedder, createEnginePool, type Embedder, type EnginePool } from "./inference.ts";
import type { EnginePoolDeps } from "./slots.ts";

setDefaultTimeout(60_000);
let root = "";
const pools: EnginePool[] = [];

function poolWith(options: Partial<EnginePoolDeps> = {}): EnginePool {
  const pool = createEnginePool({
    cacheDir: join(root, "cache"),
    command: [process.execPath, join(import.meta.dir, "engine/child.entry.ts")],
    env: {},
    memoryBudgetBytes: 2 * 1024 ** 3,
    idleMs: 60_000,
    threads: 2,
    clock: monotonicMs,
    log: () => undefined,
    ...options,
  });
  pools.push(pool);
  return pool;
}

let pool: EnginePool;
let embedder: Embedder;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "espalier-embedder-"));
  pool = poolWith();
  embedder = createBuiltInEmbedder(pool);
});
afterAll(async () => {
  for (const one of pools) await one.close();
  await rm(root, { recursive: true, force: true });
});

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}
async function one(text: string, from = embedder): Promise<Float32Array> {
  const [vector] = await from.embed([text], "passage");
  if (!vector) throw new Error("no vector");
  return vector;
}
/** Texts of one to `count` words, no two alike. */
const texts = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${"pear tree ".repeat(i % 40)}number ${i}`);

describe("vectors", () => {
  test("have length 1, and tell what is alike from what is not", async () => {
    const [asked, near, far] = await embedder.embed(
      [
        "How do I prune a pear tree?",
        "Cutting back fruit trees in winter",
        "Quarterly tax returns for companies",
      ],
      "query",
    );
    if (!asked || !near || !far) throw new Error("vectors are missing");
    expect(asked).toHaveLength(embedder.dimensions);
    for (const vector of [asked, near, far]) expect(cosine(vector, vector)).toBeCloseTo(1, 5);
    expect(cosine(asked, near)).toBeGreaterThan(cosine(asked, far) + 0.3);
  });

  test("come in the order of the texts, equal ones for equal texts, and do not depend on what is beside them", async () => {
    const many = [...texts(limits.embedTexts + 10), "number 3", ""];
    const vectors = await embedder.embed(many, "passage");
    expect(vectors).toHaveLength(many.length);
    for (const place of [0, 7, 39, limits.embedTexts + 5, many.length - 2, many.length - 1]) {
      const alone = await one(many[place] ?? "");
      expect(Math.max(...alone.map((value, i) => Math.abs(value - (vectors[place]?.[i] ?? 9))))).toBeLessThan(
        1e-5,
      );
    }
  });

  test("are the same by onnxruntime-node", async () => {
    const other = createBuiltInEmbedder(poolWith({ runtime: "node" }));
    const sample = texts(12);
    const [here, there] = [await embedder.embed(sample, "passage"), await other.embed(sample, "passage")];
    for (const [i, vector] of here.entries())
      expect(cosine(vector, there[i] ?? vector.fill(0))).toBeGreaterThan(0.99999);
  });

  test("are of the beginning where a text is longer than the model sees", async () => {
    const whole = "tree ".repeat(embedder.maxTokens);
    expect(await embedder.countTokens([whole, `${whole}house`, ""])).toEqual([254, 255, 0]);
    expect(await one(`${whole}house boat`)).toEqual(await one(whole));
    expect(await one("tree ".repeat(embedder.maxTokens - 1))).not.toEqual(await one(whole));
    // Far beyond what is read at all.
    expect(await one(whole + "x ".repeat(limits.embedTextChars))).toEqual(await one(whole));
  });

  test("of nothing are none", async () => {
    expect(await embedder.embed([], "passage")).toEqual([]);
  });
});

describe("turns", () => {
  test("a question does not wait for the bulk before it", async () => {
    const done: string[] = [];
    const bulk = embedder.embed(
      Array.from({ length: 200 }, (_, i) => `${"pear tree ".repeat(100)}${i}`),
      "passage",
    );
    await Bun.sleep(100);
    await Promise.all([
      bulk.then(() => done.push("bulk")),
      embedder.embed(["Which pear?"], "query").then(() => done.push("question")),
    ]);
    expect(done).toEqual(["question", "bulk"]);
  });

  test("what is no longer wanted ends at the next batch, and others go on", async () => {
    const leaving = new AbortController();
    const bulk = embedder.embed(texts(200), "passage", leaving.signal).catch((error: unknown) => error);
    const other = one("stays");
    leaving.abort();
    const error = await bulk;
    expect(isEspalierError(error) && error.code).toBe("CANCELLED");
    expect(await other).toHaveLength(embedder.dimensions);
  });
});

describe("the child", () => {
  test("leaves when it is idle, is killed with an error, and comes back", async () => {
    const short = poolWith({ idleMs: 200 });
    const own = createBuiltInEmbedder(short);
    await one("here", own);
    expect(short.list().map(({ precision }) => precision)).toEqual(["vectors"]);
    await Bun.sleep(600);
    expect(short.list()).toEqual([]);
    const work = own.embed(texts(200), "passage").catch((error: unknown) => error);
    while (short.list()[0]?.status !== "ready") await Bun.sleep(5);
    process.kill(short.list()[0]?.pid ?? 0, "SIGKILL");
    const error = await work;
    expect(isEspalierError(error) && error.code).toBe("ENGINE_DIED");
    expect(await one("again", own)).toHaveLength(own.dimensions);
  });

  test("takes no more memory than the pool reckons with", async () => {
    await embedder.embed(
      Array.from({ length: 64 }, (_, i) => `${"pear tree ".repeat(150)}${i}`),
      "passage",
    );
    const [info] = pool.list();
    const status = await Bun.file(`/proc/${info?.pid}/status`).text();
    const peakBytes = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
    expect(peakBytes).toBeLessThan(info?.estimatedBytes ?? 0);
  });

  test("is refused where the budget is too small", async () => {
    const small = createBuiltInEmbedder(poolWith({ memoryBudgetBytes: 64 * 1024 ** 2 }));
    const error = await one("no room", small).catch((thrown: unknown) => thrown);
    expect(isEspalierError(error) && error.code).toBe("MODEL_TOO_LARGE");
  });
});
