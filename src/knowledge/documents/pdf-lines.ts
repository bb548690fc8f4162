// From the places of letters on a page to lines, and from lines to paragraphs, headings and tables.
import type { BlockList } from "./document.ts";

/** What pdf.js says of a run of letters: its matrix is `[a, b, c, d, x, y]`. */
export type TextItem = { str: string; transform: number[]; width: number; height: number; hasEOL: boolean };
/** One line in reading order; cells are parts of it with wide gaps between them. */
export type Line = {
  cells: { text: string; from: number; to: number }[];
  /** Height of its letters. */
  size: number;
  /** Place across the lines; grows downwards. */
  at: number;
  /** Direction of writing, in quarter turns. */
  turn: number;
};

/** A gap this wide, in heights of letters, parts two cells; a smaller one two words. */
const CELL_GAP = 1.6;
const WORD_GAP = 0.15;

/** Lines in the order in which the document writes them, which is the reading order nearly always. */
export function linesOf(items: readonly TextItem[]): Line[] {
  const lines: Line[] = [];
  let line: Line | undefined;
  for (const { str, transform, width, height } of items) {
    if (str.trim() === "") continue;
    const [a = 1, b = 0, , , x = 0, y = 0] = transform;
    const angle = Math.atan2(b, a);
    const turn = Math.round(angle / (Math.PI / 2));
    const along = x * Math.cos(angle) + y * Math.sin(angle);
    const at = x * Math.sin(angle) - y * Math.cos(angle);
    const size = height || Math.hypot(a, b) || 1;
    const last = line?.cells.at(-1);
    const gap = last ? along - last.to : 0;
    if (line && last && line.turn === turn && Math.abs(at - line.at) < line.size / 2 && gap > -line.size) {
      // A bullet in the middle of a line begins a cell; at its start it is kept and marks an item.
      if (isBullet(str)) line.cells.push({ text: "", from: along, to: along + width });
      else if (gap > CELL_GAP * line.size && last.text !== "")
        line.cells.push({ text: str, from: along, to: along + width });
      else {
        const isApart =
          last.text !== "" && gap > WORD_GAP * line.size && !last.text.endsWith(" ") && !str.startsWith(" ");
        last.text += isApart ? ` ${str}` : str;
        last.to = along + width;
      }
      line.size = Math.max(line.size, size);
    } else {
      line = { cells: [{ text: str, from: along, to: along + width }], size, at, turn };
      lines.push(line);
    }
  }
  return lines.filter((made) => !made.cells.every(({ text }) => text === "" || isBullet(text)));
}

const isBullet = (text: string): boolean => /^[•▪●◦‣]$/.test(text.trim());

/** Lines at the top and the bottom that stand on most pages, but for their numbers, say nothing about any. */
export function withoutFurniture(pages: readonly Line[][]): readonly Line[][] {
  const body = bodySize(pages.flat());
  const shape = (line: Line): string => textOf(line).replace(/\d+/g, "#").trim();
  // “Chapter 3” in large letters is what the page is about.
  const isTitle = (line: Line): boolean => isHeading(line, body) && /\d/.test(textOf(line));
  let left = pages;
  for (let peel = 0; peel < MOST_FURNITURE; peel++)
    for (const end of [0, -1]) {
      const seen = new Map<string, number>();
      for (const lines of left) {
        const line = lines.at(end);
        if (line && !isTitle(line)) seen.set(shape(line), (seen.get(shape(line)) ?? 0) + 1);
      }
      left = left.map((lines) => {
        const line = lines.at(end);
        const count = line && lines.length > 2 ? (seen.get(shape(line)) ?? 0) : 0;
        if (count < Math.max(3, pages.length * 0.6)) return lines;
        return end === 0 ? lines.slice(1) : lines.slice(0, -1);
      });
    }
  return left;
}

/** Most lines that are looked for at either end of a page. */
const MOST_FURNITURE = 2;
const textOf = ({ cells }: Line): string => cells.map(({ text }) => text).join(" ");

/** Headings are short lines in letters this much larger than most. */
const HEADING_SIZE = 1.15;
const HEADING_CHARS = 150;

