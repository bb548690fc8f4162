// Reads a dataset file of any known format as batches of checked rows, in constant memory.
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { csvFields } from "../kit/csv.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits as productLimits } from "../kit/limits.ts";
import { type Detected, detectFormat, type Format } from "./formats/detect.ts";
import { findDeepNest, findLoss } from "./formats/lossless.ts";
import {
  arraySplitter,
  csvSplitter,
  lineSplitter,
  type RawRecord,
  type Splitter,
} from "./formats/records.ts";
import { isRow, type JsonValue, type ParsedBatch, type ParsedRow, rowError } from "./rows-types.ts";
import { checkMappedRow, checkMapping, checkRow, detectShape, type Mapping, type Shape } from "./shape.ts";

export type ParseLimits = Pick<
  Record<keyof typeof productLimits, number>,
  "datasetRecordBytes" | "datasetRows" | "datasetRowErrors" | "datasetDepth"
>;
export type ParseOptions = {
  format?: Format;
  /** The file's name as the user knows it, when `path` is a temporary one. */
  name?: string;
  /** Columns that every row must have. */
  mapping?: Mapping;
  limits?: ParseLimits;
  signal?: AbortSignal;
};
export type Parsed = {
  format: Format;
  shape: Shape;
  /** The source's size in bytes. */
  sizeBytes: number;
  batches: AsyncIterable<ParsedBatch>;
};

const shapeRows = 20;
const readBytes = 1024 * 1024;
const headBytes = 64 * 1024;

/**
 * Opens a dataset and tells its format and shape; rows and row errors then come in batches, one per MiB read.
 * Throws DATASET_EMPTY, WRONG_FORMAT, INVALID_ENCODING (UTF-16), MAPPED_COLUMN_MISSING; while reading DATASET_TOO_MANY_ROWS, INVALID_HEADER and the
 * signal's reason. Whatever is wrong with single rows is a row error, never thrown.
 */
export async function parseDataset(path: string, options: ParseOptions = {}): Promise<Parsed> {
  const limits = options.limits ?? productLimits;
  const name = options.name ?? basename(path);
  const { size } = await stat(path);
  const detected = detectFormat(await headOf(path), name, options.format);

  const first: ParsedRow[] = [];
  // The shape needs the first good rows; a break ends this short read.
  for await (const batch of recordBatches(path, detected, limits, options.signal)) {
    first.push(...batch.rows);
    if (first.length >= shapeRows) break;
  }
  const shape = detectShape(first.slice(0, shapeRows).map((parsed) => parsed.row));
  // A column that none of the first rows has is found before the rest is read.
  const { mapping } = options;
  if (mapping && first.length > 0)
    checkMapping(mapping, [...new Set(first.flatMap(({ row }) => Object.keys(row)))]);
  return {
    format: detected.format,
    shape,
    sizeBytes: size,
    batches: checkedBatches(path, name, detected, { shape, mapping }, limits, options.signal),
  };
}

async function headOf(path: string): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const buffer = new Uint8Array(headBytes);
    const { bytesRead } = await file.read(buffer, 0, headBytes, 0);
    const head = buffer.subarray(0, bytesRead);
    return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? head.subarray(3) : head;
  } finally {
    await file.close();
  }
}

async function* checkedBatches(
  path: string,
  name: string,
  detected: Detected,
  { shape, mapping }: { shape: Shape; mapping: Mapping | undefined },
  limits: ParseLimits,
  signal?: AbortSignal,
): AsyncGenerator<ParsedBatch> {
  let count = 0;
  for await (const batch of recordBatches(path, detected, limits, signal)) {
    const rows: ParsedRow[] = [];
    for (const parsed of batch.rows) {
      const error =
        checkRow(parsed.row, shape, parsed.line) ??
        (mapping ? checkMappedRow(parsed.row, mapping, parsed.line) : null);
      if (error === null) rows.push(parsed);
      else batch.errors.push(error);
    }
    count += rows.length;
    if (count > limits.datasetRows) {
      throw new EspalierError("DATASET_TOO_MANY_ROWS", `${name} has more than ${limits.datasetRows} rows.`, {
        field: "file",
        value: name,
        hint: "Split the file, or raise the limit datasetRows.",
      });
    }
    yield { rows, errors: batch.errors, bytesRead: batch.bytesRead };
  }
}

function splitterOf(detected: Detected, limit: number): Splitter {
  if (detected.format === "jsonl") return lineSplitter(limit);
  if (detected.format === "json") return arraySplitter(limit);
  return csvSplitter(limit, detected.delimiter);
}

async function* recordBatches(
  path: string,
  detected: Detected,
  limits: ParseLimits,
  signal?: AbortSignal,
): AsyncGenerator<ParsedBatch> {
  const splitter = splitterOf(detected, limits.datasetRecordBytes);
  const reader = new RecordReader(detected, limits);
  let bytesRead = 0;
  for await (const value of createReadStream(path, { highWaterMark: readBytes })) {
    signal?.throwIfAborted();
    if (!(value instanceof Uint8Array)) continue;
    const chunk: Uint8Array = value;
    const mark = bytesRead === 0 && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    bytesRead += chunk.length;
    const records: RawRecord[] = [];
    splitter.feed(mark ? chunk.subarray(3) : chunk, records);
    yield reader.read(records, bytesRead);
  }
  const records: RawRecord[] = [];
  splitter.end(records);
  if (records.length > 0) yield reader.read(records, bytesRead);
}

