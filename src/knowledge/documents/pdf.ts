// Reads PDFs page by page: places of letters become lines, lines become paragraphs, headings and tables.
import { messageOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { type BlockList, malformed, refusal, tooLarge } from "./document.ts";
import type { Read } from "./parse.ts";
import { addLines, type Line, linesOf, type TextItem, withoutFurniture } from "./pdf-lines.ts";

/** @throws EspalierError DOCUMENT_ENCRYPTED, DOCUMENT_SCANNED, DOCUMENT_MALFORMED, DOCUMENT_TOO_LARGE */
export async function readPdf(bytes: Uint8Array, blocks: BlockList): Promise<Read> {
  const { getDocumentProxy } = await import("unpdf");
  const path = blocks.name;
  // pdf.js takes the buffer for itself; it runs no scripts of the document and fetches nothing.
  const pdf = await getDocumentProxy(new Uint8Array(bytes), {
    verbosity: 0,
    stopAtErrors: false,
  }).catch((error: unknown) => {
    if (error instanceof Error && error.name === "PasswordException")
      throw refusal(
        "DOCUMENT_ENCRYPTED",
        path,
        "is protected by a password",
        "Remove the password in the program that made it and add the file again.",
      );
    throw malformed(path, `cannot be read as PDF (${messageOf(error)})`);
  });
  if (pdf.numPages > limits.documentPages)
    throw tooLarge(
      path,
      `has ${pdf.numPages} pages, more than the limit documentPages (${limits.documentPages})`,
    );
  const pages: Line[][] = [];
  const unreadable: number[] = [];
  for (let number = 1; number <= pdf.numPages; number++) {
    try {
      const page = await pdf.getPage(number);
      const { items } = await page.getTextContent();
      pages.push(linesOf(items.filter((item): item is TextItem & typeof item => "str" in item)));
      page.cleanup();
    } catch {
      unreadable.push(number);
      pages.push([]);
    }
  }
  const title = await pdf.getMetadata().then(
    ({ info }) => ("Title" in info && typeof info.Title === "string" ? titleOf(info.Title) : null),
    () => null,
  );
  await pdf.loadingTask.destroy();
  if (unreadable.length === pdf.numPages) throw malformed(path, "has no page that can be read");
  const blank = pages.flatMap((lines, at) =>
    lines.length === 0 && !unreadable.includes(at + 1) ? [at + 1] : [],
  );
  if (blank.length + unreadable.length === pages.length)
    throw refusal(
      "DOCUMENT_SCANNED",
      path,
      "has no text, only pictures of it",
      "Recognising text in pictures (OCR) is not there: add an edition with a text layer.",
    );
  addLines(withoutFurniture(pages), blocks);
  return {
    title,
    pages: pages.length,
    warnings: [
      ...said(unreadable, "could not be read"),
      ...said(blank, "have no text: they are blank or pictures"),
    ],
  };
}

const LISTED = 20;
function said(pages: readonly number[], what: string): string[] {
  if (pages.length === 0) return [];
  const listed = pages.slice(0, LISTED).join(", ");
  return [
    `Pages that ${what}: ${listed}${pages.length > LISTED ? ` and ${pages.length - LISTED} more` : ""}.`,
  ];
}

/** Programs put the name of a file, or nothing, where a title belongs. */
function titleOf(title: string): string | null {
  const clean = title.replace(/^Microsoft (Word|PowerPoint|Excel) - /, "").trim();
  return /^(untitled|document\d*|slide \d+)?$|\.\w{2,5}$/i.test(clean) ? null : clean;
}