/** Adds all pages; sizes of headings are compared over the whole document. */
export function addLines(pages: readonly Line[][], blocks: BlockList): void {
  const body = bodySize(pages.flat());
  const sizes = [
    ...new Set(pages.flat().flatMap((line) => (isHeading(line, body) ? [Math.round(line.size)] : []))),
  ].sort((one, other) => other - one);
  const levelOf = (line: Line): number => Math.min(6, 1 + Math.max(0, sizes.indexOf(Math.round(line.size))));
  pages.forEach((lines, at) => {
    blocks.turnPage(at + 1);
    let paragraph: Line[] = [];
    const flush = (): void => {
      blocks.add("paragraph", joined(paragraph));
      paragraph = [];
    };
    for (let index = 0; index < lines.length; ) {
      const line = lines[index];
      if (!line) break;
      const table = tableAt(lines, index);
      if (table > 1) {
        flush();
        blocks.table(aligned(lines.slice(index, index + table)));
        index += table;
        continue;
      }
      const previous = paragraph.at(-1);
      const isTitle = isHeading(line, body);
      if (previous && (isTitle !== isHeading(previous, body) || startsParagraph(previous, line))) {
        if (isHeading(previous, body)) {
          blocks.heading(levelOf(previous), joined(paragraph));
          paragraph = [];
        } else flush();
      }
      paragraph.push(line);
      index++;
    }
    const [first] = paragraph;
    if (first && isHeading(first, body)) blocks.heading(levelOf(first), joined(paragraph));
    else flush();
  });
}

/** The size in which most letters are written. */
function bodySize(lines: readonly Line[]): number {
  const chars = new Map<number, number>();
  for (const line of lines) {
    const size = Math.round(line.size * 2) / 2;
    chars.set(size, (chars.get(size) ?? 0) + textOf(line).length);
  }
  return [...chars].sort((one, other) => other[1] - one[1])[0]?.[0] ?? 1;
}

const isHeading = (line: Line, body: number): boolean =>
  line.size >= body * HEADING_SIZE && textOf(line).length <= HEADING_CHARS && /\p{L}/u.test(textOf(line));

/** A line further below than lines of a paragraph are, turned, of another size, or that begins an item. */
function startsParagraph(previous: Line, line: Line): boolean {
  const step = line.at - previous.at;
  return (
    line.turn !== previous.turn ||
    step > previous.size * 1.9 ||
    step < 0 ||
    Math.abs(line.size - previous.size) > previous.size * 0.2 ||
    /^\s*([•▪●◦‣–*-]|\d{1,3}[.)])\s/.test(textOf(line))
  );
}

/** Words that a line's end cut in two become one again. */
function joined(lines: readonly Line[]): string {
  return lines.reduce((text, line) => {
    const next = textOf(line).trim();
    if (text === "") return next;
    return /\p{Ll}[-\u00ad\u2010]$/u.test(text) && /^\p{Ll}/u.test(next)
      ? text.slice(0, -1) + next
      : `${text} ${next}`;
  }, "");
}

/** How many lines from here on are rows of a table: at least two cells each, under each other. */
function tableAt(lines: readonly Line[], from: number): number {
  const first = lines[from];
  if (!first || first.cells.length < 2) return 0;
  let count = 1;
  for (
    let line = lines[from + count];
    line && isRowBelow(line, lines[from + count - 1], first);
    line = lines[from + count]
  )
    count++;
  return count;
}

function isRowBelow(line: Line, above: Line | undefined, first: Line): boolean {
  if (line.cells.length < 2 || !above || line.turn !== first.turn) return false;
  const step = line.at - above.at;
  if (step <= 0 || step > first.size * 4) return false;
  const under = line.cells.filter((cell) =>
    first.cells.some((head) => cell.from < head.to && head.from < cell.to),
  );
  return under.length * 2 >= line.cells.length;
}

/** Cells under the columns of the widest row. */
function aligned(rows: readonly Line[]): string[][] {
  const widest = rows.reduce((most, row) => (row.cells.length > most.cells.length ? row : most)).cells;
  return rows.map(({ cells }) => {
    const out = widest.map(() => "");
    for (const { text, from, to } of cells) {
      const distance = (column: { from: number; to: number }): number =>
        Math.abs((column.from + column.to) / 2 - (from + to) / 2);
      const nearest = widest.reduce(
        (best, column, at) => (distance(column) < distance(widest[best] ?? column) ? at : best),
        0,
      );
      out[nearest] = `${out[nearest] ?? ""} ${text}`.trim();
    }
    return out;
  });
}
