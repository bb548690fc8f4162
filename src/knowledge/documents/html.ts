// Reads HTML, and what is turned into it (Word, EPUB), as blocks: only what a reader would see.
import { type BlockList, tooLarge } from "./document.ts";
import { childrenOf, type Element, isElement, type Node, parseMarkup, textOf } from "./markup.ts";

/** Never shown, or shown and no text. */
const DROPPED = new Set(
  "head title script style noscript template iframe object embed svg math canvas audio video map select button nav datalist".split(
    " ",
  ),
);
const INLINE = new Set(
  "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark output q rp rt ruby s samp small span strike strong sub sup time tt u var wbr".split(
    " ",
  ),
);
const LISTS = new Set(["ul", "ol", "menu", "dir"]);
/** A merged cell is repeated so far; a larger span is a mistake or an attack. */
const MOST_SPAN = 1000;
/** Most cells of a table that has merged ones. */
const MOST_CELLS = 2_000_000;

/** What the page calls itself in its head. */
export function readHtml(html: string, path: string, blocks: BlockList): string | null {
  const root = parseMarkup(html, path, { xml: false });
  readNodes(root.children, blocks);
  const title = find(root, "title");
  return (title && collapse(textOf(title)).trim()) || null;
}

/** Blocks of nodes that were parsed elsewhere. */
export function readNodes(nodes: readonly Node[], blocks: BlockList): void {
  let inline = "";
  const flush = (): void => {
    blocks.add("paragraph", tidyLines(inline));
    inline = "";
  };
  const visit = (node: Node): void => {
    if (!isElement(node)) {
      inline += collapse(node);
      return;
    }
    if (isHidden(node)) return;
    const { name } = node;
    const replaced = replacement(node);
    if (replaced !== null) inline += replaced;
    else if (INLINE.has(name)) node.children.forEach(visit);
    else {
      flush();
      block(node);
      flush();
    }
  };
  const block = (node: Element): void => {
    const level = /^h([1-6])$/.exec(node.name)?.[1];
    if (level !== undefined) blocks.heading(Number(level), inlineText(node));
    else if (node.name === "pre") blocks.add("code", preText(node));
    else if (LISTS.has(node.name)) blocks.add("list", listLines(node, 0).join("\n"));
    else if (node.name === "table" && !isLayout(node)) table(node);
    else node.children.forEach(visit);
  };
  const table = (node: Element): void => {
    const caption = childrenOf(node, "caption")[0];
    if (caption) blocks.add("paragraph", inlineText(caption));
    blocks.table(tableRows(node, blocks.name));
  };
  nodes.forEach(visit);
  flush();
}

/** Text that stands for an element without text of its own; null for any other. */
function replacement({ name, attributes }: Element): string | null {
  if (name === "br") return "\n";
  if (name === "hr") return null;
  if (name === "img") return collapse(attributes.alt ?? "");
  if (name !== "input") return null;
  return attributes.type === "checkbox" ? ("checked" in attributes ? "[x] " : "[ ] ") : "";
}

const isHidden = ({ name, attributes }: Element): boolean =>
  DROPPED.has(name) ||
  "hidden" in attributes ||
  attributes["aria-hidden"] === "true" ||
  /display\s*:\s*none|visibility\s*:\s*hidden/i.test(attributes.style ?? "");

const collapse = (text: string): string => text.replace(/[ \t\n\r\f]+/g, " ");
const tidyLines = (text: string): string =>
  text
    .replace(/ *\n */g, "\n")
    .replace(/ {2,}/g, " ")
    .trim();

/** All visible text of an element, in lines where it breaks them. */
function inlineText(element: Element): string {
  const part = (node: Node): string => {
    if (!isElement(node)) return collapse(node);
    if (isHidden(node)) return "";
    const text = replacement(node) ?? node.children.map(part).join("");
    return INLINE.has(node.name) ||
      text === "" ||
      node.name === "br" ||
      node.name === "img" ||
      node.name === "input"
      ? text
      : `\n${text}\n`;
  };
  return tidyLines(element.children.map(part).join("")).replace(/\n{2,}/g, "\n");
}

const preText = (node: Node): string =>
  isElement(node) ? (node.name === "br" ? "\n" : node.children.map(preText).join("")) : node;

function listLines(list: Element, depth: number): string[] {
  let number = Number.parseInt(list.attributes.start ?? "1", 10) || 1;
  const indent = "  ".repeat(depth);
  return childrenOf(list).flatMap((item) => {
    if (isHidden(item)) return [];
    // Sloppy pages put a list straight into a list.
    if (LISTS.has(item.name)) return listLines(item, depth + 1);
    const own: Element = { ...item, children: item.children.filter((node) => !isList(node)) };
    const mark = list.name === "ol" ? `${number++}.` : "-";
    const [first = "", ...rest] = inlineText(own).split("\n");
    const nested = item.children.filter(isList).flatMap((inner) => listLines(inner, depth + 1));
    return [`${indent}${mark} ${first}`, ...rest.map((line) => `${indent}  ${line}`), ...nested];
  });
}
const isList = (node: Node): node is Element => isElement(node) && LISTS.has(node.name);

/** The table's own rows, not those of tables in its cells. */
function ownRows(node: Element): Element[] {
  return childrenOf(node).flatMap((child) =>
    child.name === "tr" ? [child] : ["thead", "tbody", "tfoot"].includes(child.name) ? ownRows(child) : [],
  );
}
const cellsOf = (row: Element): Element[] =>
  childrenOf(row).filter(({ name }) => name === "td" || name === "th");

/** Tables that only place things: one cell, or tables and headings in their cells. */
function isLayout(node: Element): boolean {
  const cells = ownRows(node).flatMap(cellsOf);
  return cells.length <= 1 || cells.some((cell) => ["table", "h1", "h2"].some((name) => find(cell, name)));
}

function find(element: Element, name: string): Element | undefined {
  for (const child of childrenOf(element)) {
    const found = child.name === name ? child : find(child, name);
    if (found) return found;
  }
  return undefined;
}

/** A merged cell stands in each place that it covers, so that every row is whole in itself. */
function tableRows(node: Element, path: string): string[][] {
  const rows: string[][] = [];
  let cells = 0;
  const hanging: { text: string; rows: number }[] = [];
  for (const row of ownRows(node)) {
    const out: string[] = [];
    const fillHanging = (): void => {
      for (let above = hanging[out.length]; above && above.rows > 0; above = hanging[out.length]) {
        above.rows--;
        out.push(above.text);
      }
    };
    for (const cell of cellsOf(row)) {
      fillHanging();
      const text = inlineText(cell);
      const [columns, below] = [spanOf(cell, "colspan"), spanOf(cell, "rowspan") - 1];
      cells += columns;
      if (cells > MOST_CELLS) throw tooLarge(path, `has a table of more than ${MOST_CELLS} cells`);
      for (let at = 0; at < columns; at++) {
        hanging[out.length] = { text, rows: below };
        out.push(text);
      }
    }
    fillHanging();
    rows.push(out);
  }
  return rows;
}

function spanOf(cell: Element, attribute: "colspan" | "rowspan"): number {
  return Math.min(MOST_SPAN, Math.max(1, Number.parseInt(cell.attributes[attribute] ?? "1", 10) || 1));
}
