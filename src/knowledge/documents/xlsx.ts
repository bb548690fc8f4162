// Reads Excel workbooks: each sheet a page, its rows as tables parted where rows are blank; formulas as the values that they had.
import { Parser } from "htmlparser2";
import { dateFromSerial, format, isDateFormat } from "numfmt";
import { limits } from "../../kit/limits.ts";
import { type BlockList, malformed, tooLarge } from "./document.ts";
import { childAt, childrenOf, localName } from "./markup.ts";
import { partOf, relationsOf } from "./package.ts";
import type { Read } from "./parse.ts";
import type { ZipEntries } from "./zip.ts";

const BOOK = "xl/workbook.xml";
/** Formats that a workbook names by number only, as the standard defines them. */
const BUILT_IN: Record<string, string> = {
  "9": "0%",
  "10": "0.00%",
  "14": "yyyy-mm-dd",
  "15": "yyyy-mm-dd",
  "16": "yyyy-mm-dd",
  "17": "yyyy-mm-dd",
  "18": "hh:mm",
  "19": "hh:mm:ss",
  "20": "hh:mm",
  "21": "hh:mm:ss",
  "22": "yyyy-mm-dd hh:mm",
  "45": "mm:ss",
  "46": "[h]:mm:ss",
  "47": "mm:ss",
};
type Cells = Map<number, Map<number, string>>;
type Merge = { top: number; left: number; bottom: number; right: number };

export function readXlsx(entries: ZipEntries, blocks: BlockList): Read {
  const path = blocks.name;
  const book = partOf(entries, BOOK, path);
  const relations = relationsOf(entries, BOOK, path);
  const styles = readStyles(entries, path);
  const strings = readStrings(entries, relations.find(({ type }) => type === "sharedStrings")?.target);
  const is1904 = /^(1|true)$/.test(childAt(book, "workbookPr")?.attributes.date1904 ?? "");
  const warnings: string[] = [];
  const pageNames: string[] = [];
  for (const { attributes } of childrenOf(childAt(book, "sheets"), "sheet")) {
    const name = attributes.name ?? "";
    const relation = relations.find(({ id }) => id === attributes["r:id"]);
    const source = relation?.type === "worksheet" ? entries.text(relation.target) : null;
    pageNames.push(name);
    blocks.startPage(pageNames.length);
    if (source === null) continue;
    if (/hidden/i.test(attributes.state ?? "")) {
      warnings.push(`The sheet “${name}” is hidden and was left out.`);
      continue;
    }
    blocks.heading(1, name);
    readSheet(source, { strings, styles, is1904, path }, blocks);
  }
  if (pageNames.length === 0) throw malformed(path, "has no sheets");
  return { pages: pageNames.length, pageNames, warnings };
}

/** The number format of each style; null for plain numbers. */
function readStyles(entries: ZipEntries, path: string): (string | null)[] {
  if (!entries.has("xl/styles.xml")) return [];
  const root = partOf(entries, "xl/styles.xml", path);
  const formats = new Map(
    childrenOf(childAt(root, "numFmts"), "numFmt").map(({ attributes }) => [
      attributes.numFmtId,
      attributes.formatCode,
    ]),
  );
  return childrenOf(childAt(root, "cellXfs"), "xf").map(({ attributes: { numFmtId = "0" } }) => {
    const pattern = formats.get(numFmtId) ?? BUILT_IN[numFmtId];
    return pattern === undefined || /^general$/i.test(pattern) ? null : pattern;
  });
}

