// The store: one writer, transactions, the folder's lock, extensions on each connection, migrations, disk errors.
import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eq, sql } from "drizzle-orm";
import { projects, settings } from "../../schema/tables/accounts.ts";
import { createLog } from "../kit/log.ts";
import { nativePath } from "../kit/native.ts";
import { openPool } from "./connections.ts";
import { migrate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";
import { openStore, type Store } from "./store.ts";

const log = createLog({ level: "silent" });
const vecPath = nativePath("vec0.so");
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "espalier-store-"));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function opened(dataDir = folder()): Promise<Store> {
  const store = await openStore({ dataDir, log });
  cleanups.push(() => store.close());
  return store;
}

const project = (id: string) => ({
  id,
  name: id,
  createdAt: 1,
  createdBy: null,
  archivedAt: null,
  archivedBy: null,
});

test("writes are seen by reads after the commit, and a failed transaction leaves nothing", async () => {
  const store = await opened();
  await store.write(async (tx) => {
    await tx.insert(projects).values(project("a"));
    expect(await store.db.select().from(projects)).toEqual([]);
  });
  expect(await store.db.select().from(projects)).toEqual([project("a")]);
  const failing = store.write(async (tx) => {
    await tx.insert(projects).values(project("b"));
    throw new Error("changed my mind");
  });
  await expect(failing).rejects.toThrow("changed my mind");
  expect(await store.db.$count(projects)).toBe(1);
});

test("fifty writes at once are taken one after the other", async () => {
  const store = await opened();
  await store.write((tx) => tx.insert(settings).values({ key: "n", value: 0 }));
  const bump = () =>
    store.write(async (tx) => {
      const row = await tx.query.settings.findFirst({ where: eq(settings.key, "n") });
      await Bun.sleep(0);
      await tx.update(settings).set({ value: Number(row?.value) + 1 });
    });
  await Promise.all(Array.from({ length: 50 }, bump));
  expect((await store.db.query.settings.findFirst())?.value).toBe(50);
});

test("only writes that may be lost do not wait for the disk", async () => {
  const store = await opened();
  const level = async (mayBeLost: boolean) =>
    store.write(
      async (tx) => (await tx.all<{ synchronous: number }>(sql`PRAGMA synchronous`))[0]?.synchronous,
      "level",
      { mayBeLost },
    );
  // 1 is NORMAL, 2 is FULL.
  expect([await level(false), await level(true), await level(true), await level(false)]).toEqual([
    2, 1, 1, 2,
  ]);
  await expect(
    store.write(() => Promise.reject(new Error("no")), "failing", { mayBeLost: true }),
  ).rejects.toThrow();
  expect(await store.write((tx) => tx.all<{ synchronous: number }>(sql`PRAGMA synchronous`))).toEqual([
    { synchronous: 2 },
  ]);
});

test("a write inside a write is refused instead of waiting for ever", async () => {
  const store = await opened();
  await expect(store.write(() => store.write(() => 1))).rejects.toThrow("inside store.write");
  expect(await store.write(() => 2)).toBe(2);
});

test("afterCommit runs once the row is there, not on rollback, and may write itself", async () => {
  const store = await opened();
  const seen: string[] = [];
  await store.write(async (tx) => {
    await tx.insert(projects).values(project("a"));
    store.afterCommit(tx, () => {
      seen.push("a");
      void store.write((inner) => inner.insert(projects).values(project("c"))).then(() => seen.push("c"));
    });
    expect(seen).toEqual([]);
  });
  await store.write((tx) => store.afterCommit(tx, () => seen.push("last")));
  await store
    .write((tx) => {
      store.afterCommit(tx, () => seen.push("never"));
      throw new Error("no");
    })
    .catch(() => undefined);
  expect(seen).toEqual(["a", "c", "last"]);
});

test("the read pool refuses to write", async () => {
  const store = await opened();
  const writing = store.db.insert(projects).values(project("x"));
  await expect(writing.then(() => "written")).rejects.toThrow();
  expect(await store.db.$count(projects)).toBe(0);
});

