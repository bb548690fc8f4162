// libSQL connections: each gets sqlite-vec and the same pragmas the moment it is opened.
import { ConnectionPool, Sqlite3Client } from "@libsql/client/sqlite3";
import { drizzle } from "drizzle-orm/libsql/sqlite3";
import * as accounts from "../../schema/tables/accounts.ts";
import * as assessments from "../../schema/tables/assessments.ts";
import * as chat from "../../schema/tables/chat.ts";
import * as datasets from "../../schema/tables/datasets.ts";
import * as gates from "../../schema/tables/gates.ts";
import * as images from "../../schema/tables/images.ts";
import * as knowledge from "../../schema/tables/knowledge.ts";
import * as models from "../../schema/tables/models.ts";
import * as notifications from "../../schema/tables/notifications.ts";
import * as overlaps from "../../schema/tables/overlaps.ts";
import * as prompts from "../../schema/tables/prompts.ts";
import * as providers from "../../schema/tables/providers.ts";
import * as ratings from "../../schema/tables/ratings.ts";
import * as runs from "../../schema/tables/runs.ts";
import * as suites from "../../schema/tables/suites.ts";

const schema = {
  ...accounts,
  ...assessments,
  ...suites,
  ...chat,
  ...prompts,
  ...datasets,
  ...gates,
  ...images,
  ...knowledge,
  ...models,
  ...notifications,
  ...overlaps,
  ...providers,
  ...ratings,
  ...runs,
};

type RawDatabase = ReturnType<ConnectionPool["acquireSync"]>;

const COMMON = ["journal_mode = wal", "synchronous = full", "foreign_keys = on", "busy_timeout = 5000"];

/**
 * Reads the file through memory, which halves what a scan of vectors costs. A disk that fails then ends the process with
 * SIGBUS instead of an error, so this is for child processes only.
 */
const MAPPED = `mmap_size = ${2 ** 31 - 1}`;

export type PoolOptions = {
  path: string;
  vecPath: string;
  size: number;
  readOnly: boolean;
  isMapped?: boolean;
};

/**
 * @libsql/client opens connections when it needs them and has no hook for that, so an extension loaded once would
 * be missing on the next one. The pool class is exported as private: its version is pinned, and a test asks every
 * connection for vec_version().
 */
class PreparedPool extends ConnectionPool {
  readonly #seen = new WeakSet<RawDatabase>();
  readonly #options: PoolOptions;

  constructor(options: PoolOptions) {
    super(options.path, {}, options.size);
    this.#options = options;
  }

  override acquireSync(forTransaction = false): RawDatabase {
    const db = super.acquireSync(forTransaction);
    if (!this.#seen.has(db)) {
      this.#seen.add(db);
      db.loadExtension(this.#options.vecPath);
      const { readOnly, isMapped } = this.#options;
      const pragmas = [...COMMON, ...(readOnly ? ["query_only = on"] : []), ...(isMapped ? [MAPPED] : [])];
      db.exec(pragmas.map((pragma) => `PRAGMA ${pragma};`).join("\n"));
    }
    return db;
  }
}

/** A pool of connections to one database file, with Drizzle over it. The first connection is opened at once. */
export function openPool(options: PoolOptions) {
  const pool = new PreparedPool(options);
  pool.release(pool.acquireSync());
  const client = new Sqlite3Client(pool, "number");
  return drizzle({ client, schema });
}

export type Pool = ReturnType<typeof openPool>;
/** Drizzle over every table; the store's own is read-only. */
export type Db = Omit<Pool, "$client">;
/** The open transaction that `store.write` hands out. */
export type Tx = Parameters<Parameters<Pool["transaction"]>[0]>[0];
/** Where a query may run: on the read pool, or inside the caller's transaction. */
export type Reader = Db | Tx;

export type FolderLock = { release(): void };

/**
 * Takes the folder's exclusive lock: a SQLite file under BEGIN EXCLUSIVE, which the system frees however the process
 * ends. Returns null while another process holds it.
 */
export function lockFolder(lockPath: string, waitMs: number): FolderLock | null {
  const pool = new ConnectionPool(lockPath, {}, 1);
  try {
    const db = pool.acquireSync();
    db.exec(`PRAGMA busy_timeout = ${Math.floor(waitMs)}; PRAGMA journal_mode = delete; BEGIN EXCLUSIVE;`);
    return { release: () => pool.close() };
  } catch (error) {
    pool.close();
    if (/busy|locked/i.test(String(error))) return null;
    throw error;
  }
}
