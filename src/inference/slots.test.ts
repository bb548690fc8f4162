// Several chats on one loaded model, by both ways to ONNX Runtime: together they say what each says alone.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicMs } from "../kit/clock.ts";
import { isEspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { createEnginePool, type EnginePool, type EnginePoolDeps, type EngineRuntime } from "./inference.ts";
import type { GenerationEvent, GenerationRequest, ModelSource } from "./protocol.ts";
import { writeToyAdapter, writeToyModel } from "./toy.test-kit.ts";

// On a machine that others use a reply may take long; a hang still ends.
setDefaultTimeout(60_000);
const CONTEXT = 2048;
const RUNTIMES: EngineRuntime[] = ["auto", "node"];
let root = "";
const pools = new Map<EngineRuntime, EnginePool>();
const toy = (adapter?: string): ModelSource => ({
  kind: "hf",
  path: join(root, "toy"),
  hash: "toy",
  ...(adapter ? { adapter: { path: join(root, adapter), hash: adapter } } : {}),
});

function makePool(options: Partial<EnginePoolDeps>): EnginePool {
  return createEnginePool({
    cacheDir: join(root, "cache"),
    command: [process.execPath, join(import.meta.dir, "engine/child.entry.ts")],
    env: {},
    memoryBudgetBytes: 2 * 1024 ** 3,
    idleMs: 60_000,
    threads: 1,
    clock: monotonicMs,
    log: () => undefined,
    ...options,
  });
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "espalier-slots-"));
  // No end-of-reply token, so that replies are as long as they are asked to be.
  await writeToyModel(join(root, "toy"), {
    config: { max_position_embeddings: CONTEXT, eos_token_id: null },
    template: "{% for m in messages %}{{ m['content'] }}{% endfor %}",
    eosToken: null,
  });
  await writeToyAdapter(join(root, "one"), { seed: 1 });
  await writeToyAdapter(join(root, "two"), { seed: 2 });
  for (const runtime of RUNTIMES) pools.set(runtime, makePool({ runtime }));
});
afterAll(async () => {
  for (const pool of pools.values()) await pool.close();
  await rm(root, { recursive: true, force: true });
});

type End = Extract<GenerationEvent, { type: "end" }>;

async function reply(
  pool: EnginePool,
  source: ModelSource,
  request: GenerationRequest,
): Promise<{ text: string; end: End }> {
  let text = "";
  for await (const event of pool.generate(source, "fp32", { temperature: 0, ...request })) {
    if (event.type === "delta") text += event.text;
    if (event.type === "end") return { text, end: event };
  }
  throw new Error("the reply had no end");
}

const letters = (seed: number, count: number): string =>
  String.fromCodePoint(...Array.from({ length: count }, (_, i) => 33 + ((i * 7 + seed * 13 + i * i) % 90)));

