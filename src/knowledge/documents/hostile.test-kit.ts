// Documents made by hand for tests: Word, Excel, EPUB and PDF, right or wrong in one way.
import { type Zippable, zipSync } from "fflate";

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
export const pack = (parts: Record<string, string | Uint8Array>): Uint8Array =>
  zipSync(
    Object.fromEntries(
      Object.entries(parts).map(([name, part]) => [name, typeof part === "string" ? encode(part) : part]),
    ) satisfies Zippable,
  );
const RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships";
export const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
export const relations = (...items: [id: string, type: string, target: string, mode?: string][]): string =>
  `<Relationships xmlns="${RELATIONS}">${items.map(([id, type, target, mode]) => `<Relationship Id="${id}" Type="${OFFICE}/${type}" Target="${target}"${mode ? ` TargetMode="${mode}"` : ""}/>`).join("")}</Relationships>`;

export const word = (body: string, more: Record<string, string | Uint8Array> = {}, head = ""): Uint8Array =>
  pack({
    "[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
    "_rels/.rels": relations(["r1", "officeDocument", "word/document.xml"]),
    "word/document.xml": `<?xml version="1.0"?>${head}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="${OFFICE}"><w:body>${body}</w:body></w:document>`,
    ...more,
  });
export const wordText = (text: string): string => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`;

export const excel = (sheet: string, more: Record<string, string | Uint8Array> = {}): Uint8Array =>
  pack({
    "[Content_Types].xml": "<Types/>",
    "xl/workbook.xml": `<workbook xmlns:r="${OFFICE}"><sheets><sheet name="Sums" sheetId="1" r:id="r1"/></sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": relations(["r1", "worksheet", "worksheets/sheet1.xml"]),
    "xl/worksheets/sheet1.xml": `<worksheet>${sheet}</worksheet>`,
    ...more,
  });
export const book = (chapter: string, more: Record<string, string | Uint8Array> = {}): Uint8Array =>
  pack({
    mimetype: "application/epub+zip",
    "META-INF/container.xml": `<container><rootfiles><rootfile full-path="b/book.opf"/></rootfiles></container>`,
    "b/book.opf": `<package><metadata><dc:title>Trees</dc:title></metadata><manifest><item id="c" href="a%20b.xhtml"/></manifest><spine><itemref idref="c"/></spine></package>`,
    "b/a b.xhtml": chapter,
    ...more,
  });

/** A PDF of plain pages; `pages` are streams of drawing commands, `trailer` goes into the trailer. */
export function pdf(pages: string[], trailer = ""): Uint8Array {
  const first = 4;
  const objects = [
    "<</Type/Catalog/Pages 2 0 R>>",
    `<</Type/Pages/Count ${pages.length}/Kids[${pages.map((_, at) => `${first + at * 2} 0 R`).join(" ")}]>>`,
    "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ...pages.flatMap((stream, at) => [
      `<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>/Contents ${first + at * 2 + 1} 0 R>>`,
      `<</Length ${stream.length}>>stream\n${stream}\nendstream`,
    ]),
  ];
  let text = "%PDF-1.7\n";
  const offsets = objects.map((object, at) => {
    const offset = text.length;
    text += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, "0")} 00000 n \n`;
  });
  const start = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join("")}trailer\n<</Size ${objects.length + 1}/Root 1 0 R${trailer}>>\nstartxref\n${start}\n%%EOF`;
  return Buffer.from(text, "latin1");
}
export const line = (text: string, y: number, size = 11): string =>
  `BT /F ${size} Tf 72 ${y} Td (${text}) Tj ET`;

/** What the directory announces as unpacked sizes, changed for every entry. */
export function announcing(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  const changed = Buffer.from(bytes);
  for (let at = changed.indexOf("PK\x01\x02"); at !== -1; at = changed.indexOf("PK\x01\x02", at + 4))
    changed.writeUInt32LE(sizeBytes, at + 24);
  return changed;
}

/** A PDF that wants a password. */
export const lockedPdf = (): Uint8Array =>
  pdf(
    [line("x", 700)],
    `/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<${"41".repeat(32)}>/U<${"42".repeat(32)}>>>`,
  );
/** A PDF of a picture without text. */
export const scannedPdf = (): Uint8Array => pdf(["q 0 0 100 100 re f Q"]);
