// The only finder of native libraries and of the embedder: in node_modules and .cache while developing, unpacked once
// to a cache folder by the executable. It reads the environment itself, because it comes before src/config.ts.
import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { EspalierError, messageOf } from "./errors.ts";
import { type EmbeddedFiles, embeddedEmbedder, embeddedNatives } from "./native-files.ts";

/** Where each library lies in node_modules on linux-x64; the build packs the same list. */
export const NATIVE_SOURCES = {
  "libsql.node": "@libsql/linux-x64-gnu/index.node",
  "vec0.so": "sqlite-vec-linux-x64/vec0.so",
  "onnxruntime_binding.node": "onnxruntime-node/bin/napi-v6/linux/x64/onnxruntime_binding.node",
  "libonnxruntime.so.1": "onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1",
} as const;

export type NativeName = keyof typeof NATIVE_SOURCES;

let unpackedDir: string | undefined;

/**
 * Absolute path of a native library. The executable unpacks all of them on the first call ever (about 0.3 s),
 * later calls and starts only look at their sizes.
 * @throws EspalierError NATIVE_CACHE_UNUSABLE where no cache folder can be written and trusted.
 */
export function nativePath(name: NativeName): string {
  if (embeddedNatives === null) return join(import.meta.dir, "../../node_modules", NATIVE_SOURCES[name]);
  unpackedDir ??= unpackFiles("native", embeddedNatives, cacheRoots(process.env));
  return join(unpackedDir, name);
}

/** Where scripts/embedder.ts leaves the embedder in the repository; the build packs what is there. */
export const EMBEDDER_SOURCE = ".cache/models/all-MiniLM-L6-v2.int8";

/**
 * Absolute folder of the embedder's files. The executable unpacks them on the first call ever (about 0.2 s), so it
 * is called where that holds up nobody.
 * @throws EspalierError NATIVE_CACHE_UNUSABLE, EMBEDDER_MISSING (from sources, before bin/build)
 */
export function embedderFolder(): string {
  if (embeddedEmbedder !== null) return unpackFiles("embedder", embeddedEmbedder, cacheRoots(process.env));
  const folder = join(import.meta.dir, "../..", EMBEDDER_SOURCE);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new EspalierError("EMBEDDER_MISSING", `The embedder was not built: there is no ${EMBEDDER_SOURCE}.`, {
    hint: "Run bin/build once: it fetches the model and quantises it.",
    status: 500,
  });
}

/**
 * Loads a Node-API library and returns its exports; their shape is the business of the package that asks.
 * @public called by what scripts/build.ts puts into the packages
 */
export function loadNative(name: NativeName): unknown {
  const loaded: { exports: unknown } = { exports: {} };
  try {
    process.dlopen(loaded, nativePath(name));
  } catch (error) {
    throw missingSystemLibrary(name, messageOf(error)) ?? error;
  }
  return loaded.exports;
}

/** What to do where the loader says that the system lacks a library; undefined for every other failure. */
export function missingSystemLibrary(name: NativeName, said: string): EspalierError | undefined {
  const missing = /(?:^|\s)(lib[^\s/:]+\.so[.\d]*): cannot open shared object file/.exec(said)?.[1];
  // One of our own that is not beside its neighbour is a damaged cache folder.
  if (missing === undefined || missing in NATIVE_SOURCES) return undefined;
  return new EspalierError("SYSTEM_LIBRARY_MISSING", `this system has no ${missing}, which ${name} needs`, {
    hint: "Install the C and C++ runtime: on Debian and Ubuntu the packages libc6, libgcc-s1 and libstdc++6.",
    field: "library",
    value: missing,
    status: 500,
  });
}

