// What holding a reply to JSON costs: the same prompts with and without it, in turns in one run; processor time a token, JSON.
// Use: bun bench/json.ts --rounds 7 --tokens 96
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { createEnginePool, type GenerationRequest, type ModelSource } from "../src/inference/inference.ts";
import { monotonicMs } from "../src/kit/clock.ts";
import { sha256File } from "../src/kit/hash.ts";

const root = join(import.meta.dir, "..");
const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: join(root, ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf") },
    rounds: { type: "string", default: "7" },
    tokens: { type: "string", default: "96" },
    temperature: { type: "string", default: "0" },
  },
});
const gguf = resolve(options.model);
const rounds = Number(options.rounds);
const maxTokens = Number(options.tokens);
const temperature = Number(options.temperature);

/** Long enough that no reply ends before its last token. */
const people = {
  type: "array",
  minItems: 40,
  items: {
    type: "object",
    properties: {
      name: { type: "string" },
      age: { type: "integer" },
      team: { enum: ["billing", "shipping", "returns"] },
    },
    required: ["name", "age", "team"],
  },
};
const ways = {
  free: undefined,
  object: { type: "json" },
  schema: { type: "json", schema: people },
} satisfies Record<string, GenerationRequest["format"]>;
type Way = keyof typeof ways;
type Cost = { tokens: number; cpuSeconds: number; tokensPerSecond: number };

const cache = await mkdtemp(join(tmpdir(), "espalier-bench-"));
const pool = createEnginePool({
  cacheDir: cache,
  command: [process.execPath, join(root, "src/inference/engine/child.entry.ts")],
  env: {},
  memoryBudgetBytes: 8 * 1024 ** 3,
  idleMs: 600_000,
  // One thread: its time is the work, not the waiting for others.
  threads: 1,
  runtime: "auto",
  clock: monotonicMs,
  log: (line) => console.error(line),
});

/** Processor time that a process has taken so far, in seconds, all threads together. */
async function cpuSeconds(pid: number): Promise<number> {
  const text = await Bun.file(`/proc/${pid}/stat`).text();
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** One reply; its first words change, so that no earlier prefill is used again. */
async function cost(source: ModelSource, way: Way, round: number): Promise<Cost> {
  const text = `${round + 100}. List people with name, age and team as JSON.`;
  const prompt = `<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`;
  const pid = pool.list()[0]?.pid ?? 0;
  const before = pid === 0 ? 0 : await cpuSeconds(pid);
  const format = ways[way];
  const request = { prompt, temperature, maxTokens, seed: round, ...(format ? { format } : {}) };
  for await (const event of pool.generate(source, "native", request))
    if (event.type === "end")
      return {
        tokens: event.usage.completionTokens,
        cpuSeconds: (await cpuSeconds(pool.list()[0]?.pid ?? 0)) - before,
        tokensPerSecond: event.tokensPerSecond,
      };
  throw new Error("no end event");
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const round3 = (value: number): number => Math.round(value * 1000) / 1000;

try {
  const source: ModelSource = { kind: "gguf", path: gguf, hash: await sha256File(gguf) };
  const names = Object.keys(ways) as Way[];
  const first: Partial<Record<Way, number>> = {};
  // The first of each kind pays for what later ones find made.
  for (const way of names) first[way] = (await cost(source, way, -1)).cpuSeconds;
  const all: Record<Way, Cost[]> = { free: [], object: [], schema: [] };
  for (let at = 0; at < rounds; at++) {
    const order = at % 2 === 0 ? names : names.toReversed();
    for (const way of order) all[way].push(await cost(source, way, at));
  }
  const perToken = (one: Cost): number => (one.cpuSeconds * 1000) / one.tokens;
  const report = Object.fromEntries(
    names.map((way) => [
      way,
      {
        tokens: median(all[way].map(({ tokens }) => tokens)),
        cpuMsPerToken: round3(median(all[way].map(perToken))),
        tokensPerSecond: round3(median(all[way].map((one) => one.tokensPerSecond))),
        overFree: round3(median(all[way].map((one, at) => perToken(one) / perToken(all.free[at] ?? one)))),
      },
    ]),
  );
  const head = { bench: "json", model: gguf.split("/").at(-1), threads: 1, rounds, maxTokens, temperature };
  console.log(JSON.stringify({ ...head, firstCpuSeconds: first, ...report }, null, 2));
} finally {
  await pool.close();
  await rm(cache, { recursive: true, force: true });
}
