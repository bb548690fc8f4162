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
 * @throws EspalierError ZIP_PATH_REFUSED, ZIP_LINK_REFUSED, ZIP_TOO_LARGE, ZIP_INVALID
 */
export async function unpackZip(path: string, folder: string, signal: AbortSignal): Promise<void> {
  await refuseLinks(path);
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
      failure = tooLarge(`more than ${limits.zipEntries} files, the limit zipEntries`);
      return;
    }
    const name = safeName(entry.name);
    if (name === null) {
      failure = new EspalierError(
        "ZIP_PATH_REFUSED",
        `The zip names ${shown(entry.name)}, which is no plain file of one folder.`,
        {
          value: shown(entry.name),
          hint: "Zip the files of the model's folder, without folders inside it.",
        },
      );
      return;
    }
    let opened: Promise<FileHandle> | undefined;
    let tail = Promise.resolve();
    entry.ondata = (error, chunk, isLast) => {
      if (error) failure ??= error;
      unpackedBytes += chunk?.length ?? 0;
      if (unpackedBytes > most)
        failure ??= tooLarge(`more than ${most} bytes, ${limits.zipGrowth} times its own size`);
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

const END_BYTES = 22;
const COMMENT_BYTES = 65_535;
const DIRECTORY_BYTES = 4 * 1024 * 1024;

/**
 * Refuses an archive whose directory, at its end, has symbolic links. Where no directory is found (cut short, zip64)
 * nothing is lost: a link is then unpacked as the short text that it is.
 */
async function refuseLinks(path: string): Promise<void> {
  const file = Bun.file(path);
  const tail = Buffer.from(
    await file.slice(Math.max(0, file.size - END_BYTES - COMMENT_BYTES)).arrayBuffer(),
  );
  const end = tail.lastIndexOf("PK\x05\x06", tail.length, "latin1");
  if (end < 0 || end + END_BYTES > tail.length) return;
  const [size, from] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  const directory = Buffer.from(await file.slice(from, from + Math.min(size, DIRECTORY_BYTES)).arrayBuffer());
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === 0x02014b50; ) {
    const name = directory.toString("utf8", at + 46, at + 46 + directory.readUInt16LE(at + 28));
    // The upper half of the external attributes is the Unix mode: 0o12 is a symbolic link.
    if (directory.readUInt32LE(at + 38) >>> 28 === 0o12)
      throw new EspalierError("ZIP_LINK_REFUSED", `In the zip ${shown(name)} is a symbolic link.`, {
        value: shown(name),
        hint: "Zip the file itself in its place.",
      });
    at +=
      46 +
      directory.readUInt16LE(at + 28) +
      directory.readUInt16LE(at + 30) +
      directory.readUInt16LE(at + 32);
  }
}

const shown = (name: string): string => name.replaceAll("\0", "\\0").slice(0, 200);

/** The file name without its one wrapping folder; null when the path is not a plain one. */
function safeName(path: string): string | null {
  const parts = path.replaceAll("\\", "/").split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\0"))) return null;
  const name = parts.at(-1) ?? "";
  return parts.length <= 2 && name.length <= 200 ? name : null;
}

function tooLarge(what: string): EspalierError {
  return new EspalierError("ZIP_TOO_LARGE", `The zip holds ${what}.`, {
    value: what,
    status: 413,
    hint: "Upload the files of the folder one by one instead of a zip.",
  });
}
