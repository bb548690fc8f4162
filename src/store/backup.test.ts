// Backup while a server writes, restore into an empty folder, and every kind of damage refused.
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projects } from "../../schema/tables/accounts.ts";
import { createLog } from "../kit/log.ts";
import { backup, restore, verifyBackup } from "./backup.ts";
import { openStore, type Store } from "./store.ts";
import { readEntries, tarHeader } from "./tar.ts";

const log = createLog({ level: "silent" });
let home: string;
let store: Store;
let file: string;
const hashes: string[] = [];

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "espalier-backup-"));
  file = join(home, "backup.tar");
  store = await openStore({ dataDir: join(home, "data"), log });
  hashes.length = 0;
  for (const text of ["one", "two".repeat(1000), ""]) hashes.push((await store.blobs.putBytes(text)).sha256);
  await store.write((tx) => tx.insert(projects).values({ id: "a", name: "a", createdAt: 1 }));
});
afterEach(async () => {
  await store.close();
  rmSync(home, { recursive: true, force: true });
});

test("what is restored is what was backed up, and the server can start in it", async () => {
  const made = await backup(store, file);
  expect(made).toMatchObject({
    blobs: 3,
    schemaVersion: store.schemaVersion,
    sizeBytes: statSync(file).size,
  });
  const target = join(home, "restored");
  expect(await restore(file, target, { verify: true })).toMatchObject({ blobs: 3, verified: true });
  const again = await openStore({ dataDir: target, log });
  expect(await again.db.select().from(projects)).toMatchObject([{ id: "a", name: "a", createdAt: 1 }]);
  for (const [index, text] of ["one", "two".repeat(1000), ""].entries())
    expect(await (await again.blobs.openRead(hashes[index] ?? "")).text()).toBe(text);
  await again.close();
  expect(readdirSync(home).sort()).toEqual(["backup.tar", "data", "restored"]);
});

test("a command beside the running server makes the same backup", async () => {
  const beside = await openStore({ dataDir: store.dataDir, log, beside: true });
  expect(await backup(beside, file)).toMatchObject({ blobs: 3 });
  await beside.close();
  await restore(file, join(home, "restored"), { verify: true });
  await store.write((tx) => tx.insert(projects).values({ id: "b", name: "b", createdAt: 2 }));
});

test("tar itself can list and unpack it", async () => {
  await backup(store, file);
  const listed = Bun.spawnSync(["tar", "tf", file]).stdout.toString().trim().split("\n");
  expect(listed[0]).toBe("manifest.json");
  expect(listed.slice(1).sort()).toEqual(
    ["espalier.db", ...hashes.map((it) => `blobs/${it.slice(0, 2)}/${it.slice(2)}`)].sort(),
  );
});

test("a backup beside writes and deletions is consistent: every row it has was committed in order", async () => {
  let stop = false;
  const writing = (async () => {
    for (let n = 0; !stop; n++) {
      const { sha256 } = await store.blobs.putBytes(`row ${n}`);
      await store.write((tx) => tx.insert(projects).values({ id: `p${n}`, name: sha256, createdAt: n }));
      // Gone again from both: must not break the archive that is being written.
      if (n % 3 === 0) await store.blobs.remove(hashes[1] ?? "");
      await Bun.sleep(1);
    }
  })();
  while ((await store.db.$count(projects)) < 8) await Bun.sleep(5);
  await backup(store, file);
  stop = true;
  await writing;
  const target = join(home, "restored");
  await restore(file, target, { verify: true });
  const again = await openStore({ dataDir: target, log });
  const rows = (await again.db.select().from(projects)).filter((row) => row.id !== "a");
  expect(rows.length).toBeGreaterThan(3);
  expect(rows.map((row) => row.createdAt)).toEqual(rows.map((_, index) => index));
  for (const row of rows) expect(await again.blobs.has(row.name)).toBe(true);
  await again.close();
});

