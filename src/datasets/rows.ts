// Reads a stored dataset version: pages in constant time through its index, and search for a text.
import { type FileHandle, open } from "node:fs/promises";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { isRow, type JsonValue, type Row } from "./rows-types.ts";

/** A stored row and its number, from 0. */
export type StoredRow = { number: number; row: Row };

function damaged(path: string, why: string): EspalierError {
  return new EspalierError("DATASET_DAMAGED", `The stored dataset version is damaged: ${why}.`, {
    value: path.slice(path.lastIndexOf("/") + 1),
    hint: "Restore it from a backup, or import the dataset again.",
    status: 500,
  });
}

async function readExactly(file: FileHandle, path: string, from: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, from + done);
    if (bytesRead === 0) throw damaged(path, `it ends at byte ${from + done}`);
    done += bytesRead;
  }
  return buffer;
}

function parseLine(line: string, path: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw damaged(path, "a row is not valid JSON");
  }
  if (!isRow(value)) throw damaged(path, "a row is not an object");
  return value;
}

/** The number of rows that an index file describes. */
export async function countRows(indexPath: string): Promise<number> {
  const file = await open(indexPath, "r");
  try {
    return (await file.stat()).size / 8 - 1;
  } finally {
    await file.close();
  }
}

/** Rows `from` (from 0) to `from + count`, fewer at the end and where they are large. Throws DATASET_DAMAGED. */
export async function readRows(
  dataPath: string,
  indexPath: string,
  from: number,
  count: number,
): Promise<StoredRow[]> {
  const total = await countRows(indexPath);
  const start = Math.max(0, Math.min(from, total));
  const most = Math.max(0, Math.min(count, total - start));
  if (most === 0) return [];
  const index = await open(indexPath, "r");
  const data = await open(dataPath, "r");
  try {
    const offsets = await readExactly(index, indexPath, start * 8, (most + 1) * 8);
    const at = (n: number): number => Number(offsets.readBigUInt64LE(n * 8));
    const first = at(0);
    let wanted = most;
    while (wanted > 1 && at(wanted) - first > limits.datasetPageBytes) wanted--;
    const length = at(wanted) - first;
    if (length < 0 || at(wanted) > (await data.stat()).size) {
      throw damaged(dataPath, "its index points outside of it");
    }
    const bytes = await readExactly(data, dataPath, first, length);
    return Array.from({ length: wanted }, (_, n) => {
      const line = bytes.toString("utf8", at(n) - first, at(n + 1) - first);
      return { number: start + n, row: parseLine(line, dataPath) };
    });
  } finally {
    await index.close();
    await data.close();
  }
}

/** Rows by their numbers, in their order; for few that lie far apart. Throws DATASET_DAMAGED. */
export async function readRowsAt(
  dataPath: string,
  indexPath: string,
  numbers: readonly number[],
): Promise<StoredRow[]> {
  const index = await open(indexPath, "r");
  const data = await open(dataPath, "r");
  try {
    return await Promise.all(
      numbers.map(async (number) => {
        const offsets = await readExactly(index, indexPath, number * 8, 16);
        const from = Number(offsets.readBigUInt64LE(0));
        const length = Number(offsets.readBigUInt64LE(8)) - from;
        if (length < 0) throw damaged(dataPath, "its index points outside of it");
        const line = await readExactly(data, dataPath, from, length);
        return { number, row: parseLine(line.toString("utf8"), dataPath) };
      }),
    );
  } finally {
    await index.close();
    await data.close();
  }
}

/** True where any text, number or boolean inside the value holds `needle` (lower case). */
function holds(value: JsonValue, needle: string): boolean {
  if (value === null) return false;
  if (Array.isArray(value)) return value.some((item) => holds(item, needle));
  if (typeof value === "object") return Object.values(value).some((item) => holds(item, needle));
  return String(value).toLowerCase().includes(needle);
}

/**
 * Rows whose values hold `query`, whatever the case, after row number `after` (from 0; leave out to begin at the
 * start). `next` is the number to go on after, or null where the end was reached.
 */
export async function searchRows(
  dataPath: string,
  indexPath: string,
  query: string,
  options: { after?: number; limit: number; signal?: AbortSignal },
): Promise<{ rows: StoredRow[]; next: number | null }> {
  const needle = query.toLowerCase();
  // In the stored line quotes and line breaks are escaped: the quick look must search for them escaped.
  const inLine = JSON.stringify(needle).slice(1, -1);
  const rows: StoredRow[] = [];
  const total = await countRows(indexPath);
  let number = options.after === undefined ? 0 : options.after + 1;
  if (number >= total) return { rows, next: null };
  const index = await open(indexPath, "r");
  let start: number;
  try {
    start = Number((await readExactly(index, indexPath, number * 8, 8)).readBigUInt64LE(0));
  } finally {
    await index.close();
  }
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of Bun.file(dataPath).slice(start).stream()) {
    options.signal?.throwIfAborted();
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.toLowerCase().includes(inLine)) {
        const row = parseLine(line, dataPath);
        if (holds(row, needle)) rows.push({ number, row });
        if (rows.length >= options.limit) return { rows, next: number + 1 < total ? number : null };
      }
      number++;
    }
  }
  return { rows, next: null };
}
