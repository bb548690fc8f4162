// Backup of a running server into one tar file, and its restore into an empty folder with every hash checked.
import { createHash } from "node:crypto";
import { link, mkdir, open, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { now } from "../kit/clock.ts";
import { storeError } from "../kit/disk.ts";
import { EspalierError, messageOf } from "../kit/errors.ts";
import { sha256File } from "../kit/hash.ts";
import { newSecret } from "../kit/ids.ts";
import { nativePath } from "../kit/native.ts";
import { syncFile, syncFolder } from "./blobs.ts";
import { openPool } from "./connections.ts";
import { DATABASE_FILE, type Store } from "./store.ts";
import { damaged, readBytes, readEntries, type TarFound, writeEnd, writeEntry } from "./tar.ts";

const MANIFEST = "manifest.json";
const MANIFEST_MAX_BYTES = 512 * 1024 * 1024;
const BLOB_NAME = /^blobs\/[0-9a-f]{2}\/[0-9a-f]{62}$/;

const manifestSchema = z.object({
  format: z.literal("espalier-backup/1"),
  createdAt: z.number().int(),
  schemaVersion: z.number().int().nonnegative(),
  files: z.array(
    z.object({
      path: z.string().refine((path) => path === DATABASE_FILE || BLOB_NAME.test(path)),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      sizeBytes: z.number().int().nonnegative(),
    }),
  ),
});
type Manifest = z.infer<typeof manifestSchema>;

export type BackupSummary = {
  file: string;
  blobs: number;
  sizeBytes: number;
  schemaVersion: number;
  createdAt: number;
};

/**
 * Writes database and blobs into `file` while the server goes on. The file appears whole or not at all.
 * @throws EspalierError BACKUP_EXISTS, BLOB_DAMAGED (a blob no longer has its hash), DISK_FULL
 */
export async function backup(store: Store, file: string): Promise<BackupSummary> {
  if (await exists(file))
    throw new EspalierError("BACKUP_EXISTS", `${file} exists already`, {
      field: "file",
      value: file,
      hint: "Name a file that does not exist.",
      status: 409,
    });
  const workshop = store.blobs.tempPath();
  const partial = `${file}.${newSecret(6)}.part`;
  try {
    await mkdir(workshop, { recursive: true });
    // Blobs are written before the rows that name them, so those of the snapshot are all there after it. Links
    // keep them, should somebody delete one while the archive is being written.
    await linkBlobs(store, workshop);
    const database = join(workshop, DATABASE_FILE);
    await store.snapshot(database);
    await linkBlobs(store, workshop);
    return { ...(await writeArchive(store, workshop, partial)), file: await publish(partial, file) };
  } catch (error) {
    await rm(partial, { force: true });
    throw storeError(error, dirname(file));
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

async function linkBlobs(store: Store, workshop: string): Promise<void> {
  for await (const { sha256 } of store.blobs.list())
    await link(store.blobs.path(sha256), join(workshop, sha256)).catch((error: unknown) => {
      // Already linked, or deleted since it was listed and so not wanted any more.
      if (!/EEXIST|ENOENT/.test(messageOf(error))) throw error;
    });
}

async function writeArchive(
  store: Store,
  workshop: string,
  partial: string,
): Promise<Omit<BackupSummary, "file">> {
  const files: Manifest["files"] = [];
  for (const name of (await readdir(workshop)).sort()) {
    const path = join(workshop, name);
    const sha256 = await sha256File(path);
    if (name !== DATABASE_FILE && name !== sha256)
      throw new EspalierError("BLOB_DAMAGED", `Blob ${name} has bytes of SHA-256 ${sha256}`, {
        field: "sha256",
        value: name,
        hint: "Check the disk; import the dataset or model again, or restore an older backup.",
        status: 500,
      });
    files.push({ path: archiveName(name), sha256, sizeBytes: (await stat(path)).size });
  }
  const createdAt = now();
  const { schemaVersion } = store;
  const manifest: Manifest = { format: "espalier-backup/1", createdAt, schemaVersion, files };
  const out = await open(partial, "wx", 0o600);
  try {
    const head = Buffer.from(`${JSON.stringify(manifest)}\n`);
    await writeEntry(out, { name: MANIFEST, sizeBytes: head.byteLength }, head);
    for (const it of files)
      await writeEntry(
        out,
        { name: it.path, sizeBytes: it.sizeBytes },
        join(workshop, workshopName(it.path)),
      );
    await writeEnd(out);
    await out.sync();
    const sizeBytes = (await out.stat()).size;
    return { blobs: files.length - 1, sizeBytes, schemaVersion, createdAt };
  } finally {
    await out.close();
  }
}

const archiveName = (name: string): string =>
  name === DATABASE_FILE ? name : `blobs/${name.slice(0, 2)}/${name.slice(2)}`;
const workshopName = (path: string): string => path.replace(/^blobs\/(..)\//, "$1");

async function publish(partial: string, file: string): Promise<string> {
  await rename(partial, file);
  await syncFolder(dirname(file));
  return file;
}

export type RestoreSummary = { dataDir: string; blobs: number; schemaVersion: number; verified: boolean };

/**
 * Restores a backup into a folder that is empty or does not exist; the folder appears whole or not at all. Every
 * hash is checked while reading; `verify` reads what was written once more and has SQLite check the database.
 * @throws EspalierError BACKUP_NOT_FOUND, BACKUP_DAMAGED, BACKUP_UNKNOWN, DATA_FOLDER_NOT_EMPTY, DISK_FULL
 */
export async function restore(
  file: string,
  dataDir: string,
  options: { verify: boolean },
): Promise<RestoreSummary> {
  if ((await readdir(dataDir).catch(() => [])).length > 0)
    throw new EspalierError("DATA_FOLDER_NOT_EMPTY", `${dataDir} is not empty`, {
      field: "dataDir",
      value: dataDir,
      hint: "Name an empty folder with --data; a restore never writes over data.",
      status: 409,
    });
  const fresh = join(dirname(dataDir), `.${basename(dataDir)}.${newSecret(6)}.restore`);
  try {
    await mkdir(fresh, { recursive: true, mode: 0o700 });
    const manifest = await readArchive(file, (entry, pieces) => extract(fresh, entry, pieces));
    if (options.verify) await verifyFolder(fresh, manifest);
    for (const folder of new Set(manifest.files.map((it) => dirname(join(fresh, it.path)))))
      await syncFolder(folder);
    await rmdir(dataDir).catch(() => undefined);
    await rename(fresh, dataDir);
    await syncFolder(dirname(dataDir));
    const { schemaVersion } = manifest;
    return { dataDir, blobs: manifest.files.length - 1, schemaVersion, verified: options.verify };
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw storeError(error, dirname(dataDir));
  }
}

/**
 * Reads a backup from end to end and checks every hash, writing nothing.
 * @throws EspalierError BACKUP_NOT_FOUND, BACKUP_DAMAGED, BACKUP_UNKNOWN
 */
export async function verifyBackup(file: string): Promise<{ blobs: number; schemaVersion: number }> {
  const manifest = await readArchive(file, async (_entry, pieces) => {
    for await (const _ of pieces);
  });
  return { blobs: manifest.files.length - 1, schemaVersion: manifest.schemaVersion };
}

type Sink = (entry: TarFound, pieces: AsyncIterable<Uint8Array>) => Promise<void>;

async function readArchive(path: string, sink: Sink): Promise<Manifest> {
  const file = await open(path, "r").catch((error: unknown) => {
    throw new EspalierError("BACKUP_NOT_FOUND", `${path} cannot be read: ${messageOf(error)}`, {
      field: "file",
      value: path,
      hint: "Name a file that `espalier backup` made.",
      status: 404,
    });
  });
  try {
    let manifest: Manifest | undefined;
    const missing = new Map<string, Manifest["files"][number]>();
    for await (const entry of readEntries(file)) {
      if (!manifest) {
        manifest = parseManifest(entry, entry.name === MANIFEST ? await whole(file, entry) : Buffer.alloc(0));
        for (const it of manifest.files) missing.set(it.path, it);
        continue;
      }
      const expected = missing.get(entry.name);
      if (!expected) throw damaged(`${entry.name} is not in its manifest`);
      if (expected.sizeBytes !== entry.sizeBytes)
        throw damaged(`${entry.name} has another size than its manifest says`);
      const hash = createHash("sha256");
      await sink(entry, hashed(readBytes(file, entry), hash));
      if (hash.digest("hex") !== expected.sha256) throw damaged(`${entry.name} does not have its hash`);
      missing.delete(entry.name);
    }
    if (!manifest) throw damaged("it is empty");
    for (const name of missing.keys()) throw damaged(`${name} is missing`);
    return manifest;
  } finally {
    await file.close();
  }
}

async function* hashed(pieces: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>) {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

async function whole(file: Parameters<typeof readBytes>[0], entry: TarFound): Promise<Buffer> {
  if (entry.sizeBytes > MANIFEST_MAX_BYTES) throw damaged("its manifest is too large");
  const pieces: Buffer[] = [];
  for await (const piece of readBytes(file, entry)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

function parseManifest(entry: TarFound, bytes: Buffer): Manifest {
  const unknown = (why: string): EspalierError =>
    new EspalierError("BACKUP_UNKNOWN", `This is not a backup that this program can read: ${why}`, {
      field: "file",
      value: entry.name.slice(0, 100),
      hint: "Name a file that `espalier backup` of this or an older version made.",
    });
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw unknown("it does not start with a manifest");
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) throw unknown(parsed.error.issues[0]?.message ?? "its manifest is wrong");
  if (!parsed.data.files.some((it) => it.path === DATABASE_FILE)) throw unknown("it has no database");
  return parsed.data;
}

async function extract(folder: string, entry: TarFound, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  // The manifest allows only the database and names of blobs, so no path can leave the folder.
  const path = join(folder, entry.name);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const out = await open(path, "wx", 0o644);
  try {
    for await (const piece of pieces) await out.writeFile(piece);
    await out.sync();
  } finally {
    await out.close();
  }
}

async function verifyFolder(folder: string, manifest: Manifest): Promise<void> {
  for (const it of manifest.files) {
    const path = join(folder, it.path);
    if ((await sha256File(path)) !== it.sha256) throw damaged(`${it.path} was not written as it was read`);
  }
  const database = join(folder, DATABASE_FILE);
  const pool = openPool({ path: database, vecPath: nativePath("vec0.so"), size: 1, readOnly: true });
  try {
    const check = await pool.$client.execute("PRAGMA integrity_check");
    const verdict = String(check.rows[0]?.[0]);
    if (verdict !== "ok") throw damaged(`SQLite finds: ${verdict.slice(0, 200)}`);
    const loose = await pool.$client.execute("PRAGMA foreign_key_check");
    if (loose.rows.length > 0) throw damaged(`${loose.rows.length} rows point to rows that are not there`);
  } finally {
    pool.$client.close();
  }
  await syncFile(database);
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => null)) !== null;