test("every connection has sqlite-vec, FTS5, WAL, synchronous=FULL and foreign keys", async () => {
  const dir = folder();
  for (const readOnly of [false, true]) {
    const pool = openPool({ path: join(dir, "x.db"), vecPath, size: 3, readOnly });
    // Three open transactions hold three different connections.
    const held = [];
    for (let i = 0; i < 3; i++) held.push(await pool.$client.transaction("deferred"));
    for (const tx of held) {
      expect((await tx.execute("SELECT vec_version() v")).rows[0]?.["v"]).toBe("v0.1.9");
      expect((await tx.execute("SELECT sqlite_compileoption_used('ENABLE_FTS5') v")).rows[0]?.["v"]).toBe(1);
      expect((await tx.execute("PRAGMA journal_mode")).rows[0]?.[0]).toBe("wal");
      expect((await tx.execute("PRAGMA synchronous")).rows[0]?.[0]).toBe(2);
      expect((await tx.execute("PRAGMA foreign_keys")).rows[0]?.[0]).toBe(1);
      expect((await tx.execute("PRAGMA query_only")).rows[0]?.[0]).toBe(readOnly ? 1 : 0);
    }
    for (const tx of held) await tx.rollback();
    pool.$client.close();
  }
});

test("vectors and full text are really stored and found", async () => {
  const pool = openPool({ path: join(folder(), "x.db"), vecPath, size: 1, readOnly: false });
  await pool.run(sql`CREATE VIRTUAL TABLE v USING vec0(embedding float[2])`);
  await pool.run(sql`INSERT INTO v(rowid, embedding) VALUES (1, '[1,0]'), (2, '[0,1]')`);
  const near = await pool.all<{ rowid: number }>(
    sql`SELECT rowid FROM v WHERE embedding MATCH '[0.1,0.9]' AND k = 1`,
  );
  expect(near.map((row) => row.rowid)).toEqual([2]);
  await pool.run(sql`CREATE VIRTUAL TABLE t USING fts5(body)`);
  await pool.run(sql`INSERT INTO t(body) VALUES ('espaliered pear'), ('free-standing oak')`);
  const found = await pool.all<{ body: string }>(sql`SELECT body FROM t WHERE t MATCH 'pear'`);
  expect(found.map((row) => row.body)).toEqual(["espaliered pear"]);
  pool.$client.close();
});

test("a second server on the folder is refused; a command beside it works and writes", async () => {
  const dataDir = folder();
  const store = await opened(dataDir);
  const second = openStore({ dataDir, log });
  await expect(second).rejects.toMatchObject({ code: "DATA_FOLDER_IN_USE", value: dataDir });
  const beside = await openStore({ dataDir, log, beside: true });
  await beside.write((tx) => tx.insert(projects).values(project("by-command")));
  await beside.close();
  expect(await store.db.$count(projects)).toBe(1);
  await store.close();
  const again = await openStore({ dataDir, log });
  expect(await again.db.$count(projects)).toBe(1);
  await again.close();
});

test("half-written files are swept at the start, and not by a command beside", async () => {
  const dataDir = folder();
  const store = await opened(dataDir);
  writeFileSync(store.blobs.tempPath(), "half");
  await (await openStore({ dataDir, log, beside: true })).close();
  expect(readdirSync(join(dataDir, "tmp")).length).toBe(1);
  await store.close();
  await opened(dataDir);
  expect(readdirSync(join(dataDir, "tmp"))).toEqual([]);
});

test("the embedded migrations are exactly those of migrations/", () => {
  const dir = join(import.meta.dir, "../../migrations");
  const files = readdirSync(dir)
    .filter((name) => name.endsWith(".sql"))
    .sort();
  expect(MIGRATIONS.map((it) => `${it.name}.sql`)).toEqual(files);
  for (const it of MIGRATIONS) expect(it.sql).toBe(readFileSync(join(dir, `${it.name}.sql`), "utf8"));
});

