// What the data folder takes on the disk, part by part, and what is left there: measured in the background, at most once a minute.
import { readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { type SQL, sql } from "drizzle-orm";
import type { Clock } from "../kit/clock.ts";
import { DATABASE_FILE, type Store } from "../store/store.ts";

export type DiskPart = { name: string; bytes: number };
export type DiskReport = {
  /** The database, blobs by what they are, and the rest of the folder. */
  parts: DiskPart[];
  totalBytes: number;
  freeBytes: number;
  /** Size of the disk that the folder lies on. */
  diskBytes: number;
  at: number;
};

const FRESH_MS = 60_000;

/** Blobs by what names them; one named by several counts as the first. */
const KINDS: readonly (readonly [name: string, query: SQL])[] = [
  ["base-models", filesOf("base_models")],
  ["customized", filesOf("customized_models")],
  ["complete", filesOf("complete_models")],
  ["datasets", sql`SELECT sha256, size_bytes AS bytes FROM dataset_versions`],
  ["documents", sql`SELECT sha256, size_bytes AS bytes FROM documents`],
  // Of ended runs only what a model took over is kept.
  [
    "run-files",
    sql`SELECT a.sha256, a.size_bytes AS bytes FROM artifacts a JOIN runs r ON r.id = a.run_id
      WHERE r.status IN ('queued', 'running')`,
  ],
];

function filesOf(table: string): SQL {
  return sql`SELECT f.value ->> 'sha256' AS sha256, f.value ->> 'sizeBytes' AS bytes
    FROM ${sql.identifier(table)} m, json_each(m.files) f`;
}

/** Returns what answers with the report: a fresh one, or while another is measured the last. */
export function createDiskReport({
  store,
  clock,
}: {
  store: Store;
  clock: Clock;
}): () => Promise<DiskReport> {
  let last: DiskReport | undefined;
  let measuring: Promise<DiskReport> | undefined;

  async function measure(): Promise<DiskReport> {
    const { dataDir } = store;
    const { bavail, bsize, blocks } = await statfs(dataDir);
    const database = await sizeOf(["", "-wal", "-shm"].map((end) => join(dataDir, `${DATABASE_FILE}${end}`)));
    const folders = await Promise.all(
      ["snapshots", "uploads", "incoming", "tmp"].map((name) => folderBytes(join(dataDir, name))),
    );
    const [snapshots = 0, ...passing] = folders;
    let blobs = 0;
    for await (const { sizeBytes } of store.blobs.list()) blobs += sizeBytes;
    const named = await blobKinds(store);
    const known = named.reduce((sum, { bytes }) => sum + bytes, 0);
    const parts = [
      { name: "database", bytes: database },
      ...named,
      { name: "other-blobs", bytes: Math.max(0, blobs - known) },
      { name: "snapshots", bytes: snapshots },
      { name: "uploads", bytes: passing.reduce((sum, bytes) => sum + bytes, 0) },
    ];
    return {
      parts,
      totalBytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      freeBytes: bavail * bsize,
      diskBytes: blocks * bsize,
      at: clock(),
    };
  }

  return async () => {
    if (last && clock() - last.at < FRESH_MS) return last;
    measuring ??= measure().finally(() => {
      measuring = undefined;
    });
    const fresh = measuring.then((report) => {
      last = report;
      return report;
    });
    if (!last) return fresh;
    // The next look sees it; a failure to measure again is not worth a page without figures.
    fresh.catch(() => undefined);
    return last;
  };
}

/** Bytes of blobs by kind, each blob once. */
async function blobKinds(store: Store): Promise<DiskPart[]> {
  const union = sql.join(
    KINDS.map(([, query], at) => sql`SELECT ${at} AS kind, sha256, bytes FROM (${query})`),
    sql` UNION ALL `,
  );
  const rows = await store.db.all<{ kind: number; bytes: number }>(sql`
    SELECT kind, sum(bytes) AS bytes FROM (SELECT min(kind) AS kind, max(bytes) AS bytes FROM (${union}) GROUP BY sha256)
    GROUP BY kind`);
  const bytesOf = new Map(rows.map(({ kind, bytes }) => [kind, bytes]));
  return KINDS.map(([name], at) => ({ name, bytes: bytesOf.get(at) ?? 0 }));
}

async function sizeOf(paths: readonly string[]): Promise<number> {
  let sum = 0;
  for (const path of paths) sum += (await stat(path).catch(() => null))?.size ?? 0;
  return sum;
}

/** Bytes of all files under a folder; 0 where it is not there. */
async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return sizeOf(entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name)));
}
