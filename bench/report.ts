// How long a report over 6 × 10,000 answers with 2 scores each takes to open, as JSON: the GraphQL query, and the page in
// Chromium from navigation until the verdict is painted and until the first row is there; each right after the server's
// start, after something was written (then nothing that was read before counts), and again. And the slowest health check.
// Usage: bun bench/report.ts [ROWS]; it needs dist/espalier (bin/build) and Chromium.
import { loadavg } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { z } from "zod";
import { createAccounts } from "../src/accounts/accounts.ts";
import { now } from "../src/kit/clock.ts";
import { createLog } from "../src/kit/log.ts";
import { uniform } from "../src/kit/random.ts";
import { openStore } from "../src/store/store.ts";
import { putAssessed } from "../test/assessed.test-kit.ts";
import { createUser } from "../test/command.ts";

const ROWS = Number(process.argv[2] ?? 10_000);
const CANDIDATES = 6;
const ROUNDS = 7;
const browserPath = process.env["ESPALIER_CHROMIUM"] ?? "/usr/bin/chromium";
const REPORT = `query ($id: ID!) { node(id: $id) { ... on Assessment { report { sentence isClear unscored
  candidates { candidate { name } interval { n mean low high method } graders { label interval { mean low high } unscored }
    answered failed medianLatencyMs inputTokens outputTokens costUsd strength { strength low high } }
  pairs { n wins ties losses difference low high p adjustedP test detectable rowsNeeded } } } } }`;

// The page and the server are processes of their own, as they are for a user.
const user = createUser([join(import.meta.dir, "../dist/espalier")]);
const data = join(user.folder, "data");
const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const made = await user.json(["key", "create", "--data", data, "--name", "bench"]);
  const { key } = z.looseObject({ key: z.string() }).parse(made.document);
  let served = await user.serve(data);
  const authorization = `Bearer ${key}`;
  const ask = async (query: string, variables: object = {}): Promise<unknown> => {
    const response = await fetch(`${served.url}/graphql`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    const { data: found, errors } = z
      .object({ data: z.unknown(), errors: z.unknown().optional() })
      .parse(await response.json());
    if (errors) throw new Error(JSON.stringify(errors));
    return found;
  };
  const id = await prepare(ask, served.url, key);
  const restart = async (): Promise<void> => {
    await served.stop();
    served = await user.serve(data);
  };
  const write = async (): Promise<void> => {
    await ask(`mutation { savePrompt(input: { name: "p", text: "${now()}" }) { __typename } }`);
  };
  const stay = async (): Promise<void> => undefined;

  const query = async (): Promise<Record<"ms", number>> => {
    const from = performance.now();
    await ask(REPORT, { id });
    return { ms: performance.now() - from };
  };
  const page = (): Promise<Opened> => openPage(browser, served.url, id, authorization);
  const measured: Record<string, unknown> = {};
  for (const [state, before] of Object.entries({ afterStart: restart, afterWrite: write, again: stay }))
    measured[state] = { query: await repeat(before, query), page: await repeat(before, page) };
  measured["slowestHealthMs"] = { whileOpening: await slowestHealth(served.url, () => repeat(write, page)) };
  console.log(JSON.stringify({ candidates: CANDIDATES, rows: ROWS, ...measured, load: loadavg()[0] }));
} finally {
  await browser.close();
  await user.close();
}

/** Median and worst of each figure, ms. */
async function repeat<Name extends string>(
  before: () => Promise<void>,
  work: () => Promise<Record<Name, number>>,
): Promise<Record<string, { median: number; most: number }>> {
  const all: Record<Name, number>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await before();
    all.push(await work());
  }
  const names = Object.keys(all[0] ?? {}) as Name[];
  const figures = names.map((name) => {
    const sorted = all.map((one) => Math.round(one[name])).sort((a, b) => a - b);
    return [name, { median: sorted[sorted.length >> 1] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN }];
  });
  return Object.fromEntries(figures);
}

/** A dataset, and an assessment of it with all its answers. */
async function prepare(ask: (query: string) => Promise<unknown>, url: string, key: string): Promise<string> {
  const lines = Array.from({ length: ROWS }, (_, row) =>
    JSON.stringify({ question: `Question ${row}`, answer: `Answer ${row}`, topic: `t ${row % 12}`, n: row }),
  );
  const file = join(user.folder, "rows.jsonl");
  await Bun.write(file, lines.join("\n"));
  const imported = await user.run([
    ...["dataset", "import", file, "--name", "rows", "--wait"],
    ...["--url", url, "--key", key],
  ]);
  if (imported.code !== 0) throw new Error(imported.stderr);
  const { datasets } = z
    .object({ datasets: z.object({ nodes: z.tuple([z.object({ latest: z.object({ id: z.string() }) })]) }) })
    .parse(await ask("{ datasets { nodes { latest { id } } } }"));
  const store = await openStore({ dataDir: data, log: createLog({ level: "silent" }), beside: true });
  const random = uniform(7);
  const words = "the quick brown fox jumps over the lazy dog ".repeat(12);
  const id = await putAssessed(store, {
    name: "large",
    projectId: (await createAccounts({ store, clock: now }).firstProject()).id,
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
  await store.close();
  return id;
}

type Opened = { verdictMs: number; rowMs: number };

/** With an empty cache: until the frame with the verdict is painted, and the one with the first row. */
async function openPage(within: Browser, url: string, id: string, authorization: string): Promise<Opened> {
  const context = await within.newContext({ extraHTTPHeaders: { authorization } });
  try {
    const page = await context.newPage();
    await page.addInitScript(() => {
      const seen = globalThis as unknown as Record<string, number>;
      const wanted = new Map([
        ["verdictMs", ".e-verdict"],
        ["rowMs", ".e-answers tbody tr"],
      ]);
      const observer = new MutationObserver(() => {
        for (const [name, selector] of wanted) {
          if (!document.querySelector(selector)) continue;
          wanted.delete(name);
          // A message that a frame sends comes after it is painted.
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => {
            seen[name] = performance.now();
          };
          requestAnimationFrame(() => port2.postMessage(null));
        }
        if (wanted.size === 0) observer.disconnect();
      });
      observer.observe(document, { subtree: true, childList: true });
    });
    await page.goto(`${url}/assessments/${id}`, { waitUntil: "commit" });
    const found = await page.waitForFunction(() => {
      const { verdictMs, rowMs } = globalThis as unknown as Partial<Opened>;
      return verdictMs !== undefined && rowMs !== undefined ? { verdictMs, rowMs } : null;
    });
    return z.object({ verdictMs: z.number(), rowMs: z.number() }).parse(await found.jsonValue());
  } finally {
    await context.close();
  }
}

async function slowestHealth(url: string, work: () => Promise<unknown>): Promise<number> {
  let slowest = 0;
  let isOver = false;
  const watch = (async () => {
    while (!isOver) {
      const from = performance.now();
      await (await fetch(`${url}/healthz`)).text();
      slowest = Math.max(slowest, performance.now() - from);
      await Bun.sleep(5);
    }
  })();
  await work();
  isOver = true;
  await watch;
  return Math.round(slowest);
}
