// kill -9 of the server at named points of indexing and of building another index: after a restart the work completes by
// itself, with the same chunks, words and vectors as an uninterrupted life, and nothing is left behind.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { uniform as seededUniform } from "../src/kit/random.ts";
import {
  copyPlace,
  makeHome,
  makeKey,
  type Place,
  placeIn,
  removeFolder,
  type Server,
  serve,
  until,
  withStore,
} from "./crash.test-kit.ts";

setDefaultTimeout(600_000);
const amount = process.env.ESPALIER_TESTS ?? "sample";
const seed = Number(process.env.ESPALIER_SEED ?? 7);
/** Points that are tried of each stage. */
const STRIKES = { quick: 3, sample: 8, long: Number.POSITIVE_INFINITY }[amount] ?? 8;

const dir = mkdtempSync(join(tmpdir(), "espalier-kill-knowledge-"));
const home = makeHome(dir);
const START = join(dir, "start");
let key = "";

/** Long enough for several transactions of chunks. */
const DOCUMENTS: Record<string, string> = {
  "story.txt": Array.from({ length: 700 }, (_, i) => `Chapter ${i} tells of day ${i * 7} at sea.`).join(" "),
  "pear.md": "# Pears\n\nA pear on a wall ripens early.\n\n## Pruning\n\nIn late winter.",
  "broken.png": "\x89PNG not a picture",
};
const uploaded = z.object({ id: z.string() });
const CREATE = `mutation { createKnowledgeBase(input: { name: "kb", chunking: { maxTokens: 32, overlapTokens: 8 } }) {
  __typename ... on UserError { code text: message } } }`;
const ADD = `mutation ($files: [DocumentFileInput!]!) { addDocuments(input: { knowledgeBase: "kb", files: $files }) {
  __typename ... on UserError { code text: message } } }`;
const CUT = `mutation { updateKnowledgeBase(input: { id: "kb", chunking: { maxTokens: 48 } }) {
  __typename ... on UserError { code text: message } } }`;

type Stage = { name: "index" | "rebuild"; ask: (server: Server) => Promise<unknown> };
const STAGES: Stage[] = [
  {
    name: "index",
    async ask(server) {
      const files: { name: string; uploadId: string }[] = [];
      for (const [name, text] of Object.entries(DOCUMENTS)) {
        const bytes = new Uint8Array(Buffer.from(text, "latin1"));
        const body = JSON.stringify({ name: "file", sizeBytes: bytes.length });
        const { id } = uploaded.parse(
          await (await server.fetch("/uploads", { method: "POST", body })).json(),
        );
        const headers = { "upload-offset": "0" };
        await server.fetch(`/uploads/${id}`, { method: "PATCH", headers, body: bytes });
        files.push({ name, uploadId: id });
      }
      return server.act(ADD, { files });
    },
  },
  { name: "rebuild", ask: (server) => server.act(CUT) },
];

const state = z.object({
  knowledgeBase: z.object({
    status: z.string(),
    chunking: z.object({ maxTokens: z.number() }),
    counts: z.object({ total: z.number() }),
  }),
});

/** True once the stage's outcome is there; false where it was not begun, null while it is on its way. */
async function look(server: Server, { name }: Stage): Promise<boolean | null> {
  const query = `{ knowledgeBase(name: "kb") { status chunking { maxTokens } counts { total } } }`;
  const { knowledgeBase: kb } = state.parse(await server.graphql(query));
  if (kb.status === "indexing") return null;
  return name === "index" ? kb.counts.total === 3 : kb.chunking.maxTokens === 48;
}

async function drive(server: Server, stage: Stage): Promise<void> {
  if ((await look(server, stage)) === false) await stage.ask(server);
  await until(async () => (await look(server, stage)) || null, 60_000, `the end of ${stage.name}`);
}

/** What two lives must have in common: documents, and every chunk with its words and its vector; and what is left over. */
function factsOf(place: Place) {
  return withStore(place, async ({ db }) => {
    const indexes = await db.query.knowledgeIndexes.findMany();
    const documents = await db.query.documents.findMany();
    const nameOf = new Map(documents.map(({ id, name }) => [id, name]));
    const chunks = (await db.query.chunks.findMany()).map((chunk) => ({
      ...chunk,
      name: nameOf.get(chunk.documentId),
    }));
    const held: string[] = [];
    const vectors: Record<string, number[]> = {};
    for (const { number } of indexes) {
      const rows = await db.all<{ rowid: number; embedding: ArrayBuffer }>(
        sql`SELECT rowid, embedding FROM ${sql.identifier(`chunk_vectors_${number}`)}`,
      );
      const words = await db.all<{ rowid: number }>(
        sql`SELECT rowid FROM ${sql.identifier(`chunk_words_${number}`)}`,
      );
      const vectorOf = new Map(
        rows.map(({ rowid, embedding }) => [
          rowid,
          [...new Float32Array(new Uint8Array(embedding).slice().buffer)],
        ]),
      );
      const hasWords = new Set(words.map(({ rowid }) => rowid));
      expect(rows.length).toBe(words.length);
      for (const chunk of chunks.filter(({ indexNumber }) => indexNumber === number)) {
        const place = `${chunk.name} ${chunk.ordinal}`;
        held.push(`${place} ${chunk.text} ${hasWords.has(chunk.number)}`);
        vectors[place] = vectorOf.get(chunk.number) ?? [];
      }
    }
    const tables = await db.all<{ name: string }>(
      sql`SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%chunk_%'`,
    );
    return {
      states: documents.map(({ name, state: at, error }) => [name, at, error]).sort(),
      indexes: indexes.map(({ state: at, chunking }) => [at, chunking]),
      held: held.sort(),
      vectors,
      chunks: chunks.length,
      tables: tables.length,
      texts: (await db.query.documentTexts.findMany()).length,
      runs: (await db.query.runs.findMany()).map(({ kind, status }) => `${kind} ${status}`).sort(),
    };
  });
}
type Facts = Awaited<ReturnType<typeof factsOf>>;

