// The content-addressed blob folder: temp name, hash, fsync, rename; a blob never changes.
import { constants } from "node:fs";
import { copyFile, mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { now } from "../kit/clock.ts";
import { storeError } from "../kit/disk.ts";
import { EspalierError } from "../kit/errors.ts";
import { crashPoint } from "../kit/faults.ts";
import { sha256File, sha256 as sha256Of } from "../kit/hash.ts";
import { newSecret } from "../kit/ids.ts";

const SHA256 = /^[0-9a-f]{64}$/;

export type BlobInfo = { sha256: string; sizeBytes: number };
/** Bytes `start` up to and without `end`. */
export type ByteRange = { start: number; end?: number };

export type Blobs = {
  root: string;
  /** Absolute path of a blob, whether it is there or not. @throws EspalierError BLOB_NAME_INVALID */
  path(sha256: string): string;
  has(sha256: string): Promise<boolean>;
  /** Size in bytes, or null when it is not there. */
  size(sha256: string): Promise<number | null>;
  /**
   * Moves a finished file from `tempPath()` into the folder, durable when this resolves. The temp file is gone
   * afterwards, also on failure.
   * @throws EspalierError HASH_MISMATCH when `expected.sha256` is said and differs, DISK_FULL
   */
  putFile(tempFile: string, expected?: { sha256?: string }): Promise<BlobInfo>;
  putBytes(data: string | Uint8Array): Promise<BlobInfo>;
  /** A fresh path on the same disk; what is left there is swept at the next start. */
  tempPath(): string;
  /**
   * The bytes, lazily: `new Response(blob)` streams them, `.stream()`, `.text()`, `.arrayBuffer()` read them.
   * @throws EspalierError BLOB_MISSING
   */
  openRead(sha256: string, range?: ByteRange): Promise<Blob>;
  /** Takes in a file that stays the caller's: a clone where the file system can, else a copy. */
  linkFile(path: string): Promise<BlobInfo>;
  remove(sha256: string): Promise<void>;
  /** Removes a blob that was neither put nor put again since `before` (ms since the epoch); says whether it did. */
  removeIdle(sha256: string, before: number): Promise<boolean>;
  list(): AsyncGenerator<BlobInfo>;
};

/** The blob folder under `dataDir`. `dataDir/tmp` is its workshop. */
export async function openBlobs(dataDir: string): Promise<Blobs> {
  const root = join(dataDir, "blobs");
  const temp = join(dataDir, "tmp");
  await mkdir(root, { recursive: true });
  await mkdir(temp, { recursive: true });

  const path = (sha256: string): string => {
    if (!SHA256.test(sha256))
      throw new EspalierError("BLOB_NAME_INVALID", `"${sha256.slice(0, 80)}" is not a SHA-256`, {
        field: "sha256",
        value: sha256.slice(0, 80),
        hint: "Write it as 64 lower-case hexadecimal digits.",
      });
    return join(root, sha256.slice(0, 2), sha256.slice(2));
  };
  const size = async (sha256: string): Promise<number | null> => {
    const found = await stat(path(sha256)).catch(() => null);
    return found?.isFile() ? found.size : null;
  };
  const tempPath = (): string => join(temp, newSecret(12));

  // Whether a blob goes or is put once more is decided by one at a time: the sweep must not take what was just found.
  let deciding: Promise<unknown> = Promise.resolve();
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const result = deciding.then(work);
    deciding = result.catch(() => undefined);
    return result;
  }
  /** True where the blob is whole; it then counts as put just now. One of another size was damaged from outside. */
  const renew = (sha256: string, sizeBytes: number): Promise<boolean> =>
    alone(async () => {
      if ((await size(sha256)) !== sizeBytes) return false;
      const at = new Date(now());
      await utimes(path(sha256), at, at);
      return true;
    });

  async function settle(tempFile: string, expected?: { sha256?: string }): Promise<BlobInfo> {
    crashPoint("blobs.put.written");
    const sizeBytes = await syncFile(tempFile);
    const sha256 = await sha256File(tempFile);
    if (expected?.sha256 !== undefined && expected.sha256 !== sha256)
      throw new EspalierError(
        "HASH_MISMATCH",
        `The bytes have SHA-256 ${sha256}, but ${expected.sha256} was announced`,
        { field: "sha256", value: sha256, hint: "Send the file again." },
      );
    crashPoint("blobs.put.synced");
    const target = path(sha256);
    if (await renew(sha256, sizeBytes)) return { sha256, sizeBytes };
    await mkdir(dirname(target), { recursive: true });
    await rename(tempFile, target);
    crashPoint("blobs.put.renamed");
    await syncFolder(dirname(target));
    await syncFolder(root);
    crashPoint("blobs.put.durable");
    return { sha256, sizeBytes };
  }

  async function putFile(tempFile: string, expected?: { sha256?: string }): Promise<BlobInfo> {
    try {
      return await settle(tempFile, expected);
    } catch (error) {
      throw storeError(error, root);
    } finally {
      await rm(tempFile, { force: true });
    }
  }

  /** Fills a temp file and puts it; a half-filled one does not stay. */
  async function fill(write: (tempFile: string) => Promise<void>, expected?: { sha256?: string }) {
    const tempFile = tempPath();
    try {
      await write(tempFile);
    } catch (error) {
      await rm(tempFile, { force: true });
      throw storeError(error, root);
    }
    return await putFile(tempFile, expected);
  }

  return {
    root,
    path,
    size,
    has: async (sha256) => (await size(sha256)) !== null,
    putFile,
    putBytes: async (data) => {
      const sha256 = sha256Of(data);
      const sizeBytes = Buffer.byteLength(data);
      if (await renew(sha256, sizeBytes)) return { sha256, sizeBytes };
      return await fill(async (tempFile) => {
        const file = await open(tempFile, "wx", 0o644);
        try {
          await file.writeFile(data);
        } finally {
          await file.close();
        }
      });
    },
    tempPath,
    openRead: async (sha256, range) => {
      const sizeBytes = await size(sha256);
      if (sizeBytes === null)
        throw new EspalierError("BLOB_MISSING", `The file with SHA-256 ${sha256} is not in the blob folder`, {
          field: "sha256",
          value: sha256,
          hint: "Restore it from a backup, or import the dataset or model again.",
          status: 404,
        });
      const file = Bun.file(path(sha256));
      return range ? file.slice(range.start, Math.min(range.end ?? sizeBytes, sizeBytes)) : file;
    },
    // A hard link would let an edit of the caller's file change a blob, so it is not used here.
    linkFile: (source) => fill((tempFile) => copyFile(source, tempFile, constants.COPYFILE_FICLONE)),
    remove: async (sha256) => {
      await rm(path(sha256), { force: true });
      crashPoint("blobs.removed");
    },
    removeIdle: (sha256, before) =>
      alone(async () => {
        const found = await stat(path(sha256)).catch(() => null);
        if (!found || Math.max(found.mtimeMs, found.ctimeMs) >= before) return false;
        await rm(path(sha256), { force: true });
        crashPoint("blobs.removed");
        return true;
      }),
    list: async function* () {
      for (const prefix of (await readdir(root)).sort()) {
        if (!/^[0-9a-f]{2}$/.test(prefix)) continue;
        for (const rest of (await readdir(join(root, prefix))).sort()) {
          const sha256 = prefix + rest;
          if (!SHA256.test(sha256)) continue;
          const sizeBytes = await size(sha256);
          if (sizeBytes !== null) yield { sha256, sizeBytes };
        }
      }
    },
  };
}

/** Flushes a file to the disk and returns its size in bytes. */
export async function syncFile(path: string): Promise<number> {
  const file = await open(path, "r+");
  try {
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

/** Flushes a folder's entries, so that a rename into it survives a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
