// The embedder on Cranfield, int8 as inside the executable against float32: quality, documents a second, memory; JSON.
// Use: bun bench/embed.ts --data ../shared/data --rounds 3   (after bin/build, which leaves the weights in .cache)
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildEncoder } from "../src/inference/engine/encoder-build.ts";
import { createBuiltInEmbedder, createEnginePool } from "../src/inference/inference.ts";
import { monotonicMs } from "../src/kit/clock.ts";
import { EMBEDDER_SOURCE } from "../src/kit/native.ts";

const root = join(import.meta.dir, "..");
const { values: options } = parseArgs({
  options: {
    data: { type: "string", default: join(root, "../shared/data") },
    rounds: { type: "string", default: "3" },
    /** Documents of each timed round. */
    documents: { type: "string", default: "1400" },
    threads: { type: "string", default: "2" },
  },
});
const threads = Number(options.threads);
const read = (name: string): Promise<string> => Bun.file(join(options.data, name)).text();
const part = (text: string, tag: string): string =>
  (new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(text)?.[1] ?? "").replace(/\s+/g, " ").trim();
const parts = (text: string, tag: string): string[] =>
  [...text.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, "g"))].map(([, inner]) => inner ?? "");

const documents = parts(await read("cran.all.1400.xml"), "doc").map((text) =>
  `${part(text, "title")} ${part(text, "text")}`.trim(),
);
// Judgements name questions by their place, not by their number.
const questions = parts(await read("cran.qry.xml"), "title").map((text) => text.replace(/\s+/g, " ").trim());
const relevant = new Map<number, Set<number>>();
for (const line of (await read("cranqrel.trec.txt")).split("\n")) {
  const [question, , document, grade] = line.trim().split(/\s+/).map(Number);
  if (question === undefined || document === undefined || (grade ?? 0) <= 0) continue;
  relevant.set(question - 1, (relevant.get(question - 1) ?? new Set()).add(document - 1));
}

const folder = await mkdtemp(join(tmpdir(), "espalier-embed-"));
const float32 = join(folder, "fp32");
await buildEncoder(join(root, EMBEDDER_SOURCE.replace(/\.int8$/, "")), float32, "fp32");
const pools = new Map(
  (["int8", "fp32"] as const).map((precision) => [
    precision,
    createEnginePool({
      cacheDir: folder,
      command: [process.execPath, join(root, "src/inference/engine/child.entry.ts")],
      env: {},
      memoryBudgetBytes: 4 * 1024 ** 3,
      idleMs: 600_000,
      threads,
      clock: monotonicMs,
      log: (line) => console.error(line),
      ...(precision === "fp32" ? { encoderDir: float32 } : {}),
    }),
  ]),
);

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
/** Mean nDCG@10 with binary gains. */
function quality(asked: readonly Float32Array[], vectors: readonly Float32Array[]): number {
  const gains = asked.flatMap((query, place) => {
    const wanted = relevant.get(place);
    if (!wanted) return [];
    const best = vectors
      .map((vector, id) => ({ id, score: dot(query, vector) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, 10);
    const gain = best.reduce((sum, { id }, i) => sum + (wanted.has(id) ? 1 / Math.log2(i + 2) : 0), 0);
    let ideal = 0;
    for (let i = 0; i < Math.min(10, wanted.size); i++) ideal += 1 / Math.log2(i + 2);
    return [gain / ideal];
  });
  return gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
}
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
async function processorSeconds(pid: number): Promise<number> {
  const fields = (await Bun.file(`/proc/${pid}/stat`).text()).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

try {
  const results: Record<string, unknown> = {};
  const rates = new Map<string, number[]>();
  const work = new Map<string, number[]>();
  const some = documents.slice(0, Number(options.documents));
  for (let round = 0; round < Number(options.rounds); round++)
    for (const [precision, pool] of pools) {
      const embedder = createBuiltInEmbedder(pool);
      await embedder.embed(["warm"], "query");
      const pid = pool.list()[0]?.pid ?? 0;
      const [from, before] = [monotonicMs(), await processorSeconds(pid)];
      await embedder.embed(some, "passage");
      const seconds = (monotonicMs() - from) / 1000;
      rates.set(precision, [...(rates.get(precision) ?? []), some.length / seconds]);
      const spent = (await processorSeconds(pid)) - before;
      work.set(precision, [...(work.get(precision) ?? []), (spent / some.length) * 1000]);
    }
  for (const [precision, pool] of pools) {
    const embedder = createBuiltInEmbedder(pool);
    const vectors = await embedder.embed(documents, "passage");
    const asked = await embedder.embed(questions, "query");
    const waits: number[] = [];
    for (const question of questions.slice(0, 50)) {
      const from = monotonicMs();
      await embedder.embed([question], "query");
      waits.push(monotonicMs() - from);
    }
    const status = await Bun.file(`/proc/${pool.list()[0]?.pid}/status`).text();
    results[precision] = {
      ndcg10: Number(quality(asked, vectors).toFixed(4)),
      documentsPerSecond: median(rates.get(precision) ?? []).toFixed(1),
      processorMsPerDocument: median(work.get(precision) ?? []).toFixed(1),
      questionMs: median(waits).toFixed(1),
      peakMiB: Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024),
    };
  }
  console.log(
    JSON.stringify({ documents: some.length, questions: questions.length, threads, ...results }, null, 2),
  );
} finally {
  for (const pool of pools.values()) await pool.close();
  await rm(folder, { recursive: true, force: true });
}
