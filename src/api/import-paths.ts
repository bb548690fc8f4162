// Which paths of the server's own disk a request may have imported; see docs/decisions/0006-paths-of-the-server.md.
import { realpath } from "node:fs/promises";
import { isAbsolute, sep } from "node:path";
import { opens, type Principal } from "../accounts/accounts.ts";
import { EspalierError } from "../kit/errors.ts";

/**
 * The real path, links followed, of a file or folder that `principal` may have imported: one within the folders set
 * by --import-dir, or any for an admin where none are set.
 * @throws EspalierError PATH_NOT_ABSOLUTE, PATH_REFUSED (403), MODEL_NOT_FOUND (404)
 */
export async function importPath(
  path: string,
  principal: Principal,
  importDirs: readonly string[] | undefined,
): Promise<string> {
  const value = path.replaceAll("\0", "\\0").slice(0, 200);
  if (path.includes("\0") || !isAbsolute(path))
    throw new EspalierError("PATH_NOT_ABSOLUTE", `"${value}" is no full path.`, {
      field: "path",
      value,
      hint: "Give the full path on the server's machine, or upload the files.",
    });
  const isAdmin = opens(principal.scopes, "admin");
  // Refused before the disk is asked: nobody learns here which files there are.
  if (importDirs === undefined && !isAdmin)
    throw refused(value, "Only an admin may name paths of this server");
  const real = await realpath(path).catch(() => null);
  if (importDirs !== undefined) {
    const allowed = await Promise.all(importDirs.map((dir) => realpath(dir).catch(() => dir)));
    // A path that is not there is judged by its name, so that the answer gives nothing away.
    const judged = real ?? path;
    const isWithin = allowed.some(
      (dir) => judged === dir || judged.startsWith(dir.endsWith(sep) ? dir : dir + sep),
    );
    if (!isWithin || judged.split(sep).includes(".."))
      throw refused(value, "It lies outside the folders that this server imports from");
  }
  if (real !== null) return real;
  throw new EspalierError("MODEL_NOT_FOUND", `There is no file or folder ${value} on the server's machine.`, {
    field: "path",
    value,
    status: 404,
    hint: "Give the path of a Hugging Face folder or of a GGUF file on the server's machine, or upload it.",
  });
}

function refused(value: string, why: string): EspalierError {
  return new EspalierError("PATH_REFUSED", `"${value}" is not imported by its path. ${why}.`, {
    field: "path",
    value,
    hint: "Upload the files instead, or start the server with --import-dir for the folder that holds them.",
    status: 403,
  });
}
