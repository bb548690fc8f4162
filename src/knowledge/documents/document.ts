// What a document is once it was read: blocks of text in order, whatever file it came from.
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";

/** The kinds of files that are read, by their content. */
export const documentKinds = [
  "text",
  "markdown",
  "html",
  "pdf",
  "docx",
  "pptx",
  "xlsx",
  "csv",
  "epub",
  "json",
  "code",
] as const;
export type DocumentKind = (typeof documentKinds)[number];
export type BlockKind = "heading" | "paragraph" | "list" | "table" | "code";
export type Block = {
  kind: BlockKind;
  /** Plain text; a list has one item a line, a table is rows of GitHub's Markdown. */
  text: string;
  /** Of a heading, 1 to 6. */
  level?: number;
  /** Page, slide or sheet, from 1, where the file has such. */
  page?: number;
  /** The headings that it stands under, from the outermost; a heading is the last of its own. */
  path: readonly string[];
};
export type ParsedDocument = {
  kind: DocumentKind;
  title: string;
  blocks: Block[];
  /** How many pages, slides or sheets; null where the file has no such thing. */
  pages: number | null;
  /** What the pages are called, where they have names (sheets). */
  pageNames: string[] | null;
  /** What was left out or guessed, as sentences for whoever added the file. */
  warnings: string[];
};

/** What stands between two blocks in the text of a document. */
export const BLOCK_GAP = "\n\n";

/** The document's whole text, which character ranges of chunks refer to. */
export function documentText({ blocks }: Pick<ParsedDocument, "blocks">): string {
  return blocks.map(({ text }) => text).join(BLOCK_GAP);
}

/** A file that cannot be read; `what` follows its name. Codes begin with DOCUMENT_, or ARCHIVE_ for zip containers. */
export function refusal(code: string, name: string, what: string, hint: string, status = 422): EspalierError {
  return new EspalierError(code, `${name} ${what}.`, { field: "file", value: name, hint, status });
}

/** The file is broken in a way that leaves nothing to read. */
export const malformed = (name: string, what: string): EspalierError =>
  refusal(
    "DOCUMENT_MALFORMED",
    name,
    what,
    "Open it in the program that made it, save it again and add that file.",
  );

/** There is nothing to read in it. */
export const empty = (name: string, what: string): EspalierError =>
  refusal(
    "DOCUMENT_EMPTY",
    name,
    what,
    "See that it is the file that you mean, and add one with text in it.",
  );

export const tooLarge = (name: string, what: string): EspalierError =>
  refusal("DOCUMENT_TOO_LARGE", name, what, "Split the document and add its parts.", 413);

// Control characters carry no text, and a lone half of a surrogate pair cannot be stored.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufeff]/g;

/** Text without control characters, with plain line ends. */
export function cleanText(text: string): string {
  return text
    .replace(/\r\n?|\u2028|\u2029/g, "\n")
    .replace(CONTROLS, "")
    .toWellFormed();
}

/** Gathers a document's blocks, keeps the trail of headings and holds the limits. */
export class BlockList {
  readonly blocks: Block[] = [];
  /** The document's, for what is refused. */
  readonly name: string;
  #trail: { level: number; text: string }[] = [];
  #chars = 0;
  #page: number | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** What follows stands on this page, under no heading of the pages before. */
  startPage(page: number): void {
    this.startChapter();
    this.turnPage(page);
  }

  /** What follows stands on this page; a chapter goes on. */
  turnPage(page: number): void {
    this.#page = page;
  }

  /** What follows stands under no heading of what was before. */
  startChapter(): void {
    this.#trail = [];
  }

  heading(level: number, text: string): void {
    const clean = cleanText(text).replace(/\s+/g, " ").trim();
    if (clean === "") return;
    this.#trail = this.#trail.filter((above) => above.level < level);
    this.#trail.push({ level, text: clean.slice(0, limits.documentHeadingChars) });
    this.#push({ kind: "heading", text: clean, level, path: this.#path() });
  }

  add(kind: Exclude<BlockKind, "heading">, text: string): void {
    const clean = cleanText(text);
    // Code keeps the indentation of its first line.
    const kept = kind === "code" ? clean.replace(/^(\s*\n)+|\s+$/g, "") : clean.trim();
    if (kept.trim() !== "") this.#push({ kind, text: kept, path: this.#path() });
  }

  table(rows: readonly (readonly string[])[]): void {
    const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
    const filled = rows.filter((row) => row.some((cell) => cell.trim() !== ""));
    if (width === 0 || filled.length === 0) return;
    const [header = [], ...body] = filled.map((row) =>
      Array.from({ length: width }, (_, at) => cellText(row[at])),
    );
    const lines = [header, Array<string>(width).fill("---"), ...body].map(
      (cells) => `| ${cells.join(" | ")} |`,
    );
    this.add("table", lines.join("\n"));
  }

  #path(): string[] {
    return this.#trail.map(({ text }) => text);
  }

  #push(block: Block): void {
    this.#chars += block.text.length;
    if (this.#chars > limits.documentTextChars)
      throw tooLarge(
        this.name,
        `holds more than ${limits.documentTextChars} characters of text, the limit documentTextChars`,
      );
    if (this.blocks.length >= limits.documentBlocks)
      throw tooLarge(this.name, `has more than ${limits.documentBlocks} blocks, the limit documentBlocks`);
    this.blocks.push(this.#page === undefined ? block : { ...block, page: this.#page });
  }
}

const cellText = (cell: string | undefined): string =>
  (cell ?? "").replace(/\s+/g, " ").trim().replaceAll("|", "\\|");
