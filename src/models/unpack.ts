// Unpacking an uploaded zip of a model folder: flat, bounded, and never outside the target folder.
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { Unzip, UnzipInflate, UnzipPassThrough } from "fflate";
import { EspalierError, messageOf } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";

/** True for a file that begins as a zip does. */
export async function isZip(path: string): Promise<boolean> {
  const head = await Bun.file(path)
    .slice(0, 4)
    .bytes()
    .catch(() => new Uint8Array());
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4;
}

/**
 * Unpacks the files of a zip into `folder`, without the one folder that many zips wrap around everything.
 * @throws EspalierError ZIP_PATH_REFUSED, ZIP_TOO_LARGE, ZIP_INVALID
 */
export async function unpackZip(path: string, folder: string, signal: AbortSignal): Promise<void> {
  const pending: Promise<void>[] = [];
  let failure: unknown;
  let unpackedBytes = 0;
  let entries = 0;
  const packedBytes = Bun.file(path).size;
  // A zip of weights hardly shrinks: whatever grows a hundredfold is a bomb.
  const most = Math.min(limits.uploadBytes, packedBytes * limits.zipGrowth + 1024 * 1024);
  const unzip = new Unzip((entry) => {
    if (failure || entry.name.endsWith("/")) return;
    if (++entries > limits.zipEntries) {
      failure = tooLarge(`more than ${limits.zipEntries} files`);
      return;
    }
    const name = safeName(entry.name);
    if (name === null) {
      failure = new EspalierError("ZIP_PATH_REFUSED", "The zip names a file outside its folder.", {
        value: entry.name.replaceAll("\0", "\\0").slice(0, 200),
        hint: "Zip the files of the model's folder, without folders inside it.",
      });
      return;
    }
    let opened: Promise<FileHandle> | undefined;
    let tail = Promise.resolve();
    entry.ondata = (error, chunk, isLast) => {
      if (error) failure ??= error;
      unpackedBytes += chunk?.length ?? 0;
      if (unpackedBytes > most) failure ??= tooLarge(`more than ${most} bytes`);
      if (failure) return;
      opened ??= open(join(folder, name), "wx");
      const file = opened;
      tail = tail.then(async () => {
        await (await file).writeFile(chunk);
        if (isLast) await (await file).close();
      });
      const note = (problem: unknown): void => {
        failure ??= problem;
      };
      pending.push(tail.catch(note));
    };
    entry.start();
  });
  unzip.register(UnzipInflate);
  unzip.register(UnzipPassThrough);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      signal.throwIfAborted();
      if (chunk instanceof Uint8Array) unzip.push(chunk);
      await Promise.all(pending.splice(0));
      if (failure) throw failure;
    }
    unzip.push(new Uint8Array(), true);
    await Promise.all(pending.splice(0));
    if (failure) throw failure;
  } catch (error) {
    if (error instanceof EspalierError || signal.aborted) throw error;
    throw new EspalierError("ZIP_INVALID", `The zip cannot be unpacked: ${messageOf(error)}.`, {
      hint: "Make the zip again and upload it once more.",
    });
  }
}

/** The file name without its one wrapping folder; null when the path is not a plain one. */
function safeName(path: string): string | null {
  const parts = path.replaceAll("\\", "/").split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\0"))) return null;
  const name = parts.at(-1) ?? "";
  return parts.length <= 2 && name.length <= 200 ? name : null;
}

function tooLarge(what: string): EspalierError {
  return new EspalierError("ZIP_TOO_LARGE", `The zip holds ${what}.`, {
    status: 413,
    hint: "Give the folder's path on the server's machine instead of a zip.",
  });
}
