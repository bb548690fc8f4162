// How late a training's step is seen: from the trainer's clock to the words in the browser, on one machine. Prints JSON.
// Use: bun bench/live.ts [STEPS]; it starts the executable, its trainer and Chromium itself.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { z } from "zod";

const steps = Number(process.argv[2] ?? 20);
const root = join(import.meta.dir, "..");
const command = process.env.ESPALIER_BIN ?? join(root, "dist/espalier");
const model = join(root, ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf");
const python = join(root, "trainer/.venv/bin/python");
const dir = mkdtempSync(join(tmpdir(), "espalier-live-"));
const data = join(dir, "data");
const client = { url: "", key: "" };

/** The JSON document that a command prints. */
async function said(...args: string[]): Promise<unknown> {
  const env = { ...process.env, ESPALIER_URL: client.url, ESPALIER_KEY: client.key };
  const child = Bun.spawn([command, ...args, "--json"], { env, stdout: "pipe", stderr: "inherit" });
  return JSON.parse(await new Response(child.stdout).text());
}
async function graphql(query: string): Promise<unknown> {
  const response = await fetch(`${client.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${client.key}` },
    body: JSON.stringify({ query }),
  });
  return await response.json();
}

const listed = z.object({ items: z.array(z.object({ status: z.string() })) });
const begun = z.object({
  data: z.object({
    trainings: z.object({ nodes: z.array(z.object({ id: z.string(), run: z.object({ id: z.string() }) })) }),
  }),
});
const told = z.object({
  data: z.object({
    node: z.object({
      events: z.object({
        nodes: z.array(z.object({ at: z.coerce.date(), type: z.string(), data: z.unknown() })),
      }),
    }),
  }),
});
const metric = z.looseObject({ step: z.number(), loss: z.number() });

client.key = z
  .object({ key: z.string() })
  .parse(await said("key", "create", "--data", data, "--name", "live")).key;
const server = Bun.spawn(
  [command, "serve", "--data", data, "--port", "0", "--sample-model", model].concat([
    "--with-trainer",
    "--trainer-python",
    python,
  ]),
  { env: { ...process.env, ESPALIER_CACHE_DIR: join(dir, "cache") }, stdout: "pipe", stderr: "ignore" },
);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  const { value } = await server.stdout.getReader().read();
  const ready = z
    .object({ url: z.string(), setupUrl: z.string() })
    .parse(JSON.parse(new TextDecoder().decode(value)));
  client.url = ready.url;
  for (const what of ["bases", "datasets"])
    while (!listed.parse(await said("list", what)).items.some(({ status }) => status === "ready"))
      await Bun.sleep(300);

  const page = await browser.newPage();
  await page.goto(ready.setupUrl);
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill("a long walk");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("heading", { level: 1, name: "Process map" }).waitFor();

  const training = said(
    ...["train", "--base", "SmolLM2-135M-Instruct", "--dataset", "support-messages", "--name", "live"],
    ...["--set", `max_steps=${steps}`, "--wait"],
  );
  let found: { id: string; run: { id: string } } | undefined;
  while (!found) {
    found = begun.parse(await graphql("{ trainings { nodes { id run { id } } } }")).data.trainings.nodes[0];
    await Bun.sleep(100);
  }
  await page.goto(`${client.url}/trainings/${found.id}`);
  // The words on the page, not the message behind them.
  await page.evaluate(() => {
    const seen: Record<string, number> = {};
    Object.assign(globalThis, { seen });
    const look = (): void => {
      const step = /step (\d+) of/.exec(document.body.textContent ?? "")?.[1];
      if (step) seen[step] ??= Date.now();
    };
    new MutationObserver(look).observe(document.body, {
      childList: true,
      subtree: true,
      characterData: true,
    });
  });
  await training;
  const seen = z
    .record(z.string(), z.number())
    .parse(await page.evaluate(() => (globalThis as unknown as { seen: unknown }).seen));
  const query = `{ node(id: "${found.run.id}") { ... on Run { events(first: 200) { nodes { at type data } } } } }`;
  const delays = told
    .parse(await graphql(query))
    .data.node.events.nodes.flatMap(({ at, data: said }) => {
      const known = metric.safeParse(said);
      const shown = known.success ? seen[String(known.data.step)] : undefined;
      return shown === undefined ? [] : [shown - at.getTime()];
    })
    .sort((a, b) => a - b);
  const at = (share: number): number | undefined => delays[Math.floor(share * (delays.length - 1))];
  console.log(
    JSON.stringify({
      bench: "live",
      steps,
      stepsSeen: delays.length,
      delayMs: { p50: at(0.5), p95: at(0.95), max: at(1) },
    }),
  );
} finally {
  await browser.close();
  server.kill("SIGTERM");
  await server.exited;
  rmSync(dir, { recursive: true, force: true });
}
