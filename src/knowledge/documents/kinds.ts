// Tells what kind of document a file is: by its first bytes, and only among texts by its name.
import type { EspalierError } from "../../kit/errors.ts";
import { type DocumentKind, empty, malformed, refusal } from "./document.ts";
import { listEntries, type ZipEntries } from "./zip.ts";

export type Recognised =
  | { kind: "pdf" }
  | { kind: "docx" | "pptx" | "xlsx" | "epub"; entries: ZipEntries }
  | {
      kind: Exclude<DocumentKind, "pdf" | "docx" | "pptx" | "xlsx" | "epub">;
      text: string;
      guessed: boolean;
    };

const KINDS_HINT =
  "Add text, Markdown, HTML, PDF, Word (docx), PowerPoint (pptx), Excel (xlsx), CSV, EPUB, JSON or source code.";

const unsupported = (name: string, what: string, hint = KINDS_HINT): EspalierError =>
  refusal("DOCUMENT_KIND_UNSUPPORTED", name, `is ${what}`, hint, 415);

/** Kinds that are no documents, by their first bytes. */
const FOREIGN: readonly [what: string, magic: string, from?: number][] = [
  ["a PNG image", "\x89PNG"],
  ["a JPEG image", "\xff\xd8\xff"],
  ["a GIF image", "GIF8"],
  ["a WebP image", "WEBP", 8],
  ["a TIFF image", "II*\0"],
  ["a gzip archive", "\x1f\x8b"],
  ["a 7z archive", "7z\xbc\xaf"],
  ["a RAR archive", "Rar!"],
  ["an xz archive", "\xfd7zXZ"],
  ["a bzip2 archive", "BZh"],
  ["a zstd archive", "\x28\xb5\x2f\xfd"],
  ["a SQLite database", "SQLite format 3"],
  ["a Parquet file", "PAR1"],
  ["a GGUF model", "GGUF\x03"],
  ["a program", "\x7fELF"],
  ["a program", "MZ\x90"],
  ["an MP3 recording", "ID3"],
  ["an MP4 film", "ftyp", 4],
  ["a rich text (RTF) file", "{\\rtf"],
];
/** Names that promise something that is never text, so that text under them is a mistake. */
const NEVER_TEXT =
  /\.(png|jpe?g|gif|webp|tiff?|bmp|ico|zip|gz|tgz|7z|rar|xz|bz2|zst|tar|mp[34]|wav|ogg|mov|avi|exe|dll|so|bin|gguf|safetensors|onnx|parquet|sqlite|db|class|jar|pyc|woff2?|ttf|otf|docm?|xlsb?|pptm?|ppt|xls|odt|ods|odp|rtf)$/;
const CODE =
  /\.(c|h|cc|cpp|cxx|hpp|cs|css|scss|less|clj|dart|erl|ex|exs|f90|fs|go|gradle|graphql|gql|groovy|hs|hx|java|jl|js|jsx|mjs|cjs|kt|kts|lua|m|ml|mm|nim|pas|php|pl|pm|proto|ps1|py|pyi|r|rb|rs|scala|sh|bash|zsh|fish|sol|sql|svelte|swift|tcl|tf|toml|ts|tsx|vb|vue|xml|xsd|xsl|yaml|yml|zig|cmake|ini|cfg|conf|properties|bat|diff|patch|svg|tex|rst)$|(^|\/)(dockerfile|makefile|jenkinsfile|rakefile|gemfile|cmakelists\.txt)$/;
/** Names that say how a text is to be read; anything else is plain text. */
const TEXT_NAMES: readonly [RegExp, "markdown" | "csv" | "json" | "html" | "code" | "text"][] = [
  [/\.(md|markdown|mdown|mkd)$/, "markdown"],
  [/\.(csv|tsv)$/, "csv"],
  [/\.(json|jsonl|ndjson|geojson|ipynb)$/, "json"],
  [CODE, "code"],
  [/\.(html?|xhtml)$/, "html"],
];
/** A document's own extension, for the warning that the content is of another kind. */
const PACKED_NAMES = /\.(pdf|docx|pptx|xlsx|epub)$/;

/** How much of a file tells what it is. */
const HEAD_BYTES = 4096;
const startsWith = (bytes: Uint8Array, magic: string, from = 0): boolean =>
  [...magic].every((char, at) => bytes[from + at] === char.charCodeAt(0));

/**
 * The document's kind with its text or its container's entries.
 * @throws EspalierError DOCUMENT_KIND_UNSUPPORTED, DOCUMENT_ENCRYPTED, DOCUMENT_EMPTY, DOCUMENT_MALFORMED, ARCHIVE_BOMB
 */
