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

/** What an error tells users, as plain data: for rows, and for answers that hold several. */
export type ErrorShape = { code: string; message: string; hint?: string; field?: string; value?: string };

/** The error as plain data; what it does not say is left out. */
export function shapeOf({ code, message, hint, field, value }: EspalierError): ErrorShape {
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(field === undefined ? {} : { field }),
    ...(value === undefined ? {} : { value }),
  };
}

/** What a row keeps of whatever was thrown while a model replied. */
export function replyError(error: unknown, otherwise: string): ErrorShape {
  if (!isEspalierError(error))
    return { code: otherwise, message: messageOf(error), hint: "Ask again; the server's log has more." };
  const { code, message, hint } = error;
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

/** An error on its way between processes, which cannot carry a class. */
export type ErrorParts = ErrorShape & { status: number };

/** What can be sent of anything thrown; what no user was meant to read goes under the code `otherwise`. */
export function partsOf(error: unknown, otherwise: string): ErrorParts {
  if (!isEspalierError(error)) return { code: otherwise, message: messageOf(error), status: 500 };
  return { ...shapeOf(error), status: error.status };
}

/** The error again, at the other end. */
export function errorOf({ code, message, ...detail }: ErrorParts): EspalierError {
  return new EspalierError(code, message, detail);
}
