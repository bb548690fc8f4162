// What a picture is, by its bytes alone: its type and its size in pixels. Nothing is decoded; a name proves nothing.
import { EspalierError } from "./errors.ts";
import { limits } from "./limits.ts";

export type PictureType = "image/png" | "image/jpeg" | "image/webp" | "image/gif";
/** Width and height in pixels as they are stored: a JPEG that its Exif turns on its side is not turned here. */
export type PictureInfo = { mediaType: PictureType; width: number; height: number };

type Size = { width: number; height: number };
/** The size, or null where the bytes are no whole picture of the format. */
type Read = (bytes: Uint8Array, view: DataView) => Size | null;

/**
 * Type and size of a PNG, JPEG, WebP or GIF whose parts are all there.
 * @throws EspalierError PICTURE_UNREADABLE where it is something else, is cut off, is empty or beyond the limits
 * `pictureSide` and `picturePixels`
 */
export function readPicture(bytes: Uint8Array): PictureInfo {
  const found = FORMATS.find(({ begins }) => begins(bytes));
  if (!found)
    throw unreadable("These bytes are no PNG, JPEG, WebP or GIF", "Save the picture as one of these.");
  const { mediaType, read } = found;
  let size: Size | null;
  try {
    size = read(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    // A read beyond the end of the bytes.
    if (!(error instanceof RangeError)) throw error;
    size = null;
  }
  const name = mediaType.slice("image/".length).toUpperCase();
  if (!size)
    throw unreadable(`The ${name} picture is cut off or damaged`, "Save or send it again as a whole.");
  const { width, height } = size;
  const value = `${width}×${height}`;
  if (width === 0 || height === 0)
    throw unreadable(`The ${name} picture has no size (${value})`, "Save it again.", value);
  if (Math.max(width, height) > limits.pictureSide || width * height > limits.picturePixels)
    throw unreadable(
      `The ${name} picture has ${value} pixels; a side has at most ${limits.pictureSide}, the whole ${limits.picturePixels}`,
      "Make it smaller.",
      value,
    );
  return { mediaType, width, height };
}

/** Refuses a file that is too large to be read whole. @throws EspalierError PICTURE_TOO_LARGE */
export function checkPictureSize(sizeBytes: number, name: string, field = "picture"): void {
  if (sizeBytes <= limits.pictureBytes) return;
  throw new EspalierError(
    "PICTURE_TOO_LARGE",
    `${name.slice(0, 120)} has ${sizeBytes} bytes; ${limits.pictureBytes} are allowed for a picture.`,
    { field, value: String(sizeBytes), hint: "Make it smaller.", status: 413 },
  );
}

function unreadable(message: string, hint: string, value?: string): EspalierError {
  return new EspalierError("PICTURE_UNREADABLE", `${message}.`, {
    field: "picture",
    hint,
    ...(value === undefined ? {} : { value }),
    status: 422,
  });
}

/** Whether `bytes` have the Latin text at an offset. */
function has(bytes: Uint8Array, at: number, text: string): boolean {
  return text.length + at <= bytes.length && [...text].every((c, i) => bytes[at + i] === c.charCodeAt(0));
}

const FORMATS: readonly { mediaType: PictureType; begins: (bytes: Uint8Array) => boolean; read: Read }[] = [
  { mediaType: "image/png", begins: (bytes) => has(bytes, 0, "\x89PNG\r\n\x1a\n"), read: readPng },
  { mediaType: "image/jpeg", begins: (bytes) => has(bytes, 0, "\xff\xd8\xff"), read: readJpeg },
  {
    mediaType: "image/webp",
    begins: (bytes) => has(bytes, 0, "RIFF") && has(bytes, 8, "WEBP"),
    read: readWebp,
  },
  {
    mediaType: "image/gif",
    begins: (bytes) => has(bytes, 0, "GIF87a") || has(bytes, 0, "GIF89a"),
    read: readGif,
  },
];

/** Chunks of length, name, data and checksum, from IHDR to IEND. */
function readPng(bytes: Uint8Array, view: DataView): Size | null {
  if (!has(bytes, 12, "IHDR") || view.getUint32(8) !== 13) return null;
  let hasData = false;
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (has(bytes, at + 4, "IDAT")) hasData = true;
    if (has(bytes, at + 4, "IEND"))
      return hasData ? { width: view.getUint32(16), height: view.getUint32(20) } : null;
  }
  return null;
}

/** Segments up to the scan, one of them the frame's header; then somewhere the end of the picture. */
function readJpeg(bytes: Uint8Array, view: DataView): Size | null {
  let size: Size | null = null;
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    // Fill bytes may stand before a marker.
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xda) break;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) size = { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    const length = view.getUint16(at + 2);
    if (length < 2) return null;
    at += 2 + length;
  }
  for (let at = bytes.length - 2; at > 0; at--)
    if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return size;
    // The marker of the scan itself, or of a later one: what follows it has no end.
    else if (bytes[at] === 0xff && bytes[at + 1] === 0xda) return null;
  return null;
}

/** Chunks of name, length and data within the length that the head says. */
function readWebp(bytes: Uint8Array, view: DataView): Size | null {
  const end = 8 + view.getUint32(4, true);
  if (end > bytes.length) return null;
  let canvas: Size | null = null;
  for (let at = 12; at + 8 <= end; ) {
    const data = at + 8;
    const length = view.getUint32(at + 4, true);
    if (data + length > end) return null;
    if (has(bytes, at, "VP8X"))
      canvas = { width: 1 + uint24(view, data + 4), height: 1 + uint24(view, data + 7) };
    else if (has(bytes, at, "ANMF")) return canvas;
    else if (has(bytes, at, "VP8 "))
      return has(bytes, data + 3, "\x9d\x01\x2a")
        ? (canvas ?? {
            width: view.getUint16(data + 6, true) & 0x3fff,
            height: view.getUint16(data + 8, true) & 0x3fff,
          })
        : null;
    else if (has(bytes, at, "VP8L")) {
      if (view.getUint8(data) !== 0x2f) return null;
      const sizes = view.getUint32(data + 1, true);
      return canvas ?? { width: 1 + (sizes & 0x3fff), height: 1 + ((sizes >> 14) & 0x3fff) };
    }
    at = data + length + (length % 2);
  }
  return null;
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

/** Blocks up to the trailer, which some programs leave away; one of them a picture. */
function readGif(bytes: Uint8Array, view: DataView): Size | null {
  const size = { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  const colours = (at: number): number => {
    const flags = view.getUint8(at);
    return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
  };
  let hasPicture = false;
  let at = 13 + colours(10);
  while (at < bytes.length) {
    const kind = view.getUint8(at);
    if (kind === 0x3b) break;
    if (kind === 0x2c) {
      hasPicture = true;
      at += 11 + colours(at + 9);
    } else if (kind === 0x21) at += 2;
    else return null;
    for (let length = -1; length !== 0; at += 1 + length) length = view.getUint8(at);
  }
  return hasPicture && at <= bytes.length ? size : null;
}
