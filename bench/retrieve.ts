// How long a question to 100,000 chunks takes, idle and while a chat streams: p50 and p95 through the searching process,
// as JSON. Vectors are synthetic (clustered, 384 numbers), texts are made of words with the frequencies of English.
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createBuiltInEmbedder, createEnginePool } from "../src/inference/inference.ts";
import { now } from "../src/kit/clock.ts";
import { limits } from "../src/kit/limits.ts";
import { createLog } from "../src/kit/log.ts";
import { fuse } from "../src/knowledge/fusion.ts";
import { createTables, insertChunks } from "../src/knowledge/indexes.ts";
import { createSearcher } from "../src/knowledge/searcher.ts";
import { wordQuery } from "../src/knowledge/words.ts";
import { openStore } from "../src/store/store.ts";
import { processorSeconds, spentSince } from "./processor.ts";

const CHUNKS = Number(process.argv[2] ?? 100_000);
const QUESTIONS = 100;
const VOCABULARY = 30_000;
const WORDS_EACH = 120;
const CLUSTERS = 500;
const STOP_WORDS = 150;
const WORDS_OF_A_QUESTION = 8;
const main = [process.execPath, join(import.meta.dir, "../src/main.ts")];
const env = { ...process.env } as Record<string, string>;

let state = 7;
function random(): number {
  state = (state * 48_271) % 2_147_483_647;
  return state / 2_147_483_647;
}
/** Zipf: the word of rank r comes about 1/r as often as the first. */
const rank = (): number => Math.floor(Math.exp(random() * Math.log(VOCABULARY)));
const word = (): string => `w${rank()}`;
/** A word of a question: the most frequent ones are stop words, which a search leaves out. */
function tellingWord(): string {
  for (;;) {
    const one = rank();
    if (one > STOP_WORDS) return `w${one}`;
  }
}
const textOf = (count: number): string => Array.from({ length: count }, word).join(" ");
const gauss = (): number => Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
const unit = (vector: Float32Array): Float32Array => {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
};
const centres = Array.from({ length: CLUSTERS }, () => unit(new Float32Array(384).map(gauss)));
function vectorNear(): Float32Array {
  const centre = centres[Math.floor(random() * CLUSTERS)] ?? new Float32Array(384);
  return unit(centre.map((value) => value + 0.03 * gauss()));
}

const dataDir = await mkdtemp(join(tmpdir(), "espalier-retrieve-"));
const store = await openStore({ dataDir, log: createLog({ level: "warn" }) });
const searcher = createSearcher({ command: [...main, "knowledge-searcher"], env, dataDir });
const engine = createEnginePool({
  cacheDir: join(dataDir, "engine"),
  command: [...main, "engine"],
  env,
  memoryBudgetBytes: 4 * 1024 ** 3,
  idleMs: 600_000,
  threads: 2,
  clock: now,
  log: () => undefined,
});
try {
  await store.write((tx) => createTables(tx, 1, 384));
  const fillingFrom = performance.now();
  let slowestMs = 0;
  for (let at = 0; at < CHUNKS; at += limits.chunksPerWrite) {
    const some = Array.from({ length: Math.min(limits.chunksPerWrite, CHUNKS - at) }, (_, i) => {
      const place = {
        ordinal: at + i,
        headings: [],
        pageFrom: null,
        pageTo: null,
        start: 0,
        end: 0,
        tokens: 150,
      };
      return { documentId: "doc", chunk: { ...place, text: textOf(WORDS_EACH) }, vector: vectorNear() };
    });
    const from = performance.now();
    await store.write((tx) => insertChunks(tx, 1, some));
    slowestMs = Math.max(slowestMs, performance.now() - from);
  }
  const filledSeconds = (performance.now() - fillingFrom) / 1000;

  const ask = async (): Promise<number> => {
    const words = wordQuery(Array.from({ length: WORDS_OF_A_QUESTION }, tellingWord).join(" "));
    const vector = vectorNear();
    const from = performance.now();
    fuse(await searcher.search({ index: 1, words, vector, depth: limits.searchDepth, filter: {} }));
    return performance.now() - from;
  };
  for (let i = 0; i < 5; i++) await ask();
  const measure = async (count: number) => {
    const times: number[] = [];
    const before = processorSeconds();
    for (let i = 0; i < count; i++) times.push(await ask());
    // What other programs take away does not show here.
    const searcherMs = spentSince(before, count)["knowledge-searcher"];
    const sorted = times.toSorted((a, b) => a - b);
    const at = (share: number): number => Math.round((sorted[Math.floor(share * count)] ?? 0) * 10) / 10;
    return {
      p50: at(0.5),
      p95: at(0.95),
      max: at(0.999),
      searcherProcessorMs: searcherMs,
      load: loadavg()[0],
    };
  };
  const idle = await measure(QUESTIONS);

  // A model that makes text on both cores meanwhile: here the embedder, which never stops.
  const embedder = createBuiltInEmbedder(engine);
  let isBusy = true;
  const busy = (async () => {
    for (let i = 0; isBusy; i++)
      await embedder.embed(
        Array.from({ length: 16 }, (_, n) => textOf(60) + i + n),
        "passage",
      );
  })();
  await embedder.embed(["ready"], "query");
  const besideInference = await measure(QUESTIONS);
  isBusy = false;
  await busy;
  console.log(
    JSON.stringify({
      chunks: CHUNKS,
      filledSeconds: Math.round(filledSeconds),
      slowestWriteMs: Math.round(slowestMs),
      idle,
      besideInference,
    }),
  );
} finally {
  await searcher.close();
  await engine.close();
  await store.close();
  await rm(dataDir, { recursive: true, force: true });
}
