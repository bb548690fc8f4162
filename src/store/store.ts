// Front door of the store: one writer behind a mutex, a read-only pool, blobs, migrations and the folder's lock.
import { AsyncLocalStorage } from "node:async_hooks";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { storeError } from "../kit/disk.ts";
import { EspalierError, messageOf } from "../kit/errors.ts";
import { crashPoint } from "../kit/faults.ts";
import type { Log } from "../kit/log.ts";
import { nativePath } from "../kit/native.ts";
import { type Blobs, openBlobs } from "./blobs.ts";
import { type Db, type FolderLock, lockFolder, openPool, type Pool, type Tx } from "./connections.ts";
import { isIoError, openError } from "./errors.ts";
import { type Incoming, openIncoming } from "./incoming.ts";
import { migrate } from "./migrate.ts";
import { keepSwept } from "./sweep.ts";

export type { BlobInfo, Blobs, ByteRange } from "./blobs.ts";
export type { Db, Reader, Tx } from "./connections.ts";
export type { Incoming } from "./incoming.ts";
export { mapPage, type Page, type PageRequest, pageOfNumbers, readPage } from "./pages.ts";
export {
  copyOut,
  type DiscardedRow,
  keepInTrash,
  putBack,
  takeFromTrash,
  takeOut,
} from "./trash.ts";

export const DATABASE_FILE = "espalier.db";

export type StoreOptions = {
  dataDir: string;
  log: Log;
  /** Where sqlite-vec lies; found by kit/native when unsaid. */
  vecPath?: string;
  /**
   * For a short command beside a running server: does without the folder's lock when somebody holds it, and then
   * neither migrates nor sweeps.
   */
  beside?: boolean;
};

export type Store = {
  dataDir: string;
  /** For reads. It refuses to write, and does not see what an open transaction has not committed. */
  db: Db;
  /**
   * Runs `fn` as the only writer, in one transaction; resolves when the commit is on the disk. Nothing slow belongs
   * inside. `name` prefixes the crash points `<name>.commit.before` and `.after`. With `mayBeLost` it does not wait for
   * the disk, which holds up the whole server: for what nobody was promised, such as how far a run is. A power cut may
   * take the last of it; a crash of the server takes nothing, and the database stays whole.
   * @throws EspalierError STORE_FAILED after the disk failed once, DISK_FULL, and what `fn` throws (rolled back)
   */
  write<T>(fn: (tx: Tx) => Promise<T> | T, name?: string, options?: { mayBeLost?: boolean }): Promise<T>;
  /** How many writes were committed here that may not be lost: while it stands, what was read still holds. */
  commits(): number;
  /** Calls `fn` once the transaction is committed; never when it is rolled back. */
  afterCommit(tx: Tx, fn: () => void): void;
  blobs: Blobs;
  /** Files uploaded for one run each. */
  incoming: Incoming;
  /** Number of migrations applied. */
  schemaVersion: number;
  /** Why the store no longer writes, or null. */
  failure(): string | null;
  /** Writes one consistent copy of the database to a path that does not exist, while the server goes on. */
  snapshot(path: string): Promise<void>;
  close(): Promise<void>;
};

const READERS = 3;
const LOCK_WAIT_MS = 1000;

/**
 * Opens (or makes) the data folder, applies missing migrations after a snapshot, and sweeps half-written files.
 * @throws EspalierError DATA_FOLDER_IN_USE, SCHEMA_NEWER, SCHEMA_CHANGED, SCHEMA_OLDER, DATA_FOLDER_UNUSABLE,
 * DATABASE_DAMAGED, DISK_FULL
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dataDir, log } = options;
  let lock: FolderLock | null = null;
  let writer: Pool | undefined;
  let reader: Pool | undefined;
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    lock = takeLock(options);
    const vecPath = options.vecPath ?? nativePath("vec0.so");
    const path = join(dataDir, DATABASE_FILE);
    writer = openPool({ path, vecPath, size: 1, readOnly: false });
    const schemaVersion = await migrate({ pool: writer, dataDir, log, mayApply: lock !== null });
    reader = openPool({ path, vecPath, size: READERS, readOnly: true });
    if (lock !== null) await sweep(join(dataDir, "tmp"));
    const blobs = await openBlobs(dataDir);
    return assemble({ dataDir, log, writer, reader, blobs, schemaVersion, lock });
  } catch (error) {
    reader?.$client.close();
    writer?.$client.close();
    lock?.release();
    throw openError(error, dataDir);
  }
}

/** One more read-only connection to the database of a data folder, for a child process of its server. */
export function openReader(dataDir: string): Db {
  return openPool({
    path: join(dataDir, DATABASE_FILE),
    vecPath: nativePath("vec0.so"),
    size: 1,
    readOnly: true,
    isMapped: true,
  });
}

