// Errors of a disk: what the operating system or SQLite says, and no room left as an error that users can act on.
import { EspalierError, isEspalierError, messageOf } from "./errors.ts";

/** The chain of an error and its causes, outermost first; Drizzle wraps what libSQL throws. */
function* causes(error: unknown): Generator<{ code?: unknown; message?: unknown; cause?: unknown }> {
  let at = error;
  for (let depth = 0; depth < 8 && typeof at === "object" && at !== null; depth++) {
    yield at;
    at = "cause" in at ? at.cause : undefined;
  }
}

/** The SQLite or operating system code inside an error, e.g. SQLITE_FULL or ENOSPC. */
export function codeOf(error: unknown): string | undefined {
  let found: string | undefined;
  for (const link of causes(error)) if (typeof link.code === "string") found ??= link.code;
  return found;
}

/** True where the disk, a quota or a file size limit has no room left. */
export function isFull(error: unknown): boolean {
  return /^(SQLITE_FULL|ENOSPC|EDQUOT|EFBIG|DISK_FULL)/.test(codeOf(error) ?? "");
}

/** DISK_FULL with the folder in it. */
function diskFull(where: string, cause: unknown): EspalierError {
  return new EspalierError("DISK_FULL", `No room left to write in ${where}: ${messageOf(cause)}`, {
    field: "dataDir",
    value: where,
    hint: "Free space on that disk, or remove datasets and models that are no longer needed, then try again.",
    status: 507,
  });
}

/** The error as users should see it: disk full is named, everything else stays as it is. */
export function storeError(error: unknown, where: string): unknown {
  return !isEspalierError(error) && isFull(error) ? diskFull(where, error) : error;
}
