// Collects every t("…") of web/ into locales/en.json and every sentence of the server and the trainer, and names what
// de.json, zh.json, server.de.json and server.zh.json lack; --check writes nothing.
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { distinct, repository, serverSentences, shapeOf } from "../../scripts/sentences/collect.ts";
import { faultsOf, faultsOfPlain, wantedKeys } from "./complete.ts";
import { librarySentences } from "./libraries.ts";

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
  for (const match of text.matchAll(/\bt\(\s*"((?:[^"\\]|\\.)*)"/g)) keys.add(JSON.parse(`"${match[1]}"`));
}
const words = z.record(z.string(), z.string());
/** Rewrites a file in the order of the keys, each with what it had or `fresh` says; with --check only says what is wrong. */
async function arrange(
  file: string,
  wanted: readonly string[],
  faultsIn: (texts: Record<string, string>) => string[],
  fresh: (key: string, known: Record<string, string>) => string | undefined = () => undefined,
): Promise<string[]> {
  const path = join(import.meta.dirname, file);
  const before = await readFile(path, "utf8");
  const known = words.parse(JSON.parse(before));
  const faults = isCheck ? faultsIn(known) : [];
  if (faults.length > 0) return faults;
  const texts = wanted.flatMap((key) => {
    const text = known[key] ?? fresh(key, known);
    return text === undefined ? [] : [[key, text] as const];
  });
  const after = `${JSON.stringify(Object.fromEntries(texts), null, 2)}\n`;
  if (!isCheck) await writeFile(path, after);
  else if (after !== before) return ["not in the order of its keys"];
  return faultsIn(Object.fromEntries(texts));
}

/** What the trainer says, read by Python where there is one; else as it was read last. */
async function trainerSentences(): Promise<{ templates: string[]; faults: string[] }> {
  const path = join(import.meta.dirname, "trainer-says.json");
  const before = await readFile(path, "utf8");
  const own = join(repository, "trainer/.venv/bin/python");
  const python = existsSync(own) ? own : Bun.which("python3");
  const after = python
    ? Bun.spawnSync([python, join(repository, "scripts/sentences/trainer.py")]).stdout.toString()
    : before;
  if (!isCheck) await writeFile(path, after);
  return {
    templates: z.array(z.string()).parse(JSON.parse(after)),
    faults: isCheck && after !== before ? ["web/locales/trainer-says.json is not what the trainer says"] : [],
  };
}

const faults: string[] = [];
const sorted = [...keys].sort();
const englishOf = (key: string): string =>
  key.endsWith("_one")
    ? key
        .slice(0, -"_one".length)
        .replace(/(\{\{count\}\} \w+?)ies\b/, "$1y")
        .replace(/(\{\{count\}\} \w+?)s\b/, "$1")
    : key.replace(/_other$/, "");
for (const language of ["en", "de", "zh"]) {
  const file = `${language}.json`;
  const found = await arrange(
    file,
    wantedKeys(sorted, language),
    (texts) => faultsOf(texts, keys, language),
    language === "en" ? englishOf : undefined,
  );
  faults.push(...found.map((fault) => `web/locales/${file}: ${fault}`));
}
const server = serverSentences(repository);
const trainer = await trainerSentences();
faults.push(...server.faults, ...trainer.faults);
const said = distinct([...server.templates, ...trainer.templates, ...librarySentences]);
const places = (text: string): string[] => text.match(/\{\{\w+\}\}/g) ?? [];
/** The translation of a sentence whose places only had other names. */
function renamed(key: string, known: Record<string, string>): string | undefined {
  const before = Object.keys(known).find((one) => shapeOf(one) === shapeOf(key));
  if (before === undefined) return undefined;
  const names = new Map(places(before).map((place, at) => [place, places(key)[at] ?? place]));
  return known[before]?.replace(/\{\{\w+\}\}/g, (place) => names.get(place) ?? place);
}
for (const language of ["de", "zh"]) {
  const file = `server.${language}.json`;
  const found = await arrange(file, said, (texts) => faultsOfPlain(texts, said), renamed);
  faults.push(...found.map((fault) => `web/locales/${file}: ${fault}`));
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
