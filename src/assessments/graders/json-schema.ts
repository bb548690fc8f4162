// Answers held to a JSON schema of draft 2020-12, by a library that reads schemas and makes no code of them.
// Runs in the grading process only: a `pattern` is matched with backtracking, up to a second for each text that it meets.
import { dereference, type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";
import { EspalierError, messageOf } from "../../kit/errors.ts";
import { type Grade, unscored, wrong } from "./graders.ts";
import { parseJson } from "./json.ts";
import { META_SCHEMA } from "./json-schema-meta.ts";

const DRAFT = "2020-12";
const DRAFT_URI = "https://json-schema.org/draft/2020-12/schema";
/** Keywords whose parts each say something else, so that what they say of a value is told and not their last part's. */
const CHOICES = new Set(["anyOf", "oneOf", "not", "contains"]);

/** One schema grades all answers of a run. */
let latest: { text: string; validator: Validator } | undefined;

/** Whether the schema is one that can be held to. @throws EspalierError GRADER_INVALID */
export function checkSchema(text: string): void {
  const schema: Schema | boolean = JSON.parse(text);
  const problem = typeof schema === "boolean" ? null : problemOf(schema);
  if (problem !== null)
    throw new EspalierError("GRADER_INVALID", `The grader's schema cannot be used: ${problem}.`, {
      field: "grader",
      value: `json-schema:${text}`.slice(0, 200),
      hint: "Mend the schema; it is one of draft 2020-12, whole in itself.",
    });
}

/** 1 where the answer is JSON that the schema allows, else 0 with what is wrong and where. */
export function gradeSchema(text: string, answer: string): Grade {
  const given = parseJson(answer, false);
  if (!given.ok) return wrong(`The answer is no JSON: ${given.problem}.`);
  if (latest?.text !== text) latest = { text, validator: new Validator(JSON.parse(text), DRAFT) };
  try {
    const { valid, errors } = latest.validator.validate(given.value);
    return valid ? { score: 1, detail: null } : wrong(`The answer does not fit the schema ${placed(errors)}`);
  } catch (error) {
    // A schema that leads back to itself, without ever looking at a part of the value.
    if (error instanceof RangeError) return unscored("The schema refers to itself without end.");
    return unscored(`The schema cannot be applied: ${messageOf(error)}.`);
  }
}

/** What is wrong with a schema, or null. */
function problemOf(schema: Schema): string | null {
  if (schema.$schema !== undefined && schema.$schema !== DRAFT_URI && schema.$schema !== `${DRAFT_URI}#`)
    return `its $schema is ${JSON.stringify(schema.$schema).slice(0, 100)}, not ${DRAFT_URI}`;
  try {
    const { valid, errors } = new Validator(META_SCHEMA, DRAFT).validate(schema);
    if (!valid) return `it is wrong ${placed(errors).replace(/\.$/, "")}`;
    const known = dereference(schema);
    for (const part of Object.values(known)) {
      if (typeof part === "boolean") continue;
      const { __absolute_ref__: target, $ref } = part;
      if (target !== undefined && known[target] === undefined)
        return `its $ref ${JSON.stringify($ref).slice(0, 100)} leads to nothing in it`;
      for (const keyword of ["$dynamicRef", "$recursiveRef"])
        if (keyword in part) return `${keyword} is not supported`;
    }
    return null;
  } catch (error) {
    return error instanceof RangeError ? "it nests too deeply" : messageOf(error);
  }
}

/** Where in the value something is wrong, and what. */
function placed(errors: readonly OutputUnit[]): string {
  const last = errors.at(-1);
  const told =
    errors.find(({ keyword }) => CHOICES.has(keyword)) ??
    // "False boolean schema" says less than the keyword that forbids.
    (last?.keyword === "false" ? (errors.at(-2) ?? last) : last);
  const path = told?.instanceLocation.slice(1, 200) ?? "";
  return `at ${path === "" ? "its root" : path}: ${told?.error.slice(0, 300)}`;
}
