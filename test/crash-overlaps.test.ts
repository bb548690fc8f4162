// kill -9 of the server at each point of a check for training rows: after a restart it is done anew, and found is once.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { makeHome, makeKey, placeIn, removeFolder, serve, until } from "./crash.test-kit.ts";
import { ADD } from "./provider-kit.ts";
import { KEY, startWire, WIRES, type WireServer } from "./provider-wire.ts";

setDefaultTimeout(300_000);
const dir = mkdtempSync(join(tmpdir(), "espalier-kill-overlaps-"));
const home = makeHome(dir);
let wire: WireServer;
beforeAll(() => {
  wire = startWire(WIRES.openai);
});
afterAll(async () => {
  await wire.close();
  removeFolder(dir);
});

const QUESTION = "How long does the battery of the lamp last when it is new?";
const START = `mutation { startAssessment(input: { name: "killed", dataset: "rows", question: "{{question}}",
  reference: "answer", graders: ["exact"], candidates: [{ model: "acme/m", knowledgeBases: ["faq"] }] }) {
  __typename ... on UserError { code text: message } } }`;
const QUERY = `{ assessment(name: "killed") { run { status } overlapRun { status }
  overlaps { rows candidates { lookedUpRows } found(first: 50) { nodes { row hasQuestion } } } } }`;
const over = z.object({
  assessment: z.object({
    run: z.object({ status: z.literal("SUCCEEDED") }),
    overlapRun: z.object({ status: z.literal("SUCCEEDED") }),
    overlaps: z.unknown(),
  }),
});

test.each([
  "run.assess.finish.commit.before:1",
  "run.assess.finish.commit.after:1",
  "run.check-overlap.read:1",
  "run.check-overlap.compared:1",
  "run.check-overlap.found:1",
  "run.check-overlap.finish.commit.before:1",
  "run.check-overlap.finish.commit.after:1",
])("%s", async (point) => {
  const place = placeIn(join(dir, point.replaceAll(/\W/g, "-")));
  const key = makeKey(home, place);
  const first = await serve(home, place, { key, crashAt: point });
  const upload = async (name: string, text: string): Promise<string> => {
    const body = JSON.stringify({ name, sizeBytes: Buffer.byteLength(text) });
    const made = await first.fetch("/uploads", { method: "POST", body });
    const { id } = z.object({ id: z.string() }).parse(await made.json());
    await first.fetch(`/uploads/${id}`, { method: "PATCH", headers: { "upload-offset": "0" }, body: text });
    return id;
  };
  const rows = `{"question":"${QUESTION}","answer":"nine hours"}\n{"question":"q1","answer":"a"}\n`;
  await first.act(
    `mutation { importDataset(input: { name: "rows", uploadId: "${await upload("rows.jsonl", rows)}" }) { __typename ... on UserError { code text: message } } }`,
  );
  await first.act(
    `mutation { createKnowledgeBase(input: { name: "faq" }) { __typename ... on UserError { code text: message } } }`,
  );
  await first.act(
    `mutation { addDocuments(input: { knowledgeBase: "faq", files: [{ name: "faq.txt", uploadId: "${await upload("faq.txt", `${QUESTION} About nine hours.`)}" }] }) { __typename ... on UserError { code text: message } } }`,
  );
  const isThere = z.object({
    dataset: z.object({ latest: z.object({ id: z.string() }) }),
    knowledgeBase: z.object({ chunkCount: z.number().positive() }),
  });
  await until(
    async () =>
      isThere.safeParse(
        await first.graphql(
          '{ dataset(name: "rows") { latest { id } } knowledgeBase(name: "faq") { chunkCount } }',
        ),
      ).success || null,
    60_000,
    "the dataset and the passages",
  );
  const models = [{ model: "m" }];
  await first.act(ADD, {
    input: { name: "acme", kind: "openai", url: wire.url, key: KEY, allowPrivate: true, models },
  });
  // The answer may not come: the process dies under it.
  await first.act(START).catch(() => undefined);
  await first.exited;
  expect(first.signal()).toBe("SIGKILL");

  const second = await serve(home, place, { key });
  await until(async () => over.safeParse(await second.graphql(QUERY)).success || null, 60_000, "both ends");
  expect(over.parse(await second.graphql(QUERY)).assessment.overlaps).toEqual({
    rows: 2,
    candidates: [{ lookedUpRows: 1 }],
    found: { nodes: [{ row: 0, hasQuestion: true }] },
  });
  await second.stop();
});