/** The facts once the background has cleared what retired. */
const settled = (place: Place): Promise<Facts> =>
  until(
    async () => {
      const retired = await withStore(place, async ({ db }) =>
        (await db.query.knowledgeIndexes.findMany()).some((one) => one.state === "retired"),
      );
      return retired ? null : factsOf(place);
    },
    10_000,
    "what retired to be cleared",
  );

/** Between the vectors of the same chunks: int8 rounds by the batch that a text is in, which a kill changes. */
function leastCosine(found: Facts["vectors"], expected: Facts["vectors"]): number {
  const cosines = Object.entries(expected).map(([place, one]) =>
    one.reduce((sum, value, at) => sum + value * (found[place]?.[at] ?? 0), 0),
  );
  return Math.min(...cosines);
}

type Prepared = { stage: Stage; before: string; expected: Facts; passed: Map<string, number> };
const prepared: Prepared[] = [];

beforeAll(async () => {
  key = makeKey(home, placeIn(START));
  const first = await serve(home, placeIn(START), { key });
  await first.act(CREATE);
  expect(await first.stop()).toBe(0);
  let before = START;
  for (const stage of STAGES) {
    const after = join(dir, `after-${stage.name}`);
    const place = copyPlace(before, after);
    const server = await serve(home, place, { key, crashAt: "trace" });
    await drive(server, stage);
    const expected = await settled(place);
    const passed = new Map<string, number>();
    for (const point of server.passed()) {
      const [name = "", count = "1"] = point.split(":");
      if (/^(run\.(index|rebuild)|knowledge\.)/.test(name)) passed.set(name, Number(count));
    }
    expect(await server.stop()).toBe(0);
    prepared.push({ stage, before, expected, passed });
    before = after;
  }
});
afterAll(() => removeFolder(dir));

test("an uninterrupted life indexes what can be read, and leaves one index", () => {
  const [indexed, rebuilt] = prepared.map(({ expected }) => expected);
  expect(indexed?.states.map(([name, at]) => [name, at])).toEqual([
    ["broken.png", "failed"],
    ["pear.md", "ready"],
    ["story.txt", "ready"],
  ]);
  expect(indexed?.chunks).toBeGreaterThan(128);
  expect(rebuilt?.chunks).toBeLessThan(indexed?.chunks ?? 0);
  for (const facts of [indexed, rebuilt]) {
    expect(facts?.held.length).toBe(facts?.chunks ?? 0);
    expect(facts?.held.every((line) => line.endsWith(" true"))).toBe(true);
    expect(Object.values(facts?.vectors ?? {}).every(({ length }) => length === 384)).toBe(true);
    expect(facts?.tables).toBe(2);
    expect(facts?.indexes.length).toBe(1);
  }
});

test("killed at each point, the work completes after the restart with the same chunks and vectors", async () => {
  const uniform = seededUniform(seed);
  const failures: Record<string, unknown> = {};
  let hits = 0;
  let closest = 1;
  const names = new Set<string>();
  for (const { stage, before, expected, passed } of prepared) {
    const all = [...passed].flatMap(([name, count]) =>
      [...new Set([1, Math.ceil(count / 2), count])].map((hit) => ({ name, hit })),
    );
    const chosen = all
      .map((one) => ({ ...one, order: uniform() }))
      .sort((a, b) => a.order - b.order)
      .slice(0, STRIKES);
    for (const { name, hit } of chosen) {
      const label = `${stage.name}/${name}:${hit}`;
      const place = copyPlace(before, join(dir, "strike"));
      const armed = await serve(home, place, { key, crashAt: `${name}:${hit}` });
      if (!armed.isDead()) await drive(armed, stage).catch(() => undefined);
      if (!armed.isDead()) await Promise.race([armed.exited, Bun.sleep(1_000)]);
      if (armed.signal() !== "SIGKILL") failures[label] = "was not reached";
      else {
        hits++;
        names.add(name);
      }
      if (!armed.isDead()) await armed.stop();
      const again = await serve(home, place, { key });
      try {
        await drive(again, stage);
        const found = await settled(place);
        const far = leastCosine(found.vectors, expected.vectors);
        closest = Math.min(closest, far);
        if (far < 0.999) failures[`${label} vectors`] = `a cosine of ${far}`;
        for (const one of (Object.keys(expected) as (keyof Facts)[]).filter((name) => name !== "vectors"))
          if (JSON.stringify(found[one]) !== JSON.stringify(expected[one]))
            failures[`${label} ${one}`] = JSON.stringify(found[one]).slice(0, 400);
      } catch (error) {
        failures[label] = `${error}; the server said: ${again.said().slice(-500)}`;
      }
      if ((await again.stop()) !== 0) failures[`${label} stop`] = "did not stop cleanly";
      removeFolder(join(dir, "strike"));
    }
  }
  console.log(`${hits} points hit (${names.size} names, seed ${seed}); least cosine ${closest.toFixed(4)}`);
  expect(failures).toEqual({});
  expect(names.size).toBeGreaterThanOrEqual(Math.min(STRIKES, 6));
});
