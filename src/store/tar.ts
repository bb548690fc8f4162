// A small tar writer and reader for backups: regular files only, sizes beyond 8 GiB, every header checked.
import { open } from "node:fs/promises";
import { EspalierError } from "../kit/errors.ts";

const BLOCK = 512;
const PIECE = 1 << 20;
/** The largest size that eleven octal digits hold; beyond it GNU's binary form is used. */
const OCTAL_MAX = 8 ** 11;

type FileHandle = Awaited<ReturnType<typeof open>>;

export type TarEntry = { name: string; sizeBytes: number };
export type TarFound = TarEntry & {
  /** Where the bytes start in the archive. */
  offset: number;
};

/** The 512-byte ustar header of a regular file. */
export function tarHeader({ name, sizeBytes }: TarEntry): Uint8Array {
  const header = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(name) > 100) throw new Error(`tar entry name too long: ${name}`);
  header.write(name, 0, "utf8");
  header.write("0000600\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  if (sizeBytes < OCTAL_MAX) header.write(`${sizeBytes.toString(8).padStart(11, "0")}\0`, 124);
  else {
    header.writeUInt8(0x80, 124);
    header.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  // No times: the same content makes the same archive.
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\0", 257);
  header.write("00", 263);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** Appends one entry; `source` is a path or the bytes themselves. Fails when a file changed its size meanwhile. */
export async function writeEntry(
  out: FileHandle,
  entry: TarEntry,
  source: string | Uint8Array,
): Promise<void> {
  await out.writeFile(tarHeader(entry));
  let written = 0;
  if (typeof source === "string") {
    const file = await open(source, "r");
    try {
      const piece = Buffer.allocUnsafe(PIECE);
      for (;;) {
        const { bytesRead } = await file.read(piece, 0, PIECE, written);
        if (bytesRead === 0) break;
        await out.writeFile(piece.subarray(0, bytesRead));
        written += bytesRead;
      }
    } finally {
      await file.close();
    }
  } else {
    await out.writeFile(source);
    written = source.byteLength;
  }
  if (written !== entry.sizeBytes)
    throw new Error(`${entry.name} has ${written} bytes, not ${entry.sizeBytes}`);
  const rest = written % BLOCK;
  if (rest !== 0) await out.writeFile(Buffer.alloc(BLOCK - rest));
}

/** The two empty blocks at the end. */
export async function writeEnd(out: FileHandle): Promise<void> {
  await out.writeFile(Buffer.alloc(BLOCK * 2));
}

/**
 * Entries in order. Everything a header says is checked against the archive's own size.
 * @throws EspalierError BACKUP_DAMAGED
 */
export async function* readEntries(file: FileHandle): AsyncGenerator<TarFound, void, void> {
  const total = (await file.stat()).size;
  const header = Buffer.alloc(BLOCK);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(header, 0, BLOCK, at);
    if (bytesRead !== BLOCK) throw damaged("it ends before its end mark");
    if (header.every((byte) => byte === 0)) return;
    const said = Number.parseInt(text(header, 148, 8), 8);
    const sum = header.reduce((sofar, byte, index) => sofar + (index >= 148 && index < 156 ? 32 : byte), 0);
    if (said !== sum) throw damaged(`the header at ${at} has a wrong check sum`);
    const name = text(header, 0, 100);
    if (header[156] !== 0x30) throw damaged(`${name} is not a regular file`);
    const sizeBytes = sizeOf(header);
    const offset = at + BLOCK;
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > total - offset)
      throw damaged(`${name} reaches beyond the end of the file`);
    yield { name, sizeBytes, offset };
    at = offset + Math.ceil(sizeBytes / BLOCK) * BLOCK;
  }
}

/** The bytes of an entry, a piece at a time. Each piece is only valid until the next is asked for. */
export async function* readBytes(file: FileHandle, entry: TarFound): AsyncGenerator<Uint8Array, void, void> {
  const piece = Buffer.allocUnsafe(PIECE);
  for (let done = 0; done < entry.sizeBytes; ) {
    const want = Math.min(PIECE, entry.sizeBytes - done);
    const { bytesRead } = await file.read(piece, 0, want, entry.offset + done);
    if (bytesRead === 0) throw damaged(`${entry.name} is cut off`);
    yield piece.subarray(0, bytesRead);
    done += bytesRead;
  }
}

const text = (header: Buffer, from: number, length: number): string =>
  header
    .toString("utf8", from, from + length)
    .replace(/\0.*$/s, "")
    .trim();

function sizeOf(header: Buffer): number {
  if (header[124] === 0x80) return Number(header.readBigUInt64BE(128));
  return Number.parseInt(text(header, 124, 12), 8);
}

export function damaged(why: string): EspalierError {
  return new EspalierError("BACKUP_DAMAGED", `The backup is damaged: ${why}`, {
    field: "file",
    hint: "Use another backup; nothing was restored.",
  });
}