/** Decodes records into rows; a CSV's header is kept between batches. */
class RecordReader {
  readonly #detected: Detected;
  readonly #limits: ParseLimits;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #header: string[] | null = null;

  constructor(detected: Detected, limits: ParseLimits) {
    this.#detected = detected;
    this.#limits = limits;
  }

  read(records: readonly RawRecord[], bytesRead: number): ParsedBatch {
    const batch: ParsedBatch = { rows: [], errors: [], bytesRead };
    for (const record of records) {
      this.#one(record, batch);
      this.#checkHeader(batch);
    }
    return batch;
  }

  /** A CSV whose header cannot be read has no usable row: a later row must not become the header. */
  #checkHeader(batch: ParsedBatch): void {
    const error = batch.errors[0];
    const hasHeader = this.#detected.format === "csv" || this.#detected.format === "tsv";
    if (!hasHeader || this.#header !== null || error === undefined) return;
    throw new EspalierError(
      "INVALID_HEADER",
      `Line ${error.line}, the header, is unusable: ${error.message}`,
      {
        field: "file",
        value: error.value,
        hint: "Mend the first line; it names the columns.",
      },
    );
  }

  #one(record: RawRecord, batch: ParsedBatch): void {
    const { line, bytes, size } = record;
    if (bytes === null) {
      const message = `The record has ${size} bytes; the limit datasetRecordBytes is ${this.#limits.datasetRecordBytes}.`;
      batch.errors.push(rowError(line, "row", "RECORD_TOO_LONG", message, `${size} bytes`));
      return;
    }
    let text: string;
    try {
      text = this.#decoder.decode(bytes);
    } catch {
      const seen = new TextDecoder().decode(bytes.subarray(0, 800));
      batch.errors.push(rowError(line, "row", "INVALID_ENCODING", "The record is not valid UTF-8.", seen));
      return;
    }
    if (text.trim() === "" && this.#detected.format !== "json") return;
    if (text.includes("\0")) {
      const column = text.indexOf("\0") + 1;
      const message = `The record holds a NUL byte at character ${column}.`;
      batch.errors.push(rowError(line, "row", "NUL_BYTE", message, text.replaceAll("\0", "\\0")));
      return;
    }
    if (this.#detected.format === "csv" || this.#detected.format === "tsv") this.#csv(record, text, batch);
    else this.#json(record, text, batch);
  }

  #json(record: RawRecord, text: string, batch: ParsedBatch): void {
    const { line } = record;
    if (record.problem === "unclosed") {
      const message = "The file ends before its list of rows is closed by ].";
      batch.errors.push(rowError(line, "row", "INVALID_JSON", message, text));
      return;
    }
    if (record.problem === "trailing") {
      const message = "There is text after the ] that closes the list of rows.";
      batch.errors.push(rowError(line, "row", "INVALID_JSON", message, text.trim()));
      return;
    }
    const nest = findDeepNest(text, this.#limits.datasetDepth);
    if (nest !== null) {
      batch.errors.push(rowError(line, nest.field, nest.code, nest.message, nest.value));
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      batch.errors.push(rowError(line, "row", "INVALID_JSON", `The row is not valid JSON: ${why}`, text));
      return;
    }
    const loss = findLoss(text, value);
    if (loss !== null) batch.errors.push(rowError(line, loss.field, loss.code, loss.message, loss.value));
    else if (isRow(value)) batch.rows.push({ line, row: value });
    else batch.errors.push(rowError(line, "row", "ROW_NOT_OBJECT", "A row must be a JSON object.", value));
  }

  #csv(record: RawRecord, text: string, batch: ParsedBatch): void {
    const { line } = record;
    if (record.problem === "unclosed") {
      const message = "A quote opened in this row is never closed.";
      batch.errors.push(rowError(line, "row", "UNCLOSED_QUOTE", message, text));
      return;
    }
    const fields = csvFields(text.endsWith("\r") ? text.slice(0, -1) : text, this.#detected.delimiter);
    if (this.#header === null) {
      this.#header = uniqueNames(fields);
      return;
    }
    if (fields.length !== this.#header.length) {
      const message = `The row has ${fields.length} fields, the header has ${this.#header.length}.`;
      batch.errors.push(rowError(line, "row", "RAGGED_ROW", message, text));
      return;
    }
    const pairs: [string, JsonValue][] = this.#header.map((name, at) => [name, fields[at] ?? ""]);
    batch.rows.push({ line, row: Object.fromEntries(pairs) });
  }
}

/** Column names without blanks around them; empty ones become `column_3`, repeated ones `name_2`. */
function uniqueNames(header: readonly string[]): string[] {
  const taken = new Set<string>();
  return header.map((name, at) => {
    const base = name.trim() === "" ? `column_${at + 1}` : name.trim();
    let unique = base;
    for (let n = 2; taken.has(unique); n++) unique = `${base}_${n}`;
    taken.add(unique);
    return unique;
  });
}
