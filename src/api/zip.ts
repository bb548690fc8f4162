// Streams files of known size as one zip archive, uncompressed (weights do not compress), of any size (zip64).
import { crc32 } from "node:zlib";

export type ZipEntry = { name: string; sizeBytes: number; stream: () => AsyncIterable<Uint8Array> };

const MAX32 = 0xffff_ffff;
const VERSION = 45;
/** Bit 3: sizes and checksum follow the bytes; bit 11: names are UTF-8. */
const FLAGS = 0x0808;
/** 1 January 1980, so that the same files make the same archive. */
const DOS_DATE = 0x0021;

/** The archive's bytes, in constant memory. @throws Error when an entry has not the size it announced. */
export async function* zip(
  entries: readonly ZipEntry[],
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = new TextEncoder().encode(entry.name);
    const start = offset;
    const head = localHeader(name, entry.sizeBytes);
    yield head;
    offset += head.byteLength;
    let size = 0;
    let checksum = 0;
    for await (const part of entry.stream()) {
      checksum = crc32(part, checksum);
      size += part.byteLength;
      yield new Uint8Array(part);
    }
    if (size !== entry.sizeBytes) throw new Error(`${entry.name} has ${size} bytes, not ${entry.sizeBytes}`);
    offset += size;
    const tail = descriptor(checksum, size);
    yield tail;
    offset += tail.byteLength;
    directory.push(directoryHeader(name, checksum, size, start));
  }
  const start = offset;
  for (const header of directory) {
    yield header;
    offset += header.byteLength;
  }
  yield endOfDirectory(directory.length, offset - start, start);
}

/** Writes little-endian numbers one after the other. */
function fields(
  size: number,
  values: readonly [bytes: 2 | 4 | 8, value: number][],
  tail?: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size + (tail?.byteLength ?? 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of values) {
    if (width === 2) view.setUint16(at, value, true);
    else if (width === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += width;
  }
  if (tail) bytes.set(tail, size);
  return bytes;
}

function localHeader(name: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  // The extra field announces that the descriptor's sizes have 8 bytes.
  const extra =
    size >= MAX32
      ? fields(20, [
          [2, 1],
          [2, 16],
          [8, 0],
          [8, 0],
        ])
      : new Uint8Array(0);
  const sizes = size >= MAX32 ? MAX32 : 0;
  const tail = new Uint8Array(name.byteLength + extra.byteLength);
  tail.set(name);
  tail.set(extra, name.byteLength);
  return fields(
    30,
    [
      [4, 0x04034b50],
      [2, VERSION],
      [2, FLAGS],
      [2, 0],
      [2, 0],
      [2, DOS_DATE],
      [4, 0],
      [4, sizes],
      [4, sizes],
      [2, name.byteLength],
      [2, extra.byteLength],
    ],
    tail,
  );
}

function descriptor(checksum: number, size: number): Uint8Array<ArrayBuffer> {
  return size >= MAX32
    ? fields(24, [
        [4, 0x08074b50],
        [4, checksum],
        [8, size],
        [8, size],
      ])
    : fields(16, [
        [4, 0x08074b50],
        [4, checksum],
        [4, size],
        [4, size],
      ]);
}

function directoryHeader(
  name: Uint8Array,
  checksum: number,
  size: number,
  offset: number,
): Uint8Array<ArrayBuffer> {
  const isLarge = size >= MAX32 || offset >= MAX32;
  const extra = isLarge
    ? fields(28, [
        [2, 1],
        [2, 24],
        [8, size],
        [8, size],
        [8, offset],
      ])
    : new Uint8Array(0);
  const short = (value: number): number => (isLarge ? MAX32 : value);
  const tail = new Uint8Array(name.byteLength + extra.byteLength);
  tail.set(name);
  tail.set(extra, name.byteLength);
  return fields(
    46,
    [
      [4, 0x02014b50],
      [2, VERSION],
      [2, VERSION],
      [2, FLAGS],
      [2, 0],
      [2, 0],
      [2, DOS_DATE],
      [4, checksum],
      [4, short(size)],
      [4, short(size)],
      [2, name.byteLength],
      [2, extra.byteLength],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, short(offset)],
    ],
    tail,
  );
}

function endOfDirectory(count: number, size: number, offset: number): Uint8Array<ArrayBuffer> {
  const end = fields(22, [
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, Math.min(count, 0xffff)],
    [2, Math.min(count, 0xffff)],
    [4, Math.min(size, MAX32)],
    [4, Math.min(offset, MAX32)],
    [2, 0],
  ]);
  if (offset + size < MAX32 && count < 0xffff) return end;
  return fields(
    56,
    [
      [4, 0x06064b50],
      [8, 44],
      [2, VERSION],
      [2, VERSION],
      [4, 0],
      [4, 0],
      [8, count],
      [8, count],
      [8, size],
      [8, offset],
    ],
    fields(
      20,
      [
        [4, 0x07064b50],
        [4, 0],
        [8, offset + size],
        [4, 1],
      ],
      end,
    ),
  );
}
