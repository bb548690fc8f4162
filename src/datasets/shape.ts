// Tells a dataset's shape from its first rows, checks each row against it, and makes training rows of it.
import { EspalierError } from "../kit/errors.ts";
import { PROVENANCE } from "./provenance.ts";
import { isRow, type JsonValue, type Row, type RowError, rowError } from "./rows-types.ts";

export const shapes = ["messages", "sharegpt", "alpaca", "prompt-completion", "preference", "table"] as const;
export type Shape = (typeof shapes)[number];

/** Column names, or templates such as `{{question}} in {{language}}`. */
export type Mapping = { prompt: string; completion: string; system?: string };
export type TrainingMessage = { role: string; content: string };
/** What the trainer reads; `completion` alone, or the assistant's messages, count for the loss. */
export type TrainingRow = { messages: TrainingMessage[] } | { prompt: string; completion: string };

const needs: Readonly<Record<Shape, readonly string[]>> = {
  messages: ["messages"],
  sharegpt: ["conversations"],
  alpaca: ["instruction", "output"],
  "prompt-completion": ["prompt", "completion"],
  preference: ["prompt", "chosen", "rejected"],
  table: [],
};
const knownRoles = new Set(["system", "developer", "user", "assistant", "tool", "function"]);
const sharegptRoles: Readonly<Record<string, string>> = {
  human: "user",
  user: "user",
  gpt: "assistant",
  chatgpt: "assistant",
  assistant: "assistant",
  model: "assistant",
  system: "system",
  tool: "tool",
  observation: "tool",
  function_call: "assistant",
};

/** Shapes that no training method learns from as they are. */
const untrainable: readonly Shape[] = ["preference", "table"];

/** True where rows of this shape, read by this mapping if any, make training rows. */
export const isTrainable = (shape: Shape, mapping: Mapping | undefined): boolean =>
  mapping !== undefined || !untrainable.includes(shape);

/** The shape that a row's columns speak for. */
export function shapeOfRow(row: Row): Shape {
  return (
    shapes.find((shape) => needs[shape].every((key) => Object.hasOwn(row, key)) && agrees(row, shape)) ??
    "table"
  );
}

/** Preferences are all text or all messages; other columns of these names are a table's. */
function agrees(row: Row, shape: Shape): boolean {
  if (shape !== "preference") return true;
  const values = needs.preference.map((key) => row[key]);
  return values.every((value) => typeof value === "string") || values.every((value) => Array.isArray(value));
}

/** The most frequent shape of the first rows; the earlier one where two are equally frequent. */
export function detectShape(rows: readonly Row[]): Shape {
  const votes = new Map<Shape, number>();
  for (const row of rows) votes.set(shapeOfRow(row), (votes.get(shapeOfRow(row)) ?? 0) + 1);
  let best: Shape = "table";
  for (const [shape, count] of votes) if (count > (votes.get(best) ?? 0)) best = shape;
  return best;
}

function checkTurns(list: JsonValue, column: string, sharegpt: boolean, line: number): RowError | null {
  const roleKey = sharegpt ? "from" : "role";
  const textKey = sharegpt ? "value" : "content";
  if (!Array.isArray(list)) {
    return rowError(line, column, "WRONG_TYPE", `${column} must be a list of messages.`, list);
  }
  if (list.length === 0) return rowError(line, column, "NO_MESSAGES", `${column} holds no message.`, list);
  for (const [at, turn] of list.entries()) {
    const field = `${column}[${at}]`;
    if (!isRow(turn)) return rowError(line, field, "WRONG_TYPE", "A message must be an object.", turn);
    const role = turn[roleKey];
    if (role === undefined || role === null || role === "") {
      const text = `A message has no ${roleKey}.`;
      return rowError(line, `${field}.${roleKey}`, "MESSAGE_WITHOUT_ROLE", text, turn);
    }
    if (typeof role !== "string") {
      return rowError(line, `${field}.${roleKey}`, "WRONG_TYPE", `${roleKey} must be text.`, role);
    }
    if (sharegpt ? !Object.hasOwn(sharegptRoles, role) : !knownRoles.has(role)) {
      const known = sharegpt ? Object.keys(sharegptRoles) : [...knownRoles];
      const text = `Unknown ${roleKey} "${role.slice(0, 40)}"; known are ${known.join(", ")}.`;
      return rowError(line, `${field}.${roleKey}`, "UNKNOWN_ROLE", text, role);
    }
    const content = turn[textKey];
    // OpenAI's assistant messages may hold tool calls in place of text.
    if (content === null && !sharegpt && Array.isArray(turn.tool_calls)) continue;
    if (typeof content !== "string") {
      const text = `${textKey} must be text.`;
      return rowError(line, `${field}.${textKey}`, "WRONG_TYPE", text, content ?? null);
    }
  }
  return null;
}

