// How long GET /healthz waits while a large dataset is uploaded and imported: JSONL and CSV, in rounds. Prints JSON.
// Use: bun bench/import.ts [MEGABYTES] [ROUNDS] [BUSY]: it starts the executable itself, asks from a thread of its own,
// and lets BUSY other processes work without a pause beside it.

import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

type Latency = { asked: number; p50: number; p99: number; max: number };
type Format = "jsonl" | "csv";

/** The asking thread: one request after another, each 5 ms after the last answer; a message asks for what was seen since the last. */
function askForEver(): void {
  let waits: number[] = [];
  let url = "";
  const ask = async (): Promise<void> => {
    const from = performance.now();
    const response = await fetch(`${url}/healthz`);
    await response.text();
    if (response.ok) waits.push(performance.now() - from);
    setTimeout(ask, 5);
  };
  globalThis.addEventListener("message", ({ data }: MessageEvent<string>) => {
    if (data.startsWith("http")) {
      url = data;
      void ask();
      return;
    }
    const sorted = waits.sort((a, b) => a - b);
    waits = [];
    const at = (share: number): number =>
      Number((sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN).toFixed(1));
    postMessage({ asked: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) } satisfies Latency);
  });
}

async function main(): Promise<void> {
  const megabytes = Number(process.argv[2] ?? 200);
  const rounds = Number(process.argv[3] ?? 3);
  const busy = Number(process.argv[4] ?? 0);
  const command = process.env.ESPALIER_BIN ?? join(import.meta.dir, "../dist/espalier");
  const dir = mkdtempSync(join(tmpdir(), "espalier-import-"));
  const data = join(dir, "data");
  const env = { ...process.env, ESPALIER_CACHE_DIR: join(dir, "cache") };
  const made = Bun.spawnSync([command, "key", "create", "--data", data, "--name", "bench", "--json"], {
    env,
  });
  const { key } = z.object({ key: z.string() }).parse(JSON.parse(made.stdout.toString()));
  const server = Bun.spawn([command, "serve", "--data", data, "--port", "0"], {
    env,
    stdout: "pipe",
    stderr: "ignore",
  });
  const others = Array.from({ length: busy }, () => Bun.spawn([process.execPath, "-e", "for (;;);"]));
  const asker = new Worker(import.meta.url);
  const seen = async (): Promise<Latency> => {
    asker.postMessage("seen");
    const [{ data: latency }] = await once(asker, "message");
    return latency;
  };
  try {
    const { value } = await server.stdout.getReader().read();
    const { url } = z.object({ url: z.string() }).parse(JSON.parse(new TextDecoder().decode(value)));
    asker.postMessage(url);
    await Bun.sleep(2_000);
    await seen();
    await Bun.sleep(2_000);
    const idle = await seen();
    const results = [];
    for (let round = 0; round < rounds; round++)
      for (const format of ["jsonl", "csv"] as const) {
        const file = join(dir, `rows.${format}`);
        await writeRows(file, format, megabytes * 1e6, round);
        await Bun.sleep(1_000);
        await seen();
        const uploadFrom = performance.now();
        const uploadId = await upload(url, key, file);
        const uploadMs = performance.now() - uploadFrom;
        const upload_ = await seen();
        const importFrom = performance.now();
        await importDataset(url, key, uploadId, `${format} ${round}`);
        const importMs = performance.now() - importFrom;
        const load = Number(loadavg()[0]?.toFixed(1));
        results.push({
          format,
          load,
          uploadMs: Math.round(uploadMs),
          upload: upload_,
          importMs: Math.round(importMs),
          import: await seen(),
        });
        rmSync(file);
      }
    const peakMb =
      Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))?.[1]) / 1024;
    console.log(
      JSON.stringify(
        { bench: "import", megabytes, busy, idle, results, serverPeakMb: Math.round(peakMb) },
        null,
        1,
      ),
    );
  } finally {
    asker.terminate();
    for (const other of others) other.kill();
    server.kill("SIGTERM");
    await server.exited;
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Rows of prompt and completion, other ones each round: the same content again would be no new version. */
async function writeRows(path: string, format: Format, bytes: number, round: number): Promise<void> {
  const out = createWriteStream(path);
  if (format === "csv") out.write("prompt,completion\n");
  let written = 0;
  for (let i = 0; written < bytes; ) {
    const lines: string[] = [];
    for (const end = i + 2_000; i < end; i++) {
      const prompt = `round ${round}, question ${i}: ${"what does the gardener tie to the trellis? ".repeat(1 + (i % 7))}`;
      const completion = `answer ${i}, "the branch", and then ${"some more, ".repeat(i % 5)}`;
      lines.push(
        format === "csv"
          ? `"${prompt}","${completion.replaceAll('"', '""')}"\n`
          : `${JSON.stringify({ prompt, completion })}\n`,
      );
    }
    const text = lines.join("");
    written += Buffer.byteLength(text);
    if (!out.write(text)) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
}

/** Sends the file in pieces of 16 MB, as the browser and the command line do. */
async function upload(url: string, key: string, path: string): Promise<string> {
  const { size } = Bun.file(path);
  const headers = { authorization: `Bearer ${key}` };
  const opened = await fetch(`${url}/uploads`, {
    method: "POST",
    headers,
    body: JSON.stringify({ name: path.split("/").at(-1), sizeBytes: size }),
  });
  const { id } = z.object({ id: z.string() }).parse(await opened.json());
  const piece = 16 * 1024 * 1024;
  for (let at = 0; at < size; at += piece) {
    const body = Bun.file(path).slice(at, Math.min(size, at + piece));
    const sent = await fetch(`${url}/uploads/${id}`, {
      method: "PATCH",
      headers: { ...headers, "upload-offset": String(at) },
      body,
    });
    if (!sent.ok) throw new Error(await sent.text());
  }
  return id;
}

const begun = z.object({
  data: z.object({ importDataset: z.object({ run: z.object({ id: z.string() }) }) }),
});
const state = z.object({ data: z.object({ node: z.object({ status: z.string(), error: z.unknown() }) }) });

async function importDataset(url: string, key: string, uploadId: string, name: string): Promise<void> {
  const graphql = async (query: string, variables: object): Promise<unknown> => {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ query, variables }),
    });
    return await response.json();
  };
  const mutation =
    "mutation ($input: ImportDatasetInput!) { importDataset(input: $input) { ... on ImportDatasetSuccess { run { id } } } }";
  const { id } = begun.parse(await graphql(mutation, { input: { name, uploadId } })).data.importDataset.run;
  for (;;) {
    const { status, error } = state.parse(
      await graphql("query ($id: ID!) { node(id: $id) { ... on Run { status error { code message } } } }", {
        id,
      }),
    ).data.node;
    if (status === "SUCCEEDED") return;
    if (status === "FAILED") throw new Error(JSON.stringify(error));
    await Bun.sleep(250);
  }
}

if (!Bun.isMainThread) askForEver();
else await main();
