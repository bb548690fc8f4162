// Holds the house in order: imports go one way, and the rules of docs/architecture.md that no other tool sees.
import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const root = join(import.meta.dir, "..");

/** Each folder may import from folders of a smaller number; equal numbers may not import each other. */
const RANK: Record<string, number> = {
  schema: 0,
  "src/kit": 1,
  "src/config.ts": 2,
  "src/store": 2,
  "src/runs": 3,
  "src/inference": 3,
  "src/usage": 3,
  "src/dashboard": 3,
  "src/notifications": 4,
  "src/datasets": 4,
  "src/models": 5,
  "src/training": 6,
  "src/serving": 7,
  "src/knowledge": 8,
  "src/assessments": 9,
  "src/images": 9,
  "src/chat": 10,
  "src/collect": 11,
  "src/accounts": 12,
  "src/api": 13,
  "src/cli": 14,
  "src/serve": 14,
  "src/main.ts": 15,
};
const DOMAINS = [
  "usage",
  "dashboard",
  "notifications",
  "datasets",
  "models",
  "training",
  "serving",
  "knowledge",
  "assessments",
  "images",
  "chat",
  "collect",
  "accounts",
];

/** Read the environment: the configuration, and two files that come before it. */
const READS_ENVIRONMENT = ["src/config.ts", "src/boot.ts", "src/kit/native.ts"];
/** Started by a tool or by name, not by an import. */
const ENTRIES = [
  /\.(test|test-kit|entry)\.tsx?$/,
  /^src\/main\.ts$/,
  /^web\/main\.tsx$/,
  /^web\/generated\//,
  /^web\/(api\/generate|locales\/extract)\.ts$/,
  /^scripts\//,
  /^bench\//,
  /\.config\.ts$/,
  /\.d\.ts$/,
  /^schema\/tables\//,
  /^test\/(world|offline)\.ts$/,
];
/** Longer than 400 lines when this list was made: lines may only go down, and new names may not come. */
const LONG_FILES: Record<string, number> = {};
const LONGEST = 400;
const LARGEST_BLOB_BYTES = 256 * 1024;
/** Bigger on purpose: generated or locked text. */
const BIG_BLOBS = [/^bun\.lock$/, /^web\/generated\//, /^docs\/.*\.(png|webp)$/];

// Files not yet committed count too, so that a mistake shows before the commit.
const tracked = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
})
  .stdout.toString()
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)));
const sources = tracked.filter((path) =>
  /^(src|schema|web|test|bench|scripts)\/.*\.tsx?$|^[^/]+\.ts$/.test(path),
);
const text = new Map(sources.map((path) => [path, readFileSync(join(root, path), "utf8")]));
const imports = new Map(sources.map((path) => [path, importsOf(path)]));

