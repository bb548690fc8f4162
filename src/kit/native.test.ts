import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EspalierError } from "./errors.ts";
import {
  cacheRoots,
  missingSystemLibrary,
  NATIVE_SOURCES,
  type NativeName,
  nativePath,
  unpackFiles,
} from "./native.ts";
import type { EmbeddedFiles } from "./native-files.ts";

let dir: string;
let natives: EmbeddedFiles;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "espalier-native-"));
  const source = join(dir, "a.zst");
  const bytes = Buffer.from("library ".repeat(1000));
  writeFileSync(source, Bun.zstdCompressSync(bytes));
  natives = { hash: "abc", files: [{ name: "a.so", source, sizeBytes: bytes.byteLength }] };
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("finds every library in node_modules while developing", () => {
  for (const name of Object.keys(NATIVE_SOURCES) as NativeName[])
    expect(existsSync(nativePath(name))).toBe(true);
});

test("unpacks once and leaves nothing beside", () => {
  const root = join(dir, "cache");
  const target = unpackFiles("native", natives, [root]);
  expect(target).toBe(join(root, "native-abc"));
  expect(readFileSync(join(target, "a.so"), "utf8")).toBe("library ".repeat(1000));
  rmSync(join(dir, "a.zst"));
  expect(unpackFiles("native", natives, [root])).toBe(target);
  expect(readdirSync(root)).toEqual(["native-abc"]);
});

test("replaces a damaged copy", () => {
  const root = join(dir, "cache");
  const file = join(unpackFiles("native", natives, [root]), "a.so");
  chmodSync(file, 0o600);
  truncateSync(file, 3);
  expect(readFileSync(join(unpackFiles("native", natives, [root]), "a.so")).byteLength).toBe(8000);
  expect(readdirSync(root)).toEqual(["native-abc"]);
});

test("passes over a folder that everybody may write to, and names the reason when none is left", () => {
  const open = mkdtempSync(join(dir, "open-"));
  chmodSync(open, 0o777);
  const good = join(dir, "good");
  expect(unpackFiles("native", natives, [open, good])).toBe(join(good, "native-abc"));
  let thrown: unknown;
  try {
    unpackFiles("native", natives, [open]);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(EspalierError);
  expect((thrown as EspalierError).code).toBe("NATIVE_CACHE_UNUSABLE");
  expect((thrown as EspalierError).message).toContain(`${open}: writable by everybody`);
});

test("takes the named folder alone, else XDG, home, tmp", () => {
  expect(cacheRoots({ ESPALIER_CACHE_DIR: "/a", XDG_CACHE_HOME: "/b" })).toEqual(["/a"]);
  expect(cacheRoots({ XDG_CACHE_HOME: "/b" })[0]).toBe("/b/espalier");
  expect(cacheRoots({}).length).toBe(2);
});

test("many processes may unpack at once", async () => {
  const root = join(dir, "cache");
  const script = `const { unpackFiles } = await import(${JSON.stringify(join(import.meta.dir, "native.ts"))});
    console.log(unpackFiles("native", ${JSON.stringify(natives)}, [${JSON.stringify(root)}]));`;
  const children = Array.from({ length: 6 }, () =>
    Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" }),
  );
  for (const child of children) {
    expect((await new Response(child.stdout).text()).trim()).toBe(join(root, "native-abc"));
    expect(await child.exited).toBe(0);
  }
  expect(readdirSync(root)).toEqual(["native-abc"]);
});

test("a library that the system lacks is told with its packages; one of ours that is gone is a damaged cache", () => {
  const said = (library: string) => `${library}: cannot open shared object file: No such file or directory`;
  expect(missingSystemLibrary("libsql.node", said("libgcc_s.so.1"))).toMatchObject({
    code: "SYSTEM_LIBRARY_MISSING",
    value: "libgcc_s.so.1",
  });
  expect(missingSystemLibrary("onnxruntime_binding.node", said("libonnxruntime.so.1"))).toBeUndefined();
  expect(missingSystemLibrary("libsql.node", said("/tmp/cache/libsql.node"))).toBeUndefined();
  expect(missingSystemLibrary("libsql.node", "file too short")).toBeUndefined();
});
