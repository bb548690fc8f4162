// The blob folder: content addressing, durability order, ranges, foreign files, a full disk and a failing one.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../kit/hash.ts";
import { type Blobs, openBlobs } from "./blobs.ts";

let dir: string;
let blobs: Blobs;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "espalier-blobs-"));
  blobs = await openBlobs(dir);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const workshop = (): string[] => readdirSync(join(dir, "tmp"));

test("a file is moved in under its hash, and the same bytes are kept once", async () => {
  const temp = blobs.tempPath();
  writeFileSync(temp, "hello");
  const info = await blobs.putFile(temp);
  expect(info).toEqual({ sha256: sha256("hello"), sizeBytes: 5 });
  expect(blobs.path(info.sha256)).toBe(join(dir, "blobs", info.sha256.slice(0, 2), info.sha256.slice(2)));
  const first = statSync(blobs.path(info.sha256)).ino;
  expect(await blobs.putBytes("hello")).toEqual(info);
  expect(statSync(blobs.path(info.sha256)).ino).toBe(first);
  expect(await Array.fromAsync(blobs.list())).toEqual([info]);
  expect(workshop()).toEqual([]);
});

test("bytes that are not what was announced are refused and not kept", async () => {
  const temp = blobs.tempPath();
  writeFileSync(temp, "hello");
  await expect(blobs.putFile(temp, { sha256: sha256("other") })).rejects.toMatchObject({
    code: "HASH_MISMATCH",
    value: sha256("hello"),
  });
  expect(workshop()).toEqual([]);
  expect(await Array.fromAsync(blobs.list())).toEqual([]);
});

test("ranges are read from start up to and without end", async () => {
  const { sha256: name } = await blobs.putBytes("0123456789");
  const read = async (range?: { start: number; end?: number }) =>
    await (await blobs.openRead(name, range)).text();
  expect(await read()).toBe("0123456789");
  expect(await read({ start: 2, end: 5 })).toBe("234");
  expect(await read({ start: 7 })).toBe("789");
  expect(await read({ start: 8, end: 99 })).toBe("89");
  expect(await read({ start: 99 })).toBe("");
});

test("a missing blob and a name that is no hash are refused by name", async () => {
  await expect(blobs.openRead(sha256("none"))).rejects.toMatchObject({ code: "BLOB_MISSING", status: 404 });
  for (const name of ["../../etc/passwd", "ABC", sha256("x").toUpperCase(), ""])
    expect(() => blobs.path(name)).toThrow(expect.objectContaining({ code: "BLOB_NAME_INVALID" }));
});

test("a file taken in stays its owner's: a later edit does not reach the blob", async () => {
  const source = join(dir, "mine");
  writeFileSync(source, "weights");
  const { sha256: name } = await blobs.linkFile(source);
  writeFileSync(source, "changed");
  expect(readFileSync(blobs.path(name), "utf8")).toBe("weights");
  await expect(blobs.linkFile(join(dir, "absent"))).rejects.toThrow("ENOENT");
  expect(workshop()).toEqual([]);
});

test("a damaged blob is mended by the same bytes put again", async () => {
  const { sha256: name } = await blobs.putBytes("whole");
  chmodSync(blobs.path(name), 0o644);
  writeFileSync(blobs.path(name), "who");
  await blobs.putBytes("whole");
  expect(readFileSync(blobs.path(name), "utf8")).toBe("whole");
});

test("removing is final and may be repeated", async () => {
  const { sha256: name } = await blobs.putBytes("x");
  await blobs.remove(name);
  await blobs.remove(name);
  expect(await blobs.has(name)).toBe(false);
});