describe.each(RUNTIMES)("runtime %s", (runtime) => {
  const pool = (): EnginePool => pools.get(runtime) ?? makePool({});

  test("the runtime is the one asked for", async () => {
    await pool().load(toy(), "fp32");
    expect((await pool().stats(toy(), "fp32"))?.runtime).toBe(runtime === "auto" ? "c-api" : "node");
  });

  test("base and two adapters, long and short, at once: each as it is alone", async () => {
    const asks: [ModelSource, GenerationRequest][] = [
      [toy(), { prompt: letters(1, 40), maxTokens: 60 }],
      [toy("one"), { prompt: letters(1, 40), maxTokens: 60 }],
      [toy("two"), { prompt: letters(2, 500), maxTokens: 30 }],
      [toy(), { prompt: letters(3, 300), maxTokens: 80 }],
      [toy("one"), { prompt: letters(4, 5), maxTokens: 100 }],
    ];
    const alone: string[] = [];
    for (const [source, request] of asks) alone.push((await reply(pool(), source, request)).text);
    expect(new Set(alone).size).toBe(asks.length);
    const fresh = makePool({ runtime });
    const together = await Promise.all(asks.map(([source, request]) => reply(fresh, source, request)));
    await fresh.close();
    expect(together.map((one) => one.text)).toEqual(alone);
  });

  test("more chats at once than slots all get their reply", async () => {
    const count = limits.engineSlots + 3;
    const ask = (i: number) => ({ prompt: letters(i, 20 + i), maxTokens: 12 });
    const together = await Promise.all(Array.from({ length: count }, (_, i) => reply(pool(), toy(), ask(i))));
    for (const [i, one] of together.entries()) {
      expect(one.end.usage.completionTokens).toBe(12);
      expect(one.text).toBe((await reply(pool(), toy(), ask(i))).text);
    }
  });

  test("a turn that branches off an earlier one reuses what both share", async () => {
    const start = letters(9, 400);
    const first = await reply(pool(), toy(), { prompt: `${start}${letters(10, 30)}`, maxTokens: 8 });
    const second = await reply(pool(), toy(), { prompt: `${start}${letters(11, 30)}`, maxTokens: 8 });
    expect(second.end.usage.cachedTokens).toBeGreaterThanOrEqual(400);
    const fresh = makePool({ runtime });
    expect((await reply(fresh, toy(), { prompt: `${start}${letters(11, 30)}`, maxTokens: 8 })).text).toBe(
      second.text,
    );
    await fresh.close();
    // The first one is still whole.
    const again = await reply(pool(), toy(), {
      prompt: `${start}${letters(10, 30)}${first.text}x`,
      maxTokens: 1,
    });
    expect(again.end.usage.cachedTokens).toBeGreaterThanOrEqual(430 + 7);
    // Another adapter computes other keys and values: nothing of the base's may be used.
    const other = await reply(pool(), toy("one"), { prompt: `${start}${letters(10, 30)}`, maxTokens: 1 });
    expect(other.end.usage.cachedTokens).toBe(0);
  });

  test("a reply that grows over many cache sizes equals one call over all of it", async () => {
    const prompt = letters(5, 30);
    const { text, end } = await reply(pool(), toy(), { prompt, maxTokens: 1200 });
    expect(end.finishReason).toBe("length");
    const ids = [...`${prompt}${text}`].map((one) => (one === "\n" ? 0 : one.charCodeAt(0) - 31));
    const { logits, vocabSize } = await pool().logits(toy(), "fp32", ids);
    let wrong = 0;
    for (let at = 30; at < ids.length; at++) {
      const row = logits.subarray((at - 1) * vocabSize, at * vocabSize);
      // A tie within the rounding of another order of sums is no error.
      if (Math.max(...row) - row[ids[at]!]! > 1e-3) wrong++;
    }
    expect(ids.length).toBe(1230);
    expect(wrong).toBe(0);
  }, 60_000);
});

test("conversations beyond the memory budget are refused by name; finished ones make room first", async () => {
  // The estimate holds one conversation of the whole context; 1 MiB more is not enough for a second.
  const memoryBudgetBytes = 162.5 * 1024 ** 2;
  const small = makePool({ memoryBudgetBytes });
  const long = (seed: number) => ({ prompt: letters(seed, 1900), maxTokens: 40 });
  for (const seed of [1, 2, 3])
    expect((await reply(small, toy(), long(seed))).end.usage.completionTokens).toBe(40);
  const pid = small.list()[0]?.pid;
  const outcomes = await Promise.all(
    [4, 5, 6, 7].map((seed) =>
      reply(small, toy(), long(seed)).then(
        () => "answered",
        (error: unknown) => (isEspalierError(error) ? error.code : String(error)),
      ),
    ),
  );
  expect(outcomes).toContain("answered");
  expect(outcomes).toContain("CONVERSATION_TOO_LARGE");
  expect((await reply(small, toy(), long(8))).end.usage.completionTokens).toBe(40);
  const [info] = small.list();
  expect(info?.pid).toBe(pid ?? 0);
  expect(info?.estimatedBytes).toBeLessThanOrEqual(memoryBudgetBytes);
  await small.close();
});
