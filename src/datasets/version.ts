// Writes a dataset version: canonical JSONL, an index of row offsets, and what is known of its columns.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { EspalierError } from "../kit/errors.ts";
import { limits as productLimits } from "../kit/limits.ts";
import type { Format } from "./formats/detect.ts";
import { type ParseOptions, parseDataset } from "./parse.ts";
import { type Origin, Origins } from "./provenance.ts";
import type { JsonValue, Row, RowError } from "./rows-types.ts";
import { isTrainable, type Shape } from "./shape.ts";
import { type Split, splitOfRow } from "./split.ts";

export type ColumnType = "text" | "number" | "boolean" | "list" | "object" | "mixed" | "empty";
/** `emptyShare`: share of the rows, 0 to 1, where the column is missing, null, or text of blanks only. */
export type Column = { name: string; type: ColumnType; emptyShare: number };

export type VersionInfo = {
  /** SHA-256 of the canonical JSONL, lower-case hex. */
  hash: string;
  sizeBytes: number;
  /** Size of the index file: 8 bytes for each row and 8 for the end. */
  indexBytes: number;
  rowCount: number;
  format: Format;
  shape: Shape;
  columns: Column[];
  /** Rows that repeat an earlier row byte by byte. */
  duplicateRows: number;
  /** Rows by the dataset's own `split` column, or null where not every row has a known one. */
  splits: Record<Split, number> | null;
  /** True where the shape, or the mapping, makes training rows of it. */
  trainable: boolean;
  /** Where collected rows came from. */
  origins: Origin[];
};

export type WriteOptions = ParseOptions & {
  /** The canonical JSONL and its index are written here; the caller removes them after a failure. */
  dataPath: string;
  indexPath: string;
  keepGoodRows?: boolean;
  onProgress?: (progress: { bytesRead: number; sizeBytes: number; rows: number; errors: number }) => void;
};

/** `version` is null where row errors refused the import; `errors` holds the first ones, `errorCount` counts all. */
export type WriteResult = { version: VersionInfo | null; errors: RowError[]; errorCount: number };

type Seen = { types: Set<ColumnType>; filled: number };

/**
 * Reads `sourcePath` and writes the version. Any row error refuses the import, unless `keepGoodRows`.
 * Both files are fsynced; renaming them is the caller's part. Throws what `parseDataset` throws, DATASET_EMPTY where
 * no good row is left, and DATASET_TOO_MANY_COLUMNS.
 */
export async function writeVersion(sourcePath: string, options: WriteOptions): Promise<WriteResult> {
  const limits = options.limits ?? productLimits;
  const parsed = await parseDataset(sourcePath, options);
  const hash = createHash("sha256");
  const columns = new Map<string, Seen>();
  const prints = new Prints();
  const origins = new Origins();
  const splits: Record<Split, number> = { train: 0, validation: 0, test: 0 };
  const errors: RowError[] = [];
  let errorCount = 0;
  let rowCount = 0;
  let sizeBytes = 0;
  let splitRows = 0;

  const data = await open(options.dataPath, "w");
  const index = await open(options.indexPath, "w");
  try {
    for await (const batch of parsed.batches) {
      errorCount += batch.errors.length;
      for (const error of batch.errors) if (errors.length < limits.datasetRowErrors) errors.push(error);
      // Once refused, the file is only read on to count and show its other errors.
      const writing = errorCount === 0 || options.keepGoodRows === true;
      if (writing && batch.rows.length > 0) {
        const lines: string[] = [];
        const offsets = new BigUint64Array(batch.rows.length);
        for (const [at, { row }] of batch.rows.entries()) {
          const line = `${JSON.stringify(row)}\n`;
          lines.push(line);
          offsets[at] = BigInt(sizeBytes);
          sizeBytes += Buffer.byteLength(line);
          prints.add(line);
          noteColumns(columns, row);
          origins.add(row);
          if (columns.size > productLimits.datasetColumns) throw tooManyColumns(options.name);
          const split = splitOfRow(row);
          if (split !== null) {
            splits[split]++;
            splitRows++;
          }
        }
        rowCount += batch.rows.length;
        const bytes = Buffer.from(lines.join(""));
        hash.update(bytes);
        await data.writeFile(bytes);
        await index.writeFile(new Uint8Array(offsets.buffer));
      }
      options.onProgress?.({
        bytesRead: batch.bytesRead,
        sizeBytes: parsed.sizeBytes,
        rows: rowCount,
        errors: errorCount,
      });
    }
    await index.writeFile(new Uint8Array(new BigUint64Array([BigInt(sizeBytes)]).buffer));
    await data.sync();
    await index.sync();
  } finally {
    await data.close();
    await index.close();
  }

  errors.sort((a, b) => a.line - b.line);
  if (errorCount > 0 && options.keepGoodRows !== true) return { version: null, errors, errorCount };
  if (rowCount === 0) {
    const why = errorCount > 0 ? `none of its ${errorCount} rows is good` : "it holds no rows";
    throw new EspalierError("DATASET_EMPTY", `Nothing to import: ${why}.`, {
      field: "file",
      value: options.name ?? sourcePath.slice(sourcePath.lastIndexOf("/") + 1),
      hint: errors[0] === undefined ? "Give a file with at least one row." : errors[0].message,
    });
  }
  const version: VersionInfo = {
    hash: hash.digest("hex"),
    sizeBytes,
    indexBytes: 8 * (rowCount + 1),
    rowCount,
    format: parsed.format,
    shape: parsed.shape,
    columns: [...columns].map(([name, seen]) => describe(name, seen, rowCount)),
    duplicateRows: prints.duplicates(),
    splits: splitRows === rowCount ? splits : null,
    trainable: isTrainable(parsed.shape, options.mapping),
    origins: origins.list(),
  };
  return { version, errors, errorCount };
}

function tooManyColumns(name = "the file"): EspalierError {
  return new EspalierError(
    "DATASET_TOO_MANY_COLUMNS",
    `${name} has more than ${productLimits.datasetColumns} different columns, the limit datasetColumns.`,
    { field: "file", value: name, hint: "Put what varies from row to row into one column, as an object." },
  );
}

function typeOf(value: JsonValue): ColumnType {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return "text";
  if (typeof value === "number") return "number";
  return typeof value === "boolean" ? "boolean" : "object";
}

function noteColumns(columns: Map<string, Seen>, row: Row): void {
  for (const key in row) {
    const value = row[key] ?? null;
    let seen = columns.get(key);
    if (seen === undefined) {
      seen = { types: new Set(), filled: 0 };
      columns.set(key, seen);
    }
    if (value === null) continue;
    seen.types.add(typeOf(value));
    if (typeof value !== "string" || value.trim() !== "") seen.filled++;
  }
}

function describe(name: string, seen: Seen, rowCount: number): Column {
  const [only] = seen.types;
  const type = seen.types.size > 1 ? "mixed" : (only ?? "empty");
  return { name, type, emptyShare: 1 - seen.filled / rowCount };
}

/** Counts repeated rows by 64-bit fingerprints: 8 bytes a row; at 5 million rows a false match has odds of 1e-6. */
class Prints {
  #values = new BigUint64Array(1024);
  #count = 0;

  add(line: string): void {
    if (this.#count === this.#values.length) {
      const larger = new BigUint64Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count++] = Bun.hash.xxHash64(line);
  }

  duplicates(): number {
    const sorted = this.#values.subarray(0, this.#count).sort();
    let repeated = 0;
    for (let at = 1; at < sorted.length; at++) if (sorted[at] === sorted[at - 1]) repeated++;
    return repeated;
  }
}
