// Every sentence that the server can show in a page, found where its source makes one: errors and their mends, warnings,
// reasons, the map's words, the parameters' titles. What cannot be found there is named, or stands in `passedOn`.
import { join } from "node:path";
import { lineOf, type Node, part, parts, Sources, sourceOf, walk, word } from "./source.ts";
import { Reader, templateOf } from "./texts.ts";

/** Said at the command line only, which speaks English. */
const spokenElsewhere = [
  "src/cli/",
  "src/config.ts",
  "src/serve/doctor.ts",
  "src/serve/local.ts",
  "src/store/backup.ts",
  "src/store/inspect.ts",
  "src/store/tar.ts",
  "src/kit/faults.ts",
];

/** Messages and hints that are passed on from elsewhere, by file and expression, with where they come from. */
const passedOn: Record<string, string> = {
  "src/kit/errors.ts: message": "an error of another process, made there by an EspalierError",
  "src/api/authorise.ts: message": "an EspalierError's own",
  "src/api/authorise.ts: hint": "an EspalierError's own",
  "src/api/graphql.ts: hint": "of the table FAULTS",
  "src/api/http.ts: say.hint": "of the caller, as a property `hint`",
  "src/inference/remote/errors.ts: hint": "of the table BY_STATUS",
  'src/datasets/version.ts: errors[0] === undefined ? "Give a file with at least one row." : errors[0].message':
    "a row's own error",
  "src/knowledge/indexing.ts: `${first.message}${others}`": "a document's own error",
  'src/knowledge/indexing.ts: first.hint ?? "Each document says why."': "a document's own error",
  "src/assessments/input.ts: problem.message": "what checkTemplate says, collected there",
  "src/assessments/input.ts: problem.hint": "what checkTemplate says, collected there",
  "src/collect/collect.ts: grave.message": "a warning's own, said in src/collect/warnings.ts",
  "src/api/graphql.ts: error.message": "the GraphQL library's, about a query that no page sends",
};

/** Properties that hold a sentence wherever an object is written out. */
const saying = new Set([
  "answer",
  "message",
  "hint",
  "keyHint",
  "reason",
  "sentence",
  "detail",
  "summary",
  "label",
  "actionLabel",
  "missing",
  "nothingFound",
  "trainerHint",
  "warnings",
]);
/** The words of a training's parameters. */
const labelling = new Set(["title", "description", "unit"]);
/** Where `log` writes into the log of a run. */
const logsRuns = /^src\/(?:datasets|knowledge|models|serving|training)\//;
/** Where kinds of files are told by their first bytes. */
const namesKinds = /^src\/(?:datasets\/formats|knowledge\/documents)\//;
/** Checks of the schema library that take a sentence of their own. */
const checking = new Set(["check", "length", "max", "min", "refine", "regex"]);

export type Collected = {
  /** English, with `{{places}}`. */
  templates: string[];
  /** A sentence for each text that could not be found out. */
  faults: string[];
};

/** Reads the server's source below `root`. */
export function serverSentences(root: string): Collected {
  const isElsewhere = (path: string): boolean => spokenElsewhere.some((start) => path.startsWith(start));
  const sources = new Sources(root, ["src", "schema"], isElsewhere);
  const reader = new Reader(sources);
  const found: string[] = [];
  const faults = new Set<string>();
  /** Texts of one place in the source; where they `must` be known, what is not is a fault. */
  const take = (node: Node | null, must: boolean, mayBeWord = false): void => {
    if (!node) return;
    for (const text of reader.textsOf(node)) {
      const template = templateOf(text);
      const isLone = /^\{\{\w+\}\}$/.test(template);
      if (!isLone && (must || isSentence(template, mayBeWord))) found.push(template);
      else if (isLone && must && !passedOn[`${node.file.path}: ${sourceOf(node)}`])
        faults.add(
          `${node.file.path}:${lineOf(node)}: what this says cannot be found out: ${sourceOf(node)}`,
        );
    }
  };
  for (const { program, path } of sources.files.values())
    walk(program, (node) => {
      const callee = part(node, "callee");
      const [first, second, third] = parts(node, "arguments");
      if (node.type === "NewExpression" && word(callee, "name") === "EspalierError") {
        take(second ?? null, true);
        take(reader.propertyOf(third ?? null, "hint"), true);
      } else if (node.type === "NewExpression" && word(callee, "name") === "GraphQLError")
        take(first ?? null, true);
      else if (node.type === "CallExpression" && callee?.type === "MemberExpression") {
        const method = word(part(callee, "property"), "name") ?? "";
        const target = word(part(callee, "object"), "name");
        if (method === "push" && target === "warnings") take(first ?? null, false);
        if (method === "log" && target === "ctx") take(first ?? null, false, true);
        if (method === "createRun") take(reader.propertyOf(second ?? null, "name"), true);
        if (checking.has(method)) take(second ?? null, false);
      } else if (
        node.type === "CallExpression" &&
        ["line", "log"].includes(word(callee, "name") ?? "") &&
        logsRuns.test(path)
      )
        take(first ?? null, false, true);
      else if (node.type === "Property") {
        const name = word(part(node, "key"), "name") ?? "";
        const isLabel = path.startsWith("schema/trainer-") && labelling.has(name);
        if (isLabel || saying.has(name))
          take(part(node, "value"), false, isLabel || path === "src/api/process-map.ts");
      } else if (node.type === "ArrayExpression") takeRow(parts(node, "elements"), take, path);
      else if (node.type === "ReturnStatement" && returnsHint(node)) take(part(node, "argument"), false);
    });
  return { templates: found, faults: [...faults] };
}

/** A row of a table: of failures, a code and what it means; of kinds of files, "a PNG image"; of the map, an action. */
function takeRow(
  elements: Node[],
  take: (node: Node, must: boolean, word?: boolean) => void,
  path: string,
): void {
  const [first] = elements;
  const code = elements.findIndex((one) => /^[A-Z][A-Z0-9]*_[A-Z0-9_]+$/.test(word(one, "value") ?? ""));
  if (code >= 0) for (const one of elements.slice(code + 1)) take(one, false);
  if (first && namesKinds.test(path) && /^an? \w/.test(word(first, "value") ?? "")) take(first, false);
  if (first && elements.length === 2 && path === "src/api/process-map.ts") take(first, false, true);
}

/** Whether the statement returns from a method named `hint`. */
function returnsHint(node: Node): boolean {
  for (let at = node.parent; at; at = at.parent)
    if (at.type === "FunctionExpression" || at.type === "ArrowFunctionExpression")
      return word(part(at.parent, "key"), "name") === "hint";
  return false;
}

/** Words, not a name of a program or a value. */
function isSentence(template: string, mayBeWord: boolean): boolean {
  const literal = template.replace(/\{\{\w+\}\}/g, "");
  return /[A-Za-z]{2}/.test(literal) && (mayBeWord || /\s/.test(literal.trim()));
}

/** The sentences in order; those that differ only in the names of their places are one. */
export function distinct(templates: Iterable<string>): string[] {
  const byShape = new Map<string, string>();
  for (const template of [...templates].sort().reverse()) byShape.set(shapeOf(template), template);
  return [...byShape.values()].sort();
}

/** The sentence without the names of its places. */
export const shapeOf = (template: string): string => template.replace(/\{\{\w+\}\}/g, "\0");

export const repository = join(import.meta.dirname, "../..");
