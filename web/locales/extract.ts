// Collects every t("…") and template("…") of web/ into locales/en.json and names what de.json and zh.json lack; --check writes nothing.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { faultsOf, wantedKeys } from "./complete.ts";

const webFolder = join(import.meta.dirname, "..");
const isCheck = process.argv.includes("--check");

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
  for (const match of text.matchAll(/\b(?:t|template)\(\s*"((?:[^"\\]|\\.)*)"/g))
    keys.add(JSON.parse(`"${match[1]}"`));
}
const words = z.record(z.string(), z.string());
const sorted = [...keys].sort();
/** Rewrites a language's file in the order of the keys, each with what it had or `fresh` says; stale with --check. */
async function arrange(language: string, fresh: (key: string) => string | undefined): Promise<string[]> {
  const path = join(import.meta.dirname, `${language}.json`);
  const before = await readFile(path, "utf8");
  const known = words.parse(JSON.parse(before));
  if (isCheck) {
    const faults = faultsOf(known, keys, language);
    if (faults.length > 0) return faults;
  }
  const texts = wantedKeys(sorted, language).flatMap((key) => {
    const text = known[key] ?? fresh(key);
    return text === undefined ? [] : [[key, text] as const];
  });
  const after = `${JSON.stringify(Object.fromEntries(texts), null, 2)}\n`;
  if (!isCheck) await writeFile(path, after);
  else if (after !== before) return ["not in the order of its keys"];
  return faultsOf(Object.fromEntries(texts), keys, language);
}

let faultCount = 0;
for (const language of ["en", "de", "zh"]) {
  const english = (key: string) =>
    key.endsWith("_one")
      ? key.slice(0, -"_one".length).replace(/(\{\{count\}\} \w+?)s\b/, "$1")
      : key.replace(/_other$/, "");
  const faults = await arrange(language, language === "en" ? english : () => undefined);
  for (const fault of faults) console.error(`web/locales/${language}.json: ${fault}`);
  faultCount += faults.length;
}
if (faultCount > 0) process.exit(1);