test("a flipped byte anywhere in a blob, the database or a header is found, and nothing is left", async () => {
  await backup(store, file);
  const handle = await open(file, "r");
  const places: number[] = [];
  for await (const entry of readEntries(handle)) {
    if (entry.sizeBytes > 0) places.push(entry.offset + Math.floor(entry.sizeBytes / 2));
    places.push(entry.offset - 400);
  }
  await handle.close();
  expect(places.length).toBeGreaterThan(8);
  const good = readFileSync(file);
  const target = join(home, "restored");
  for (const at of places) {
    const bad = Buffer.from(good);
    bad[at] = (bad[at] ?? 0) ^ 0x41;
    writeFileSync(file, bad);
    const refused = { code: expect.stringMatching(/^BACKUP_(DAMAGED|UNKNOWN)$/) };
    await expect(restore(file, target, { verify: true })).rejects.toMatchObject(refused);
    await expect(verifyBackup(file)).rejects.toMatchObject(refused);
    expect(existsSync(target)).toBe(false);
  }
  writeFileSync(file, good);
  expect(await verifyBackup(file)).toEqual({ blobs: 3, schemaVersion: store.schemaVersion });
});

test("a truncated file, a foreign file, a missing file and a path out of the folder are refused by name", async () => {
  await backup(store, file);
  const good = readFileSync(file);
  const target = join(home, "restored");
  const refused = async (bytes: Uint8Array, code: string) => {
    writeFileSync(file, bytes);
    await expect(restore(file, target, { verify: true })).rejects.toMatchObject({ code });
    expect(existsSync(target)).toBe(false);
  };
  await refused(good.subarray(0, good.length - 2000), "BACKUP_DAMAGED");
  await refused(Buffer.from("not a tar at all".repeat(100)), "BACKUP_DAMAGED");
  await refused(Buffer.alloc(2048), "BACKUP_DAMAGED");
  const manifest = Buffer.from(
    JSON.stringify({
      format: "espalier-backup/1",
      createdAt: 1,
      schemaVersion: 1,
      files: [{ path: "../../evil", sha256: "0".repeat(64), sizeBytes: 1 }],
    }),
  );
  const padded = Buffer.alloc(1024);
  manifest.copy(padded);
  const head = tarHeader({ name: "manifest.json", sizeBytes: manifest.byteLength });
  await refused(Buffer.concat([head, padded, Buffer.alloc(1024)]), "BACKUP_UNKNOWN");
  await expect(restore(join(home, "none"), target, { verify: true })).rejects.toMatchObject({
    code: "BACKUP_NOT_FOUND",
  });
});

test("neither a backup nor a folder with data is written over", async () => {
  await backup(store, file);
  await expect(backup(store, file)).rejects.toMatchObject({ code: "BACKUP_EXISTS" });
  const target = join(home, "full");
  mkdirSync(target);
  writeFileSync(join(target, "mine"), "x");
  await expect(restore(file, target, { verify: false })).rejects.toMatchObject({
    code: "DATA_FOLDER_NOT_EMPTY",
  });
  expect(readdirSync(target)).toEqual(["mine"]);
});

test("a damaged blob is found when the backup is made, and no file is left", async () => {
  const path = store.blobs.path(hashes[0] ?? "");
  writeFileSync(path, "0ne");
  await expect(backup(store, file)).rejects.toMatchObject({ code: "BLOB_DAMAGED", value: hashes[0] });
  expect(readdirSync(home)).toEqual(["data"]);
});

test("sizes beyond 8 GiB have a header that tar reads", async () => {
  const sizeBytes = 20 * 1024 ** 3;
  const path = join(home, "big.tar");
  const out = await open(path, "w+");
  await out.write(tarHeader({ name: "blobs/big", sizeBytes }), 0, 512, 0);
  await out.truncate(512 + sizeBytes + 1024);
  const found = [];
  for await (const entry of readEntries(out)) found.push(entry);
  await out.close();
  expect(found).toEqual([{ name: "blobs/big", sizeBytes, offset: 512 }]);
});