/** Texts of the cells by number; how a text is to be spoken (`rPh`) is left out. */
function readStrings(entries: ZipEntries, part: string | undefined): string[] {
  const source = part === undefined ? null : entries.text(part);
  const strings: string[] = [];
  let text = "";
  let open = "";
  let isSpoken = false;
  const parser = new Parser(
    {
      onopentag(tag) {
        const name = localName(tag);
        if (name === "si") text = "";
        else if (name === "rPh") isSpoken = true;
        open = name;
      },
      ontext(part) {
        if (open === "t" && !isSpoken) text += part;
      },
      onclosetag(tag) {
        const name = localName(tag);
        if (name === "si") strings.push(text);
        else if (name === "rPh") isSpoken = false;
        open = "";
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(source ?? "");
  return strings;
}

type Book = { strings: string[]; styles: (string | null)[]; is1904: boolean; path: string };

/** Sheets are large: they are read as a stream of tags, never as a tree. */
function readSheet(source: string, book: Book, blocks: BlockList): void {
  const cells: Cells = new Map();
  const merges: Merge[] = [];
  let [row, column, chars] = [0, 0, 0];
  let cell: { type: string; style: number; text: string } | null = null;
  let open = "";
  const keep = (): void => {
    const text = cell === null ? "" : shownOf(cell, book).trim();
    cell = null;
    if (text === "") return;
    chars += text.length;
    if (chars > limits.documentTextChars)
      throw tooLarge(
        book.path,
        `holds more than ${limits.documentTextChars} characters of text, the limit documentTextChars`,
      );
    const line = cells.get(row) ?? new Map<number, string>();
    cells.set(row, line.set(column, text));
  };
  const parser = new Parser(
    {
      onopentag(tag, attributes) {
        open = localName(tag);
        if (open === "row") {
          row = Number(attributes.r ?? row + 1);
          column = 0;
        } else if (open === "c") {
          const at = attributes.r === undefined ? null : placeOf(attributes.r);
          column = at?.column ?? column + 1;
          row = at?.row ?? row;
          cell = { type: attributes.t ?? "n", style: Number(attributes.s ?? 0), text: "" };
        } else if (open === "mergeCell") {
          const [first, last] = (attributes.ref ?? "").split(":").map(placeOf);
          if (first && last)
            merges.push({ top: first.row, left: first.column, bottom: last.row, right: last.column });
        }
      },
      ontext(text) {
        if (cell && (open === "v" || open === "t")) cell.text += text;
      },
      onclosetag(tag) {
        if (localName(tag) === "c") keep();
        open = "";
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(source);
  spread(cells, merges);
  for (const region of regionsOf(cells)) addRegion(region, blocks);
}

function shownOf({ type, style, text }: { type: string; style: number; text: string }, book: Book): string {
  if (type === "s") return book.strings[Number(text)] ?? "";
  if (type === "b") return text === "1" ? "TRUE" : "FALSE";
  if (type !== "n" || text === "") return text;
  const value = Number(text);
  const pattern = book.styles[style];
  // Floating point noise that no sheet shows.
  if (!Number.isFinite(value) || !pattern)
    return Number.isFinite(value) ? String(Number(value.toPrecision(15))) : text;
  try {
    return isDateFormat(pattern) ? dateText(value, pattern, book.is1904) : format(pattern, value).trim();
  } catch {
    return text;
  }
}

/** Dates as 2026-11-23, in whatever order and language the sheet shows them. */
function dateText(serial: number, pattern: string, is1904: boolean): string {
  const two = (part: number): string => String(part).padStart(2, "0");
  const parts = dateFromSerial(is1904 ? serial + 1462 : serial);
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = parts ?? [];
  const hasDay = /[yd]/i.test(pattern.replace(/"[^"]*"|\[[^\]]*\]/g, ""));
  const hasTime = /[hs]/i.test(pattern.replace(/"[^"]*"/g, ""));
  const date = `${year}-${two(month)}-${two(day)}`;
  if (!hasTime) return date;
  if (/\[h+\]/i.test(pattern)) return format(pattern, serial);
  const time = `${two(hours)}:${two(minutes)}${seconds > 0 ? `:${two(seconds)}` : ""}`;
  return hasDay ? `${date} ${time}` : time;
}

/** Row and column of a reference such as AB12. */
function placeOf(reference: string): { row: number; column: number } | null {
  const [, letters, digits] = /^\$?([A-Z]{1,3})\$?(\d{1,7})$/.exec(reference) ?? [];
  if (letters === undefined) return null;
  const column = [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0);
  return { row: Number(digits), column };
}

/** A merged cell stands in each place of the rows and columns that have anything else. */
function spread(cells: Cells, merges: readonly Merge[]): void {
  const used = new Set([...cells.values()].flatMap((line) => [...line.keys()]));
  const columns = [...used].sort((a, b) => a - b);
  const rows = [...cells.keys()].sort((a, b) => a - b);
  for (const { top, left, bottom, right } of merges.slice(0, limits.documentBlocks)) {
    const text = cells.get(top)?.get(left);
    if (text === undefined) continue;
    for (const row of within(rows, top, bottom))
      for (const column of within(columns, left, right)) {
        const line = cells.get(row);
        if (line && !line.has(column)) line.set(column, text);
      }
  }
}

/** Values of a sorted list from `low` to `high`, not more than a merged cell may sensibly cover. */
const MOST_SPREAD = 1_000;
function* within(sorted: readonly number[], low: number, high: number): Generator<number> {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle] ?? 0) < low) from = middle + 1;
    else to = middle;
  }
  for (let at = from, left = MOST_SPREAD; left-- > 0; at++) {
    const value = sorted[at];
    if (value === undefined || value > high) return;
    yield value;
  }
}

/** Rows without a gap between them, each region with the columns that it uses. */
function* regionsOf(cells: Cells): Generator<string[][]> {
  let region: Map<number, string>[] = [];
  let last = 0;
  for (const row of [...cells.keys()].sort((a, b) => a - b)) {
    if (region.length > 0 && row > last + 1) {
      yield squeeze(region);
      region = [];
    }
    region.push(cells.get(row) ?? new Map());
    last = row;
  }
  if (region.length > 0) yield squeeze(region);
}

function squeeze(lines: readonly Map<number, string>[]): string[][] {
  const columns = [...new Set(lines.flatMap((line) => [...line.keys()]))].sort((a, b) => a - b);
  return lines.map((line) => columns.map((column) => line.get(column) ?? ""));
}

/** A line with one value above or alone is a caption, not a row. */
function addRegion(rows: string[][], blocks: BlockList): void {
  const single = (row: readonly string[]): string | null => {
    const values = new Set(row.filter((value) => value !== ""));
    const [only] = values;
    return values.size === 1 && only !== undefined && (row.length > 1 || rows.length === 1) ? only : null;
  };
  let at = 0;
  for (let caption = single(rows[0] ?? []); caption !== null; caption = single(rows[++at] ?? []))
    blocks.add("paragraph", caption);
  blocks.table(rows.slice(at));
}
