// Files that travel inside the executable: the built web UI, migrations, samples and the trainer's package.
// In development the same paths are read from the repository.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { sha256 } from "./hash.ts";

/** Where each asset folder lies in the repository. The build copies from the same places. */
export const ASSET_SOURCES = {
  web: "web/dist",
  migrations: "migrations",
  samples: "samples",
  trainer: "trainer",
} as const;

export type AssetFolder = keyof typeof ASSET_SOURCES;
export type AssetEncoding = "br" | "gzip" | "identity";

export type Asset = {
  /** Encodings that are stored ready-made, best first; always ends with `identity`. */
  encodings: readonly AssetEncoding[];
  /** The file's bytes in one of `encodings`. */
  bytes: (encoding?: AssetEncoding) => Uint8Array<ArrayBuffer>;
  contentType: string;
  /** A strong validator in quotes, of the unencoded content. */
  etag: string;
};

/** Suffix of the ready-made copy of each encoding beside the plain file. */
export const ENCODING_SUFFIX = { br: ".br", gzip: ".gz", identity: "" } as const;

const REPOSITORY = join(import.meta.dir, "../..");
const EMBEDDED = join(import.meta.dir, "embedded");
const NOT_PACKED = /(^|\/)(\.venv[^/]*|\.[a-z_]+_cache|__pycache__|tests|[^/]*\.egg-info)(\/|$)/;
const found = new Map<string, Asset>();

/** Absolute folder of the assets: readable with node:fs also inside the executable, but not writable. */
export function assetFolder(folder: AssetFolder): string {
  return Bun.isStandaloneExecutable ? join(EMBEDDED, folder) : join(REPOSITORY, ASSET_SOURCES[folder]);
}

/**
 * One asset by its path, e.g. `web/index.html` or `samples/support/train.jsonl`.
 * @returns null for paths that do not exist, leave the folder, or name a folder.
 */
export function findAsset(path: string): Asset | null {
  const known = found.get(path);
  if (known) return known;
  const file = locate(path);
  if (file === null) return null;
  const plain = readFileSync(file);
  const encodings = (["br", "gzip", "identity"] as const).filter(
    (encoding) => encoding === "identity" || existsSync(file + ENCODING_SUFFIX[encoding]),
  );
  const asset: Asset = {
    encodings,
    bytes: (encoding = "identity") => new Uint8Array(readFileSync(file + ENCODING_SUFFIX[encoding])),
    contentType: Bun.file(path).type,
    etag: `"${sha256(plain).slice(0, 32)}"`,
  };
  // Sources change while developing; what is in the executable never does.
  if (Bun.isStandaloneExecutable) found.set(path, asset);
  return asset;
}

/** Paths of all assets in a folder, relative to it, sorted; ready-made encodings are not listed. */
export function listAssets(folder: AssetFolder): string[] {
  const root = assetFolder(folder);
  if (!existsSync(root)) return [];
  const paths: string[] = [];
  const walk = (relative: string): void => {
    for (const entry of readdirSync(join(root, relative), { withFileTypes: true })) {
      const path = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (!isPacked(folder, path)) continue;
      if (entry.isDirectory()) walk(path);
      else if (!/\.(br|gz)$/.test(path)) paths.push(path);
    }
  };
  walk("");
  return paths.sort();
}

/** Whether a file of a source folder belongs into the executable. */
export function isPacked(folder: AssetFolder, path: string): boolean {
  return folder !== "trainer" || !NOT_PACKED.test(path);
}

/** Writes a folder's assets below `target`, leaving equal files as they are; returns how many were written. */
export function unpackAssets(folder: AssetFolder, target: string): number {
  let written = 0;
  for (const path of listAssets(folder)) {
    const bytes = readFileSync(join(assetFolder(folder), path));
    const to = join(target, path);
    if (existsSync(to) && readFileSync(to).equals(bytes)) continue;
    mkdirSync(dirname(to), { recursive: true });
    // Scripts stay runnable: the executable keeps no modes.
    writeFileSync(to, bytes, { mode: bytes.subarray(0, 2).toString() === "#!" ? 0o755 : 0o644 });
    written++;
  }
  return written;
}

function locate(path: string): string | null {
  if (path.includes("\0") || normalize(path) !== path) return null;
  const [folder = "", ...rest] = path.split("/");
  if (!isAssetFolder(folder) || rest.length === 0 || rest.includes("..")) return null;
  const relative = rest.join("/");
  if (!isPacked(folder, relative)) return null;
  const file = join(assetFolder(folder), relative);
  return statSync(file, { throwIfNoEntry: false })?.isFile() ? file : null;
}

function isAssetFolder(name: string): name is AssetFolder {
  return Object.hasOwn(ASSET_SOURCES, name);
}
