// Grades answers by rules whose time grows with the answer's length only: front door of the graders.
import type { RE2JS } from "re2js";
import { compileExpression, foundIn } from "./expression.ts";
import { isContainer, parseJson, parsePath, sameJson, textOf, valueAt } from "./json.ts";
import { areWithin, lastNumber, type Tolerance } from "./numbers.ts";
import type { GraderSpec } from "./spec.ts";
import { foldCase, normaliseAnswer } from "./texts.ts";

export {
  type GraderSpec,
  graderLabel,
  graderSpecSchema,
  gradersOf,
  graderTitle,
  parseGrader,
} from "./spec.ts";

/** From 0 to 1, or null with why there is no score: what cannot be graded is never guessed. */
export type Grade = { score: number; detail: string | null } | { score: null; why: string };

/** One expression grades all answers of a run; it goes when its grader does. */
const compiled = new WeakMap<GraderSpec, RE2JS>();

/** Kinds that look at the answer alone, or at the reference only where there is one. */
const NEEDS_NO_REFERENCE = new Set<GraderSpec["kind"]>([
  "regex",
  "json",
  "json-schema",
  "javascript",
  "judge",
  "people",
]);

/** Whether it needs time of somebody: a model that judges, or people who rate. The others grade at once. */
export const takesTime = ({ kind }: GraderSpec): boolean => kind === "judge" || kind === "people";

/** Whether it compares with a right answer, so that there must be one. */
export const needsReference = ({ kind }: GraderSpec): boolean => !NEEDS_NO_REFERENCE.has(kind);

/**
 * What is settled before any grader looks: an empty answer has 0, whatever the grader; otherwise a missing reference
 * leaves the answer unscored where one is needed. Null where nothing is.
 */
export function settled(spec: GraderSpec, answer: string, reference: string | null): Grade | null {
  if (answer.trim() === "") return wrong("The answer is empty.");
  if (!needsReference(spec)) return null;
  if (reference === null) return unscored("The row has no reference.");
  return reference.trim() === "" ? unscored("The reference is empty.") : null;
}

/**
 * Grades one answer by a rule. Kinds that need a model, an embedder or a process of their own are graded elsewhere.
 * @throws EspalierError GRADER_INVALID for a stored expression that cannot be matched
 */
export function gradeAnswer(spec: GraderSpec, answer: string, said: string | null): Grade {
  if (takesTime(spec)) throw new Error("Judges and people are asked elsewhere: they need time.");
  const early = settled(spec, answer, said);
  if (early) return early;
  const reference = said ?? "";
  switch (spec.kind) {
    case "regex":
      return gradeExpression(spec, answer);
    case "json":
      return gradeJson(answer, said);
    case "exact":
      return either(answer.trim() === reference.trim());
    case "contains":
      return either(foldCase(answer).includes(foldCase(reference.trim())));
    case "normalised":
      return gradeNormalised(answer, reference);
    case "json-field":
      return gradeField(spec.path, answer, reference);
    case "numeric":
      return gradeNumber(spec, answer, reference);
    default:
      throw new Error(`${spec.kind} grades in a process of its own`);
  }
}

function gradeNormalised(answer: string, reference: string): Grade {
  const wanted = normaliseAnswer(reference);
  if (wanted === "") return unscored("Nothing but punctuation is in the reference.");
  return either(normaliseAnswer(answer) === wanted);
}

function gradeExpression(spec: GraderSpec & { kind: "regex" }, answer: string): Grade {
  const expression = compiled.get(spec) ?? compileExpression(spec.expression);
  compiled.set(spec, expression);
  const isFound = foundIn(expression, answer);
  if (isFound === null)
    return unscored(`The answer's ${answer.length} characters are too many for so large an expression.`);
  return either(isFound);
}

function gradeJson(answer: string, reference: string | null): Grade {
  const wanted = reference === null ? null : parseJson(reference);
  if (wanted !== null && !wanted.ok) return unscored(`The reference is no JSON: ${wanted.problem}.`);
  const given = parseJson(answer);
  if (!given.ok) return wrong(`The answer is no JSON: ${given.problem}.`);
  return either(wanted === null || sameJson(given.value, wanted.value));
}

function gradeField(pathText: string, answer: string, reference: string): Grade {
  const path = parsePath(pathText);
  if (path === null) throw new Error(`${pathText} is no path into JSON`);
  const wanted = parseJson(reference);
  if (!wanted.ok && wanted.isTooDeep) return unscored(`The reference cannot be graded: ${wanted.problem}.`);
  const isNested = wanted.ok && isContainer(wanted.value);
  const wantedField = isNested ? valueAt(wanted.value, path) : null;
  if (isNested && wantedField === null) return unscored(`The reference has nothing at ${pathText}.`);

  const given = parseJson(answer);
  if (!given.ok) return wrong(`The answer is no JSON: ${given.problem}.`);
  const field = valueAt(given.value, path);
  if (field === null) return wrong(`The answer has nothing at ${pathText}.`);
  const isSame =
    wantedField === null
      ? // A reference without parts is the field's own value, in quotes or not.
        (wanted.ok && sameJson(field.value, wanted.value)) || textOf(field.value).trim() === reference.trim()
      : sameJson(field.value, wantedField.value);
  return isSame ? right() : wrong(`The answer has ${shortened(textOf(field.value))} at ${pathText}.`);
}

function gradeNumber(tolerance: Tolerance, answer: string, reference: string): Grade {
  const wanted = lastNumber(reference);
  if (wanted === null) return unscored("The reference has no number.");
  if (wanted.value === null) return unscored("The reference's number is too large to compare.");
  const given = lastNumber(answer);
  if (given === null) return wrong("The answer has no number.");
  if (given.value !== null && areWithin(given.value, wanted.value, tolerance)) return right();
  return wrong(`The answer's last number is ${given.said}, the reference's ${wanted.said}.`);
}

function either(isRight: boolean): Grade {
  return { score: isRight ? 1 : 0, detail: null };
}

function right(): Grade {
  return { score: 1, detail: null };
}

export function wrong(detail: string): Grade {
  return { score: 0, detail };
}

export function unscored(why: string): Grade {
  return { score: null, why };
}

function shortened(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}
