// The server's source as syntax trees, and what a name in them stands for: the ground on which sentences are found.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseSync } from "vite";

/** A node of the syntax tree (ESTree); what else it holds is read by `part` and `parts`. */
export type Node = { type: string; start: number; end: number; parent: Node | null; file: File };
type File = {
  /** From the root of the repository, as src/kit/errors.ts. */
  path: string;
  text: string;
  program: Node;
  /** Where an imported name comes from: path and name there. */
  imports: Map<string, { path: string; name: string }>;
};

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";

const held = (node: Node, key: string): unknown => (node as unknown as Record<string, unknown>)[key];

/** The child under this key, where there is one. */
export function part(node: Node | null | undefined, key: string): Node | null {
  const value = node ? held(node, key) : null;
  return isNode(value) ? value : null;
}

/** The children under this key. */
export function parts(node: Node | null | undefined, key: string): Node[] {
  const value = node ? held(node, key) : null;
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** A text that the node holds, as an identifier its name. */
export function word(node: Node | null | undefined, key: string): string | null {
  const value = node ? held(node, key) : null;
  return typeof value === "string" ? value : null;
}

export const sourceOf = (node: Node): string => node.file.text.slice(node.start, node.end);
export const lineOf = (node: Node): number => node.file.text.slice(0, node.start).split("\n").length;

/** Calls `visit` for the node and everything in it. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const [key, value] of Object.entries(node)) {
    if (key === "parent" || key === "file") continue;
    for (const one of Array.isArray(value) ? value : [value]) if (isNode(one)) walk(one, visit);
  }
}

const functionTypes = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);
export const isFunction = (node: Node): boolean => functionTypes.has(node.type);

/** What a name stands for: a value with its declaration, a parameter of a function, or nothing that can be told. */
export type Meaning =
  | { kind: "value"; node: Node }
  | { kind: "parameter"; of: Node; place: number; property: string | null; otherwise: Node | null }
  | { kind: "function"; node: Node };

export class Sources {
  readonly files = new Map<string, File>();
  readonly #calls = new Map<Node, Node[]>();
  readonly #declared = new Map<Node, Map<string, Meaning>>();

  /** Reads every TypeScript file of the folders, tests left out. @throws Error on one that cannot be parsed. */
  constructor(root: string, folders: readonly string[], isLeftOut: (path: string) => boolean) {
    for (const folder of folders)
      for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !entry.name.endsWith(".ts") || /\.(?:test|test-kit|d)\.ts$/.test(entry.name))
          continue;
        const path = join(entry.parentPath, entry.name).slice(root.length + 1);
        if (!isLeftOut(path)) this.#read(path, readFileSync(join(root, path), "utf8"));
      }
    for (const { program } of this.files.values())
      walk(program, (node) => {
        if (node.type !== "CallExpression") return;
        const callee = part(node, "callee");
        const called = callee?.type === "Identifier" ? this.functionOf(callee) : null;
        if (called) this.#calls.set(called, [...(this.#calls.get(called) ?? []), node]);
      });
  }

  #read(path: string, text: string): void {
    const { program, errors } = parseSync(path, text);
    if (errors[0]) throw new Error(`${path}: ${errors[0].message}`);
    const file: File = { path, text, program: program as unknown as Node, imports: new Map() };
    const link = (node: Node, parent: Node | null): void => {
      node.parent = parent;
      node.file = file;
      for (const [key, value] of Object.entries(node)) {
        if (key === "parent" || key === "file") continue;
        for (const one of Array.isArray(value) ? value : [value]) if (isNode(one)) link(one, node);
      }
    };
    link(file.program, null);
    for (const node of parts(file.program, "body")) {
      const from = node.type === "ImportDeclaration" ? word(part(node, "source"), "value") : null;
      if (!from?.startsWith(".")) continue;
      for (const one of parts(node, "specifiers")) {
        const local = word(part(one, "local"), "name");
        const name = word(part(one, "imported"), "name");
        if (local && name) file.imports.set(local, { path: join(dirname(path), from), name });
      }
    }
    this.files.set(path, file);
  }

  /** Every call of a function by its name. */
  callsOf = (called: Node): readonly Node[] => this.#calls.get(called) ?? [];

  /** The function that an identifier names. */
  functionOf(identifier: Node): Node | null {
    const meaning = this.meaningOf(identifier);
    if (meaning?.kind === "function") return meaning.node;
    return meaning?.kind === "value" && isFunction(meaning.node) ? meaning.node : null;
  }

  /** What an identifier stands for where it is. */
  meaningOf(identifier: Node): Meaning | null {
    const name = word(identifier, "name") ?? "";
    for (let at = identifier.parent; at; at = at.parent) {
      const found = this.#namesIn(at).get(name);
      if (found) return found;
    }
    const imported = identifier.file.imports.get(name);
    const from = imported ? this.files.get(imported.path) : undefined;
    return (from && imported && this.#namesIn(from.program).get(imported.name)) ?? null;
  }

  /** The names that a block or function declares itself. */
  #namesIn(scope: Node): Map<string, Meaning> {
    const known = this.#declared.get(scope);
    if (known) return known;
    const names = new Map<string, Meaning>();
    this.#declared.set(scope, names);
    if (isFunction(scope))
      for (const [place, raw] of parts(scope, "params").entries()) {
        const pattern = raw.type === "AssignmentPattern" ? part(raw, "left") : raw;
        const otherwise = raw.type === "AssignmentPattern" ? part(raw, "right") : null;
        const plain = pattern?.type === "Identifier" ? word(pattern, "name") : null;
        if (plain) names.set(plain, { kind: "parameter", of: scope, place, property: null, otherwise });
        if (pattern?.type === "ObjectPattern")
          for (const one of parts(pattern, "properties")) {
            const value = part(one, "value");
            const local = word(value?.type === "AssignmentPattern" ? part(value, "left") : value, "name");
            const property = word(part(one, "key"), "name");
            const fallback = value?.type === "AssignmentPattern" ? part(value, "right") : null;
            if (local && property)
              names.set(local, { kind: "parameter", of: scope, place, property, otherwise: fallback });
          }
      }
    for (const statement of [...parts(scope, "body"), ...parts(scope, "consequent")]) {
      const inner = statement.type.startsWith("Export") ? part(statement, "declaration") : statement;
      if (inner?.type === "FunctionDeclaration")
        names.set(word(part(inner, "id"), "name") ?? "", { kind: "function", node: inner });
      if (inner?.type !== "VariableDeclaration") continue;
      for (const one of parts(inner, "declarations")) {
        const name = word(part(one, "id"), "name");
        const value = part(one, "init");
        if (name && value) names.set(name, { kind: "value", node: value });
      }
    }
    return names;
  }
}
