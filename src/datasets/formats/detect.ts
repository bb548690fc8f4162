// Tells a dataset's format from its first bytes, so that a wrong extension does no harm.
import { csvDelimiter } from "../../kit/csv.ts";
import { EspalierError } from "../../kit/errors.ts";

export const formats = ["jsonl", "json", "csv", "tsv"] as const;
export type Format = (typeof formats)[number];
export type Detected = { format: Format; delimiter: string };

const magics: readonly [string, readonly number[]][] = [
  ["a ZIP archive (or Excel workbook)", [0x50, 0x4b, 0x03, 0x04]],
  ["a gzip archive", [0x1f, 0x8b]],
  ["a Parquet file", [0x50, 0x41, 0x52, 0x31]],
  ["a PDF", [0x25, 0x50, 0x44, 0x46]],
  ["a PNG image", [0x89, 0x50, 0x4e, 0x47]],
  ["a SQLite database", [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65]],
  ["a GGUF model", [0x47, 0x47, 0x55, 0x46]],
];

function wrong(name: string, found: string): EspalierError {
  return new EspalierError("WRONG_FORMAT", `${name} is ${found}, not a dataset of rows.`, {
    field: "file",
    value: name,
    hint: "Give a JSONL, JSON (array of objects), CSV or TSV file in UTF-8.",
  });
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Detects the format from the first bytes of the file (64 KiB are plenty).
 * Throws DATASET_EMPTY, INVALID_ENCODING (UTF-16 or UTF-32) and WRONG_FORMAT.
 */
export function detectFormat(head: Uint8Array, name: string, wanted?: Format): Detected {
  for (const [what, magic] of magics) {
    if (magic.every((byte, at) => head[at] === byte)) throw wrong(name, what);
  }
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) {
    throw new EspalierError("INVALID_ENCODING", `${name} is UTF-16 (its first bytes are a UTF-16 mark).`, {
      field: "file",
      value: name,
      hint: "Save it as UTF-8 and import it again.",
    });
  }
  const text = new TextDecoder("utf-8").decode(head);
  const body = text.trimStart();
  if (body === "") {
    throw new EspalierError("DATASET_EMPTY", `${name} holds no rows.`, {
      field: "file",
      value: name,
      hint: "Give a file with at least one row.",
    });
  }
  const control = head.filter((byte) => byte < 9 || (byte > 13 && byte < 32)).length;
  if (control > head.length / 10) throw wrong(name, "binary data");

  const lines = body
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .slice(0, 20);
  const found = detectText(body, lines, name);
  if (wanted !== undefined && !agrees(wanted, found)) {
    const said = found === null ? "text without rows" : found.format.toUpperCase();
    throw new EspalierError("WRONG_FORMAT", `${name} was given as ${wanted.toUpperCase()} but is ${said}.`, {
      field: "format",
      value: wanted,
      hint: "Leave the format out to have it detected from the content.",
    });
  }
  if (wanted === "csv" || wanted === "tsv") {
    return { format: wanted, delimiter: found?.delimiter ?? (wanted === "tsv" ? "\t" : ",") };
  }
  if (found === null) throw wrong(name, "plain text");
  return found;
}

function agrees(wanted: Format, found: Detected | null): boolean {
  if (wanted === "csv") return found === null || found.format === "csv" || found.format === "tsv";
  return found?.format === wanted;
}

function detectText(body: string, lines: readonly string[], name: string): Detected | null {
  const first = lines[0] ?? "";
  const second = lines[1]?.trimStart() ?? "";
  const objects = lines.filter((line) => line.trimStart().startsWith("{")).length;
  const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  if (body.startsWith("{")) {
    if (/^\{\s*"data"\s*:\s*\[/.test(body) && !(parses(first) && second.startsWith("{"))) {
      return { format: "json", delimiter: "" };
    }
    return { format: "jsonl", delimiter: "" };
  }
  if (body.startsWith("[")) {
    const severalRows = parses(first) && (second.startsWith("[") || second.startsWith("{"));
    return { format: severalRows ? "jsonl" : "json", delimiter: "" };
  }
  // A JSONL file may begin with a bad line; the others still say what it is.
  if (objects > 0 && (extension === "jsonl" || objects * 2 >= lines.length)) {
    return { format: "jsonl", delimiter: "" };
  }
  if (extension === "jsonl" || extension === "ndjson") {
    return lines.every((line) => parses(line)) ? { format: "jsonl", delimiter: "" } : null;
  }
  if (extension === "json") return null;
  const delimiter = csvDelimiter(lines);
  if (delimiter !== null) return { format: delimiter === "\t" ? "tsv" : "csv", delimiter };
  return extension === "csv" || extension === "tsv" ? { format: "csv", delimiter: "," } : null;
}
