// A small server for the crash tests: imports one dataset as a run, or claims runs against its rivals. Started as a
// process of its own, by: bun crash.test-kit.ts DATA_DIR import|claim [CRASH_POINT]
import { writeFile } from "node:fs/promises";
import { datasets, datasetVersions } from "../../schema/tables/datasets.ts";
import { now } from "../kit/clock.ts";
import { armCrashPoint } from "../kit/faults.ts";
import { newId } from "../kit/ids.ts";
import { createLog } from "../kit/log.ts";
import { openStore } from "../store/store.ts";
import { createRuns, type HandlerContext, type Runs } from "./runs.ts";

const [dataDir = "", mode = "", point] = process.argv.slice(2);
armCrashPoint(point);

const log = createLog({ level: "silent" });
const store = await openStore({ dataDir, log, beside: mode === "claim" });
const runs = createRuns({ store, clock: now, log });
if (mode === "claim") await claimAll(runs);
else await importOne(runs);
await store.close();

async function claimAll(runs: Runs): Promise<void> {
  const taken: string[] = [];
  for (;;) {
    const run = await runs.claim({ executor: "trainer", owner: String(process.pid), leaseMs: 60_000 });
    if (!run) break;
    taken.push(run.id);
  }
  process.stdout.write(`${JSON.stringify(taken)}\n`);
}

async function importOne(runs: Runs): Promise<void> {
  runs.registerHandler("import-dataset", performImport);
  await runs.recoverAtStart(60_000);
  const workers = runs.startWorkers({ owner: String(process.pid), leaseMs: 60_000 });
  const known = (await runs.list()).items[0];
  const run = known ?? (await start(runs));
  process.stdout.write(`accepted ${run.id}\n`);
  const done = await runs.waitForEnd(run.id);
  process.stdout.write(`ended ${done.status}\n`);
  await workers.stop();
}

function start(runs: Runs) {
  return store.write(async (tx) => {
    const dataset = { id: newId("dataset"), projectId: "p", name: "mail", createdAt: now() };
    await tx.insert(datasets).values(dataset);
    return await runs.createRun(tx, {
      projectId: "p",
      kind: "import-dataset",
      executor: "server",
      name: "mail",
      subjectId: dataset.id,
      spec: { rows: 500 },
    });
  }, "import-dataset.create");
}

async function performImport(ctx: HandlerContext) {
  const rows = Array.from({ length: 500 }, (_, n) =>
    JSON.stringify({ prompt: `p${n}`, completion: `c${n}` }),
  );
  const temp = store.blobs.tempPath();
  await writeFile(temp, rows.join("\n"));
  ctx.crashPoint("written");
  const content = await store.blobs.putFile(temp);
  ctx.progress({ step: 1, total: 2 });
  ctx.log("rows are in");
  await Bun.sleep(300);
  const index = await store.blobs.putBytes(JSON.stringify(rows.map((row) => row.length)));
  ctx.crashPoint("stored");
  return {
    result: { sha256: content.sha256 },
    commit: async (tx: Parameters<Parameters<typeof store.write>[0]>[0]) => {
      await tx.insert(datasetVersions).values({
        id: newId("datasetVersion"),
        datasetId: ctx.run.subjectId ?? "",
        number: 1,
        sha256: content.sha256,
        indexSha256: index.sha256,
        shape: "prompt-completion",
        rowCount: rows.length,
        sizeBytes: content.sizeBytes,
        columns: [],
        splits: {},
        statistics: {},
        createdAt: now(),
      });
    },
  };
}
