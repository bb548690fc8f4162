// Decode and prefill speed of the engine against node-llama-cpp: the same GGUF and prompts, in turns in one run; JSON.
// Use: (cd bench && bun install --ignore-scripts), then: bun bench/decode.ts --rounds 9 --tokens 128 --context 1500
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { createEnginePool, type ModelSource } from "../src/inference/inference.ts";
import { monotonicMs } from "../src/kit/clock.ts";
import { sha256File } from "../src/kit/hash.ts";

const root = join(import.meta.dir, "..");
const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: join(root, ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf") },
    rounds: { type: "string", default: "5" },
    tokens: { type: "string", default: "128" },
    /** Tokens of the prompt, about. */
    context: { type: "string", default: "20" },
    /** auto or node: how our engine reaches ONNX Runtime. */
    runtime: { type: "string", default: "auto" },
  },
});
const gguf = resolve(options.model);
const rounds = Number(options.rounds);
const tokens = Number(options.tokens);
const context = Number(options.context);
const threads = Math.max(1, Math.min(2, navigator.hardwareConcurrency));
const runtime = z.enum(["auto", "node"]).parse(options.runtime);
const timingSchema = z.object({ promptTokens: z.number(), firstTokenMs: z.number(), decode: z.number() });
/** `decode` is tokens a second after the first; `firstTokenMs` is the prefill. */
type Timing = z.infer<typeof timingSchema>;

const cache = await mkdtemp(join(tmpdir(), "espalier-bench-"));
const peer = Bun.spawn(["node", "decode-peer.mjs", gguf, String(context + tokens + 256), String(threads)], {
  cwd: join(root, "bench"),
  stdin: "pipe",
  stdout: "pipe",
  stderr: "inherit",
});
const lines = readLines(peer.stdout);
const pool = createEnginePool({
  cacheDir: cache,
  command: [process.execPath, join(root, "src/inference/engine/child.entry.ts")],
  env: {},
  memoryBudgetBytes: 8 * 1024 ** 3,
  idleMs: 600_000,
  threads,
  runtime,
  clock: monotonicMs,
  log: (line) => console.error(line),
});

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let held = "";
  for await (const chunk of stream) {
    const parts = (held + decoder.decode(chunk, { stream: true })).split("\n");
    held = parts.pop() ?? "";
    yield* parts;
  }
}

async function nextLine(): Promise<string> {
  const next = await lines.next();
  if (next.done) throw new Error("the peer ended; run `bun install --ignore-scripts` in bench/");
  return next.value;
}

/** A prompt of about `context` tokens. Its first words change, so that neither side may reuse an earlier prefill. */
function promptOf(round: number): string {
  const filler = " The keeper counts the ships, the gulls and the waves, and writes the numbers in his book.";
  const repeats = Math.max(0, Math.round((context - 20) / 19));
  const text = `${round + 100}.${filler.repeat(repeats)} Write a long story about a lighthouse keeper and the sea.`;
  return `<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`;
}

/** Processor time that a process has taken so far, in seconds, all threads together. */
async function cpuSeconds(pid: number): Promise<number> {
  const text = await Bun.file(`/proc/${pid}/stat`).text();
  // The second field is a name in brackets, which may hold blanks; user and system time are fields 14 and 15, in 1/100 s.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** `work` with the processor time that it took in the process. */
async function timed(pid: number, work: () => Promise<Timing>): Promise<Timing & { cpu: number }> {
  const before = await cpuSeconds(pid);
  const timing = await work();
  return { ...timing, cpu: (await cpuSeconds(pid)) - before };
}

async function ours(source: ModelSource, prompt: string): Promise<Timing> {
  for await (const event of pool.generate(source, "native", { prompt, temperature: 0, maxTokens: tokens }))
    if (event.type === "end")
      return {
        promptTokens: event.usage.promptTokens - event.usage.cachedTokens,
        firstTokenMs: event.firstTokenMs,
        decode: event.tokensPerSecond,
      };
  throw new Error("no end event");
}

async function theirs(prompt: string): Promise<Timing> {
  peer.stdin.write(`${JSON.stringify({ prompt, tokens })}\n`);
  await peer.stdin.flush();
  return timingSchema.parse(JSON.parse(await nextLine()));
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** Median and best of a list; best is the largest. On a machine that others use, the best is nearest the truth. */
function spread(values: number[]): { median: number; best: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN),
    best: round(sorted.at(-1) ?? Number.NaN),
  };
}

try {
  const source: ModelSource = { kind: "gguf", path: gguf, hash: await sha256File(gguf) };
  if ((await nextLine()) !== "ready") throw new Error("the peer did not start");
  await ours(source, promptOf(-1));
  await theirs(promptOf(-1));
  const pid = pool.list()[0]?.pid ?? 0;
  const pairs: Record<"ours" | "theirs", Timing & { cpu: number }>[] = [];
  for (let i = 0; i < rounds; i++) {
    const prompt = promptOf(i);
    // The order alternates, so that a busy moment does not always meet the same side.
    const mine = () => timed(pid, () => ours(source, prompt));
    const first = i % 2 === 0 ? await mine() : null;
    const other = await timed(peer.pid, () => theirs(prompt));
    pairs.push({ ours: first ?? (await mine()), theirs: other });
  }
  const prefill = (one: Timing): number => (one.promptTokens * 1000) / one.firstTokenMs;
  const compared = (rate: (one: Timing & { cpu: number }) => number) => ({
    ours: spread(pairs.map((pair) => rate(pair.ours))),
    nodeLlamaCpp: spread(pairs.map((pair) => rate(pair.theirs))),
    ratio: spread(pairs.map((pair) => rate(pair.ours) / rate(pair.theirs))).median,
    ratioOfBest: round(
      Math.max(...pairs.map((pair) => rate(pair.ours))) / Math.max(...pairs.map((pair) => rate(pair.theirs))),
    ),
  });
  const stats = await pool.stats(source, "native");
  console.log(
    JSON.stringify(
      {
        bench: "decode",
        model: gguf.split("/").at(-1),
        precision: "native",
        runtime: stats?.runtime,
        rssMiB: Math.round((stats?.rssBytes ?? 0) / 1024 ** 2),
        promptTokens: pairs[0]?.ours.promptTokens,
        tokens,
        threads,
        rounds,
        decodeTokensPerSecond: compared((one) => one.decode),
        prefillTokensPerSecond: compared(prefill),
        // Of whole replies, prefill included: says more than the clock does where others use the machine too.
        repliesPerProcessorSecond: compared((one) => 1 / one.cpu),
      },
      null,
      2,
    ),
  );
} finally {
  peer.kill();
  await pool.close();
  await rm(cache, { recursive: true, force: true });
}
