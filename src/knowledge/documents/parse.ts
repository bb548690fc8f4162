// Reads one file as a document: tells its kind, hands it to that kind's reader, and refuses by name what cannot be read.
import { EspalierError, messageOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { BlockList, type DocumentKind, empty, malformed, type ParsedDocument, tooLarge } from "./document.ts";
import { isMisnamed, type Recognised, recognise } from "./kinds.ts";

/** What a reader found out beside the blocks. */
export type Read = { title?: string | null; pages?: number; pageNames?: string[]; warnings?: string[] };

/**
 * The document in `bytes`; `path` is its name as users know it and, among texts, tells the kind.
 * Works at once and synchronously for long: call it in the reading process.
 * @throws EspalierError DOCUMENT_KIND_UNSUPPORTED, DOCUMENT_ENCRYPTED, DOCUMENT_SCANNED, DOCUMENT_EMPTY, DOCUMENT_MALFORMED, DOCUMENT_TOO_LARGE, ARCHIVE_BOMB
 */
export async function parseDocument(bytes: Uint8Array, path: string): Promise<ParsedDocument> {
  checkSize(bytes.length, path);
  const blocks = new BlockList(path);
  const found = recognise(bytes, path);
  let read: Read;
  try {
    read = await readKind(found, bytes, path, blocks);
  } catch (error) {
    if (error instanceof EspalierError) throw error;
    // The libraries' own words about a broken file, among them stacks that overflow on one that nests too deeply.
    const words = messageOf(error);
    const why = words.includes("[xmldom") ? "its XML is broken" : words;
    throw malformed(path, `cannot be read as ${found.kind} (${why})`);
  }
  if (blocks.blocks.length === 0) throw empty(path, "holds no text");
  const warnings = [...(read.warnings ?? [])];
  if (isMisnamed(path, found.kind))
    warnings.push(`It was read as ${found.kind}, which it is by its content.`);
  if ("guessed" in found && found.guessed)
    warnings.push("It is not UTF-8; it was read as Windows-1252, so that some letters may be wrong.");
  return {
    kind: found.kind,
    title: read.title || firstHeading(blocks) || baseName(path),
    blocks: blocks.blocks,
    pages: read.pages ?? null,
    pageNames: read.pageNames ?? null,
    warnings,
  };
}

/** @throws EspalierError DOCUMENT_TOO_LARGE */
export function checkSize(sizeBytes: number, path: string): void {
  if (sizeBytes > limits.documentBytes)
    throw tooLarge(
      path,
      `has ${sizeBytes} bytes, more than the limit documentBytes (${limits.documentBytes})`,
    );
}

/** Libraries are loaded only for the kind that needs them. */
async function readKind(
  found: Recognised,
  bytes: Uint8Array,
  path: string,
  blocks: BlockList,
): Promise<Read> {
  switch (found.kind) {
    case "html":
      return { title: (await import("./html.ts")).readHtml(found.text, path, blocks) };
    case "markdown":
      return { title: (await import("./markdown.ts")).readMarkdown(found.text, path, blocks) };
    case "text":
    case "csv":
    case "json":
    case "code":
      return readPlain(found.kind, found.text, path, blocks);
    case "docx":
      await (await import("./docx.ts")).readDocx(found.entries, blocks);
      return {};
    case "pptx":
      return (await import("./pptx.ts")).readPptx(found.entries, blocks);
    case "xlsx":
      return (await import("./xlsx.ts")).readXlsx(found.entries, blocks);
    case "epub":
      return (await import("./epub.ts")).readEpub(found.entries, blocks);
    case "pdf":
      return (await import("./pdf.ts")).readPdf(bytes, blocks);
  }
}

async function readPlain(
  kind: Extract<DocumentKind, "text" | "csv" | "json" | "code">,
  text: string,
  path: string,
  blocks: BlockList,
): Promise<Read> {
  const plain = await import("./plain.ts");
  if (kind === "text") plain.readText(text, blocks);
  else if (kind === "csv") plain.readCsv(text, blocks);
  else if (kind === "code") plain.readCode(text, blocks);
  else plain.readJson(text, path, blocks);
  return {};
}

const firstHeading = ({ blocks }: BlockList): string | undefined =>
  blocks.find(({ kind }) => kind === "heading")?.text.slice(0, limits.documentHeadingChars);

const baseName = (path: string): string => path.split(/[\\/]/).at(-1) || path;
