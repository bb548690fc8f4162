// kill -9 of the server at each point of collecting: after a restart there is the version before or the whole next one,
// and asking again adds nothing twice.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import {
  copyPlace,
  makeHome,
  makeKey,
  placeIn,
  removeFolder,
  type Server,
  serve,
  until,
} from "./crash.test-kit.ts";
import { ADD } from "./provider-kit.ts";
import { KEY, startWire, WIRES, type WireServer } from "./provider-wire.ts";

setDefaultTimeout(120_000);
const dir = mkdtempSync(join(tmpdir(), "espalier-kill-collect-"));
const home = makeHome(dir);
const ready = join(dir, "ready");
const ROWS = 12;
let wire: WireServer;
let key = "";

const COLLECT = `mutation { collectRows(input: { assessment: { name: "lost", candidate: "acme/m" }, as: EXAMPLES,
  dataset: "target", confirm: true }) { __typename ... on UserError { code text: message } } }`;
const STATE = `{ dataset(name: "target") { run { status } latest { number rowCount sha: hash
  rows(limit: 50) { rows { value } } } } }`;
const state = z.object({
  dataset: z.object({
    run: z.object({ status: z.string() }),
    latest: z.object({
      number: z.number(),
      rowCount: z.number(),
      sha: z.string(),
      rows: z.object({ rows: z.array(z.object({ value: z.looseObject({}) })) }),
    }),
  }),
});
const read = async (server: Server) => state.parse(await server.graphql(STATE)).dataset;

async function importRows(server: Server, name: string, rows: readonly object[]): Promise<void> {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const body = JSON.stringify({ name: "rows.jsonl", sizeBytes: Buffer.byteLength(text) });
  const made = await (await server.fetch("/uploads", { method: "POST", body })).json();
  const { id } = z.object({ id: z.string() }).parse(made);
  await server.fetch(`/uploads/${id}`, { method: "PATCH", headers: { "upload-offset": "0" }, body: text });
  await server.act(
    `mutation { importDataset(input: { name: "${name}", uploadId: "${id}" }) { __typename ... on UserError { code text: message } } }`,
  );
  const isThere = z.object({ dataset: z.object({ latest: z.object({ id: z.string() }) }) });
  const query = `{ dataset(name: "${name}") { latest { id } } }`;
  await until(async () => isThere.safeParse(await server.graphql(query)).success || null, 30_000, name);
}

/** An assessment that its candidate lost on every row, and a dataset that holds two of these rows already. */
beforeAll(async () => {
  wire = startWire(WIRES.openai);
  const place = placeIn(ready);
  key = makeKey(home, place);
  const server = await serve(home, place, { key });
  const rows = Array.from({ length: ROWS }, (_, at) => ({ prompt: `q${at}`, completion: `a${at}` }));
  await importRows(server, "rows", rows);
  await importRows(server, "target", [{ prompt: "own", completion: "own" }, ...rows.slice(0, 2)]);
  const input = { name: "acme", kind: "openai", url: wire.url, key: KEY, allowPrivate: true };
  await server.act(ADD, { input: { ...input, models: [{ model: "m" }] } });
  await server.act(`mutation { startAssessment(input: { name: "lost", dataset: "rows", graders: ["exact"],
    candidates: [{ model: "acme/m" }] }) { __typename ... on UserError { code text: message } } }`);
  const done = z.object({ assessment: z.object({ run: z.object({ status: z.literal("SUCCEEDED") }) }) });
  const query = '{ assessment(name: "lost") { run { status } } }';
  await until(async () => done.safeParse(await server.graphql(query)).success || null, 60_000, "the answers");
  await server.stop();
});
afterAll(async () => {
  await wire.close();
  removeFolder(dir);
});

test.each([
  "incoming.moved:1",
  "dataset.import.start.commit.before:1",
  "dataset.import.start.commit.after:1",
  "run.import-dataset.started:1",
  "run.import-dataset.parsed:1",
  "blobs.put.renamed:1",
  "run.import-dataset.data-put:1",
  "run.import-dataset.index-put:1",
  "run.import-dataset.finish.commit.before:1",
  "run.import-dataset.finish.commit.after:1",
])("%s", async (point) => {
  const place = copyPlace(ready, join(dir, point.replaceAll(/\W/g, "-")));
  const first = await serve(home, place, { key, crashAt: point });
  // The answer may not come: the process dies under it.
  await first.act(COLLECT).catch(() => undefined);
  await first.exited;
  expect(first.signal()).toBe("SIGKILL");

  const second = await serve(home, place, { key });
  const settled = () =>
    until(
      async () => {
        const now = await read(second);
        return now.run.status === "SUCCEEDED" ? now.latest : null;
      },
      30_000,
      "the end of the run",
    );
  const kept = await settled();
  // Killed before the run was kept, nothing is there; else all is.
  expect([
    { number: 1, rowCount: 3 },
    { number: 2, rowCount: ROWS + 1 },
  ]).toContainEqual({ number: kept.number, rowCount: kept.rowCount });
  await second.act(COLLECT);
  const { number, rowCount, rows } = await settled().then(async (latest) =>
    latest.number === 2
      ? latest
      : until(async () => onlyWhole((await read(second)).latest), 30_000, "version 2"),
  );
  expect({ number, rowCount }).toEqual({ number: 2, rowCount: ROWS + 1 });
  const prompts = rows.rows.map(({ value }) => value.prompt);
  expect(new Set(prompts).size).toBe(ROWS + 1);
  await second.stop();
});

const onlyWhole = <T extends { number: number }>(latest: T): T | null =>
  latest.number === 2 ? latest : null;
