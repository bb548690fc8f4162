// kill -9 at every named point of an import, and claimants in several processes: nothing lost, nothing twice.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { now } from "../kit/clock.ts";
import { createLog } from "../kit/log.ts";
import { openStore } from "../store/store.ts";
import { createRuns } from "./runs.ts";

const log = createLog({ level: "silent" });
const home = mkdtempSync(join(tmpdir(), "espalier-crash-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function start(dataDir: string, mode: string, point = "") {
  const kit = join(import.meta.dir, "crash.test-kit.ts");
  return Bun.spawn([process.execPath, kit, dataDir, mode, point], { stdout: "pipe", stderr: "pipe" });
}

async function play(dataDir: string, mode: string, point?: string) {
  const child = start(dataDir, mode, point);
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  return { out, err, exitCode: child.exitCode, signal: child.signalCode };
}

/** What the folder holds, as the next start would find it. */
async function inspect(dataDir: string) {
  const store = await openStore({ dataDir, log });
  const runs = createRuns({ store, clock: now, log });
  const [run] = (await runs.list()).items;
  const events = run ? await runs.events(run.id) : [];
  const versions = await store.db.query.datasetVersions.findMany();
  const datasets = await store.db.query.datasets.findMany();
  const missing = [];
  for (const version of versions)
    for (const sha256 of [version.sha256, version.indexSha256])
      if (!(await store.blobs.has(sha256))) missing.push(sha256);
  await store.close();
  return { run, events, versions, datasets, missing, count: (await runsOf(dataDir)).length };
}

async function runsOf(dataDir: string): Promise<string[]> {
  const store = await openStore({ dataDir, log });
  const ids = (await store.db.query.runs.findMany()).map((run) => run.id);
  await store.close();
  return ids;
}

const calm = await play(join(home, "calm"), "import", "trace");
const points = calm.err.split("\n").flatMap((line) => line.match(/^crash-point (\S+)$/)?.[1] ?? []);
const expected = await inspect(join(home, "calm"));

test("an undisturbed import passes enough named points", () => {
  expect(calm).toMatchObject({ exitCode: 0, out: expect.stringContaining("ended succeeded") });
  expect(points.length).toBeGreaterThanOrEqual(20);
  expect(points).toContain("run.import-dataset.finish.commit.before:1");
  expect(expected.versions.length).toBe(1);
});

test.each(points)("killed at %s, it completes after the next start", async (point) => {
  const dataDir = join(home, point.replace(":", "-"));
  const killed = await play(dataDir, "import", point);
  expect(killed.signal).toBe("SIGKILL");
  const between = await inspect(dataDir);
  // What is listed is whole: the version is there exactly when its run has succeeded.
  expect(between.versions.length).toBe(between.run?.status === "succeeded" ? 1 : 0);
  expect(between.missing).toEqual([]);
  // What was acknowledged is there.
  const accepted = killed.out.match(/accepted (\S+)/)?.[1];
  if (accepted) expect(between.run?.id).toBe(accepted);

  const again = await play(dataDir, "import");
  expect(again.out).toContain("ended succeeded");
  const after = await inspect(dataDir);
  expect(after.count).toBe(1);
  expect(after.datasets.length).toBe(1);
  expect(after.versions.map((it) => [it.sha256, it.indexSha256])).toEqual(
    expected.versions.map((it) => [it.sha256, it.indexSha256]),
  );
  expect(after.missing).toEqual([]);
  expect(after.events.map((event) => event.seq)).toEqual(after.events.map((_, index) => index + 1));
  expect(readdirSync(join(dataDir, "tmp"))).toEqual([]);
});

test("claimants in four processes never share a run and leave none", async () => {
  const dataDir = join(home, "race");
  const store = await openStore({ dataDir, log });
  const runs = createRuns({ store, clock: now, log });
  const made: string[] = [];
  for (let i = 0; i < 60; i++)
    made.push(
      await store.write(async (tx) => {
        const spec = { n: i };
        return (
          await runs.createRun(tx, { projectId: "p", kind: "train", executor: "trainer", name: "r", spec })
        ).id;
      }),
    );
  const players = await Promise.all([1, 2, 3, 4].map(() => play(dataDir, "claim")));
  const taken = players.map((player) => JSON.parse(player.out) as string[]);
  expect(taken.flat().sort()).toEqual([...made].sort());
  // A race in which one process took everything would prove nothing.
  expect(taken.filter((ids) => ids.length > 0).length).toBeGreaterThan(1);
  for (const run of (await runs.list({ first: 100 })).items)
    expect(run).toMatchObject({ status: "running", attempt: 1 });
  await store.close();
}, 30_000);
