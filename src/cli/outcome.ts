// What a verb leaves: one document, one exit code; and how failures become both.
import { EspalierError, isEspalierError, messageOf } from "../kit/errors.ts";
import type { Json } from "./verbs.ts";

/** The exit codes that other people's scripts rely on. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  unreachable: 5,
  newerSchema: 6,
} as const;

/** Codes that mean damage, not refusal, though they carry a status of 4xx. */
const DAMAGE =
  /^(BACKUP_DAMAGED|BLOB_DAMAGED|BLOB_MISSING|DATABASE_DAMAGED|HASH_MISMATCH|UPLOAD_DAMAGED|FILE_DAMAGED)$/;

/** The exit code of a failure. */
export function exitCodeOf(error: unknown): number {
  if (!isEspalierError(error)) return EXIT.failed;
  const { code, status } = error;
  if (code === "SCHEMA_NEWER" || code === "CONTRACT_VERSION_MISMATCH") return EXIT.newerSchema;
  if (code === "USAGE" || code === "CONFIG_INVALID") return EXIT.usage;
  if (code === "UNREACHABLE") return EXIT.unreachable;
  if (status >= 500 || DAMAGE.test(code)) return EXIT.failed;
  if (status === 404) return EXIT.notFound;
  return EXIT.refused;
}

/** `{"error": {code, message, hint, field?, value?}}` of anything thrown. */
export function errorDocument(error: unknown): Json {
  if (!isEspalierError(error))
    return { error: { code: "FAULT", message: messageOf(error), hint: "Please report this." } };
  const { code, message, hint, field, value } = error;
  return {
    error: {
      code,
      message,
      hint: hint ?? null,
      ...(field === undefined ? {} : { field }),
      ...(value === undefined ? {} : { value }),
    },
  };
}

/** The same for people, for stderr. */
export function errorText(error: unknown): string {
  if (!isEspalierError(error)) return `error: ${messageOf(error)}\n`;
  const hint = error.hint ? `  ${error.hint}\n` : "";
  return `error: ${error.message} (${error.code})\n${hint}`;
}

/** A mistake in the command line itself. */
export function usage(message: string, hint: string): EspalierError {
  return new EspalierError("USAGE", message, { hint });
}

/** What a failed piece of work says of itself: exit code 1, whatever its code. */
export function failure(error: {
  code: string;
  message: string;
  hint?: string | null | undefined;
}): EspalierError {
  return new EspalierError(error.code, error.message, {
    status: 500,
    ...(error.hint ? { hint: error.hint } : {}),
  });
}
