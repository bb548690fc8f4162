// Reads PowerPoint decks: slides in their order as pages, with tables, lists, comments and speaker notes.
import type { BlockList } from "./document.ts";
import { childAt, childrenOf, descendants, type Element, isElement, type Node, textOf } from "./markup.ts";
import { partOf, relationsOf, xmlOf } from "./package.ts";
import type { Read } from "./parse.ts";
import type { ZipEntries } from "./zip.ts";

const DECK = "ppt/presentation.xml";

export function readPptx(entries: ZipEntries, blocks: BlockList): Read {
  const path = blocks.name;
  const parts = new Map(relationsOf(entries, DECK, path).map(({ id, target }) => [id, target]));
  const slides = childrenOf(childAt(partOf(entries, DECK, path), "sldIdLst"), "sldId").flatMap(
    ({ attributes }) => parts.get(attributes["r:id"] ?? "") ?? [],
  );
  const authors = authorsOf(entries, path);
  const warnings: string[] = [];
  slides.forEach((slide, at) => {
    blocks.startPage(at + 1);
    if (!entries.has(slide)) {
      warnings.push(`Slide ${at + 1} is missing from the file.`);
      return;
    }
    readShapes(childAt(partOf(entries, slide, path), "cSld", "spTree"), blocks);
    for (const { type, target } of relationsOf(entries, slide, path)) {
      const source = entries.text(target);
      if (source === null) continue;
      if (type === "notesSlide") readNotes(xmlOf(source, path), blocks);
      else if (type === "comments") readComments(xmlOf(source, path), authors, blocks);
    }
  });
  const core = entries.text("docProps/core.xml");
  const title = core === null ? undefined : childAt(xmlOf(core, path), "title");
  // PowerPoint's own name for a deck that nobody named.
  const named = title && textOf(title).trim();
  return { title: named && !/^PowerPoint /.test(named) ? named : null, pages: slides.length, warnings };
}

function readShapes(tree: Element | undefined, blocks: BlockList): void {
  for (const shape of childrenOf(tree)) {
    if (shape.name === "sp") readShape(shape, blocks);
    else if (shape.name === "grpSp") readShapes(shape, blocks);
    else if (shape.name === "AlternateContent") readShapes(childAt(shape, "Choice"), blocks);
    else if (shape.name === "graphicFrame")
      for (const table of descendants(shape, "tbl")) blocks.table(tableRows(table));
  }
}

/** What a shape is there for; undefined for a free text box. */
const placeholderOf = (shape: Element): string | undefined => {
  const placeholder = childAt(shape, "nvSpPr", "nvPr", "ph");
  return placeholder && (placeholder.attributes.type ?? "body");
};

/** Numbers, dates and footers that stand on every slide. */
const FURNITURE = ["sldNum", "dt", "ftr", "hdr", "sldImg"];

function readShape(shape: Element, blocks: BlockList): void {
  const role = placeholderOf(shape);
  if (role !== undefined && FURNITURE.includes(role)) return;
  const paragraphs = childrenOf(childAt(shape, "txBody"), "p");
  if (role === "title" || role === "ctrTitle") {
    blocks.heading(1, paragraphs.map(paragraphText).join(" "));
    return;
  }
  let items: string[] = [];
  const flush = (): void => {
    blocks.add("list", items.join("\n"));
    items = [];
  };
  let number = 0;
  for (const paragraph of paragraphs) {
    const text = paragraphText(paragraph).trim();
    const settings = childAt(paragraph, "pPr");
    const isNumbered = childAt(settings, "buAutoNum") !== undefined;
    // The bodies of layouts have bullets unless a paragraph says otherwise.
    const isItem =
      isNumbered ||
      childAt(settings, "buChar") !== undefined ||
      (role === "body" && paragraphs.length > 1 && childAt(settings, "buNone") === undefined);
    number = isNumbered ? number + 1 : 0;
    if (text === "") continue;
    if (isItem)
      items.push(
        `${"  ".repeat(Number(settings?.attributes.lvl ?? 0) || 0)}${isNumbered ? `${number}.` : "-"} ${text}`,
      );
    else {
      flush();
      blocks.add("paragraph", text);
    }
  }
  flush();
}

function paragraphText(paragraph: Element): string {
  const part = (node: Node): string => {
    if (!isElement(node)) return "";
    if (node.name === "br") return "\n";
    return node.name === "t" ? textOf(node) : node.children.map(part).join("");
  };
  return paragraph.children.map(part).join("");
}

/** A merged cell stands in each place that it covers. */
function tableRows(table: Element): string[][] {
  const rows: string[][] = [];
  for (const row of childrenOf(table, "tr")) {
    const cells: string[] = [];
    for (const cell of childrenOf(row, "tc")) {
      const text = childrenOf(childAt(cell, "txBody"), "p").map(paragraphText).join("\n");
      const above = rows.at(-1)?.[cells.length];
      if (isOn(cell.attributes.hMerge)) cells.push(cells.at(-1) ?? text);
      else cells.push(isOn(cell.attributes.vMerge) ? (above ?? text) : text);
    }
    rows.push(cells);
  }
  return rows;
}
const isOn = (flag: string | undefined): boolean => flag === "1" || flag === "true";

function readNotes(notes: Element, blocks: BlockList): void {
  for (const shape of childrenOf(childAt(notes, "cSld", "spTree"), "sp"))
    if (placeholderOf(shape) === "body") {
      const text = childrenOf(childAt(shape, "txBody"), "p").map(paragraphText).join("\n").trim();
      if (text !== "") blocks.add("paragraph", `Notes: ${text}`);
    }
}

/** Names of those who comment, by the id that comments give, in the old and the new way of keeping them. */
function authorsOf(entries: ZipEntries, path: string): Map<string | undefined, string> {
  const people = ["ppt/commentAuthors.xml", "ppt/authors.xml"].flatMap((part) => {
    const source = entries.text(part);
    return source === null ? [] : childrenOf(xmlOf(source, path));
  });
  return new Map(people.map(({ attributes }) => [attributes.id, attributes.name ?? ""]));
}

function readComments(
  comments: Element,
  authors: ReadonlyMap<string | undefined, string>,
  blocks: BlockList,
): void {
  const replies = (comment: Element): Element[] => [comment, ...descendants(comment, "reply")];
  for (const comment of descendants(comments, "cm").flatMap(replies)) {
    const author = authors.get(comment.attributes.authorId);
    // The new way writes a comment as a body of paragraphs.
    const text = childAt(comment, "text") ?? childAt(comment, "txBody");
    if (text) blocks.add("paragraph", `Comment${author ? ` by ${author}` : ""}: ${textOf(text)}`);
  }
}
