// How long a report over 6 × 10,000 answers with 2 scores each takes, as JSON: the GraphQL query the first time and again,
// the page in Chromium from navigation to the verdict's words, and the slowest health check meanwhile.
// Usage: bun bench/report.ts [ROWS]; the page needs web/dist (bun x vite build web) and Chromium.
import { existsSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { z } from "zod";
import { uniform } from "../src/kit/random.ts";
import { putAssessed } from "../test/assessed.test-kit.ts";
import { startWorld } from "../test/world.ts";

const ROWS = Number(process.argv[2] ?? 10_000);
const CANDIDATES = 6;
const ROUNDS = 5;
const browserPath = process.env["ESPALIER_CHROMIUM"] ?? "/usr/bin/chromium";
const REPORT = `query ($id: ID!) { node(id: $id) { ... on Assessment { report { sentence isClear unscored
  candidates { candidate { name } interval { n mean low high method } graders { label interval { mean low high } unscored }
    answered failed medianLatencyMs inputTokens outputTokens costUsd strength { strength low high } }
  pairs { n wins ties losses difference low high p adjustedP test detectable rowsNeeded } } } } }`;

const world = await startWorld();
try {
  const lines = Array.from({ length: ROWS }, (_, row) =>
    JSON.stringify({
      question: `Question ${row}`,
      answer: `Answer ${row}`,
      topic: `topic ${row % 12}`,
      n: row,
    }),
  );
  const uploadId = await world.upload("rows.jsonl", new TextEncoder().encode(lines.join("\n")));
  const imported = await world.act(
    `mutation { importDataset(input: { name: "rows", uploadId: "${uploadId}" }) { __typename ... on ImportDatasetSuccess { run { id } } } }`,
  );
  await world.succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(imported).run.id);
  const { datasets } = z
    .object({ datasets: z.object({ nodes: z.tuple([z.object({ latest: z.object({ id: z.string() }) })]) }) })
    .parse(await world.graphql("{ datasets { nodes { latest { id } } } }"));
  const { accounts, store, close } = await world.beside();
  const random = uniform(7);
  const words = "the quick brown fox jumps over the lazy dog ".repeat(12);
  const id = await putAssessed(store, {
    name: "large",
    projectId: (await accounts.firstProject()).id,
    datasetVersionId: datasets.nodes[0].latest.id,
    datasetName: "rows@1",
    rows: Array.from({ length: ROWS }, (_, row) => row),
    candidates: Array.from({ length: CANDIDATES }, (_, at) => ({
      name: `model-${at}`,
      modelId: `base_${at}`,
    })),
    graders: [{ kind: "exact" }, { kind: "contains" }],
    said: (candidate, row) => ({
      text: `Answer ${row} of ${candidate}: ${words}`,
      // One grader of 0 and 1, one of any value between: the slowest mixture.
      scores: [Number(random() < 0.6 + 0.02 * candidate), random()],
      reference: `Answer ${row}`,
    }),
  });
  await close();

  let slowestHealthMs = 0;
  let isWatching = true;
  const watch = (async () => {
    while (isWatching) {
      const from = performance.now();
      await (await fetch(`${world.server.url}/healthz`)).text();
      slowestHealthMs = Math.max(slowestHealthMs, performance.now() - from);
      await Bun.sleep(5);
    }
  })();
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const from = performance.now();
    await work();
    return Math.round(performance.now() - from);
  };
  const report = () => world.graphql(REPORT, { id });
  const coldMs = await timed(report);
  const againMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) againMs.push(await timed(report));
  const measured = { coldMs, againMs, slowestHealthMs: Math.round(slowestHealthMs) };
  let page: object = { skipped: "there is no web/dist or no Chromium" };
  if (existsSync(join(import.meta.dir, "../web/dist/index.html")) && existsSync(browserPath)) {
    slowestHealthMs = 0;
    page = { ...(await timeOfPage(id, timed)), slowestHealthMs: Math.round(slowestHealthMs) };
  }
  isWatching = false;
  await watch;
  console.log(
    JSON.stringify({ candidates: CANDIDATES, rows: ROWS, report: measured, page, load: loadavg()[0] }),
  );
} finally {
  await world.close();
}

/** From navigation to the verdict's words and to the first row, with an empty cache each time. */
async function timeOfPage(id: string, timed: (work: () => Promise<unknown>) => Promise<number>) {
  const browser = await chromium.launch({
    executablePath: browserPath,
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    const verdictMs: number[] = [];
    const rowsMs: number[] = [];
    /** The list of assessments, for what of it is the UI itself and not the report. */
    const listMs: number[] = [];
    const bearer = { authorization: `Bearer ${world.key("admin")}` };
    for (let round = 0; round < ROUNDS; round++) {
      const context = await browser.newContext({ extraHTTPHeaders: bearer });
      const one = await context.newPage();
      const from = performance.now();
      verdictMs.push(
        await timed(async () => {
          await one.goto(`${world.server.url}/assessments/${id}`, { waitUntil: "commit" });
          await one.getByText(/is better than|Not enough evidence/).waitFor();
        }),
      );
      await one.locator(".e-answers tbody tr").first().waitFor();
      rowsMs.push(Math.round(performance.now() - from));
      await context.close();
      const empty = await browser.newContext({ extraHTTPHeaders: bearer });
      const list = await empty.newPage();
      listMs.push(
        await timed(async () => {
          await list.goto(`${world.server.url}/assessments`, { waitUntil: "commit" });
          await list.getByRole("link", { name: "large" }).first().waitFor();
        }),
      );
      await empty.close();
    }
    return { verdictMs, rowsMs, listMs };
  } finally {
    await browser.close();
  }
}
