// Turns errors of the disk and of SQLite into errors that users can act on.
import { EspalierError, isEspalierError, messageOf } from "../kit/errors.ts";

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

/** True where the disk failed, after which what is on it is unknown. */
export function isIoError(error: unknown): boolean {
  return /^(SQLITE_IOERR|SQLITE_CORRUPT|EIO)/.test(codeOf(error) ?? "");
}

/** DISK_FULL with the folder in it. */
export function diskFull(where: string, cause: unknown): EspalierError {
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

/** What can be wrong with a data folder when it is opened, as users should see it. */
export function openError(error: unknown, dataDir: string): unknown {
  if (isEspalierError(error) || isFull(error)) return storeError(error, dataDir);
  const code = codeOf(error) ?? "";
  const about = { field: "dataDir", value: dataDir, status: 500 };
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code))
    return new EspalierError(
      "DATABASE_DAMAGED",
      `The database in ${dataDir} is damaged: ${messageOf(error)}`,
      {
        ...about,
        hint: "Restore a backup into another folder, or copy the latest file of snapshots/ over espalier.db.",
      },
    );
  if (/^(SQLITE_(CANTOPEN|READONLY|PERM|AUTH)|ENOENT|EACCES|EPERM|EROFS|ENOTDIR|EISDIR)/.test(code))
    return new EspalierError("DATA_FOLDER_UNUSABLE", `${dataDir} cannot be written: ${messageOf(error)}`, {
      ...about,
      hint: "Name another folder with --data, or mend its permissions.",
    });
  return error;
}
