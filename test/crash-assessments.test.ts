// kill -9 of the server at each point of an assessment: after a restart the rest is asked, and what was kept is not.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { makeHome, makeKey, placeIn, removeFolder, serve, until } from "./crash.test-kit.ts";
import { ADD } from "./provider-kit.ts";
import { KEY, startWire, WIRES, type WireServer } from "./provider-wire.ts";

setDefaultTimeout(300_000);
const dir = mkdtempSync(join(tmpdir(), "espalier-kill-assess-"));
const home = makeHome(dir);
const ROWS = 12;
/** Calls before and after each kill, told at the end. */
const told: string[] = [];
let wire: WireServer;
let judge: WireServer;
beforeAll(() => {
  wire = startWire(WIRES.openai);
  judge = startWire(WIRES.openai, "well", () => '{"reason": "fine", "score": 4}');
});
afterAll(async () => {
  await wire.close();
  await judge.close();
  console.log(told.join("\n"));
  removeFolder(dir);
});

const START = `mutation { startAssessment(input: { name: "killed", dataset: "rows", question: "{{question}}",
  reference: "answer", graders: ["exact", "contains"], judges: [{ model: "court/m" }],
  candidates: [{ model: "acme/m" }] }) {
  __typename ... on UserError { code text: message } } }`;
const QUERY = `{ assessment(name: "killed") { rowCount run { status } answers(first: 50) { totalCount nodes { row scores { value } judgements { value } } } } }`;
const shape = z.object({
  assessment: z.object({
    rowCount: z.number().nullable(),
    run: z.object({ status: z.string() }),
    answers: z.object({
      totalCount: z.number(),
      nodes: z.array(
        z.object({
          row: z.number(),
          scores: z.array(z.object({ value: z.number() })),
          judgements: z.array(z.unknown()),
        }),
      ),
    }),
  }),
});

test.each([
  "assessment.start.commit.after:1",
  "assessment.choose.commit.before:1",
  "run.assess.chosen:1",
  "run.assess.answered:1",
  "assessment.keep.commit.before:1",
  "run.assess.kept:5",
  "run.assess.judged:2",
  "assessment.judge.commit.before:1",
  "assessment.judge.commit.after:1",
  "run.assess.judgement-kept:6",
])("%s", async (point) => {
  const place = placeIn(join(dir, point.replaceAll(/\W/g, "-")));
  const key = makeKey(home, place);
  const first = await serve(home, place, { key, crashAt: point });
  const rows = Array.from({ length: ROWS }, (_, at) => `{"question":"q${at}","answer":"a"}\n`).join("");
  const body = JSON.stringify({ name: "rows.jsonl", sizeBytes: Buffer.byteLength(rows) });
  const { id } = z
    .object({ id: z.string() })
    .parse(await (await first.fetch("/uploads", { method: "POST", body })).json());
  await first.fetch(`/uploads/${id}`, { method: "PATCH", headers: { "upload-offset": "0" }, body: rows });
  await first.act(
    `mutation { importDataset(input: { name: "rows", uploadId: "${id}" }) { __typename ... on UserError { code text: message } } }`,
  );
  const isImported = z.object({ dataset: z.object({ latest: z.object({ id: z.string() }) }) });
  await until(
    async () =>
      isImported.safeParse(await first.graphql('{ dataset(name: "rows") { latest { id } } }')).success ||
      null,
    30_000,
    "the dataset",
  );
  const models = [{ model: "m" }];
  for (const [name, { url }] of [
    ["acme", wire],
    ["court", judge],
  ] as const)
    await first.act(ADD, { input: { name, kind: "openai", url, key: KEY, allowPrivate: true, models } });
  const before = wire.asked.length;
  const judgedBefore = judge.asked.length;
  // The answer may not come: the process dies under it.
  await first.act(START).catch(() => undefined);
  const isLate = Bun.sleep(60_000).then(() => Promise.reject(new Error(`${point} was not hit`)));
  await Promise.race([first.exited, isLate]);
  expect(first.signal()).toBe("SIGKILL");
  const paidBefore = wire.asked.length - before;
  const judgementsPaid = judge.asked.length - judgedBefore;

  const second = await serve(home, place, { key });
  const read = async () => shape.parse(await second.graphql(QUERY)).assessment;
  const there = (await read()).answers;
  const kept = there.totalCount;
  const keptJudgements = there.nodes.flatMap(({ judgements }) => judgements).length;
  await until(async () => (await read()).run.status === "SUCCEEDED" || null, 60_000, "the end of the run");
  const { rowCount, answers } = await read();
  expect(rowCount).toBe(ROWS);
  expect(answers.nodes.map(({ row }) => row)).toEqual(Array.from({ length: ROWS }, (_, at) => at));
  for (const { scores, judgements } of answers.nodes) {
    expect(scores.map(({ value }) => value)).toEqual([0, 0, 0.75]);
    expect(judgements).toHaveLength(1);
  }
  // What was kept is not paid for again.
  expect(wire.asked.length - before - paidBefore).toBeLessThanOrEqual(ROWS - Math.min(kept, ROWS));
  expect(judge.asked.length - judgedBefore - judgementsPaid).toBeLessThanOrEqual(ROWS - keptJudgements);
  told.push(
    `${point}: ${paidBefore} + ${wire.asked.length - before - paidBefore} answers, ${judgementsPaid} + ${judge.asked.length - judgedBefore - judgementsPaid} judgements asked of ${ROWS} and ${ROWS}`,
  );
  await second.stop();
});
