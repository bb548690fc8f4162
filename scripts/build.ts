// Builds dist/espalier, one file with everything in it: code, native libraries, web UI, migrations, samples
// and the trainer's package. Options: --no-web (without the UI), --entry FILE and --out FILE (for tests).
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { BunPlugin } from "bun";
import packageJson from "../package.json";
import { ASSET_SOURCES, ENCODING_SUFFIX, isPacked } from "../src/kit/assets.ts";
import { sha256, sha256File } from "../src/kit/hash.ts";
import { EMBEDDER_SOURCE, NATIVE_SOURCES } from "../src/kit/native.ts";

const MAX_SIZE_BYTES = 200_000_000;
const root = join(import.meta.dir, "..");
const mainEntry = join(root, "src/main.ts");
const { values: options } = parseArgs({
  options: {
    "no-web": { type: "boolean", default: false },
    entry: { type: "string", default: mainEntry },
    out: { type: "string", default: join(root, "dist/espalier") },
  },
});
const outfile = resolve(options.out);
const stage = join(dirname(outfile), `.stage-${basename(outfile)}`);
const stagedNatives = join(root, ".cache/natives");

if (!existsSync(options.entry)) fail(`${options.entry} does not exist`, "name the entry with --entry FILE");
await step("native libraries and embedder, packed", packFiles);
if (!options["no-web"]) await step("web UI", buildWeb);
await step("assets", stageAssets);
await step("executable", compile);
const sizeBytes = Bun.file(outfile).size;
console.log(`build: ${outfile} ${(sizeBytes / 1e6).toFixed(1)} MB, sha256 ${await sha256File(outfile)}`);
if (sizeBytes > MAX_SIZE_BYTES)
  fail(
    `the executable has ${sizeBytes} bytes, more than ${MAX_SIZE_BYTES}`,
    "find out what grew: ls -lR dist",
  );

