// The pool and its children on toy weights: streaming, stop rules, adapters, templates, limits, eviction, death.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicMs } from "../kit/clock.ts";
import { isEspalierError } from "../kit/errors.ts";
import { createEnginePool, type EnginePool, type EnginePoolDeps } from "./inference.ts";
import type { GenerationEvent, GenerationRequest, ModelSource, Precision } from "./protocol.ts";
import { GgufMaker, TOY_VOCAB, writeToyAdapter, writeToyModel } from "./toy.test-kit.ts";
import { openWeights } from "./weights/weights.ts";

let root = "";
let pool: EnginePool;
const toy = (): ModelSource => ({ kind: "hf", path: join(root, "toy"), hash: "toy" });
const other = (): ModelSource => ({ kind: "hf", path: join(root, "other"), hash: "other" });
const withAdapter = (name: string): ModelSource => ({
  ...toy(),
  adapter: { path: join(root, name), hash: name },
});

function makePool(options: Partial<EnginePoolDeps> = {}): EnginePool {
  return createEnginePool({
    cacheDir: join(root, "cache"),
    command: [process.execPath, join(import.meta.dir, "engine/child.entry.ts")],
    env: { XDG_CACHE_HOME: join(root, "xdg"), HOME: root },
    memoryBudgetBytes: 2 * 1024 ** 3,
    idleMs: 60_000,
    threads: 1,
    clock: monotonicMs,
    log: () => undefined,
    ...options,
  });
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "espalier-inference-"));
  await writeToyModel(join(root, "toy"));
  await writeToyModel(join(root, "other"), { seed: 99 });
  await writeToyAdapter(join(root, "one"), { seed: 1 });
  await writeToyAdapter(join(root, "two"), { seed: 2 });
  pool = makePool();
});
afterAll(async () => {
  await pool.close();
  await rm(root, { recursive: true, force: true });
});

type Reply = { text: string; deltas: string[]; end: Extract<GenerationEvent, { type: "end" }> };

async function reply(
  source: ModelSource,
  request: GenerationRequest,
  precision: Precision = "fp32",
  from: EnginePool = pool,
): Promise<Reply> {
  const deltas: string[] = [];
  let end: Reply["end"] | undefined;
  for await (const event of from.generate(source, precision, request)) {
    if (event.type === "delta") deltas.push(event.text);
    if (event.type === "end") end = event;
  }
  if (!end) throw new Error("the reply had no end");
  return { text: deltas.join(""), deltas, end };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isEspalierError(error)) return error.code;
    throw error;
  }
  return "(nothing thrown)";
}

const ask = [{ role: "user", content: "hello there" }];
const greedy = { messages: ask, temperature: 0, maxTokens: 24 };

