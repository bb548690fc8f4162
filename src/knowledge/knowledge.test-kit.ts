// A knowledge domain over a real store, with real reading and searching processes; only the vectors are made by a
// small embedder of words instead of a model, so that every test knows what is near what.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Embedder, estimateTokens } from "../inference/inference.ts";
import { now } from "../kit/clock.ts";
import { createLog } from "../kit/log.ts";
import { createRuns, type RunRow } from "../runs/runs.ts";
import { openStore } from "../store/store.ts";
import { createKnowledge } from "./knowledge.ts";

const MAIN = join(import.meta.dir, "../main.ts");
const WORD = /[\p{L}\p{N}]+/gu;

/** Embeds a text as the sum of a fixed direction for each of its words: texts that share words are near. */
export function wordEmbedder(id = "words-64", dimensions = 64): Embedder & { texts: string[] } {
  const texts: string[] = [];
  const vectorOf = (text: string): Float32Array => {
    const vector = new Float32Array(dimensions);
    for (const [word] of text.toLowerCase().matchAll(WORD)) {
      let state = Bun.hash.wyhash(`${id} ${word}`);
      for (let at = 0; at < dimensions; at++) {
        state = Bun.hash.wyhash(new BigUint64Array([state]));
        vector[at] = (vector[at] ?? 0) + Number(state % 2001n) / 1000 - 1;
      }
    }
    return vector;
  };
  return {
    id,
    name: id,
    dimensions,
    maxTokens: 256,
    texts,
    async embed(given) {
      texts.push(...given);
      return given.map(vectorOf);
    },
    counting: "estimated",
    countTokens: async (given) => given.map(estimateTokens),
  };
}

/** Everything that a test of knowledge stands on; `embedders` may be changed while it runs. */
export async function openKnowledge() {
  const dataDir = mkdtempSync(join(tmpdir(), "espalier-knowledge-"));
  const log = createLog({ level: "error" });
  const store = await openStore({ dataDir, log });
  const runs = createRuns({ store, clock: now, log });
  const embedders: Embedder[] = [wordEmbedder()];
  const child = (mode: string) => ({ command: [process.execPath, MAIN, mode], env: {} });
  const knowledge = createKnowledge({
    store,
    runs,
    embedders: {
      list: async () => embedders,
      find: async (_project, name) => embedders.find((one) => one.id === name || one.name === name) ?? null,
    },
    findReranker: async () => null,
    clock: now,
    log,
    reader: child("document-reader"),
    searcher: child("knowledge-searcher"),
  });
  const workers = runs.startWorkers({ owner: "test", leaseMs: 5_000, concurrency: { "index-documents": 2 } });

  const self = {
    dataDir,
    store,
    runs,
    knowledge,
    embedders,
    /** Adds texts by name and waits for the end of the run that reads them. */
    async add(base: string, files: Record<string, string | Uint8Array>) {
      const added = await self.start(base, files);
      return { ...added, run: added.run && (await runs.waitForEnd(added.run.id)) };
    },
    /** The same without waiting. */
    start: (base: string, files: Record<string, string | Uint8Array>) =>
      knowledge.addDocuments({
        projectId: "p",
        knowledgeBase: base,
        files: Object.entries(files).map(([name, content]) => ({
          name,
          claim: () => store.incoming.takeBytes("file", new Uint8Array(Buffer.from(content))),
        })),
      }),
    ask: (base: string, question: string, settings: object = {}) =>
      knowledge.retrieve({ projectId: "p", knowledgeBases: [base], question, settings }),
    async ended(run: RunRow | null): Promise<RunRow> {
      if (!run) throw new Error("there is no run to wait for");
      return runs.waitForEnd(run.id);
    },
    /** Waits until no run is left to do. */
    async settled(): Promise<void> {
      for (const run of await runs.unfinished(store.db)) await runs.waitForEnd(run.id);
    },
    /** Tables of search indexes that are there, and rows of chunks: what sweeping has to clear. */
    async left(): Promise<{ tables: number; chunks: number }> {
      const count = async (text: string): Promise<number> =>
        (await store.db.all<{ n: number }>(text))[0]?.n ?? 0;
      return {
        tables: await count(
          "SELECT count(*) AS n FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%chunk_words_%'",
        ),
        chunks: await count("SELECT count(*) AS n FROM chunks"),
      };
    },
    async close() {
      await workers.stop();
      await knowledge.close();
      await store.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  return self;
}
