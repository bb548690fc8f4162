// A folder's files as one zip that is never written anywhere: its length is known, and it can be read from any place.
import { crc32 } from "node:zlib";
import type { Source } from "./upload.ts";

const MAX32 = 0xffff_ffff;
const encoder = new TextEncoder();
type File = { name: string; path: string };
type Piece = { sizeBytes: number; bytes: Uint8Array } | { sizeBytes: number; path: string };

/** The files, stored one after the other (weights do not compress), with sizes and checksums before the bytes. */
export async function zipSource(name: string, files: readonly File[]): Promise<Source> {
  const pieces: Piece[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  const add = (piece: Piece): void => {
    pieces.push(piece);
    offset += piece.sizeBytes;
  };
  for (const file of files) {
    let sum = 0;
    let sizeBytes = 0;
    for await (const part of Bun.file(file.path).stream()) {
      sum = crc32(part, sum);
      sizeBytes += part.byteLength;
    }
    const title = encoder.encode(file.name);
    directory.push(directoryHeader(title, sum, sizeBytes, offset));
    const head = localHeader(title, sum, sizeBytes);
    add({ sizeBytes: head.byteLength, bytes: head });
    add({ sizeBytes, path: file.path });
  }
  const tail = Buffer.concat([...directory, endOfDirectory(directory, offset)]);
  add({ sizeBytes: tail.byteLength, bytes: tail });
  return { name, sizeBytes: offset, read: (from) => readPieces(pieces, from) };
}

async function* readPieces(pieces: readonly Piece[], from: number): AsyncGenerator<Uint8Array, void, void> {
  let skip = from;
  for (const piece of pieces) {
    if (skip >= piece.sizeBytes) {
      skip -= piece.sizeBytes;
      continue;
    }
    if ("bytes" in piece) yield piece.bytes.subarray(skip);
    else yield* Bun.file(piece.path).slice(skip, piece.sizeBytes).stream();
    skip = 0;
  }
}

/** Little-endian numbers of the given widths. */
function numbers(...values: readonly (readonly [width: 2 | 4 | 8, value: number])[]): Buffer {
  const bytes = Buffer.alloc(values.reduce((sum, [width]) => sum + width, 0));
  let at = 0;
  for (const [width, value] of values) {
    if (width === 8) bytes.writeBigUInt64LE(BigInt(value), at);
    else bytes.writeUIntLE(value, at, width);
    at += width;
  }
  return bytes;
}

const large = (value: number): number => Math.min(value, MAX32);
/** Version 4.5, UTF-8 names, stored; 1 January 1980, so that the same files make the same archive. */
const common = (sum: number, size: number) =>
  [
    [2, 0x0800],
    [2, 0],
    [2, 0],
    [2, 0x21],
    [4, sum],
    [4, large(size)],
    [4, large(size)],
  ] as const;

function localHeader(name: Uint8Array, sum: number, size: number): Uint8Array {
  const extra = size >= MAX32 ? numbers([2, 1], [2, 16], [8, size], [8, size]) : Buffer.alloc(0);
  const head = numbers([4, 0x04034b50], [2, 45], ...common(sum, size), [2, name.length], [2, extra.length]);
  return Buffer.concat([head, name, extra]);
}

function directoryHeader(name: Uint8Array, sum: number, size: number, offset: number): Uint8Array {
  const wide = size >= MAX32 || offset >= MAX32;
  const extra = wide ? numbers([2, 1], [2, 24], [8, size], [8, size], [8, offset]) : Buffer.alloc(0);
  const sizes = common(sum, wide ? MAX32 : size);
  const lengths = [
    [2, name.length],
    [2, extra.length],
  ] as const;
  const place = [
    [2, 0],
    [2, 0],
    [2, 0],
    [4, 0],
    [4, wide ? MAX32 : offset],
  ] as const;
  const head = numbers([4, 0x02014b50], [2, 45], [2, 45], ...sizes, ...lengths, ...place);
  return Buffer.concat([head, name, extra]);
}

function endOfDirectory(directory: readonly Uint8Array[], start: number): Uint8Array {
  const count = directory.length;
  const size = directory.reduce((sum, one) => sum + one.byteLength, 0);
  const end = numbers(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, Math.min(count, 0xffff)],
    [2, Math.min(count, 0xffff)],
    [4, large(size)],
    [4, large(start)],
    [2, 0],
  );
  if (start + size < MAX32 && count < 0xffff) return end;
  const wide = numbers(
    [4, 0x06064b50],
    [8, 44],
    [2, 45],
    [2, 45],
    [4, 0],
    [4, 0],
    [8, count],
    [8, count],
    [8, size],
    [8, start],
  );
  return Buffer.concat([wide, numbers([4, 0x07064b50], [4, 0], [8, start + size], [4, 1]), end]);
}
