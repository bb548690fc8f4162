// Zips of models from outside: unpacked flat, and bombs, paths out of the folder and broken ones refused by name.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, type Zippable, zipSync } from "fflate";
import { isEspalierError } from "../kit/errors.ts";
import { isZip, unpackZip } from "./unpack.ts";

let dir: string;
let target: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "espalier-unpack-"));
  target = join(dir, "out");
  mkdirSync(target);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function unpack(files: Zippable, cut = 0): Promise<string> {
  const path = join(dir, "model.zip");
  const bytes = zipSync(files);
  await Bun.write(path, bytes.subarray(0, bytes.length - cut));
  try {
    await unpackZip(path, target, new AbortController().signal);
    return "unpacked";
  } catch (error) {
    if (isEspalierError(error)) return error.code;
    throw error;
  }
}

test("files of one wrapping folder lie flat, stored and packed ones alike", async () => {
  const files: Zippable = {
    "m/config.json": strToU8("{}"),
    "m/weights.safetensors": [new Uint8Array(5000), { level: 0 }],
  };
  expect(await unpack(files)).toBe("unpacked");
  expect(readdirSync(target).sort()).toEqual(["config.json", "weights.safetensors"]);
  expect(Bun.file(join(target, "weights.safetensors")).size).toBe(5000);
});

test.each(["../evil", "a/../../evil", "/etc/evil", "a/b/c.json"])("the name %s is refused", async (name) => {
  expect(await unpack({ [name]: strToU8("x") })).toBe("ZIP_PATH_REFUSED");
  expect(readdirSync(target)).toEqual([]);
});

test("a bomb is refused before it is whole", async () => {
  expect(await unpack({ "zeros.safetensors": new Uint8Array(64 * 1024 * 1024) })).toBe("ZIP_TOO_LARGE");
});

test("a zip is known by its first bytes", async () => {
  await Bun.write(join(dir, "a"), zipSync({ a: strToU8("x") }));
  await Bun.write(join(dir, "b"), "GGUF");
  expect([await isZip(join(dir, "a")), await isZip(join(dir, "b")), await isZip(dir)]).toEqual([
    true,
    false,
    false,
  ]);
});
