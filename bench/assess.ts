// Rows a second of an assessment against promptfoo: the same endpoint of fixed latency, the same rows, the same number of
// questions at once, in turns; and how far that is over the ideal schedule. JSON.
// Use: npm install --prefix DIR promptfoo@0.123.1 node@24.21.0, then: bun bench/assess.ts --peer DIR
// The endpoint counts both alike: from the first question that reaches it to the last answer that leaves it.

import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { ADD } from "../test/provider-kit.ts";
import { startWorld } from "../test/world.ts";

const { values: options } = parseArgs({
  options: {
    peer: { type: "string" },
    rows: { type: "string", default: "1600" },
    latency: { type: "string", default: "200" },
    concurrency: { type: "string", default: "32" },
    rounds: { type: "string", default: "3" },
  },
});
const [rows, latencyMs, wide, rounds] = [
  options.rows,
  options.latency,
  options.concurrency,
  options.rounds,
].map(Number) as [number, number, number, number];
const idealSeconds = (Math.ceil(rows / wide) * latencyMs) / 1000;
const timesShape = z.object({ seconds: z.number(), count: z.number(), most: z.number() });
type Times = z.infer<typeof timesShape> & { cpuMsPerRow?: number };

const folder = await mkdtemp(join(tmpdir(), "espalier-bench-"));
const endpoint = Bun.spawn(
  [process.execPath, join(import.meta.dir, "assess-endpoint.ts"), String(latencyMs)],
  {
    stdout: "pipe",
    stderr: "inherit",
  },
);
const reader = endpoint.stdout.getReader();
const url = new TextDecoder().decode((await reader.read()).value).trim();
const times = async (): Promise<Times> => timesShape.parse(await (await fetch(`${url}/times`)).json());

const world = await startWorld();
const questions = Array.from({ length: rows }, (_, at) => ({
  question: `Question ${at}?`,
  answer: "answer",
}));
await world.importRows("rows", questions);
await world.act(ADD, {
  input: {
    ...{ name: "acme", kind: "openai-compatible", url: `${url}/v1`, key: "none", allowPrivate: true },
    models: [{ model: "m" }],
  },
});

async function ours(round: number): Promise<Times> {
  const before = process.cpuUsage();
  const started = await world.act(
    `mutation ($input: StartAssessmentInput!) { startAssessment(input: $input) { __typename
      ... on AssessmentSuccess { run { id } } ... on UserError { code text: message } } }`,
    {
      input: {
        ...{ name: `round ${round}`, dataset: "rows", question: "{{question}}", reference: "answer" },
        ...{ graders: ["exact"], candidates: [{ model: "acme/m" }], concurrency: wide },
      },
    },
  );
  // Asking how far it is would be work of the server's, too.
  await Bun.sleep(idealSeconds * 1000);
  await world.succeeded(z.looseObject({ run: z.object({ id: z.string() }) }).parse(started).run.id);
  const { user, system } = process.cpuUsage(before);
  // The server runs in this process.
  return { ...(await times()), cpuMsPerRow: (user + system) / 1000 / rows };
}

/** One evaluation of promptfoo with its cache off, by its command. */
async function theirs(peer: string): Promise<Times> {
  const config = {
    prompts: ["{{question}}"],
    providers: [{ id: "openai:chat:m", config: { apiBaseUrl: `${url}/v1`, apiKey: "none" } }],
    tests: questions.map((vars) => ({ vars, assert: [{ type: "equals", value: "{{answer}}" }] })),
  };
  const path = join(folder, "promptfooconfig.json");
  await Bun.write(path, JSON.stringify(config));
  const modules = join(peer, "node_modules");
  const command = [join(modules, "node/bin/node"), join(modules, "promptfoo/dist/src/main.js")];
  const flags = ["--no-cache", "--no-table", "--no-progress-bar", "--no-write", "-j", String(wide)];
  const run = Bun.spawn([...command, "eval", "-c", path, ...flags], {
    cwd: folder,
    env: {
      ...{ HOME: folder, PATH: process.env["PATH"] ?? "", PROMPTFOO_CONFIG_DIR: join(folder, "promptfoo") },
      ...{ PROMPTFOO_DISABLE_TELEMETRY: "1", PROMPTFOO_DISABLE_UPDATE: "1" },
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const said = `${await new Response(run.stdout).text()}${await new Response(run.stderr).text()}`;
  await run.exited;
  const found = await times();
  if (found.count !== rows)
    throw new Error(`promptfoo asked ${found.count} of ${rows}:\n${said.slice(-2_000)}`);
  return found;
}

try {
  const all: { ours: Times; theirs: Times | null }[] = [];
  for (let round = 0; round < rounds; round++)
    all.push({ ours: await ours(round), theirs: options.peer ? await theirs(options.peer) : null });
  const median = (values: number[]): number =>
    values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  const mine = median(all.map((one) => one.ours.seconds));
  const peers = all.flatMap((one) => (one.theirs ? [one.theirs.seconds] : []));
  console.log(
    JSON.stringify(
      {
        ...{ rows, latencyMs, concurrency: wide, rounds, load: loadavg()[0], idealSeconds },
        seconds: all.map((one) => ({ espalier: one.ours, promptfoo: one.theirs })),
        rowsPerSecond: rows / mine,
        overIdeal: mine / idealSeconds - 1,
        ...(peers.length > 0
          ? { promptfooRowsPerSecond: rows / median(peers), ratio: median(peers) / mine }
          : {}),
      },
      null,
      2,
    ),
  );
} finally {
  endpoint.kill();
  await world.close();
  await rm(folder, { recursive: true, force: true });
}
