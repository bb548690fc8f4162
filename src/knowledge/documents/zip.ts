// Opens the zip containers of docx, pptx, xlsx and epub: its directory is checked first, so that nothing unpacks past the limits.
import { unzipSync } from "fflate";
import { messageOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { malformed, refusal } from "./document.ts";

export type ZipEntries = {
  has(name: string): boolean;
  names(): string[];
  /** Bytes of one entry, null where there is none of that name. */
  bytes(name: string): Uint8Array | null;
  /** One entry as UTF-8 text. */
  text(name: string): string | null;
};

/** A part this small may shrink as far as it likes: pages of blanks and empty cells do. */
const SMALL_BYTES = 8 * 1024 * 1024;
/** What the readers open; pictures and films inside a document are never unpacked. */
const READ = /\.(xml|rels|xhtml|html?|opf|ncx|txt)$|^mimetype$/i;

/**
 * The container's entries, unpacked when they are asked for.
 * @throws EspalierError DOCUMENT_MALFORMED, DOCUMENT_ENCRYPTED, ARCHIVE_BOMB
 */
export function listEntries(bytes: Uint8Array, path: string): ZipEntries {
  const names = new Set<string>();
  let unpackedBytes = 0;
  const bomb = (what: string): never => {
    throw refusal(
      "ARCHIVE_BOMB",
      path,
      `unpacks to ${what}, as no document does`,
      "If it is genuine, save it again in the program that made it, without what makes it so large.",
      413,
    );
  };
  unzip(bytes, path, ({ name, originalSize, size, compression }) => {
    names.add(name);
    if (names.size > limits.documentEntries)
      bomb(`more than ${limits.documentEntries} files, the limit documentEntries`);
    if (compression !== 0 && compression !== 8)
      throw malformed(path, `holds ${name} packed in a way (${compression}) that no document uses`);
    if (!READ.test(name)) return false;
    unpackedBytes += originalSize;
    if (unpackedBytes > limits.documentUnpackedBytes)
      bomb(`more than ${limits.documentUnpackedBytes} bytes, the limit documentUnpackedBytes`);
    if (originalSize > SMALL_BYTES && originalSize > size * limits.documentGrowth)
      bomb(
        `${Math.round(originalSize / Math.max(1, size))} times its size in ${name}, the limit documentGrowth`,
      );
    return false;
  });
  if (hasEncryptedEntry(bytes))
    throw refusal(
      "DOCUMENT_ENCRYPTED",
      path,
      "is protected by a password",
      "Remove the password in the program that made it and add the file again.",
    );
  const read = (name: string): Uint8Array | null =>
    names.has(name) ? (unzip(bytes, path, (entry) => entry.name === name)[name] ?? null) : null;
  return {
    has: (name) => names.has(name),
    names: () => [...names],
    bytes: read,
    text(name) {
      const found = read(name);
      return found && decodeXml(found);
    },
  };
}

type Filter = NonNullable<NonNullable<Parameters<typeof unzipSync>[1]>["filter"]>;

/** fflate fills at most the size that the directory announced, so a lying one cannot grow. */
function unzip(bytes: Uint8Array, path: string, filter: Filter): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes, { filter });
  } catch (error) {
    if (error instanceof Error && "hint" in error) throw error;
    throw malformed(path, `is cut short or damaged (${messageOf(error)})`);
  }
}

/** The first local header's flag says it: whoever encrypts, encrypts every entry. */
const hasEncryptedEntry = (bytes: Uint8Array): boolean => ((bytes[6] ?? 0) & 1) === 1;

function decodeXml(bytes: Uint8Array): string {
  const isWide = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(
    isWide ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8",
  ).decode(bytes);
}