describe("generation", () => {
  test("streams, counts and repeats greedily", async () => {
    const first = await reply(toy(), greedy);
    expect(first.deltas.length).toBeGreaterThan(1);
    // One token a character: "<user>hello there~\n<assistant>".
    expect(first.end.usage.promptTokens).toBe(30);
    expect(first.end.finishReason).toBe(first.end.usage.completionTokens === 24 ? "length" : "stop");
    const second = await reply(toy(), greedy);
    expect(second.text).toBe(first.text);
  });

  test("a seed repeats a sampled reply, another one changes it", async () => {
    const sampled = { ...greedy, temperature: 1.5, topP: 0.95, topK: 50, maxTokens: 32 };
    const [a, b, c] = [
      await reply(toy(), { ...sampled, seed: 1 }),
      await reply(toy(), { ...sampled, seed: 1 }),
      await reply(toy(), { ...sampled, seed: 2 }),
    ];
    expect(b.text).toBe(a.text);
    expect(c.text).not.toBe(a.text);
  });

  test("a stop string ends the reply and is not shown, even where it comes in parts", async () => {
    const { text } = await reply(toy(), greedy);
    const stop = text.slice(5, 8);
    const stopped = await reply(toy(), { ...greedy, stop: [stop] });
    expect(stopped.text).toBe(text.slice(0, text.indexOf(stop)));
    expect(stopped.end.finishReason).toBe("stop");
  });

  test("zero and exact token limits", async () => {
    expect((await reply(toy(), { ...greedy, maxTokens: 0 })).text).toBe("");
    const one = await reply(toy(), { ...greedy, maxTokens: 1 });
    expect(one.end.usage.completionTokens).toBe(1);
    expect(one.end.finishReason).toBe("length");
  });

  test("the next turn reuses the cache and says the same as a fresh engine", async () => {
    const turn = { prompt: "abcdefgh", temperature: 0, maxTokens: 12 };
    const first = await reply(toy(), turn);
    const longer = { ...turn, prompt: `abcdefgh${first.text}` };
    const reused = await reply(toy(), longer);
    expect(reused.end.usage.cachedTokens).toBeGreaterThan(8);
    const fresh = makePool();
    const again = await reply(toy(), longer, "fp32", fresh);
    await fresh.close();
    expect(again.end.usage.cachedTokens).toBe(0);
    expect(again.text).toBe(reused.text);
  });

  test("a prompt longer than one prefill chunk equals one call over all of it", async () => {
    const ids = Array.from({ length: 200 }, (_, i) => (i * 31 + 7) % TOY_VOCAB);
    const { logits, vocabSize } = await pool.logits(toy(), "fp32", ids);
    const last = logits.subarray((ids.length - 1) * vocabSize);
    const best = last.indexOf(Math.max(...last));
    const characters = (id: number) => (id === 0 ? "\n" : String.fromCodePoint(31 + id));
    const prompt = ids.map(characters).join("");
    const made = await reply(toy(), { prompt, temperature: 0, maxTokens: 1 });
    // "~" ends a reply, so it is never shown.
    expect(made.text).toBe(characters(best) === "~" ? "" : characters(best));
  });

  test("cancel ends the reply between steps", async () => {
    const controller = new AbortController();
    let end: Reply["end"] | undefined;
    for await (const event of pool.generate(
      toy(),
      "fp32",
      { ...greedy, temperature: 2, maxTokens: 200 },
      controller.signal,
    )) {
      if (event.type === "delta") controller.abort();
      if (event.type === "end") end = event;
    }
    expect(end?.finishReason).toBe("cancelled");
    expect(end?.usage.completionTokens).toBeLessThan(150);
  });

  test("two replies at once do not mix", async () => {
    const alone = [
      await reply(toy(), greedy),
      await reply(toy(), { ...greedy, messages: [{ role: "user", content: "zzz" }] }),
    ];
    const together = await Promise.all([
      reply(toy(), greedy),
      reply(toy(), { ...greedy, messages: [{ role: "user", content: "zzz" }] }),
    ]);
    expect(together.map((one) => one.text)).toEqual(alone.map((one) => one.text));
  });

  test("a conversation longer than the context → CONTEXT_TOO_LONG", async () => {
    expect(await codeOf(reply(toy(), { prompt: "x".repeat(300), temperature: 0 }))).toBe("CONTEXT_TOO_LONG");
  });
});

describe("adapters", () => {
  test("one child serves the base and two adapters, each with its own answer", async () => {
    const ids = [5, 6, 7, 8];
    const base = await pool.logits(toy(), "fp32", ids);
    const one = await pool.logits(withAdapter("one"), "fp32", ids);
    const two = await pool.logits(withAdapter("two"), "fp32", ids);
    const again = await pool.logits(toy(), "fp32", ids);
    const differs = (a: Float32Array, b: Float32Array) =>
      a.some((value, i) => Math.abs(value - b[i]!) > 1e-2);
    expect(differs(base.logits, one.logits)).toBe(true);
    expect(differs(one.logits, two.logits)).toBe(true);
    expect(differs(base.logits, again.logits)).toBe(false);
    expect(pool.list().filter((info) => info.hash === "toy" && info.precision === "fp32")).toHaveLength(1);
    expect((await pool.stats(toy(), "fp32"))?.adapters).toBe(2);
  });

  test("adapters that are not plain LoRA, or of another base, are refused", async () => {
    await writeToyAdapter(join(root, "dora"), { config: { use_dora: true } });
    await writeToyAdapter(join(root, "ia3"), { config: { peft_type: "IA3" } });
    await writeToyModel(join(root, "single"), { config: { num_hidden_layers: 1 } });
    expect(await codeOf(pool.logits(withAdapter("dora"), "fp32", [1]))).toBe("ADAPTER_UNSUPPORTED");
    expect(await codeOf(pool.logits(withAdapter("ia3"), "fp32", [1]))).toBe("ADAPTER_UNSUPPORTED");
    const single: ModelSource = { kind: "hf", path: join(root, "single"), hash: "single" };
    const adapter = { path: join(root, "one"), hash: "one" };
    expect(await codeOf(pool.logits({ ...single, adapter }, "fp32", [1]))).toBe("ADAPTER_BASE_MISMATCH");
    await pool.unload(single, "fp32");
  });
});