/** Repository paths that a file imports, statically or dynamically, types included; packages are left out. */
function importsOf(path: string): string[] {
  const found: string[] = [];
  const pattern = /(?:\bfrom\s*|\bimport\s*\(?\s*|new URL\(\s*)["'](\.{1,2}\/[^"']+)["']/g;
  for (const match of (text.get(path) ?? "").matchAll(pattern)) {
    const target = normalize(join(dirname(path), match[1] ?? ""));
    const file = [target, `${target}.ts`, `${target}.tsx`].find((name) => text.has(name));
    if (file) found.push(file);
  }
  return found;
}

function rankOf(path: string): { area: string; rank: number } | null {
  const area =
    path in RANK
      ? path
      : path
          .split("/")
          .slice(0, path.startsWith("src/") ? 2 : 1)
          .join("/");
  const rank = RANK[area];
  return rank === undefined ? null : { area, rank };
}

const isTest = (path: string): boolean => /\.test(-kit)?\.tsx?$/.test(path);

test("looks at the files there are", () => {
  expect(sources.length).toBeGreaterThan(20);
  expect(imports.get("src/kit/native.ts")).toEqual(["src/kit/errors.ts", "src/kit/native-files.ts"]);
});

test("every folder of src has its place in the order", () => {
  const lost = sources.filter(
    (path) => path.startsWith("src/") && path !== "src/boot.ts" && !isTest(path) && !rankOf(path),
  );
  expect(lost).toEqual([]);
});

test("imports go downhill", () => {
  const uphill: string[] = [];
  for (const [path, targets] of imports) {
    const from = rankOf(path);
    if (!from) continue;
    for (const target of targets) {
      const to = rankOf(target);
      if (to && to.area !== from.area && to.rank >= from.rank) uphill.push(`${path} -> ${target}`);
    }
  }
  expect(uphill).toEqual([]);
});

test("domains meet at their front doors", () => {
  const intruders: string[] = [];
  for (const [path, targets] of imports) {
    for (const target of targets) {
      const [, folder = "", ...rest] = target.split("/");
      if (!target.startsWith("src/") || !DOMAINS.includes(folder)) continue;
      if (path.startsWith(`src/${folder}/`) || !path.startsWith("src/") || isTest(path)) continue;
      if (rest.join("/") !== `${folder}.ts`) intruders.push(`${path} -> ${target}`);
    }
  }
  expect(intruders).toEqual([]);
});

/** Runs beside the UI, not in it: it also reads what the server says. */
const generator = "web/locales/extract.ts";

test("nothing but the UI's own files, and types made from the schema, reaches the UI", () => {
  const wrong: string[] = [];
  for (const [path, targets] of imports)
    for (const target of targets)
      if (path.startsWith("web/") && !isTest(path) && !target.startsWith("web/") && path !== generator)
        wrong.push(`${path} -> ${target}`);
  expect(wrong).toEqual([]);
});

test("the environment is read in one place", () => {
  expect(matching(/\b(process|Bun)\.env\b|import\.meta\.env\b/, READS_ENVIRONMENT)).toEqual([]);
});

test("time and chance come from kit", () => {
  // The UI shows times relative to the visitor's own clock, and imports nothing from kit.
  const exempt = sources.filter((path) => /^(src\/kit|web)\//.test(path));
  expect(matching(/\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\brandomUUID\(/, exempt)).toEqual([]);
});

test("the first import of main is boot", () => {
  if (!text.has("src/main.ts")) throw new Error("src/main.ts does not exist");
  const first = (text.get("src/main.ts") ?? "").match(/^import .*$/m);
  expect(first?.[0]).toBe('import "./boot.ts";');
});

test("every file is imported by another", () => {
  const used = new Set<string>();
  for (const [path, targets] of imports) {
    // A test alone does not keep a file alive.
    if (!isTest(path) || path.startsWith("test/")) for (const target of targets) used.add(target);
  }
  const html = tracked
    .filter((path) => path.endsWith(".html"))
    .map((path) => readFileSync(join(root, path), "utf8"));
  const orphans = sources.filter(
    (path) =>
      !used.has(path) &&
      !ENTRIES.some((entry) => entry.test(path)) &&
      !html.some((page) => page.includes(path.replace(/^web\//, ""))),
  );
  expect(orphans).toEqual([]);
});

test("every file opens with its purpose", () => {
  const silent = sources.filter(
    (path) =>
      !isTest(path) &&
      !path.startsWith("web/generated/") &&
      !/^(#!.*\n)?\s*(\/\/|\/\*)/.test(text.get(path) ?? ""),
  );
  expect(silent).toEqual([]);
});

test("no big files in git", () => {
  const big = tracked.filter(
    (path) =>
      statSync(join(root, path)).size > LARGEST_BLOB_BYTES && !BIG_BLOBS.some((known) => known.test(path)),
  );
  expect(big).toEqual([]);
});

test("no file is longer than 400 lines", () => {
  const long: string[] = [];
  for (const path of tracked.filter((name) => /\.(tsx?|py|sh|css)$|^bin\//.test(name))) {
    if (path.startsWith("web/generated/")) continue;
    const lines = readFileSync(join(root, path), "utf8").split("\n").length - 1;
    if (lines > (LONG_FILES[path] ?? LONGEST)) long.push(`${path}: ${lines}`);
  }
  expect(long).toEqual([]);
});

/** `file:line` of each line of the product's code that matches, comments left out. */
function matching(pattern: RegExp, except: string[]): string[] {
  const hits: string[] = [];
  for (const [path, content] of text) {
    if (!/^(src|web)\//.test(path) || isTest(path) || except.includes(path)) continue;
    content.split("\n").forEach((line, i) => {
      if (pattern.test(line) && !/^\s*(\/\/|\*|\/\*)/.test(line))
        hits.push(`${path}:${i + 1}: ${line.trim()}`);
    });
  }
  return hits;
}
