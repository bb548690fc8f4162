// Regular expressions of users, matched by RE2's algorithm: time grows with the answer's length, no faster.
import { RE2JS, RE2JSException, RE2JSSyntaxException } from "re2js";
import { EspalierError } from "../../kit/errors.ts";

/** Longest expression that a grader takes. */
export const EXPRESSION_CHARS = 1_000;
/** Largest compiled expression: `(x{50}){50}` is short and still has thousands of instructions. */
const MOST_INSTRUCTIONS = 2_000;
/** Most instructions times characters of one search; each takes up to 30 ns, so this is some 0.15 s: the server waits for it. */
const MOST_STEPS = 5_000_000;

/** What RE2 leaves out because it cannot be matched in linear time, by how it begins. */
const LEFT_OUT: readonly [RegExp, string][] = [
  [/^\(\?<[=!]/, "a look-behind"],
  [/^\(\?[=!]/, "a look-ahead"],
  [/^(?:\\[1-9gk]|\(\?P=)/, "a back-reference"],
  [/^\(\?>/, "an atomic group"],
  [/^\(\?\(/, "a condition"],
  [/^[*+?}]+\+$/, "a possessive repetition"],
];

/**
 * Makes an expression ready to search with.
 * @throws EspalierError GRADER_INVALID
 */
export function compileExpression(text: string): RE2JS {
  if (text.length > EXPRESSION_CHARS)
    throw invalid(
      text,
      `The grader's expression has ${text.length} characters; at most ${EXPRESSION_CHARS} are taken.`,
      "Shorten the expression.",
    );
  const compiled = compile(text);
  const size = compiled.programSize();
  if (size > MOST_INSTRUCTIONS)
    throw invalid(
      text,
      `The grader's expression becomes ${size} instructions; at most ${MOST_INSTRUCTIONS} are taken.`,
      "Use smaller numbers of repetitions.",
    );
  return compiled;
}

/** Whether the expression is found in the text; null where the two are too large together. */
export function foundIn(expression: RE2JS, text: string): boolean | null {
  if (expression.programSize() * text.length > MOST_STEPS) return null;
  return expression.test(text);
}

function compile(text: string): RE2JS {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    if (!(error instanceof RE2JSSyntaxException))
      throw invalid(text, `The grader's expression is invalid: ${error.message}.`, "Mend the expression.");
    const named = error.getPattern() ?? "";
    // Of a back-reference by name only this much is told.
    const at = named === "(?P" && text.includes("(?P=") ? "(?P=" : named;
    const leftOut = LEFT_OUT.find(([beginning]) => beginning.test(at))?.[1];
    if (leftOut !== undefined)
      throw invalid(
        text,
        `The grader's expression has ${leftOut} (${at.slice(0, 20)}), which RE2 does not support.`,
        "Write it in RE2's syntax, without look-around, back-references and the like.",
      );
    const where = at === "" || at === text ? "" : ` at ${at.slice(0, 50)}`;
    throw invalid(
      text,
      `The grader's expression is invalid: ${error.getDescription()}${where}.`,
      "Mend the expression; its syntax is RE2's.",
    );
  }
}

function invalid(expression: string, message: string, hint: string): EspalierError {
  return new EspalierError("GRADER_INVALID", message, {
    field: "grader",
    value: `regex:${expression}`.slice(0, 200),
    hint,
  });
}
