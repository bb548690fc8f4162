// The one error type that users see: a stable code, what happened, and the mend.

export type ErrorDetail = {
  /** What to do next, as one sentence. */
  hint?: string;
  /** The input field at fault, as the caller named it. */
  field?: string;
  /** The offending value, shortened by the thrower where it may be long. */
  value?: string;
  /** HTTP status where the error leaves by HTTP; 400 when unsaid. */
  status?: number;
};

/** An expected failure. `code` is stable and part of the public contract; never "INTERNAL". */
export class EspalierError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly field: string | undefined;
  readonly value: string | undefined;
  readonly status: number;

  constructor(code: string, message: string, detail: ErrorDetail = {}) {
    super(message);
    this.name = "EspalierError";
    this.code = code;
    this.hint = detail.hint;
    this.field = detail.field;
    this.value = detail.value;
    this.status = detail.status ?? 400;
  }
}

/** True for errors that were made for users to read. */
export function isEspalierError(error: unknown): error is EspalierError {
  return error instanceof EspalierError;
}

/** The message of anything thrown, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
