// Size, ready time and idle memory of the executable, printed as JSON. Usage: bun bench/start.ts [EXECUTABLE]
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const executable = process.argv[2] ?? join(import.meta.dir, "../dist/espalier");
const ROUNDS = 5;
const dir = mkdtempSync(join(tmpdir(), "espalier-bench-"));

/** Milliseconds from spawn to the ready line, and to the first page; then idle PSS of the whole tree in MB. */
async function round(idleMs: number): Promise<{ readyMs: number; pageMs: number; pssMb: number }> {
  const started = performance.now();
  const server = Bun.spawn([executable, "serve", "--data", join(dir, "data"), "--port", "0"], {
    stdout: "pipe",
    stderr: "ignore",
    env: { ...process.env, XDG_CACHE_HOME: join(dir, "cache") },
  });
  const { value } = await server.stdout.getReader().read();
  const readyMs = performance.now() - started;
  const url = /"url":"([^"]+)"/.exec(new TextDecoder().decode(value))?.[1];
  if (!url) throw new Error("the server printed no ready line");
  await (await fetch(url)).text();
  const pageMs = performance.now() - started;
  await Bun.sleep(idleMs);
  const pssMb = tree(server.pid).reduce((sum, pid) => sum + pssKb(pid), 0) / 1024;
  server.kill("SIGTERM");
  await server.exited;
  return { readyMs, pageMs, pssMb };
}

function tree(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const children = tasks.flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(tree)];
}

function pssKb(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
}

const first = await round(0);
const later = [];
for (let i = 0; i < ROUNDS; i++) later.push(await round(i === ROUNDS - 1 ? 10_000 : 0));
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
console.log(
  JSON.stringify({
    sizeBytes: statSync(executable).size,
    firstReadyMs: Math.round(first.readyMs),
    readyMs: Math.round(median(later.map((one) => one.readyMs))),
    firstPageMs: Math.round(median(later.map((one) => one.pageMs))),
    idlePssMb: Math.round(later.at(-1)?.pssMb ?? Number.NaN),
    rounds: ROUNDS,
  }),
);
rmSync(dir, { recursive: true, force: true });