describe("precisions", () => {
  test("int8 stays close to fp32", async () => {
    const ids = Array.from({ length: 40 }, (_, i) => (i * 17) % TOY_VOCAB);
    const [exact, rounded] = [await pool.logits(toy(), "fp32", ids), await pool.logits(toy(), "int8", ids)];
    const error = rms(exact.logits.map((value, i) => value - rounded.logits[i]!));
    expect(error / rms(exact.logits)).toBeLessThan(0.05);
    expect(error).toBeGreaterThan(0);
    await pool.unload(toy(), "int8");
  });

  for (const type of ["Q4_0", "Q4_1", "Q8_0"] as const)
    test(`native serves ${type} as it is`, async () => {
      const maker = new GgufMaker();
      await maker.addModel(await openWeights(join(root, "toy")), 16, type);
      const path = join(root, `${type}.gguf`);
      await writeFile(path, maker.finish());
      const source: ModelSource = { kind: "gguf", path, hash: type };
      const ids = Array.from({ length: 40 }, (_, i) => (i * 17) % TOY_VOCAB);
      // fp32 reads the same quantised weights: only the activations' 8 bits may differ.
      const [exact, native] = [
        await pool.logits(source, "fp32", ids),
        await pool.logits(source, "native", ids),
      ];
      const error = rms(exact.logits.map((value, i) => value - native.logits[i]!));
      expect(error / rms(exact.logits)).toBeLessThan(0.05);
      await pool.unload(source, "fp32");
      await pool.unload(source, "native");
    });

  test("native of a Hugging Face folder → PRECISION_UNAVAILABLE", async () => {
    expect(await codeOf(pool.load(toy(), "native"))).toBe("PRECISION_UNAVAILABLE");
  });
});

const rms = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

describe("text", () => {
  test("a row is shown as the model sees it, with the reply's tokens marked", async () => {
    const row = await pool.render(toy(), [
      { role: "system", content: "S" },
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Yes" },
      { role: "user", content: "And" },
      { role: "assistant", content: "No" },
    ]);
    expect(row.text).toBe("<system>S~\n<user>Hi~\n<assistant>Yes~\n<user>And~\n<assistant>No~\n");
    expect(row.pieces.join("")).toBe(row.text);
    expect(row.pieces.filter((_, i) => row.isTarget[i]).join("")).toBe("Yes~No~");
  });

  test("shows a prompt with its completion without loading weights", async () => {
    const fresh = makePool();
    const row = await fresh.renderPair(toy(), "a b", "abc");
    expect(row.pieces.filter((_, i) => !row.isTarget[i]).join("")).toBe("a b");
    expect(row.pieces.filter((_, i) => row.isTarget[i]).join("")).toBe("abc~");
    expect(fresh.list().map((info) => info.precision)).toEqual(["text"]);
    await fresh.close();
  });

  const templates: [string, string, string][] = [
    [
      "loops for ever",
      "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
      "TEMPLATE_TIMEOUT",
    ],
    ["asks for a huge range", "{% for i in range(1000000000000) %}x{% endfor %}", "TEMPLATE_TIMEOUT"],
    [
      "doubles its text",
      "{% set ns = namespace(t='xxxxxxxx') %}{% for i in range(60) %}{% set ns.t = ns.t + ns.t %}{% endfor %}",
      "TEMPLATE_TIMEOUT",
    ],
    ["cannot be read", "{% for m in messages %}{{ m", "TEMPLATE_INVALID"],
    ["refuses the messages", "{{ raise_exception('only users') }}", "TEMPLATE_FAILED"],
  ];
  for (const [name, template, code] of templates)
    test(`a template that ${name} → ${code}`, async () => {
      const folder = join(root, `t-${code}-${name.replaceAll(" ", "-")}`);
      await writeToyModel(folder, { template });
      const source: ModelSource = { kind: "hf", path: folder, hash: name };
      expect(await codeOf(pool.render(source, ask))).toBe(code);
    }, 20_000);
});

