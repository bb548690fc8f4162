// How long the dashboard's questions take over 100,000 runs and as many calls: bun bench/dashboard.ts [runs]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { createDashboard } from "../src/dashboard/dashboard.ts";
import { monotonicMs, now } from "../src/kit/clock.ts";
import { createLog } from "../src/kit/log.ts";
import { openStore } from "../src/store/store.ts";

const count = Number(process.argv[2] ?? 100_000);
const rounds = 7;
const dataDir = mkdtempSync(join(tmpdir(), "espalier-bench-"));
const store = await openStore({ dataDir, log: createLog({ level: "silent" }) });
const dayMs = 24 * 3_600_000;
const until = now();
await store.write(async (tx) => {
  await tx.run(sql`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})
    INSERT INTO runs (id, project_id, kind, executor, status, name, subject_id, spec, created_at, ended_at)
    SELECT printf('run_%08d', i), 'prj_' || (i % 2), CASE i % 4 WHEN 0 THEN 'train' WHEN 1 THEN 'merge' WHEN 2 THEN 'deploy' ELSE 'import-dataset' END,
      'server', CASE WHEN i % 10 = 0 THEN 'failed' ELSE 'succeeded' END, 'Run ' || i, 'trn_' || i, printf('{"x":"%.1500c"}', 'y'),
      ${until} - (i * 90 * ${dayMs} / ${count}), ${until} FROM n`);
  await tx.run(sql`INSERT INTO base_models (id, project_id, name, format, files, sha256, size_bytes, card, created_at)
    VALUES ('base_1', 'prj_0', 'toy', 'hf', '[]', 'x', 1, '{}', 1)`);
  await tx.run(sql`INSERT INTO trainings (id, project_id, name, base_id, dataset_version_id, method, parameters, save, run_id, created_at)
    SELECT subject_id, project_id, name, 'base_1', 'd', 'sft', '{}', 0, id, created_at FROM runs WHERE kind = 'train'`);
  await tx.run(sql`INSERT INTO usage (id, project_id, at, model_name, model_id, source, input_tokens, output_tokens, cost_usd, latency_ms)
    SELECT 'use_' || id, project_id, created_at, 'acme/m' || (rowid % 5), 'tpm_' || (rowid % 5), 'chat', 10, 20, 0.001, 5 FROM runs`);
});
const dashboard = createDashboard({ store, clock: now });
const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
for (const days of [7, 90]) {
  const range = dashboard.rangeOf("prj_0", day(until - (days - 1) * dayMs), day(until), "Europe/Berlin");
  for (const name of ["runs", "bases", "thirdParty"] as const) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const from = monotonicMs();
      await dashboard[name](range);
      times.push(monotonicMs() - from);
    }
    times.sort((a, b) => a - b);
    console.log(
      JSON.stringify({
        name,
        days,
        rows: count,
        medianMs: Number(times[3]?.toFixed(1)),
        maxMs: Number(times.at(-1)?.toFixed(1)),
      }),
    );
  }
}
for (const [name, ask] of [
  ["queue", () => dashboard.queue("prj_0")],
  ["disk, first", () => dashboard.disk()],
] as const) {
  const from = monotonicMs();
  await ask();
  console.log(JSON.stringify({ name, rows: count, ms: Number((monotonicMs() - from).toFixed(1)) }));
}
await store.close();
rmSync(dataDir, { recursive: true });
