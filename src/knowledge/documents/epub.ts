// Reads EPUB books: their chapters in reading order, each a page of XHTML.
import { posix } from "node:path";
import { type BlockList, malformed, refusal } from "./document.ts";
import { readHtml } from "./html.ts";
import { childAt, childrenOf, descendants, textOf } from "./markup.ts";
import { partOf, xmlOf } from "./package.ts";
import type { Read } from "./parse.ts";
import type { ZipEntries } from "./zip.ts";

/** Fonts are often garbled so, and nothing else. */
const FONT_GARBLING = /idpf\.org\/2008\/embedding|ns\.adobe\.com\/pdf\/enc/;

export function readEpub(entries: ZipEntries, blocks: BlockList): Read {
  const path = blocks.name;
  refuseLocked(entries, path);
  const [root] = descendants(partOf(entries, "META-INF/container.xml", path), "rootfile");
  const book = root?.attributes["full-path"];
  if (book === undefined) throw malformed(path, "names no book in its container");
  const opf = partOf(entries, book, path);
  const hrefs = new Map(
    childrenOf(childAt(opf, "manifest"), "item").map(({ attributes }) => [attributes.id, attributes.href]),
  );
  const warnings: string[] = [];
  for (const { attributes } of childrenOf(childAt(opf, "spine"), "itemref")) {
    const href = hrefs.get(attributes.idref);
    if (href === undefined) continue;
    const part = posix.join(posix.dirname(book), decodeHref(href));
    const chapter = entries.text(part);
    blocks.startChapter();
    if (chapter === null) warnings.push(`The chapter ${part} is missing from the file.`);
    else readHtml(chapter, path, blocks);
  }
  const title = childAt(opf, "metadata", "title");
  return { title: title ? textOf(title).trim() : null, warnings };
}

function refuseLocked(entries: ZipEntries, path: string): void {
  const source = entries.text("META-INF/encryption.xml");
  if (source === null) return;
  const isLocked = descendants(xmlOf(source, path), "EncryptionMethod").some(
    ({ attributes }) => !FONT_GARBLING.test(attributes.Algorithm ?? ""),
  );
  if (isLocked)
    throw refusal(
      "DOCUMENT_ENCRYPTED",
      path,
      "is locked by its shop (DRM)",
      "Add an edition without a lock.",
    );
}

function decodeHref(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
}
