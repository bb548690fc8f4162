// What graders there are: how a line of the command line says one, and how a row keeps it.
import { z } from "zod";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { compileExpression, EXPRESSION_CHARS } from "./expression.ts";
import { parsePath } from "./json.ts";
import { nearestName } from "./nearest.ts";

/** Longest path into JSON, and longest name of a model. */
const ARGUMENT_CHARS = 500;
const LARGEST_TOLERANCE = 1e15;

/** A grader as JSON. Whether an expression can be matched is found by parseGrader, and when it is used. */
export const graderSpecSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("exact") }),
  z.strictObject({ kind: z.literal("normalised") }),
  z.strictObject({ kind: z.literal("contains") }),
  z.strictObject({ kind: z.literal("regex"), expression: z.string().min(1).max(EXPRESSION_CHARS) }),
  z.strictObject({ kind: z.literal("json") }),
  z.strictObject({
    kind: z.literal("json-field"),
    path: z
      .string()
      .max(ARGUMENT_CHARS)
      .refine((path) => parsePath(path) !== null),
  }),
  z.strictObject({
    kind: z.literal("numeric"),
    tolerance: z.number().min(0).max(LARGEST_TOLERANCE),
    /** percent: of the reference. */
    unit: z.enum(["absolute", "percent"]),
  }),
  z.strictObject({
    kind: z.literal("judge"),
    /** As it was named; `modelId` is who that was when the assessment was made. */
    model: z.string().min(1).max(ARGUMENT_CHARS),
    modelId: z.string().exactOptional(),
    /** direct: each answer by itself. pairwise: two at a time, in both orders. */
    mode: z.enum(["direct", "pairwise"]).exactOptional(),
    /** What makes an answer good. */
    criteria: z.string().max(limits.judgePromptChars).exactOptional(),
    /** Template that is said instead of the usual words. */
    prompt: z.string().max(limits.judgePromptChars).exactOptional(),
  }),
  /** People, who rate blind: each answer by itself, or two at a time. */
  z.strictObject({ kind: z.literal("people"), mode: z.enum(["direct", "pairwise"]).exactOptional() }),
]);
export type GraderSpec = z.infer<typeof graderSpecSchema>;

/** Each kind as it is written, in the order in which people are told of them. */
const FORMS: Record<GraderSpec["kind"], string> = {
  exact: "exact",
  normalised: "normalised",
  contains: "contains",
  regex: "regex:RE",
  json: "json",
  "json-field": "json-field:PATH",
  numeric: "numeric:TOL",
  judge: "judge:MODEL",
  people: "people",
};
const KINDS = Object.keys(FORMS);
const EVERY_FORM = Object.values(FORMS).join(", ");

/**
 * The grader that a line such as `numeric:0.01` names.
 * @throws EspalierError GRADER_INVALID
 */
export function parseGrader(text: string): GraderSpec {
  const colon = text.indexOf(":");
  const kind = (colon < 0 ? text : text.slice(0, colon)).trim();
  // Kept as it was written: blanks may be meant in an expression.
  const argument = colon < 0 ? null : text.slice(colon + 1);
  if (kind === "exact" || kind === "normalised" || kind === "contains" || kind === "json") {
    if (argument === null) return { kind };
    throw invalid(text, `The grader ${kind} takes nothing after a colon.`, `Write ${kind} alone.`);
  }
  if (kind === "regex") {
    const expression = needed(text, kind, argument, "regex:^(yes|no)$");
    compileExpression(expression);
    return { kind, expression };
  }
  if (kind === "json-field") {
    const path = needed(text, kind, argument, "json-field:items[0].price").trim();
    checkLength(text, path);
    if (parsePath(path) === null)
      throw invalid(
        text,
        `"${path.slice(0, 100)}" is no path into JSON.`,
        "Write keys with dots between them and indices in brackets, as in json-field:items[0].price.",
      );
    return { kind, path };
  }
  if (kind === "numeric") return parseTolerance(text, needed(text, kind, argument, "numeric:0.01").trim());
  if (kind === "judge") {
    const model = needed(text, kind, argument, "judge:my-model").trim();
    checkLength(text, model);
    return { kind, model };
  }
  if (kind === "people") {
    const mode = argument?.trim();
    if (mode === undefined) return { kind };
    if (mode === "direct" || mode === "pairwise") return { kind, mode };
    throw invalid(
      text,
      `People rate direct or pairwise, not "${mode.slice(0, 100)}".`,
      "Write people, people:direct or people:pairwise.",
    );
  }
  const meant = nearestName(kind, KINDS);
  throw invalid(
    text,
    `There is no grader "${kind.slice(0, 100)}".`,
    meant === null ? `Use one of ${EVERY_FORM}.` : `Did you mean ${meant}? The graders are ${EVERY_FORM}.`,
  );
}

/** The grader as a line says it; parseGrader reads it back. */
export function graderLabel(spec: GraderSpec): string {
  switch (spec.kind) {
    case "regex":
      return `regex:${spec.expression}`;
    case "json-field":
      return `json-field:${spec.path}`;
    case "numeric":
      return `numeric:${spec.tolerance}${spec.unit === "percent" ? "%" : ""}`;
    case "judge":
      return `judge:${spec.model}`;
    case "people":
      return spec.mode === undefined ? "people" : `people:${spec.mode}`;
    default:
      return spec.kind;
  }
}

function parseTolerance(text: string, said: string): GraderSpec {
  const found = /^(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s?(%?)$/.exec(said);
  const tolerance = Number(found?.[1] ?? Number.NaN);
  if (found === null || !(tolerance <= LARGEST_TOLERANCE))
    throw invalid(
      text,
      `"${said.slice(0, 100)}" is no tolerance: a number from 0 to ${LARGEST_TOLERANCE}, or a percentage.`,
      "Write numeric:0.01 for a difference, or numeric:5% for a share of the reference.",
    );
  return { kind: "numeric", tolerance, unit: found[2] === "%" ? "percent" : "absolute" };
}

function needed(text: string, kind: string, argument: string | null, example: string): string {
  if (argument !== null && argument.trim() !== "") return argument;
  throw invalid(text, `The grader ${kind} needs something after a colon.`, `Write it as in ${example}.`);
}

function checkLength(text: string, argument: string): void {
  if (argument.length > ARGUMENT_CHARS)
    throw invalid(
      text,
      `What follows the colon has ${argument.length} characters; at most ${ARGUMENT_CHARS} are taken.`,
      "Shorten it.",
    );
}

function invalid(text: string, message: string, hint: string): EspalierError {
  return new EspalierError("GRADER_INVALID", message, { field: "grader", value: text.slice(0, 200), hint });
}