async function step(title: string, work: () => Promise<void> | void): Promise<void> {
  const started = performance.now();
  await work();
  console.log(`build: ${title}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

function fail(what: string, mend: string): never {
  console.error(`build: FAILED: ${what}\nbuild: mend:   ${mend}`);
  process.exit(1);
}

/** The files that go in packed, under the names that src/kit/native-files.ts gives them. */
function filesToPack(): Record<"embeddedNatives" | "embeddedEmbedder", Record<string, string>> {
  const embedder = join(root, EMBEDDER_SOURCE);
  if (!existsSync(embedder)) fail(`${embedder} does not exist`, "run bin/build, which fetches and builds it");
  return {
    embeddedNatives: Object.fromEntries(
      Object.entries(NATIVE_SOURCES).map(([name, source]) => [name, join(root, "node_modules", source)]),
    ),
    embeddedEmbedder: Object.fromEntries(
      readdirSync(embedder)
        .sort()
        .map((name) => [name, join(embedder, name)]),
    ),
  };
}

/** Compresses each file once; the packed copy is kept in .cache by the hash of its content. */
async function packFiles(): Promise<void> {
  mkdirSync(stagedNatives, { recursive: true });
  for (const files of Object.values(filesToPack()))
    for (const [name, file] of Object.entries(files)) {
      if (!existsSync(file)) fail(`${file} does not exist`, "run: bun install --frozen-lockfile");
      const bytes = readFileSync(file);
      const packed = packedPath(name, bytes);
      if (!existsSync(packed)) writeFileSync(packed, Bun.zstdCompressSync(bytes, { level: 12 }));
    }
}

function packedPath(name: string, bytes: Uint8Array): string {
  return join(stagedNatives, `${name}-${sha256(bytes).slice(0, 16)}.zst`);
}

async function buildWeb(): Promise<void> {
  const vite = Bun.spawn(
    [process.execPath, join(root, "node_modules/vite/bin/vite.js"), "build", "--logLevel", "warn"],
    {
      cwd: join(root, "web"),
      env: { ...process.env, BUN_BE_BUN: "1" },
      stdout: "inherit",
      stderr: "inherit",
    },
  );
  if ((await vite.exited) !== 0) fail("vite build failed", "see the lines above");
  if (!existsSync(join(root, ASSET_SOURCES.web, "index.html")))
    fail(`${ASSET_SOURCES.web}/index.html was not made`, "web/vite.config.ts must build into web/dist");
}

/** Copies the asset folders to the stage and lays compressed copies beside the UI's files. */
function stageAssets(): void {
  rmSync(stage, { recursive: true, force: true });
  for (const folder of ["web", "migrations", "samples", "trainer"] as const) {
    if (folder === "web" && options["no-web"]) continue;
    const from = join(root, ASSET_SOURCES[folder]);
    if (!existsSync(from)) fail(`${from} does not exist`, "restore it from the repository");
    cpSync(from, join(stage, "embedded", folder), {
      recursive: true,
      filter: (path) => isPacked(folder, path.slice(from.length + 1)),
    });
  }
  // Beside the package, where src/serve/trainer.ts and the trainer's contract check look for them.
  cpSync(join(root, "bin/prepare-trainer"), join(stage, "embedded/trainer/prepare-trainer"));
  cpSync(join(root, "schema/trainer.json"), join(stage, "embedded/trainer/trainer.json"));
  const web = join(stage, "embedded/web");
  if (!existsSync(web)) return;
  for (const entry of readdirSync(web, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/\.(html|js|css|svg|json|map|txt|webmanifest)$/.test(path)) continue;
    const bytes = readFileSync(path);
    if (bytes.byteLength < 1024) continue;
    const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
    writeFileSync(path + ENCODING_SUFFIX.br, brotliCompressSync(bytes, { params }));
    writeFileSync(path + ENCODING_SUFFIX.gzip, gzipSync(bytes, { level: 9 }));
  }
}

async function compile(): Promise<void> {
  const result = await Bun.build({
    entrypoints: [options.entry],
    format: "esm",
    minify: true,
    bytecode: true,
    plugins: [embedNatives()],
    define: { ESPALIER_VERSION: JSON.stringify(describeVersion()), "process.env.NODE_ENV": '"production"' },
    compile: {
      target: "bun-linux-x64",
      outfile,
      assets: [join(stage, "embedded")],
      // The user's folder must not be able to change what the program does.
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
    throw: false,
  });
  for (const log of result.logs) console.error(String(log));
  if (!result.success) fail("bundling failed", "see the lines above");
  rmSync(stage, { recursive: true, force: true });
  chmodSync(outfile, 0o755);
}

/** package.json's version and the commit, e.g. `0.1.0+5774989` or `0.1.0+5774989.dirty`. */
function describeVersion(): string {
  const git = Bun.spawnSync(["git", "describe", "--always", "--dirty=.dirty", "--exclude=*"], { cwd: root });
  const commit = git.success ? git.stdout.toString().trim() : "";
  return commit === "" ? packageJson.version : `${packageJson.version}+${commit}`;
}

/**
 * Fills src/kit/native-files.ts with the packed files, and makes the two packages that would look for their
 * library beside themselves ask src/kit/native.ts. A patch that no longer matches fails the build.
 */
function embedNatives(): BunPlugin {
  const finder = JSON.stringify(join(root, "src/kit/native.ts"));
  const listing = Object.entries(filesToPack()).flatMap(([group, files]) => {
    const rows = Object.entries(files).map(([name, file]) => {
      const bytes = readFileSync(file);
      return { name, sizeBytes: bytes.byteLength, sha256: sha256(bytes), packed: packedPath(name, bytes) };
    });
    const hash = sha256(JSON.stringify(rows.map(({ name, sha256: of }) => [name, of])));
    return [
      ...rows.map(
        (row, i) => `import ${group}${i} from ${JSON.stringify(row.packed)} with { type: "file" };`,
      ),
      `export const ${group} = { hash: "${hash}", files: [`,
      ...rows.map(
        (r, i) => `{ name: ${JSON.stringify(r.name)}, source: ${group}${i}, sizeBytes: ${r.sizeBytes} },`,
      ),
      "] };",
    ];
  });
  const patched = new Set<string>();
  const patches = [
    {
      filter: /node_modules\/libsql\/index\.js$/,
      pattern: /\} = requireNative\(\);/,
      text: `} = require(${finder}).loadNative("libsql.node");`,
    },
    {
      filter: /node_modules\/onnxruntime-node\/dist\/binding\.js$/,
      pattern: /require\(`\.\.\/bin[^`]*`\)/,
      text: `require(${finder}).loadNative("onnxruntime_binding.node")`,
    },
  ];
  return {
    name: "natives",
    setup(build) {
      build.onLoad({ filter: /src\/kit\/native-files\.ts$/ }, () => ({
        loader: "ts",
        contents: listing.join("\n"),
      }));
      for (const { filter, pattern, text } of patches) {
        build.onLoad({ filter }, async ({ path }) => {
          const before = await Bun.file(path).text();
          const after = before.replace(pattern, () => text);
          if (after === before) throw new Error(`the patch ${pattern} no longer matches ${path}`);
          patched.add(path);
          return { contents: after, loader: "js" };
        });
      }
      build.onEnd(() => {
        for (const path of patched) console.log(`build: patched ${path.slice(root.length + 1)}`);
        // A package that moved its file would slip past unpatched and fail only on other machines.
        if (options.entry === mainEntry && patched.size !== patches.length)
          fail(
            `${patched.size} of ${patches.length} native packages were patched`,
            "mend the filters in scripts/build.ts",
          );
      });
    },
  };
}
