// The words shared by the parsers: a parsed row, and an error of one row.

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type Row = { [key: string]: JsonValue };

export const rowErrorCodes = [
  "INVALID_JSON",
  "INVALID_ENCODING",
  "NUL_BYTE",
  "RECORD_TOO_LONG",
  "NESTED_TOO_DEEP",
  "DUPLICATE_KEY",
  "NUMBER_NOT_EXACT",
  "MAPPED_COLUMN_MISSING",
  "RAGGED_ROW",
  "UNCLOSED_QUOTE",
  "ROW_NOT_OBJECT",
  "MIXED_SHAPES",
  "MESSAGE_WITHOUT_ROLE",
  "UNKNOWN_ROLE",
  "NO_MESSAGES",
  "WRONG_TYPE",
] as const;
export type RowErrorCode = (typeof rowErrorCodes)[number];

/** What is wrong with one row; `line` counts from 1, `value` holds at most 200 characters. */
export type RowError = { line: number; field: string; code: RowErrorCode; message: string; value: string };

/** A good row and the line of the source on which it begins, from 1. */
export type ParsedRow = { line: number; row: Row };

/** What one read of the source gave; batches keep the cost of async iteration off each row. */
export type ParsedBatch = { rows: ParsedRow[]; errors: RowError[]; bytesRead: number };

/** Makes a row error, with the value shortened to 200 characters. */
export function rowError(
  line: number,
  field: string,
  code: RowErrorCode,
  message: string,
  value: unknown,
): RowError {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return { line, field, code, message, value: text.length > 200 ? `${text.slice(0, 199)}…` : text };
}

/** True for a plain JSON object. */
export function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
