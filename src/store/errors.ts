// Turns errors of the disk and of SQLite into errors that users can act on.
import { codeOf, isFull, storeError } from "../kit/disk.ts";
import { EspalierError, isEspalierError, messageOf } from "../kit/errors.ts";

/** True where the disk failed, after which what is on it is unknown. */
export function isIoError(error: unknown): boolean {
  return /^(SQLITE_IOERR|SQLITE_CORRUPT|EIO)/.test(codeOf(error) ?? "");
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
