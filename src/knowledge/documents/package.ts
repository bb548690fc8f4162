// Parts of an Office file and how they refer to each other; what lies outside the file is never followed.
import { posix } from "node:path";
import { malformed } from "./document.ts";
import { childrenOf, type Element, parseMarkup } from "./markup.ts";
import type { ZipEntries } from "./zip.ts";

export type Relation = { id: string; type: string; target: string };

/** The root element of an XML part. @throws EspalierError DOCUMENT_MALFORMED where it is not there */
export function partOf(entries: ZipEntries, part: string, path: string): Element {
  const source = entries.text(part);
  if (source === null) throw malformed(path, `lacks its part ${part}`);
  return xmlOf(source, path);
}

export function xmlOf(source: string, path: string): Element {
  const [root] = childrenOf(parseMarkup(source, path, { xml: true })).filter(
    ({ name }) => !/^[?!]/.test(name),
  );
  if (!root) throw malformed(path, "holds a part that is not XML");
  return root;
}

/** What a part refers to inside the file, with types shortened to their last word. */
export function relationsOf(entries: ZipEntries, part: string, path: string): Relation[] {
  const folder = posix.dirname(part);
  const source = entries.text(posix.join(folder, "_rels", `${posix.basename(part)}.rels`));
  if (source === null) return [];
  return childrenOf(xmlOf(source, path), "Relationship").flatMap(({ attributes }) => {
    const { Id: id, Type: type = "", Target: target, TargetMode: mode } = attributes;
    if (id === undefined || target === undefined || mode === "External") return [];
    const inside = target.startsWith("/") ? target.slice(1) : posix.join(folder, target);
    return [{ id, type: type.slice(type.lastIndexOf("/") + 1), target: inside }];
  });
}
