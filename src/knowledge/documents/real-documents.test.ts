import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isEspalierError } from "../../kit/errors.ts";
import { documentText } from "./document.ts";
import { parseDocument } from "./parse.ts";

/** Real files beside the project, with the text that their own project expects of most: words and cells are compared. */
const folder = join(import.meta.dir, "../../../../shared/data/docs");
const files = existsSync(folder)
  ? readdirSync(folder, { withFileTypes: true })
      .flatMap((entry) => (entry.isFile() ? [entry.name] : []))
      .sort()
  : [];
const expected = (name: string): string | null => {
  const path = join(folder, "expected", `${name}.md`);
  return existsSync(path) ? readFileSync(path, "utf8") : null;
};

/** Files that must be refused, and how. */
const REFUSED: Record<string, string> = {
  "nemotron_multipage.pdf": "DOCUMENT_SCANNED",
  "ocr_test.pdf": "DOCUMENT_SCANNED",
  "ocr_test_rotated_180.pdf": "DOCUMENT_SCANNED",
  "ocr_test_rotated_270.pdf": "DOCUMENT_SCANNED",
  "ocr_test_rotated_90.pdf": "DOCUMENT_SCANNED",
  "sample_with_rotation_mismatch.pdf": "DOCUMENT_SCANNED",
};
/**
 * Least shares, by kind: of the expected words and cells, how many are found, and of those found, how many were expected.
 * What is missing of xlsx is the data of charts, which the expected text says twice; what pptx lacks is the times of comments, what it has more is speaker notes.
 */
const LEAST: Record<string, { words: Found; cells: Found }> = {
  csv: { words: { found: 1, right: 1 }, cells: { found: 1, right: 1 } },
  docx: { words: { found: 0.92, right: 0.89 }, cells: { found: 1, right: 1 } },
  epub: { words: { found: 0.99, right: 0.99 }, cells: { found: 1, right: 1 } },
  html: { words: { found: 1, right: 0.91 }, cells: { found: 1, right: 0.9 } },
  pptx: { words: { found: 0.77, right: 0.85 }, cells: { found: 1, right: 1 } },
  xlsx: { words: { found: 0.53, right: 0.88 }, cells: { found: 0.58, right: 0.82 } },
};
/** What a PDF without expected text must say. */
const SAYS: Record<string, string[]> = {
  "odf_presentation_01.odp.pdf": [
    "Test Table Slide",
    "| R1 | True | False |",
    "• Bar",
    "A rectangle shape with this text inside.",
  ],
  "odf_table_with_title_01.ods.pdf": ["Number of freshwater ducks per year", "| 2024 | 180 |"],
};

type Found = { found: number; right: number };
function compare(wanted: readonly string[], got: readonly string[]): Found {
  const left = new Map<string, number>();
  for (const word of got) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of wanted) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    left.set(word, count - 1);
    common++;
  }
  return {
    found: wanted.length === 0 ? 1 : common / wanted.length,
    right: got.length === 0 ? 1 : common / got.length,
  };
}
/** Words without the marks of Markdown, pictures and the addresses of links. */
const wordsOf = (text: string): string[] =>
  text
    .replace(/<!--.*?-->/g, " ")
    .replace(/\]\([^)\s]*\)/g, "] ")
    .replace(/&#124;/g, "|")
    .replace(/&amp;/g, "&")
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? [];
const cellsOf = (text: string): string[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^\|[\s|:-]+\|$/.test(line))
    .flatMap((line) => line.slice(1, -1).split(/(?<!\\)\|/))
    .map((cell) => wordsOf(cell).join(" "))
    .filter((cell) => cell !== "");

test.skipIf(files.length === 0)(
  "real files give their text or a named refusal (../shared/data/docs)",
  async () => {
    const rows: string[][] = [
      ["file", "kind", "pages", "blocks", "words found", "words right", "cells found", "cells right", "ms"],
    ];
    const worse: string[] = [];
    for (const name of files) {
      const started = performance.now();
      const bytes = readFileSync(join(folder, name));
      const outcome = await parseDocument(bytes, name).then(
        (document) => ({ document }),
        (error: unknown) => {
          if (isEspalierError(error)) return { code: error.code };
          throw error;
        },
      );
      const ms = (performance.now() - started).toFixed(0);
      expect([name, "code" in outcome ? outcome.code : "read"]).toEqual([name, REFUSED[name] ?? "read"]);
      if ("code" in outcome) {
        rows.push([name, outcome.code, ...Array<string>(6).fill(""), ms]);
        continue;
      }
      const { document } = outcome;
      const text = documentText(document);
      for (const words of SAYS[name] ?? []) expect(text).toContain(words);
      const wanted = expected(name);
      const shares =
        wanted === null
          ? []
          : [compare(wordsOf(wanted), wordsOf(text)), compare(cellsOf(wanted), cellsOf(text))];
      const least = LEAST[document.kind];
      for (const [what, at] of [
        ["words", 0],
        ["cells", 1],
      ] as const) {
        const share = shares[at];
        if (!share || !least) continue;
        if (share.found < least[what].found || share.right < least[what].right)
          worse.push(`${name}: ${what}`);
      }
      rows.push([
        name,
        document.kind,
        String(document.pages ?? ""),
        String(document.blocks.length),
        ...shares.flatMap(({ found, right }) => [found.toFixed(3), right.toFixed(3)]),
        ...(wanted === null ? ["", "", "", ""] : []),
        ms,
      ]);
    }
    console.log(
      rows.map((row) => row.map((cell, at) => cell.padEnd(at === 0 ? 40 : 12)).join("")).join("\n"),
    );
    expect(worse).toEqual([]);
  },
);
