// HTML and XML as a small tree, by one parser that expands no entities of a document's own and fetches nothing.
import { Parser } from "htmlparser2";
import { limits } from "../../kit/limits.ts";
import { malformed } from "./document.ts";

export type Element = { name: string; attributes: Record<string, string>; children: Node[] };
export type Node = string | Element;

/**
 * The tree of a page or an XML part. In XML, elements lose the prefix of their namespace (`a:t` is `t`), attributes keep theirs.
 * @throws EspalierError DOCUMENT_MALFORMED where elements nest deeper than the limit
 */
export function parseMarkup(source: string, path: string, { xml }: { xml: boolean }): Element {
  const root: Element = { name: "", attributes: {}, children: [] };
  const open = [root];
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (open.length > limits.documentDepth)
          throw malformed(
            path,
            `nests elements deeper than ${limits.documentDepth}, the limit documentDepth`,
          );
        const element = { name: xml ? localName(name) : name, attributes, children: [] };
        open.at(-1)?.children.push(element);
        open.push(element);
      },
      ontext(text) {
        open.at(-1)?.children.push(text);
      },
      onclosetag() {
        if (open.length > 1) open.pop();
      },
    },
    { xmlMode: xml, decodeEntities: true, recognizeSelfClosing: true },
  );
  parser.end(source);
  return root;
}

export const localName = (name: string): string => name.slice(name.indexOf(":") + 1);
export const isElement = (node: Node): node is Element => typeof node !== "string";

/** Child elements, of one name where it is given. */
export function childrenOf(element: Element | undefined, name?: string): Element[] {
  return (element?.children ?? []).filter(
    (node): node is Element => isElement(node) && (name === undefined || node.name === name),
  );
}

/** The first element at a path of names below. */
export function childAt(element: Element | undefined, ...names: string[]): Element | undefined {
  return names.reduce<Element | undefined>((at, name) => childrenOf(at, name)[0], element);
}

/** All elements of one name below, in order, but not those inside one of them. */
export function descendants(element: Element, name: string): Element[] {
  return childrenOf(element).flatMap((child) => (child.name === name ? [child] : descendants(child, name)));
}

/** All text below. */
export function textOf(node: Node): string {
  return isElement(node) ? node.children.map(textOf).join("") : node;
}
