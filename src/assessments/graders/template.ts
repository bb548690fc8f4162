// Templates of questions: text with {{columns}} in it, checked against what there is, and filled once.
import { EspalierError } from "../../kit/errors.ts";
import { nearestName } from "./nearest.ts";

/** What the server itself puts into a template, beside the columns of a row. */
export const SPECIAL_NAMES = ["ResponseA", "ResponseB", "CandidateSystemPrompt"] as const;
export type SpecialName = (typeof SPECIAL_NAMES)[number];

export type TemplatePart = { kind: "text"; text: string } | { kind: "variable"; name: string };
export type Template = {
  parts: TemplatePart[];
  /** Each name once, in the order in which they come. */
  variables: string[];
};
export type TemplateProblem = {
  code: "VARIABLE_UNKNOWN" | "BRACES_UNCLOSED" | "NAME_MISSING";
  /** Where it begins in the template, from 0. */
  at: number;
  message: string;
  hint: string;
};

const OPENING = "{{";
const CLOSING = "}}";
/** Problems of one template that are told; a template with more is none. */
const PROBLEMS_SHOWN = 10;

type Found = { at: number } & (TemplatePart | { kind: "unclosed" } | { kind: "nameless" });

/**
 * Takes a template apart. Of three braces and more in a row the inner two count, so that JSON may stand
 * around a variable; blanks around a name do not. Braces that name nothing stay text: checkTemplate tells of
 * them.
 */
export function parseTemplate(text: string): Template {
  const parts: TemplatePart[] = [];
  const variables = new Set<string>();
  for (const found of scan(text)) {
    if (found.kind === "text") parts.push({ kind: "text", text: found.text });
    if (found.kind !== "variable") continue;
    parts.push({ kind: "variable", name: found.name });
    variables.add(found.name);
  }
  return { parts, variables: [...variables] };
}

/**
 * What is wrong with a template for rows of these columns, where these special names have a value; in its
 * order.
 */
export function checkTemplate(
  text: string,
  columns: readonly string[],
  allowed: readonly SpecialName[],
): TemplateProblem[] {
  const names = [...columns, ...allowed];
  const known = new Set<string>(names);
  const told = new Set<string>();
  const problems: TemplateProblem[] = [];
  for (const found of scan(text)) {
    if (problems.length === PROBLEMS_SHOWN) break;
    const { kind, at } = found;
    if (kind === "unclosed")
      problems.push({
        code: "BRACES_UNCLOSED",
        at,
        message: `The two opening braces at character ${at + 1} are never closed.`,
        hint: "Close them with two braces behind the column's name.",
      });
    else if (kind === "nameless")
      problems.push({
        code: "NAME_MISSING",
        at,
        message: `Nothing is named between the braces at character ${at + 1}.`,
        hint: "Put the name of a column between them.",
      });
    else if (kind === "variable" && !known.has(found.name) && !told.has(found.name)) {
      told.add(found.name);
      problems.push(unknownVariable(found.name, at, names));
    }
  }
  return problems;
}

/**
 * The template with its values: texts as they are and never read as templates, anything else as JSON.
 * @throws EspalierError TEMPLATE_VALUE_MISSING
 */
export function fillTemplate(template: Template, values: Readonly<Record<string, unknown>>): string {
  return template.parts
    .map((part) => (part.kind === "text" ? part.text : textOf(part.name, values)))
    .join("");
}

function textOf(name: string, values: Readonly<Record<string, unknown>>): string {
  // A column may be called constructor; what every object inherits is no value.
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (text !== undefined) return text;
  throw new EspalierError("TEMPLATE_VALUE_MISSING", `The row has no value for "${name.slice(0, 100)}".`, {
    field: "template",
    value: name.slice(0, 200),
    hint: "Name a column that every row has.",
  });
}

function unknownVariable(name: string, at: number, names: readonly string[]): TemplateProblem {
  const code = "VARIABLE_UNKNOWN";
  if (SPECIAL_NAMES.some((special) => special === name))
    return { code, at, message: `${name} has no value here.`, hint: "Take it out, or name a column." };
  const meant = nearestName(name, names);
  return { code, at, message: `There is no column "${name.slice(0, 100)}".`, hint: mendOf(meant, names) };
}

function mendOf(meant: string | null, names: readonly string[]): string {
  if (meant !== null) return `Did you mean "${meant}"?`;
  if (names.length === 0) return "There are no columns: take it out.";
  return `Use one of the columns: ${names.slice(0, 10).join(", ")}.`;
}

/** The pieces of a template in their order; each character is looked at a fixed number of times. */
function* scan(text: string): Generator<Found> {
  let start = 0;
  let from = 0;
  let closing = text.indexOf(CLOSING);
  for (;;) {
    let opening = text.indexOf(OPENING, from);
    if (opening < 0) break;
    while (text[opening + OPENING.length] === "{") opening++;
    const inside = opening + OPENING.length;
    if (closing >= 0 && closing < inside) closing = text.indexOf(CLOSING, inside);
    const next = text.indexOf(OPENING, inside);
    from = inside;
    if (closing < 0 || (next >= 0 && next < closing)) {
      yield { kind: "unclosed", at: opening };
      continue;
    }
    from = closing + CLOSING.length;
    const name = text.slice(inside, closing).trim();
    if (name === "") {
      yield { kind: "nameless", at: opening };
      continue;
    }
    if (opening > start) yield { kind: "text", at: start, text: text.slice(start, opening) };
    yield { kind: "variable", at: opening, name };
    start = from;
  }
  if (start < text.length) yield { kind: "text", at: start, text: text.slice(start) };
}