test("an older schema is migrated after a snapshot; a newer or changed one is refused untouched", async () => {
  const dataDir = folder();
  const path = join(dataDir, "x.db");
  const pool = openPool({ path, vecPath, size: 1, readOnly: false });
  cleanups.push(() => pool.$client.close());
  const one = { name: "0000_a", sql: "CREATE TABLE a (n INTEGER)", sha256: "1" };
  const two = {
    name: "0001_b",
    sql: "INSERT INTO a VALUES (7);--> statement-breakpoint\nCREATE TABLE b (n INTEGER)",
    sha256: "2",
  };
  const run = (migrations: (typeof one)[], mayApply = true) =>
    migrate({ pool, dataDir, log, mayApply, migrations });
  expect(await run([one])).toBe(1);
  expect(existsSync(join(dataDir, "snapshots"))).toBe(false);
  await expect(run([one, two], false)).rejects.toMatchObject({ code: "SCHEMA_OLDER" });
  expect(await run([one, two])).toBe(2);
  expect(await pool.all(sql`SELECT n FROM a`)).toEqual([{ n: 7 }]);

  const snapshots = readdirSync(join(dataDir, "snapshots"));
  expect(snapshots.length).toBe(1);
  const before = openPool({
    path: join(dataDir, "snapshots", snapshots[0] ?? ""),
    vecPath,
    size: 1,
    readOnly: true,
  });
  expect(await before.all(sql`SELECT name FROM sqlite_master WHERE name IN ('a','b')`)).toEqual([
    { name: "a" },
  ]);
  before.$client.close();

  await expect(run([one])).rejects.toMatchObject({ code: "SCHEMA_NEWER", value: "2" });
  await expect(run([one, { ...two, sha256: "9" }])).rejects.toMatchObject({ code: "SCHEMA_CHANGED" });
});

test("a migration that fails leaves the schema as it was", async () => {
  const dataDir = folder();
  const pool = openPool({ path: join(dataDir, "x.db"), vecPath, size: 1, readOnly: false });
  cleanups.push(() => pool.$client.close());
  const bad = {
    name: "0000_a",
    sql: "CREATE TABLE a (n INTEGER);--> statement-breakpoint\nNONSENSE",
    sha256: "1",
  };
  await expect(migrate({ pool, dataDir, log, mayApply: true, migrations: [bad] })).rejects.toThrow();
  expect(await pool.all(sql`SELECT name FROM sqlite_master`)).toEqual([]);
});

test("a folder that cannot be one and a file that is no database are refused by name", async () => {
  const dir = folder();
  const file = join(dir, "file");
  writeFileSync(file, "x");
  await expect(openStore({ dataDir: join(file, "data"), log })).rejects.toMatchObject({
    code: "DATA_FOLDER_UNUSABLE",
    value: join(file, "data"),
  });
  const dataDir = join(dir, "data");
  await (await openStore({ dataDir, log })).close();
  writeFileSync(join(dataDir, "espalier.db"), "this is not a database, whatever its name says".repeat(100));
  await expect(openStore({ dataDir, log })).rejects.toMatchObject({ code: "DATABASE_DAMAGED" });
  expect(readFileSync(join(dataDir, "espalier.db"), "utf8")).toStartWith("this is not");
  // The refusal let go of the lock.
  rmSync(join(dataDir, "espalier.db"));
  await (await openStore({ dataDir, log })).close();
});

test("a schema that is newer is told as such when the folder is opened", async () => {
  const dataDir = folder();
  const store = await openStore({ dataDir, log });
  await store.write((tx) =>
    tx.run(sql`INSERT INTO schema_migrations (name, sha256, applied_at) VALUES ('9999_future', 'x', 0)`),
  );
  await store.close();
  await expect(openStore({ dataDir, log })).rejects.toMatchObject({
    code: "SCHEMA_NEWER",
    hint: expect.stringContaining("newer Espalier"),
  });
});