/** The user's home folder; undefined where neither HOME nor an entry of /etc/passwd names one. */
export function homeFolder(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

/** Folders to try in order: what the user said, the XDG cache, ~/.cache, and last a private folder in tmp. */
export function cacheRoots(env: Record<string, string | undefined>): [string, ...string[]] {
  const said = env.ESPALIER_CACHE_DIR;
  // Whoever names a folder wants that folder, so a failure there is told and not worked around.
  if (said) return [said];
  const roots: [string, ...string[]] = [join(tmpdir(), `espalier-${process.getuid?.() ?? 0}`)];
  const home = homeFolder();
  if (home !== undefined) roots.unshift(join(home, ".cache", "espalier"));
  if (env.XDG_CACHE_HOME) roots.unshift(join(env.XDG_CACHE_HOME, "espalier"));
  return roots;
}

/**
 * Unpacks the files into `<root>/<kind>-<hash>/` of the first usable root and returns that folder. Safe
 * when several processes start at once: each fills a folder of its own and renames it into place.
 * @throws EspalierError NATIVE_CACHE_UNUSABLE naming each root and why it was refused.
 */
export function unpackFiles(kind: string, packed: EmbeddedFiles, roots: readonly string[]): string {
  const refusals: string[] = [];
  for (const root of roots) {
    try {
      const target = join(root, `${kind}-${packed.hash}`);
      mkdirSync(root, { recursive: true, mode: 0o700 });
      refuseForeign(root);
      if (!isComplete(target, packed)) place(target, root, packed);
      return target;
    } catch (error) {
      refusals.push(`${root}: ${messageOf(error)}`);
    }
  }
  throw new EspalierError(
    "NATIVE_CACHE_UNUSABLE",
    `what the executable carries (${kind}) could not be unpacked: ${refusals.join("; ")}`,
    {
      hint: "Set ESPALIER_CACHE_DIR to a folder that you own, that has 100 MB free and allows execution.",
      status: 500,
    },
  );
}

/** Libraries run with our rights, so a folder that somebody else can write to is not to be trusted. */
function refuseForeign(path: string): void {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw new Error("not a folder");
  const uid = process.getuid?.();
  if (uid !== undefined && stat.uid !== uid)
    throw new Error(`owned by user ${stat.uid}, not by this user ${uid}`);
  if ((stat.mode & 0o002) !== 0)
    throw new Error(`writable by everybody (mode ${(stat.mode & 0o777).toString(8)})`);
}

function isComplete(target: string, packed: EmbeddedFiles): boolean {
  if (!lstatSync(target, { throwIfNoEntry: false })) return false;
  refuseForeign(target);
  if (!statSync(join(target, ".ok"), { throwIfNoEntry: false })) return false;
  // Cache cleaners and full disks leave short files behind; a size is enough to see those.
  return packed.files.every(
    (file) => statSync(join(target, file.name), { throwIfNoEntry: false })?.size === file.sizeBytes,
  );
}

function place(target: string, root: string, packed: EmbeddedFiles): void {
  const fresh = mkdtempSync(join(root, ".native-"));
  try {
    for (const file of packed.files) {
      const bytes = Bun.zstdDecompressSync(readFileSync(file.source));
      if (bytes.byteLength !== file.sizeBytes)
        throw new Error(`${file.name} unpacked to ${bytes.byteLength} bytes`);
      writeSynced(join(fresh, file.name), bytes);
      chmodSync(join(fresh, file.name), 0o500);
    }
    writeSynced(join(fresh, ".ok"), Buffer.from(packed.hash));
    moveIntoPlace(fresh, target, packed);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function moveIntoPlace(fresh: string, target: string, packed: EmbeddedFiles): void {
  try {
    renameSync(fresh, target);
  } catch (error) {
    // Either another process was first, or a damaged folder lies in the way and has to go.
    if (isComplete(target, packed)) return;
    if (!lstatSync(target, { throwIfNoEntry: false })) throw error;
    renameSync(target, `${fresh}.old`);
    rmSync(`${fresh}.old`, { recursive: true, force: true });
    renameSync(fresh, target);
  }
}

function writeSynced(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, "wx", 0o600);
  try {
    for (let at = 0; at < bytes.byteLength; ) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
