// Decode speed of the engine against node-llama-cpp: the same GGUF, in turns in one run; JSON with the paired ratio.
// Use: (cd bench && bun install --ignore-scripts), then: bun bench/decode.ts [GGUF] [rounds] [tokens]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createEnginePool, type ModelSource } from "../src/inference/inference.ts";
import { monotonicMs } from "../src/kit/clock.ts";
import { sha256File } from "../src/kit/hash.ts";

const root = join(import.meta.dir, "..");
const gguf = Bun.argv[2] ? resolve(Bun.argv[2]) : join(root, ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf");
const rounds = Number(Bun.argv[3] ?? 5);
const tokens = Number(Bun.argv[4] ?? 128);
const threads = Math.max(1, Math.min(2, navigator.hardwareConcurrency));
const prompt = "Write a long story about a lighthouse keeper and the sea.";

const cache = await mkdtemp(join(tmpdir(), "espalier-bench-"));
const peer = Bun.spawn(["node", "decode-peer.mjs", gguf, prompt, String(tokens), String(threads)], {
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

async function ours(source: ModelSource): Promise<number> {
  for await (const event of pool.generate(source, "native", {
    messages: [{ role: "user", content: prompt }],
    temperature: 0,
    maxTokens: tokens,
  }))
    if (event.type === "end") return event.tokensPerSecond;
  throw new Error("no end event");
}

async function theirs(): Promise<number> {
  peer.stdin.write("go\n");
  await peer.stdin.flush();
  return Number(await nextLine());
}

const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

try {
  const source: ModelSource = { kind: "gguf", path: gguf, hash: await sha256File(gguf) };
  if ((await nextLine()) !== "ready") throw new Error("the peer did not start");
  await ours(source);
  await theirs();
  const pairs: { ours: number; theirs: number; ratio: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    // The order alternates, so that a busy moment does not always meet the same side.
    const first = round % 2 === 0;
    const a = first ? await ours(source) : 0;
    const b = await theirs();
    const mine = first ? a : await ours(source);
    pairs.push({ ours: mine, theirs: b, ratio: mine / b });
  }
  console.log(
    JSON.stringify(
      {
        bench: "decode",
        model: gguf.split("/").at(-1),
        precision: "native",
        tokens,
        threads,
        oursTokensPerSecond: median(pairs.map((pair) => pair.ours)),
        nodeLlamaCppTokensPerSecond: median(pairs.map((pair) => pair.theirs)),
        ratio: median(pairs.map((pair) => pair.ratio)),
        pairs,
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
