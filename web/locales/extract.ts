// Collects every t("…") of web/ into locales/en.json; with --check it only says whether that file is complete.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const webFolder = join(import.meta.dirname, "..");
const target = join(import.meta.dirname, "en.json");

async function sourceFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (["dist", "node_modules", "generated", "locales"].includes(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await sourceFiles(path)));
    else if (/\.tsx?$/.test(entry.name) && !entry.name.includes(".test.")) found.push(path);
  }
  return found;
}

const keys = new Set<string>();
for (const path of await sourceFiles(webFolder)) {
  const text = await readFile(path, "utf8");
  for (const match of text.matchAll(/\bt\(\s*"((?:[^"\\]|\\.)*)"/g)) keys.add(JSON.parse(`"${match[1]}"`));
}
const known: Record<string, string> = JSON.parse(await readFile(target, "utf8"));
const wanted: Record<string, string> = {};
for (const key of [...keys].sort()) {
  if (key.includes("{{count}}")) {
    wanted[`${key}_one`] = known[`${key}_one`] ?? key.replace(/(\{\{count\}\} \w+?)s\b/, "$1");
    wanted[`${key}_other`] = known[`${key}_other`] ?? key;
  } else wanted[key] = known[key] ?? key;
}
const text = `${JSON.stringify(wanted, null, 2)}\n`;
if (process.argv.includes("--check")) {
  if (text !== (await readFile(target, "utf8"))) {
    console.error("web/locales/en.json is stale: run `bun web/locales/extract.ts`");
    process.exit(1);
  }
} else await writeFile(target, text);