function checkText(row: Row, column: string, line: number, optional = false): RowError | null {
  const value = row[column];
  if (typeof value === "string" || (optional && (value === undefined || value === null))) return null;
  return rowError(line, column, "WRONG_TYPE", `${column} must be text.`, value ?? null);
}

/** What is wrong with a row of a dataset of this shape, or null. `line` is the row's line in the source. */
export function checkRow(row: Row, shape: Shape, line: number): RowError | null {
  const missing = needs[shape].find((key) => !Object.hasOwn(row, key));
  const own = missing !== undefined || shape === "table" ? shapeOfRow(row) : shape;
  if (missing !== undefined || own !== shape) {
    const why = missing === undefined ? "" : ` and has no ${missing}`;
    const text = `The dataset's first rows are of shape ${shape}, this row is of shape ${own}${why}.`;
    return rowError(line, missing ?? "row", "MIXED_SHAPES", text, row);
  }
  switch (shape) {
    case "messages":
      return checkTurns(row.messages ?? null, "messages", false, line);
    case "sharegpt":
      return checkTurns(row.conversations ?? null, "conversations", true, line);
    case "alpaca":
      return (
        checkText(row, "instruction", line) ??
        checkText(row, "output", line) ??
        checkText(row, "input", line, true)
      );
    case "prompt-completion":
      for (const column of ["prompt", "completion"]) {
        const value = row[column];
        const error = Array.isArray(value)
          ? checkTurns(value, column, false, line)
          : checkText(row, column, line);
        if (error !== null) return error;
      }
      if (Array.isArray(row.prompt) === Array.isArray(row.completion)) return null;
      return rowError(
        line,
        "completion",
        "WRONG_TYPE",
        "prompt and completion must both be text or both be messages.",
        row.completion,
      );
    case "preference": {
      for (const column of needs.preference) {
        const value = row[column];
        const error = Array.isArray(value)
          ? checkTurns(value, column, false, line)
          : checkText(row, column, line);
        if (error !== null) return error;
      }
      if (agrees(row, shape)) return null;
      const text = "prompt, chosen and rejected must all be text or all be messages.";
      return rowError(line, "chosen", "WRONG_TYPE", text, row.chosen);
    }
    case "table":
      return null;
  }
}

const placeholder = /\{\{\s*([^{}]+?)\s*\}\}/g;

/** The columns that one entry of a mapping reads. */
function columnsOf(entry: string): string[] {
  const named = [...entry.matchAll(placeholder)].map((match) => match[1] ?? "");
  return named.length > 0 ? named : [entry];
}

/** The columns that a mapping reads. */
function mappedColumns(mapping: Mapping): { field: string; column: string }[] {
  return (["prompt", "completion", "system"] as const).flatMap((field) =>
    columnsOf(mapping[field] ?? "").flatMap((column) => (column === "" ? [] : [{ field, column }])),
  );
}

/** What of a mapping a row lacks, or null. `line` is the row's line in the source. */
export function checkMappedRow(row: Row, mapping: Mapping, line: number): RowError | null {
  const missing = mappedColumns(mapping).find(({ column }) => !Object.hasOwn(row, column));
  if (missing === undefined) return null;
  const text = `The mapping's ${missing.field} names column "${missing.column}", which this row lacks.`;
  return rowError(line, missing.column, "MAPPED_COLUMN_MISSING", text, row);
}

