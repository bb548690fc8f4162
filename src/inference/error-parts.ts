// Errors on their way between the server and an engine child, which cannot carry a class.
import { EspalierError, isEspalierError, messageOf } from "../kit/errors.ts";
import type { ErrorParts } from "./protocol.ts";

/** What can be sent of anything thrown; what no user was meant to read becomes ENGINE_FAILED. */
export function partsOf(error: unknown): ErrorParts {
  if (!isEspalierError(error)) return { code: "ENGINE_FAILED", message: messageOf(error), status: 500 };
  const { code, message, hint, field, value, status } = error;
  return {
    code,
    message,
    status,
    ...(hint === undefined ? {} : { hint }),
    ...(field === undefined ? {} : { field }),
    ...(value === undefined ? {} : { value }),
  };
}

/** The error again, at the other end. */
export function errorOf({ code, message, ...detail }: ErrorParts): EspalierError {
  return new EspalierError(code, message, detail);
}
