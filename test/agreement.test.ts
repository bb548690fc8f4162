// The engine against transformers and PEFT on the same weights: logits within 1e-3, greedy text identical.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import {
  createEnginePool,
  type EnginePool,
  type EngineRuntime,
  type GenerationRequest,
  type ModelSource,
  readModelConfig,
} from "../src/inference/inference.ts";
import { monotonicMs } from "../src/kit/clock.ts";

const root = join(import.meta.dir, "..");
const python = join(root, "trainer/.venv/bin/python");
const gguf = join(root, ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf");
const hasPython = existsSync(python);
const hasSmollm = existsSync(gguf);

const partSchema = z.object({ logits: z.string(), made: z.array(z.number()), text: z.string() });
const textsSchema = z.array(z.object({ text: z.string(), ids: z.array(z.number()) }));
const goldenSchema = z.record(
  z.string(),
  z.object({
    ids: z.array(z.number()),
    base: partSchema,
    adapter: partSchema,
    merged: partSchema,
    chat: z.array(z.object({ role: z.string(), content: z.string() })).optional(),
    texts: textsSchema.optional(),
  }),
);

let folder = "";
let golden: z.infer<typeof goldenSchema> = {};
const RUNTIMES: EngineRuntime[] = ["auto", "node"];
const pools = new Map<EngineRuntime, EnginePool>();

function poolOf(runtime: EngineRuntime): EnginePool {
  const pool = pools.get(runtime);
  if (!pool) throw new Error("beforeAll did not run");
  return pool;
}

async function readFloats(name: string): Promise<Float32Array> {
  return new Float32Array(await Bun.file(join(folder, name)).arrayBuffer());
}

/** Largest absolute difference. */
function distance(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

async function textOf(pool: EnginePool, source: ModelSource, request: GenerationRequest): Promise<string> {
  let text = "";
  for await (const event of pool.generate(source, "fp32", { temperature: 0, maxTokens: 64, ...request }))
    if (event.type === "delta") text += event.text;
  return text;
}

const hf = (name: string): ModelSource => ({ kind: "hf", path: join(folder, name), hash: name });
const adapterOf = (name: string) => ({ path: join(folder, `${name}-adapter`), hash: `${name}-adapter` });

beforeAll(async () => {
  if (!hasPython) return;
  folder = await mkdtemp(join(tmpdir(), "espalier-golden-"));
  const made = Bun.spawnSync([python, join(root, "test/golden.py"), folder, ...(hasSmollm ? [gguf] : [])], {
    stderr: "pipe",
  });
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  golden = goldenSchema.parse(await Bun.file(join(folder, "golden.json")).json());
  for (const runtime of RUNTIMES)
    pools.set(
      runtime,
      createEnginePool({
        cacheDir: join(folder, "cache"),
        command: [process.execPath, join(root, "src/inference/engine/child.entry.ts")],
        env: {},
        memoryBudgetBytes: 4 * 1024 ** 3,
        idleMs: 60_000,
        threads: 2,
        runtime,
        clock: monotonicMs,
        log: () => undefined,
      }),
    );
}, 600_000);

afterAll(async () => {
  for (const pool of pools.values()) await pool.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

describe.skipIf(!hasPython).each(RUNTIMES)("toy weights of each family, runtime %s", (runtime) => {
  for (const family of ["llama", "llama3", "yarn", "mistral", "qwen2", "qwen3"])
    test(family, async () => {
      const wanted = golden[family];
      if (!wanted) throw new Error(`no golden vectors of ${family}`);
      const pool = poolOf(runtime);
      const prompt = wanted.ids.map((id) => String.fromCodePoint(0x4e00 + id)).join("");
      const cases = [
        [hf(family), wanted.base],
        [{ ...hf(family), adapter: adapterOf(family) }, wanted.adapter],
        [hf(`${family}-merged`), wanted.merged],
      ] as const;
      for (const [source, part] of cases) {
        const { logits } = await pool.logits(source, "fp32", wanted.ids);
        expect(distance(logits, await readFloats(part.logits))).toBeLessThanOrEqual(1e-3);
        expect(await textOf(pool, source, { prompt })).toBe(part.text);
      }
      expect((await pool.stats(hf(family), "fp32"))?.runtime).toBe(runtime === "auto" ? "c-api" : "node");
      // The base still answers as before, after its child learned to take adapters.
      const { logits } = await pool.logits(hf(family), "fp32", wanted.ids);
      expect(distance(logits, await readFloats(wanted.base.logits))).toBeLessThanOrEqual(1e-3);
    }, 120_000);
});

describe.skipIf(!hasPython)("toy GGUF files as llama.cpp's converter writes them", () => {
  test("rope scaled by a tensor of frequencies is Llama 3's", async () => {
    const wanted = golden.llama3;
    if (!wanted) throw new Error("no golden vectors of llama3");
    const source: ModelSource = { kind: "gguf", path: join(folder, "llama3.gguf"), hash: "llama3-gguf" };
    const { logits } = await poolOf("auto").logits(source, "fp32", wanted.ids);
    expect(distance(logits, await readFloats(wanted.base.logits))).toBeLessThanOrEqual(1e-3);
    expect((await readModelConfig(source.path)).ropeScaling).toEqual(
      (await readModelConfig(join(folder, "llama3"))).ropeScaling,
    );
  });

  test("a SentencePiece tokenizer gives the ids that transformers reads with it, and its text back", async () => {
    const path = join(folder, "sentencepiece.gguf");
    const texts = textsSchema.parse(await Bun.file(join(folder, "sentencepiece.json")).json());
    expect(texts.length).toBeGreaterThan(8);
    const source: ModelSource = { kind: "gguf", path, hash: "sentencepiece" };
    for (const { text, ids } of texts) {
      const row = await poolOf("auto").tokenize(source, text);
      expect(row.ids).toEqual(ids);
    }
  });
});

describe.skipIf(!hasPython || !hasSmollm)("SmolLM2-135M-Instruct", () => {
  test.each(RUNTIMES)(
    "base, base + adapter and merged, runtime %s",
    async (runtime) => {
      const pool = poolOf(runtime);
      const wanted = golden.smollm;
      if (!wanted?.chat) throw new Error("no golden vectors of SmolLM2");
      const fromGguf: ModelSource = { kind: "gguf", path: gguf, hash: "smollm-gguf" };
      const cases = [
        [hf("smollm"), wanted.base],
        [{ ...hf("smollm"), adapter: adapterOf("smollm") }, wanted.adapter],
        [hf("smollm-merged"), wanted.merged],
        [fromGguf, wanted.base],
        [{ ...fromGguf, adapter: adapterOf("smollm") }, wanted.adapter],
      ] as const;
      for (const [source, part] of cases) {
        const { logits } = await pool.logits(source, "fp32", wanted.ids);
        const difference = distance(logits, await readFloats(part.logits));
        console.log(
          `SmolLM2 ${source.hash} ${part.logits}, ${runtime}: largest logit difference ${difference.toExponential(2)}`,
        );
        expect(difference).toBeLessThanOrEqual(1e-3);
        expect(await textOf(pool, source, { messages: wanted.chat })).toBe(part.text);
        await pool.unload(source, "fp32");
      }
    },
    300_000,
  );

  test("the tokenizer gives the same ids, from the folder and from the GGUF", async () => {
    const pool = poolOf("auto");
    const texts = golden.smollm?.texts ?? [];
    expect(texts.length).toBeGreaterThan(3);
    for (const source of [hf("smollm"), { kind: "gguf", path: gguf, hash: "smollm-gguf" }] as const)
      for (const { text, ids } of texts) expect((await pool.tokenize(source, text)).ids).toEqual(ids);
  });

  test.each(RUNTIMES)(
    "int8 and the GGUF's own 4 bits stay close, runtime %s",
    async (runtime) => {
      const pool = poolOf(runtime);
      const wanted = golden.smollm;
      if (!wanted) throw new Error("no golden vectors of SmolLM2");
      const reference = await readFloats(wanted.base.logits);
      const rows = wanted.ids.length;
      for (const [source, precision] of [
        [hf("smollm"), "int8"],
        [{ kind: "gguf", path: gguf, hash: "smollm-gguf" }, "native"],
      ] as const) {
        const { logits, vocabSize } = await pool.logits(source, precision, wanted.ids);
        const kl = meanDivergence(reference, logits, rows, vocabSize);
        console.log(`SmolLM2 ${precision}, ${runtime}: mean KL ${kl.toExponential(2)}`);
        expect(kl).toBeLessThan(0.02);
        await pool.unload(source, precision);
      }
    },
    300_000,
  );
});

/** Mean Kullback–Leibler divergence of row distributions, in nats. */
function meanDivergence(p: Float32Array, q: Float32Array, rows: number, width: number): number {
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const a = logSoftmax(p.subarray(row * width, (row + 1) * width));
    const b = logSoftmax(q.subarray(row * width, (row + 1) * width));
    for (let i = 0; i < width; i++) sum += Math.exp(a[i]!) * (a[i]! - b[i]!);
  }
  return sum / rows;
}

function logSoftmax(logits: Float32Array): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of logits) largest = Math.max(largest, value);
  let total = 0;
  for (const value of logits) total += Math.exp(value - largest);
  const shift = largest + Math.log(total);
  return Float64Array.from(logits, (value) => value - shift);
}
