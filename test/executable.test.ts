// Drives dist/espalier moved to another folder, with node_modules out of reach: it must need nothing but itself.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

setDefaultTimeout(60_000);
const built = process.env.ESPALIER_BIN ?? join(import.meta.dir, "../dist/espalier");
const dir = mkdtempSync(join(tmpdir(), "espalier-moved-"));
const moved = join(dir, "elsewhere/espalier");
/** Nothing of this machine's own set-up: no proxies, no tokens, a home of its own. */
const env = { PATH: "/usr/bin:/bin", HOME: dir, XDG_CACHE_HOME: join(dir, "cache"), TMPDIR: dir };
const Ready = z.object({ ready: z.literal(true), url: z.url(), setupUrl: z.url().optional() });
type Server = { url: string; stop: (signal?: NodeJS.Signals) => Promise<number> };

beforeAll(() => {
  if (!existsSync(built)) throw new Error(`${built} does not exist; run bin/build`);
  mkdirSync(join(dir, "elsewhere"));
  cpSync(built, moved);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = Bun.spawn([moved, ...args], { cwd: dir, env, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

async function serve(data: string, extra: Record<string, string> = {}): Promise<Server> {
  const child = Bun.spawn([moved, "serve", "--data", data, "--port", "0"], {
    cwd: dir,
    env: { ...env, ...extra },
    stdout: "pipe",
    stderr: Bun.file(join(dir, "stderr.log")),
  });
  const reader = child.stdout.getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done)
      throw new Error(
        `serve ended with ${await child.exited}: ${await Bun.file(join(dir, "stderr.log")).text()}`,
      );
    text += new TextDecoder().decode(value);
  }
  reader.releaseLock();
  const { url } = Ready.parse(JSON.parse(text.slice(0, text.indexOf("\n"))));
  return {
    url,
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return child.exited;
    },
  };
}

test("weighs at most 200 MB", () => {
  expect(statSync(moved).size).toBeLessThanOrEqual(200_000_000);
});

test("tells its version without unpacking anything", async () => {
  const { code, stdout } = await run("version", "--json");
  expect(code).toBe(0);
  expect(z.object({ version: z.string().regex(/^\d+\.\d+\.\d+\+/) }).parse(JSON.parse(stdout))).toBeDefined();
});

test("ignores the .env and bunfig.toml of the folder it is started in", async () => {
  await Bun.write(join(dir, ".env"), "ESPALIER_PORT=1\nESPALIER_HOST=256.256.256.256\n");
  await Bun.write(join(dir, "bunfig.toml"), 'preload = ["./does-not-exist.ts"]\n');
  const server = await serve(join(dir, "data-env"));
  expect((await fetch(new URL("/healthz", server.url))).status).toBe(200);
  expect(await server.stop()).toBe(0);
});

test("serves the UI with ready-made compression, a validator and a deep link", async () => {
  const server = await serve(join(dir, "data-ui"));
  try {
    const page = await fetch(server.url, { headers: { "accept-encoding": "br" } });
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toContain("text/html");
    const html = await page.text();
    const script = /src="(\/assets\/app-[^"]+\.js)"/.exec(html)?.[1];
    expect(script).toBeDefined();
    for (const encoding of ["br", "gzip"]) {
      const asset = await fetch(new URL(script ?? "", server.url), {
        headers: { "accept-encoding": encoding },
      });
      expect(asset.status).toBe(200);
      expect(asset.headers.get("content-encoding")).toBe(encoding);
      expect((await asset.text()).length).toBeGreaterThan(1000);
      const again = await fetch(new URL(script ?? "", server.url), {
        headers: { "accept-encoding": encoding, "if-none-match": asset.headers.get("etag") ?? "" },
      });
      expect(again.status).toBe(304);
    }
    expect((await fetch(new URL("/models/anything", server.url))).headers.get("content-type")).toContain(
      "text/html",
    );
    expect((await fetch(new URL("/assets/none.js", server.url))).status).toBe(404);
  } finally {
    await server.stop();
  }
});

test("unpacks its libraries once, by hash, and starts twice at the same time on a cold cache", async () => {
  const cache = join(dir, "cold-cache");
  const servers = await Promise.all(
    ["a", "b"].map((name) => serve(join(dir, `data-cold-${name}`), { XDG_CACHE_HOME: cache })),
  );
  await Promise.all(servers.map((server) => server.stop()));
  const folders = readdirSync(join(cache, "espalier"));
  expect(folders.filter((name) => name.startsWith("native-"))).toHaveLength(1);
  expect(folders.filter((name) => name.startsWith("."))).toEqual([]);
});

test("says which cache folder it cannot use and what to do", async () => {
  const open = join(dir, "open-cache");
  mkdirSync(open);
  chmodSync(open, 0o777);
  const child = Bun.spawn([moved, "serve", "--data", join(dir, "data-open"), "--port", "0"], {
    cwd: dir,
    env: { ...env, ESPALIER_CACHE_DIR: open },
    stdout: "pipe",
    stderr: "pipe",
  });
  const said = await new Response(child.stderr).text();
  expect(await child.exited).not.toBe(0);
  expect(said).toContain(open);
  expect(said).toContain("writable by everybody");
});

test.each(["SIGTERM", "SIGINT"] as const)("ends cleanly on %s", async (signal) => {
  const server = await serve(join(dir, `data-${signal}`));
  expect(await server.stop(signal)).toBe(0);
});

const tools = ["strace", "unshare", "ip"].filter((name) => Bun.which(name) === null);
const mayUnshare = tools.length === 0 && Bun.spawnSync(["unshare", "-n", "true"]).success;
if (!mayUnshare)
  console.log(
    `skipped: the test without a network needs root and ${tools.join(", ") || "permission to unshare"}`,
  );

test.skipIf(!mayUnshare)("tries to reach nobody: 0 outbound attempts, 0 name look-ups", async () => {
  const home = join(dir, "offline");
  const child = Bun.spawn(
    [
      "unshare",
      "-n",
      "--",
      process.execPath,
      join(import.meta.dir, "offline.ts"),
      moved,
      home,
      join(dir, "trace/t"),
    ],
    { stdout: "pipe", stderr: "inherit", env: { ...env, PATH: process.env.PATH ?? env.PATH } },
  );
  const stdout = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  const seen = z
    .object({
      statuses: z.record(z.string(), z.number()),
      exitCode: z.number(),
      calls: z.number(),
      attempts: z.array(z.string()),
      lookUps: z.array(z.string()),
    })
    .parse(JSON.parse(stdout));
  expect(seen.statuses).toEqual({ "/": 200, "/healthz": 200, "/readyz": 200 });
  expect(seen.attempts).toEqual([]);
  expect(seen.lookUps).toEqual([]);
  expect(seen.exitCode).toBe(0);
  // ONNX Runtime leaves this folder behind when its telemetry is on.
  const left = readdirSync(home, { recursive: true }).map(String);
  expect(left.filter((path) => /Microsoft|onnxruntime\.db|deviceid/.test(path))).toEqual([]);
});
