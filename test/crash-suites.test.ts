// kill -9 of the server as a suite is started: after a restart there is nothing of the run, or all of it, and all is asked.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { makeHome, makeKey, placeIn, removeFolder, serve, until } from "./crash.test-kit.ts";
import { ADD } from "./provider-kit.ts";
import { KEY, startWire, WIRES, type WireServer } from "./provider-wire.ts";

setDefaultTimeout(300_000);
const dir = mkdtempSync(join(tmpdir(), "espalier-kill-suite-"));
const home = makeHome(dir);
let wire: WireServer;
beforeAll(() => {
  wire = startWire(WIRES.openai);
});
afterAll(async () => {
  await wire.close();
  removeFolder(dir);
});

const TOLD = "__typename ... on UserError { code text: message }";
const START = `mutation { startSuite(suite: "nightly", candidates: [{ model: "acme/m" }, { model: "acme/m" }]) { ${TOLD} } }`;
const shape = z.object({
  suite: z.object({
    runCount: z.number(),
    run: z
      .object({
        entries: z.array(z.object({ assessment: z.object({ run: z.object({ status: z.string() }) }) })),
        lines: z.array(z.object({ cells: z.array(z.object({ answered: z.number() })) })),
      })
      .nullable(),
  }),
  assessments: z.object({ totalCount: z.number() }),
});
const READ = `{ suite(name: "nightly") { runCount run { entries { assessment { run { status } } }
  lines { cells { answered } } } } assessments { totalCount } }`;

test.each([
  ["suite.start.commit.before:1", 0],
  ["suite.start.commit.after:1", 1],
  ["run.assess.kept:4", 1],
] as const)("%s", async (point, runs) => {
  const place = placeIn(join(dir, point.replaceAll(/\W/g, "-")));
  const key = makeKey(home, place);
  // What is there before the crash is made by a server of its own, whose runs would come to the point, too.
  const before = await serve(home, place, { key });
  const rows = Array.from({ length: 4 }, (_, at) => `{"question":"q${at}","answer":"a"}\n`).join("");
  const body = JSON.stringify({ name: "rows.jsonl", sizeBytes: Buffer.byteLength(rows) });
  const { id } = z
    .object({ id: z.string() })
    .parse(await (await before.fetch("/uploads", { method: "POST", body })).json());
  await before.fetch(`/uploads/${id}`, { method: "PATCH", headers: { "upload-offset": "0" }, body: rows });
  await before.act(`mutation { importDataset(input: { name: "rows", uploadId: "${id}" }) { ${TOLD} } }`);
  const isImported = z.object({ dataset: z.object({ latest: z.object({ id: z.string() }) }) });
  const imported = async () =>
    isImported.safeParse(await before.graphql('{ dataset(name: "rows") { latest { id } } }')).success || null;
  await until(imported, 30_000, "the dataset");
  const input = { name: "acme", kind: "openai", url: wire.url, key: KEY, allowPrivate: true };
  await before.act(ADD, { input: { ...input, models: [{ model: "m" }] } });
  for (const name of ["one", "two"])
    await before.act(`mutation { startAssessment(input: { name: "${name}", dataset: "rows", question: "{{question}}",
      reference: "answer", graders: ["exact"], candidates: [{ model: "acme/m" }] }) { ${TOLD} } }`);
  await before.act(`mutation { createSuite(name: "nightly", assessments: ["one", "two"]) { ${TOLD} } }`);
  const isOver = z.object({
    assessments: z.object({
      nodes: z.array(z.object({ run: z.object({ status: z.literal("SUCCEEDED") }) })),
    }),
  });
  const over = async () =>
    isOver.safeParse(await before.graphql("{ assessments { nodes { run { status } } } }")).success || null;
  await until(over, 30_000, "the first assessments");
  await before.stop();

  const first = await serve(home, place, { key, crashAt: point });
  // The answer may not come: the process dies under it.
  await first.act(START).catch(() => undefined);
  await first.exited;
  expect(first.signal()).toBe("SIGKILL");

  const second = await serve(home, place, { key });
  const read = async () => shape.parse(await second.graphql(READ));
  const found = await read();
  expect([found.suite.runCount, found.assessments.totalCount]).toEqual([runs, 2 + 2 * runs]);
  if (runs === 0) await second.act(START);
  const whole = async () => {
    const { suite } = await read();
    const isWhole = suite.run?.entries.every(({ assessment }) => assessment.run.status === "SUCCEEDED");
    return isWhole ? suite : null;
  };
  const suite = await until(whole, 60_000, "the end of both runs");
  expect(suite.runCount).toBe(1);
  expect(suite.run?.lines.map(({ cells }) => cells.map(({ answered }) => answered))).toEqual([
    [4, 4],
    [4, 4],
  ]);
  await second.stop();
});