function takeLock({ dataDir, beside }: StoreOptions): FolderLock | null {
  const lock = lockFolder(join(dataDir, "lock"), beside ? 0 : LOCK_WAIT_MS);
  if (lock === null && !beside)
    throw new EspalierError("DATA_FOLDER_IN_USE", `Another Espalier works in ${dataDir}`, {
      field: "dataDir",
      value: dataDir,
      hint: "Stop the other server, or name another folder with --data.",
      status: 409,
    });
  return lock;
}

/** Files in the workshop belong to writes that were cut off. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => []))
    await rm(join(folder, name), { recursive: true, force: true });
}

type Parts = {
  dataDir: string;
  log: Log;
  writer: Pool;
  reader: Pool;
  blobs: Blobs;
  schemaVersion: number;
  lock: FolderLock | null;
};

function assemble({ dataDir, log, writer, reader, blobs, schemaVersion, lock }: Parts): Store {
  const afterCommit = new WeakMap<Tx, (() => void)[]>();
  const writing = new AsyncLocalStorage<true>();
  let tail: Promise<unknown> = Promise.resolve();
  let failed: string | null = null;
  let closed = false;
  let commits = 0;
  /** As it now is on the one connection that writes. */
  let synchronous: "full" | "normal" = "full";

  /** One at a time, in the order of the calls. */
  function exclusive<T>(work: () => Promise<T>): Promise<T> {
    // A write that waits for a write inside it would wait for ever.
    if (writing.getStore()) return Promise.reject(new Error("store.write was called inside store.write"));
    const result = tail.then(() => writing.run(true, work));
    tail = result.catch(() => undefined);
    return result;
  }

  function refuseWhenBroken(): void {
    if (closed)
      throw new EspalierError("STORE_CLOSED", "The store is closed: the server is stopping", {
        status: 503,
        hint: "Try again when the server is up.",
      });
    if (failed !== null)
      throw new EspalierError(
        "STORE_FAILED",
        `The disk under ${dataDir} failed, so nothing is written: ${failed}`,
        {
          field: "dataDir",
          value: dataDir,
          hint: "Check the disk, then start the server again.",
          status: 503,
        },
      );
  }

  async function writeOnce<T>(
    fn: (tx: Tx) => Promise<T> | T,
    name: string,
    level: "full" | "normal",
  ): Promise<T> {
    refuseWhenBroken();
    const callbacks: (() => void)[] = [];
    try {
      if (level !== synchronous) await writer.$client.execute(`PRAGMA synchronous = ${level}`);
      synchronous = level;
      const value = await writer.transaction(async (tx) => {
        afterCommit.set(tx, callbacks);
        const made = await fn(tx);
        crashPoint(`${name}.commit.before`);
        return made;
      });
      if (level === "full") commits++;
      crashPoint(`${name}.commit.after`);
      // Listeners must not see the writer's context: they may well start a write of their own.
      writing.exit(() => callbacks.forEach(callQuietly));
      return value;
    } catch (error) {
      // After a failed fsync nobody knows what is on the disk, so nothing may be acknowledged any more.
      if (isIoError(error)) {
        failed = messageOf(error instanceof Error && error.cause ? error.cause : error);
        log.error("the disk failed; writes are refused until the next start", { dataDir, error });
        refuseWhenBroken();
      }
      throw storeError(error, dataDir);
    }
  }

  function callQuietly(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      log.error("a listener failed after a commit", { error });
    }
  }

  const store: Store = {
    dataDir,
    db: reader,
    write: (fn, name = "store", { mayBeLost = false } = {}) =>
      exclusive(() => writeOnce(fn, name, mayBeLost ? "normal" : "full")),
    commits: () => commits,
    afterCommit: (tx, fn) => {
      const callbacks = afterCommit.get(tx);
      if (!callbacks) throw new Error("afterCommit needs the transaction that store.write gave");
      callbacks.push(fn);
    },
    blobs,
    incoming: openIncoming(dataDir),
    schemaVersion,
    failure: () => failed,
    snapshot: (path) =>
      exclusive(async () => {
        refuseWhenBroken();
        try {
          await writer.$client.execute({ sql: "VACUUM INTO ?", args: [path] });
        } catch (error) {
          throw storeError(error, path);
        }
      }),
    close: async () => {
      if (closed) return;
      endSweeping();
      await tail;
      closed = true;
      reader.$client.close();
      // libSQL closes for good only when its statements are collected, so the journal is emptied by hand.
      if (lock !== null && failed === null)
        await writer.$client
          .execute("PRAGMA wal_checkpoint(TRUNCATE)")
          .catch((error: unknown) => log.warn("the journal could not be emptied", { error }));
      writer.$client.close();
      lock?.release();
    },
  };
  // Beside a server the blobs are the server's to sweep.
  const endSweeping = lock === null ? () => {} : keepSwept(store, log);
  return store;
}
