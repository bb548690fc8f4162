// Reads what is text already: plain text, CSV, JSON and source code.
import { csvDelimiter, csvRows } from "../../kit/csv.ts";
import { messageOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { type BlockList, cleanText, malformed } from "./document.ts";

/** Paragraphs are what blank lines part. */
export function readText(text: string, blocks: BlockList): void {
  for (const paragraph of cleanText(text).split(/\n[ \t]*\n/)) blocks.add("paragraph", paragraph);
}

/** One table; cells stay the text that they are, formulas too. */
export function readCsv(text: string, blocks: BlockList): void {
  const clean = cleanText(text);
  const lines = clean.split("\n", 50).filter((line) => line.trim() !== "");
  blocks.table(csvRows(clean, csvDelimiter(lines.slice(0, 20)) ?? ","));
}

/** Cut where an unindented line follows a blank one: between functions, classes and sections. */
export function readCode(text: string, blocks: BlockList): void {
  for (const part of cleanText(text).split(/\n(?:[ \t]*\n)+(?=\S)/)) blocks.add("code", part);
}

/**
 * A line `key.path: value` for each value; one block for each row, or for each entry of an object.
 * @throws EspalierError DOCUMENT_MALFORMED with the line at fault
 */
export function readJson(text: string, name: string, blocks: BlockList): void {
  // One value a line is often named json too.
  const isLines = /\.(jsonl|ndjson)$/i.test(name) || /^\s*\{[^\n]*\}\s*\n\s*\{/.test(text);
  const values = isLines ? jsonLines(text, name) : [parse(text, name)];
  for (const value of values)
    if (Array.isArray(value)) for (const item of value) blocks.add("paragraph", lines(item, name).join("\n"));
    else if (isLines) blocks.add("paragraph", lines(value, name).join("\n"));
    else readObject(value, name, blocks);
}

/** Plain entries stay together; each that holds more is a block of its own. */
function readObject(value: unknown, name: string, blocks: BlockList): void {
  let plain: string[] = [];
  const flush = (): void => {
    blocks.add("paragraph", plain.join("\n"));
    plain = [];
  };
  for (const [key, entry] of isObject(value) ? Object.entries(value) : [["", value] as const]) {
    if (!isObject(entry)) {
      plain.push(...lines(entry, name, key));
      continue;
    }
    flush();
    if (Array.isArray(entry))
      entry.forEach((item, at) => {
        blocks.add("paragraph", lines(item, name, `${key}[${at}]`).join("\n"));
      });
    else blocks.add("paragraph", lines(entry, name, key).join("\n"));
  }
  flush();
}

function jsonLines(text: string, name: string): unknown[] {
  return text.split("\n").flatMap((line, at) => (line.trim() === "" ? [] : [parse(line, name, at + 1)]));
}

/** Numbers come as the digits that stand in the file: long ids survive. */
function parse(text: string, name: string, line?: number): unknown {
  const where = line === undefined ? "" : ` in line ${line}`;
  try {
    return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
      typeof value === "number" ? (context?.source ?? value) : value,
    );
  } catch (error) {
    throw malformed(name, `is not valid JSON${where} (${messageOf(error)})`);
  }
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

function lines(value: unknown, name: string, prefix = "", depth = 0): string[] {
  if (depth > limits.documentDepth)
    throw malformed(name, `nests deeper than ${limits.documentDepth}, the limit documentDepth`);
  if (!isObject(value)) return [prefix === "" ? String(value) : `${prefix}: ${value}`];
  if (Array.isArray(value) && value.every((item) => !isObject(item)))
    return value.length === 0 ? [] : lines(value.join(", "), name, prefix, depth + 1);
  return Object.entries(value).flatMap(([key, entry]: [string, unknown]) => {
    const step = Array.isArray(value) ? `[${key}]` : prefix === "" ? key : `.${key}`;
    return lines(entry, name, `${prefix}${step}`, depth + 1);
  });
}
