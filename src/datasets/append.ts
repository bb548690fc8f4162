// Joins a dataset version and rows that are added to it, without those whose content it holds already.
import { open, readFile } from "node:fs/promises";
import { EspalierError } from "../kit/errors.ts";
import { sha256 } from "../kit/hash.ts";
import { PROVENANCE } from "./provenance.ts";
import { isRow, type Row } from "./rows-types.ts";
import { isTrainable, type Mapping, shapeOfRow, toTrainingRow } from "./shape.ts";

export type AppendPlan = {
  /** Canonical JSONL of the version that is added to; null where there is none yet. */
  basePath: string | null;
  /** The joined JSONL is written here; the caller removes it. */
  joinedPath: string;
  mapping: Mapping | undefined;
};
/** `alreadyThere`: rows of the same content as one of the version, or as an earlier one of the same file. */
export type Appended = { added: number; alreadyThere: number };

/** Bytes gathered before they are written. */
const CHUNK = 1024 * 1024;

/**
 * Writes the version's rows as they are, then those of `addedPath` (JSONL) that it does not hold. Two rows are the same
 * where a training would read the same, whatever their other columns say, e.g. where they came from.
 * @throws EspalierError WRONG_FORMAT where a line is no JSON object
 */
export async function joinRows(
  addedPath: string,
  { basePath, joinedPath, mapping }: AppendPlan,
): Promise<Appended> {
  const fresh = new Map<string, string>();
  let given = 0;
  for (const line of (await readFile(addedPath, "utf8")).split("\n")) {
    if (line === "") continue;
    given++;
    const print = printOf(line, mapping);
    if (!fresh.has(print)) fresh.set(print, line);
  }
  const file = await open(joinedPath, "wx");
  try {
    let waiting = "";
    const write = async (line: string): Promise<void> => {
      waiting += `${line}\n`;
      if (waiting.length < CHUNK) return;
      await file.writeFile(waiting);
      waiting = "";
    };
    if (basePath !== null)
      for await (const line of linesOf(basePath)) {
        fresh.delete(printOf(line, mapping));
        await write(line);
      }
    for (const line of fresh.values()) await write(line);
    await file.writeFile(waiting);
  } finally {
    await file.close();
  }
  return { added: fresh.size, alreadyThere: given - fresh.size };
}

/** The lines of canonical JSONL: each ends with a line feed, and holds no other (but maybe U+2028, which ends none). */
async function* linesOf(path: string): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of Bun.file(path).stream()) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** The same for rows of the same content. */
function printOf(line: string, mapping: Mapping | undefined): string {
  const row: unknown = JSON.parse(line);
  if (!isRow(row))
    throw new EspalierError("WRONG_FORMAT", "A row to be added is no JSON object.", { field: "file" });
  return sha256(JSON.stringify(contentOf(row, mapping)));
}

function contentOf(row: Row, mapping: Mapping | undefined): unknown {
  const shape = shapeOfRow(row);
  if (shape === "preference") return [row.prompt, row.chosen, row.rejected];
  if (isTrainable(shape, mapping)) return toTrainingRow(row, shape, mapping);
  const { [PROVENANCE]: _, ...content } = row;
  return content;
}