export function recognise(bytes: Uint8Array, path: string): Recognised {
  const name = path.toLowerCase();
  const head = bytes.subarray(0, HEAD_BYTES);
  const latin = Buffer.from(head.subarray(0, 1024)).toString("latin1");
  if (bytes.length === 0) throw empty(path, "is empty");
  // Some writers put a few bytes before it, and readers have always looked for it in the first kilobyte.
  if (/(^|[\s\S]{0,4}|\n)%PDF-\d/.test(latin) && (latin.startsWith("%PDF-") || !isText(head)))
    return { kind: "pdf" };
  if (startsWith(bytes, "PK\x03\x04")) return recogniseZip(bytes, path);
  if (startsWith(bytes, "PK\x05\x06")) throw malformed(path, "is an empty archive");
  if (startsWith(bytes, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) throw oldOffice(bytes, path);
  for (const [what, magic, from] of FOREIGN)
    if (startsWith(bytes, magic, from)) throw unsupported(path, `${what}, not a document`);
  if (!isText(head)) throw unsupported(path, "binary data");
  if (NEVER_TEXT.test(name))
    throw unsupported(
      path,
      "text under a name that promises something else",
      "Give it the extension of what it is.",
    );
  const { text, guessed } = decode(bytes);
  if (text.trim() === "") throw empty(path, "holds no text");
  const named = TEXT_NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? "text";
  // A page saved under another name; source code that begins like one is still code.
  const isPage = /^\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]{0,2000}?-->\s*)*<(!doctype html|html)[\s>]/i.test(
    text.slice(0, 4000),
  );
  if (named === "html" && !/<[a-z!/?][^<]*>/i.test(text)) return { kind: "text", text, guessed };
  const kind = isPage && named !== "code" && named !== "markdown" ? "html" : named;
  return { kind, text, guessed };
}

/** True where the name promises another of the kinds than the one that was found. */
export function isMisnamed(path: string, kind: DocumentKind): boolean {
  const promised = PACKED_NAMES.exec(path.toLowerCase())?.[1];
  return promised !== undefined && promised !== kind;
}

function recogniseZip(bytes: Uint8Array, path: string): Recognised {
  const entries = listEntries(bytes, path);
  const has = (name: string): boolean => entries.has(name);
  if (has("word/document.xml") || has("word/document2.xml")) return { kind: "docx", entries };
  if (has("ppt/presentation.xml")) return { kind: "pptx", entries };
  if (has("xl/workbook.xml")) return { kind: "xlsx", entries };
  if (has("META-INF/container.xml") && has("mimetype")) return { kind: "epub", entries };
  if (has("xl/workbook.bin"))
    throw unsupported(path, "a binary workbook (xlsb)", "Save it as xlsx and add that.");
  if (has("content.xml") && has("mimetype"))
    throw unsupported(
      path,
      "an OpenDocument file",
      "Save it as docx, xlsx or pptx, or as PDF, and add that.",
    );
  throw unsupported(path, "a ZIP archive", "Unpack it and add the files in it.");
}

/** A compound file is what Office wrote before 2007, and what it wraps an encrypted file of today into. */
function oldOffice(bytes: Uint8Array, path: string): EspalierError {
  const marker = Buffer.from("EncryptedPackage", "utf16le");
  if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(marker))
    return refusal(
      "DOCUMENT_ENCRYPTED",
      path,
      "is protected by a password",
      "Remove the password in the program that made it and add the file again.",
    );
  return unsupported(
    path,
    "in a format of Office before 2007 (doc, xls, ppt) or another compound file",
    "Save it as docx, xlsx or pptx and add that.",
  );
}

const UTF16LE = "\xff\xfe";
const UTF16BE = "\xfe\xff";

function isText(head: Uint8Array): boolean {
  if (startsWith(head, UTF16LE) || startsWith(head, UTF16BE)) return true;
  const controls = head.filter((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27)).length;
  return !head.includes(0) && controls * 20 <= head.length;
}

/** The file's text; `guessed` where nothing said its encoding and it is not UTF-8. */
function decode(bytes: Uint8Array): { text: string; guessed: boolean } {
  const said = encodingOf(bytes);
  try {
    return { text: new TextDecoder(said ?? "utf-8", { fatal: said === null }).decode(bytes), guessed: false };
  } catch {
    return { text: new TextDecoder("windows-1252").decode(bytes), guessed: true };
  }
}

/** What a byte order mark or the head of an HTML page says. */
function encodingOf(bytes: Uint8Array): string | null {
  if (startsWith(bytes, UTF16LE)) return "utf-16le";
  if (startsWith(bytes, UTF16BE)) return "utf-16be";
  const head = Buffer.from(bytes.subarray(0, 1024)).toString("latin1");
  const label = /<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)/i.exec(head)?.[1]?.toLowerCase();
  if (label === undefined || /^utf-?(8|16)/.test(label)) return null;
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return null;
  }
}
