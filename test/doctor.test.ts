// `espalier doctor` through the executable: all is well on a fresh machine, and each check fails when its thing is broken.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConnectionPool } from "@libsql/client/sqlite3";
import { z } from "zod";
import { createUser } from "./command.ts";

setDefaultTimeout(60_000);
const user = createUser();
afterAll(() => user.close());
const data = join(user.folder, "data");
const report = z.object({
  ok: z.boolean(),
  checks: z.array(
    z.object({ name: z.string(), ok: z.boolean(), isOptional: z.boolean(), detail: z.string() }),
  ),
});

/** Exit code, and the checks that failed with what they said. */
async function doctor(args: readonly string[], env: Record<string, string> = {}) {
  const { code, document } = await user.json(["doctor", "--data", data, ...args], { env });
  const { ok, checks } = report.parse(document);
  expect(code).toBe(ok ? 0 : 1);
  const failed = checks.filter((one) => !one.ok).map(({ name, detail }) => [name, detail] as const);
  return { ok, failed: new Map(failed) };
}

test("on a fresh machine nothing needed fails, and what is not there yet is told with how it comes", async () => {
  const { ok, failed } = await doctor(["--port", "0"], { ESPALIER_URL: "http://127.0.0.1:9" });
  expect(ok).toBe(true);
  expect([...failed.keys()]).toEqual(["trainer's environment", "keys", "server"]);
  expect(failed.get("keys")).toContain("espalier key create");
  expect(readdirSync(user.folder)).not.toContain("data");
  const readable = await user.run(["doctor", "--data", data, "--port", "0"]);
  expect(readable.stdout).toMatch(/^ok +native libraries +4 in /m);
});

test("a folder that cannot be, a taken port, too much memory and a Python without packages fail by name", async () => {
  const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  try {
    const env = { ESPALIER_MEMORY_BUDGET: "900TiB", ESPALIER_TRAINER_PYTHON: "/bin/false" };
    const { ok, failed } = await doctor(["--data", "/proc/none", "--port", String(holder.port)], env);
    expect(ok).toBe(false);
    for (const name of ["data folder", "disk", "memory", "port", "trainer's environment"])
      expect([...failed.keys()]).toContain(name);
    expect(failed.get("port")).toContain(String(holder.port));
    expect(failed.get("data folder")).toContain("/proc/none");
  } finally {
    holder.stop(true);
  }
});

test("with a server: its port counts as well used, its key is tried, a newer schema is told", async () => {
  const { document } = await user.json(["key", "create", "--data", data]);
  const { key } = z.object({ key: z.string() }).parse(document);
  const server = await user.serve(data);
  const port = new URL(server.url).port;
  const here = { ESPALIER_URL: server.url, ESPALIER_KEY: key };
  const well = await doctor(["--port", port], here);
  expect([...well.failed.keys()]).toEqual(["trainer's environment"]);
  const wrong = await doctor(["--port", port], { ...here, ESPALIER_KEY: "esp_wrong" });
  expect(wrong.ok).toBe(false);
  expect(wrong.failed.get("ESPALIER_KEY")).toContain("refuses the key");
  await server.stop();
  const pool = new ConnectionPool(join(data, "espalier.db"), {}, 1);
  pool
    .acquireSync()
    .exec("INSERT INTO schema_migrations (number, name, sha256, applied_at) VALUES (9999, 'later', 'x', 0)");
  pool.close();
  expect((await doctor(["--port", "0"])).failed.get("schema")).toMatch(
    /has schema \d+, but this program knows only/,
  );
});

const isExecutable = process.env.ESPALIER_BIN !== undefined;
test.skipIf(!isExecutable)(
  "a damaged native library is found, and unpacked again as the mend says",
  async () => {
    const cache = join(user.folder, "cache/espalier");
    const [folder = ""] = readdirSync(cache).filter((name) => name.startsWith("native-"));
    const library = join(cache, folder, "libonnxruntime.so.1");
    chmodSync(library, 0o700);
    writeFileSync(library, new Uint8Array(readFileSync(library).byteLength));
    const { ok, failed } = await doctor(["--port", "0"]);
    expect(ok).toBe(false);
    expect(failed.get("native libraries")).toContain("native-*");
  },
);
