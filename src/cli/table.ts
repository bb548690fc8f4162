// Documents for people: a table for lists, aligned lines for one thing.
import type { Json } from "./verbs.ts";

type Row = { readonly [key: string]: Json | undefined };

/** Columns of a list of each kind of thing; what is not named here is left to `--json`. */
const COLUMNS: Record<string, readonly string[]> = {
  base: ["name", "architecture", "format", "parameters", "sizeBytes", "contextLength", "status"],
  customized: ["name", "base", "rank", "sizeBytes", "createdAt"],
  complete: ["name", "base", "customized", "sizeBytes", "createdAt"],
  live: ["name", "status", "health", "precision", "source", "aliases", "tokensPerSecond"],
  registered: ["name", "live", "status", "createdAt"],
  dataset: ["name", "latest", "status", "createdAt"],
  kb: ["name", "status", "counts", "chunkCount", "embedder", "createdAt"],
  document: ["name", "status", "format", "pages", "chunkCount"],
  assessment: ["name", "status", "dataset", "candidates", "graders", "createdAt"],
  gate: ["name", "assessment", "createdBy", "rule"],
  "gate-result": ["gate", "status", "sentence"],
  suite: ["name", "entries", "runCount", "createdBy", "createdAt"],
  training: ["name", "status", "base", "method", "createdAt"],
  method: ["name", "title"],
  trainer: ["name", "host", "status", "methods", "lastSeenAt"],
  run: ["id", "name", "status", "progress", "createdAt"],
  key: ["name", "status", "scopes", "prefix", "lastUsedAt"],
};
const TITLE: Record<string, string> = {
  sizeBytes: "size",
  neededBytes: "needed",
  availableBytes: "available",
  memoryBytes: "memory",
};

/** Longest that a cell of a table may be. */
const CELL_CHARS = 100;

/** The text of any document. */
export function textOf(document: Json): string {
  if (!isRow(document)) return `${typeof document === "string" ? document : JSON.stringify(document)}\n`;
  const items = document["items"];
  if (Array.isArray(items)) return tableOf(items.filter(isRow));
  return linesOf(document, "");
}

function isRow(value: Json | undefined): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function tableOf(rows: readonly Row[]): string {
  const [first] = rows;
  if (!first) return "none yet\n";
  const columns = COLUMNS[typeof first["kind"] === "string" ? first["kind"] : ""] ?? Object.keys(first);
  const head = columns.map((column) => (TITLE[column] ?? column).toUpperCase());
  const body = rows.map((row) =>
    columns.map((column, at) => {
      const text = cell(column, row[column]).replace(/\s+/g, " ");
      // What stands last may be as long as it is: nothing is pushed aside by it.
      const isShort = text.length <= CELL_CHARS || at === columns.length - 1;
      return isShort ? text : `${text.slice(0, CELL_CHARS - 1)}…`;
    }),
  );
  const widths = head.map((title, at) =>
    Math.max(title.length, ...body.map((cells) => (cells[at] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    `${cells
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd()}\n`;
  return line(head) + body.map(line).join("");
}

function linesOf(row: Row, indent: string): string {
  const entries = Object.entries(row).filter(([, value]) => value !== undefined && value !== null);
  const width = Math.max(0, ...entries.map(([key]) => (TITLE[key] ?? key).length));
  let text = "";
  for (const [key, value] of entries) {
    const title = `${indent}${(TITLE[key] ?? key).padEnd(width)}  `;
    if (Array.isArray(value) && value.some(isRow)) {
      const rows = value
        .filter(isRow)
        .map((one) => `${indent}  ${Object.values(one).map(plain).join("  ")}\n`);
      text += `${indent}${TITLE[key] ?? key}\n${rows.join("")}`;
    } else text += `${title}${cell(key, value)}\n`;
  }
  return text;
}

/** A value in one cell: names of things, what an error says, sizes with a unit, times to the second. */
function cell(key: string, value: Json | undefined): string {
  if (value === undefined || value === null) return "-";
  if (typeof value === "number") {
    if (key.endsWith("Bytes")) return bytes(value);
    if (key === "progress") return `${Math.round(value * 100)} %`;
    return Number.isInteger(value) ? String(value) : value.toPrecision(4);
  }
  if (typeof value === "string")
    return key.endsWith("At") ? value.slice(0, 19).replace("T", " ") : plain(value);
  if (Array.isArray(value)) return value.map(plain).join(", ") || "-";
  if (isRow(value)) {
    const name = value["name"] ?? value["sentence"];
    if (typeof name === "string") return plain(name);
    const { code, message, hint } = value;
    if (typeof message === "string") return plain(`${message} ${hint ?? ""}`.trim() + ` (${code})`);
    if (typeof value["number"] === "number") {
      const rows = value["rowCount"] === undefined ? "" : `, ${value["rowCount"]} rows`;
      return `version ${value["number"]}${rows}`;
    }
  }
  return plain(value);
}

/** Without control characters: a name must not steer the terminal. */
function plain(value: Json | undefined): string {
  const text = typeof value === "string" ? value : JSON.stringify(value ?? null);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, " ");
}

function bytes(size: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.max(0, Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, size)) / 10)));
  const value = size / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}