test("a template that loops for some messages ends only that reply, soon; the others of its child go on", async () => {
  const folder = join(root, "choosy");
  const loop = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}";
  const template = `{% for m in messages %}{% if m['content'] == 'loop' %}${loop}{% endif %}{{ m['content'] }}{% endfor %}`;
  const config = { eos_token_id: null };
  await writeToyModel(folder, { template, eosToken: null, config });
  const source: ModelSource = { kind: "hf", path: folder, hash: "choosy" };
  const long = { ...greedy, maxTokens: 200 };
  const alone = await reply(source, long);
  const [pid] = pool.list().flatMap((info) => (info.hash === "choosy" ? [info.pid] : []));
  const together = reply(source, long);
  const askedAt = monotonicMs();
  expect(await codeOf(reply(source, { ...greedy, messages: [{ role: "user", content: "loop" }] }))).toBe(
    "TEMPLATE_TIMEOUT",
  );
  expect(monotonicMs() - askedAt).toBeLessThan(5_000);
  expect((await together).text).toBe(alone.text);
  expect(alone.end.usage.completionTokens).toBe(200);
  expect(pool.list().flatMap((info) => (info.hash === "choosy" ? [info.pid] : []))).toEqual([pid ?? 0]);
});

describe("pool", () => {
  test("a killed child costs one reply; the next starts another", async () => {
    const fresh = makePool();
    const before = await reply(toy(), greedy, "fp32", fresh);
    const pid = fresh.list()[0]?.pid;
    const died = codeOf(
      (async () => {
        for await (const event of fresh.generate(toy(), "fp32", {
          ...greedy,
          temperature: 2,
          maxTokens: 200,
        }))
          if (event.type === "delta" && pid) process.kill(pid, "SIGKILL");
      })(),
    );
    expect(await died).toBe("ENGINE_DIED");
    expect((await reply(toy(), greedy, "fp32", fresh)).text).toBe(before.text);
    expect(fresh.list()[0]?.pid).not.toBe(pid);
    await fresh.close();
  });

  test("the least recently used model makes room", async () => {
    const fresh = makePool({ memoryBudgetBytes: 300 * 1024 ** 2 });
    await fresh.load(toy(), "fp32");
    await fresh.load(other(), "fp32");
    expect(fresh.list().map((info) => info.hash)).toEqual(["other"]);
    await fresh.close();
  });

  test("a model beyond the budget → MODEL_TOO_LARGE", async () => {
    const fresh = makePool({ memoryBudgetBytes: 50 * 1024 ** 2 });
    expect(await codeOf(fresh.load(toy(), "fp32"))).toBe("MODEL_TOO_LARGE");
    await fresh.close();
  });

  test("an idle model is unloaded", async () => {
    const fresh = makePool({ idleMs: 100 });
    await fresh.load(toy(), "fp32");
    const pid = fresh.list()[0]?.pid ?? 0;
    await Bun.sleep(600);
    expect(fresh.list()).toEqual([]);
    expect(existsSync(`/proc/${pid}/fd/0`)).toBe(false);
    await fresh.close();
  });

  test("children leave when the parent is gone, and no telemetry file appears", async () => {
    const script = join(root, "parent.ts");
    await writeFile(
      script,
      `import { createEnginePool } from ${JSON.stringify(join(import.meta.dir, "inference.ts"))};
       const pool = createEnginePool({ cacheDir: ${JSON.stringify(join(root, "cache"))}, command: [process.execPath, ${JSON.stringify(join(import.meta.dir, "engine/child.entry.ts"))}],
         env: {}, memoryBudgetBytes: 2e9, idleMs: 60000, threads: 1, clock: () => performance.now(), log: () => {} });
       await pool.load({ kind: "hf", path: ${JSON.stringify(join(root, "toy"))}, hash: "toy" }, "fp32");
       console.log(pool.list()[0].pid);
       setInterval(() => {}, 1000);`,
    );
    const parent = Bun.spawn([process.execPath, script], { stdout: "pipe" });
    const { value } = await parent.stdout.getReader().read();
    const pid = Number(new TextDecoder().decode(value));
    expect(pid).toBeGreaterThan(0);
    parent.kill("SIGKILL");
    await parent.exited;
    for (let i = 0; i < 40 && isRunning(pid); i++) await Bun.sleep(50);
    expect(isRunning(pid)).toBe(false);
    const places = [root, join(root, "xdg"), join(root, ".cache")].filter(existsSync);
    for (const place of places) expect(readdirSync(place)).not.toContain("Microsoft");
  }, 20_000);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