/** Throws MAPPED_COLUMN_MISSING where the mapping reads a column that is not there, PROVENANCE_MAPPED where it says whence rows came. */
export function checkMapping(mapping: Mapping, columns: readonly string[]): void {
  const whence = mappedColumns(mapping).find(({ column }) => column === PROVENANCE);
  if (whence)
    throw new EspalierError(
      "PROVENANCE_MAPPED",
      `The column ${PROVENANCE} says where rows came from; it is no text to learn.`,
      { field: `mapping.${whence.field}`, value: PROVENANCE, hint: "Map another column." },
    );
  const missing = mappedColumns(mapping).find(({ column }) => !columns.includes(column));
  if (missing === undefined) return;
  const { field, column } = missing;
  throw new EspalierError(
    "MAPPED_COLUMN_MISSING",
    `The mapping's ${field} names column "${column.slice(0, 100)}", which the dataset does not have.`,
    {
      field: `mapping.${field}`,
      value: column.slice(0, 100),
      hint: `It has these columns: ${columns.slice(0, 30).join(", ")}.`,
    },
  );
}

function textOf(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function fillEntry(entry: string, row: Row): string {
  if (columnsOf(entry)[0] === entry) return textOf(row[entry]);
  return entry.replace(placeholder, (_, column: string) => textOf(row[column]));
}

function turnsOf(list: JsonValue | undefined, sharegpt: boolean): TrainingMessage[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isRow).map((turn) => {
    if (!sharegpt) {
      const content = turn.content ?? turn.tool_calls;
      return { role: textOf(turn.role), content: textOf(content) };
    }
    const from = textOf(turn.from);
    return { role: sharegptRoles[from] ?? from, content: textOf(turn.value) };
  });
}

function withSystem(row: Row, messages: TrainingMessage[]): TrainingMessage[] {
  const system = row.system;
  if (typeof system !== "string" || system === "" || messages[0]?.role === "system") return messages;
  return [{ role: "system", content: system }, ...messages];
}

/**
 * The row as the trainer reads it; system prompts are kept. The row must have passed `checkRow`.
 * Throws MAPPING_NEEDED for a table without mapping, MAPPED_COLUMN_MISSING where the row lacks a column, and
 * PREFERENCE_NOT_TRAINABLE for preferences, but for those of text whose columns a mapping names.
 */
export function toTrainingRow(row: Row, shape: Shape, mapping?: Mapping): TrainingRow {
  if (mapping !== undefined) {
    checkMapping(mapping, Object.keys(row));
    if (shape === "preference" && Array.isArray(row.prompt)) throw preferenceNotTrainable();
    const messages = [
      { role: "user", content: fillEntry(mapping.prompt, row) },
      { role: "assistant", content: fillEntry(mapping.completion, row) },
    ];
    if (mapping.system === undefined) return { messages };
    return { messages: [{ role: "system", content: fillEntry(mapping.system, row) }, ...messages] };
  }
  switch (shape) {
    case "messages":
      return { messages: withSystem(row, turnsOf(row.messages, false)) };
    case "sharegpt":
      return { messages: withSystem(row, turnsOf(row.conversations, true)) };
    case "alpaca": {
      const input = textOf(row.input);
      const instruction = textOf(row.instruction);
      const content = input === "" ? instruction : `${instruction}\n\n${input}`;
      const answer = { role: "assistant", content: textOf(row.output) };
      return { messages: withSystem(row, [{ role: "user", content }, answer]) };
    }
    case "prompt-completion": {
      const { prompt, completion } = row;
      if (!Array.isArray(prompt)) return { prompt: textOf(prompt), completion: textOf(completion) };
      return { messages: withSystem(row, [...turnsOf(prompt, false), ...turnsOf(completion, false)]) };
    }
    case "preference":
      throw preferenceNotTrainable();
    case "table":
      throw new EspalierError("MAPPING_NEEDED", "A table has no prompt and completion of its own.", {
        field: "mapping",
        hint: `Map two of its columns: ${Object.keys(row).join(", ")}.`,
      });
  }
}

/** Why preferences cannot be trained on, with the mend. */
export function preferenceNotTrainable(): EspalierError {
  return new EspalierError(
    "PREFERENCE_NOT_TRAINABLE",
    "The rows are preferences (prompt, chosen, rejected), and no training method learns from preferences yet.",
    {
      field: "datasetVersionId",
      hint: "Train on examples: collect the same rows as examples into a dataset of their own.",
    },
  );
}
