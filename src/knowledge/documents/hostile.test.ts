import { expect, test } from "bun:test";
import { type Zippable, zipSync } from "fflate";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { documentText, type ParsedDocument } from "./document.ts";
import { parseDocument } from "./parse.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const pack = (parts: Record<string, string | Uint8Array>): Uint8Array =>
  zipSync(
    Object.fromEntries(
      Object.entries(parts).map(([name, part]) => [name, typeof part === "string" ? encode(part) : part]),
    ) satisfies Zippable,
  );
const codeOf = (name: string, bytes: Uint8Array): Promise<string> =>
  parseDocument(bytes, name).then(
    (document) => `read: ${documentText(document).slice(0, 80)}`,
    (error: unknown) => {
      if (!(error instanceof EspalierError)) throw error;
      expect(error.message).toStartWith(`${name} `);
      return error.code;
    },
  );

const RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const relations = (...items: [id: string, type: string, target: string, mode?: string][]): string =>
  `<Relationships xmlns="${RELATIONS}">${items.map(([id, type, target, mode]) => `<Relationship Id="${id}" Type="${OFFICE}/${type}" Target="${target}"${mode ? ` TargetMode="${mode}"` : ""}/>`).join("")}</Relationships>`;

const word = (body: string, more: Record<string, string | Uint8Array> = {}, head = ""): Uint8Array =>
  pack({
    "[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
    "_rels/.rels": relations(["r1", "officeDocument", "word/document.xml"]),
    "word/document.xml": `<?xml version="1.0"?>${head}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="${OFFICE}"><w:body>${body}</w:body></w:document>`,
    ...more,
  });
const wordText = (text: string): string => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`;

const excel = (sheet: string, more: Record<string, string | Uint8Array> = {}): Uint8Array =>
  pack({
    "[Content_Types].xml": "<Types/>",
    "xl/workbook.xml": `<workbook xmlns:r="${OFFICE}"><sheets><sheet name="Sums" sheetId="1" r:id="r1"/></sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": relations(["r1", "worksheet", "worksheets/sheet1.xml"]),
    "xl/worksheets/sheet1.xml": `<worksheet>${sheet}</worksheet>`,
    ...more,
  });
const book = (chapter: string, more: Record<string, string | Uint8Array> = {}): Uint8Array =>
  pack({
    mimetype: "application/epub+zip",
    "META-INF/container.xml": `<container><rootfiles><rootfile full-path="b/book.opf"/></rootfiles></container>`,
    "b/book.opf": `<package><metadata><dc:title>Trees</dc:title></metadata><manifest><item id="c" href="a%20b.xhtml"/></manifest><spine><itemref idref="c"/></spine></package>`,
    "b/a b.xhtml": chapter,
    ...more,
  });

/** A PDF of plain pages; `pages` are streams of drawing commands, `trailer` goes into the trailer. */
function pdf(pages: string[], trailer = ""): Uint8Array {
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
const line = (text: string, y: number, size = 11): string => `BT /F ${size} Tf 72 ${y} Td (${text}) Tj ET`;

test("Word: styles, lists, tables, and a picture from elsewhere that is never fetched", async () => {
  let requests = 0;
  const server = Bun.serve({
    port: 0,
    fetch() {
      requests++;
      return new Response("x");
    },
  });
  const url = server.url.href;
  const bytes = word(
    `${wordText("before")}<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"><a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:graphicData><pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:blipFill><a:blip r:link="r7"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>${wordText("after")}`,
    { "word/_rels/document.xml.rels": relations(["r7", "image", `${url}x.png`, "External"]) },
  );
  expect(await codeOf("a.docx", bytes)).toBe("read: before\n\nafter");
  const page = `<html><link rel=stylesheet href="${url}a.css"><img src="${url}a.png"><iframe src="${url}"></iframe><p>words`;
  expect(await codeOf("a.html", encode(page))).toBe("read: words");
  expect(requests).toBe(0);
  await server.stop(true);
});

test("Excel: dates, percentages, formulas' values, hidden sheets and merged cells that cover a million columns", async () => {
  const document = await parseDocument(
    excel(
      `<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>=1+1</t></is></c><c r="B1" t="str"><f>A1</f><v>sum</v></c></row>
       <row r="2"><c r="A2" s="1"><v>45000.5</v></c><c r="B2" s="2"><v>0.125</v></c></row><row r="3"><c r="A3"><v>0.30000000000000004</v></c><c r="B3" t="b"><v>1</v></c></row></sheetData>
       <mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>`,
      {
        "xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy hh:mm"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="10"/></cellXfs></styleSheet>`,
        "xl/workbook.xml": `<workbook xmlns:r="${OFFICE}"><sheets><sheet name="Sums" r:id="r1"/><sheet name="Salaries" state="hidden" r:id="r1"/></sheets></workbook>`,
      },
    ),
    "a.xlsx",
  );
  expect(document.blocks.map(({ text, page }) => [text, page])).toEqual([
    ["Sums", 1],
    ["| =1+1 | sum |\n| --- | --- |\n| 2023-03-15 12:00 | 12.50% |\n| 0.3 | TRUE |", 1],
  ]);
  expect(document).toMatchObject({ pages: 2, pageNames: ["Sums", "Salaries"] });
  expect(document.warnings.join()).toContain("“Salaries” is hidden");
});

test("a PDF's headings, paragraphs, cut words and tables, with their pages; what stands on every page is left out", async () => {
  const page = (number: number): string =>
    [
      line("Garden handbook", 810, 9),
      line(`Chapter ${number}`, 760, 20),
      line("Pears are trained along a trel-", 700),
      line("lis in the first year.", 686),
      line(`The sort of ${["Nashi", "Conference", "Williams", "Comice", "Bosc"][number - 1]}.`, 640),
      line(`Page ${number} of 5`, 30, 9),
    ].join("\n");
  const table = [
    line("Sort", 500),
    "BT /F 11 Tf 300 500 Td (Harvest) Tj ET",
    line("Nashi", 485),
    "BT /F 11 Tf 300 485 Td (12 kg) Tj ET",
  ];
  const document = await parseDocument(
    pdf([1, 2, 3, 4].map(page).concat([`${page(5)}\n${table.join("\n")}`])),
    "a.pdf",
  );
  expect(document.pages).toBe(5);
  expect(document.blocks.slice(0, 4).map(({ kind, text, page: at, path }) => [kind, text, at, path])).toEqual(
    [
      ["heading", "Chapter 1", 1, ["Chapter 1"]],
      ["paragraph", "Pears are trained along a trellis in the first year.", 1, ["Chapter 1"]],
      ["paragraph", "The sort of Nashi.", 1, ["Chapter 1"]],
      ["heading", "Chapter 2", 2, ["Chapter 2"]],
    ],
  );
  expect(document.blocks.find(({ kind }) => kind === "table")?.text).toBe(
    "| Sort | Harvest |\n| --- | --- |\n| Nashi | 12 kg |",
  );
  expect(documentText(document)).not.toContain("handbook");
});

test("a PDF of 400 pages is read within the limits, each page with its number", async () => {
  const pages = Array.from({ length: 400 }, (_, at) =>
    Array.from({ length: 40 }, (_, row) =>
      line(`Page ${at + 1}, line ${row} of words about trees.`, 800 - row * 18),
    ).join("\n"),
  );
  const started = performance.now();
  const document = await parseDocument(pdf(pages), "long.pdf");
  expect(performance.now() - started).toBeLessThan(limits.documentMs / 4);
  expect(document.pages).toBe(400);
  expect(new Set(document.blocks.map(({ page }) => page)).size).toBe(400);
}, 60_000);

test("PDFs that cannot be read are refused by name", async () => {
  const lock =
    "/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<" +
    "41".repeat(32) +
    ">/U<" +
    "42".repeat(32) +
    ">>>";
  expect(await codeOf("locked.pdf", pdf([line("x", 700)], lock))).toBe("DOCUMENT_ENCRYPTED");
  expect(await codeOf("scan.pdf", pdf(["q 0 0 100 100 re f Q"]))).toBe("DOCUMENT_SCANNED");
  expect(await codeOf("cut.pdf", pdf([line("words", 700)]).subarray(0, 40))).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("junk.pdf", encode(`%PDF-1.7\n${"x".repeat(5000)}`))).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("many.pdf", pdf(Array<string>(limits.documentPages + 1).fill("")))).toBe(
    "DOCUMENT_TOO_LARGE",
  );
  const mixed = await parseDocument(pdf([line("words", 700), ""]), "mixed.pdf");
  expect(mixed.warnings).toEqual(["Pages that have no text: they are blank or pictures: 2."]);
}, 60_000);

/** What the directory announces as unpacked sizes, changed for every entry. */
function announcing(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  const changed = Buffer.from(bytes);
  for (let at = changed.indexOf("PK\x01\x02"); at !== -1; at = changed.indexOf("PK\x01\x02", at + 4))
    changed.writeUInt32LE(sizeBytes, at + 24);
  return changed;
}

test("zip bombs are refused by what their directory announces, before they are unpacked", async () => {
  const zeros = new Uint8Array(16 * 1024 * 1024);
  const chapters = Array.from({ length: limits.documentEntries }, (_, at) => [`b/${at}.xhtml`, ""]);
  for (const [name, bytes] of [
    ["a.docx", word(wordText("x"), { "word/styles.xml": zeros })],
    ["a.xlsx", excel("", { "xl/sharedStrings.xml": zeros })],
    ["a.epub", book("<p>x", { "b/more.xhtml": zeros })],
    ["b.docx", announcing(word(wordText("x")), limits.documentUnpackedBytes)],
    ["b.epub", book("<p>x", Object.fromEntries(chapters))],
  ] as const)
    expect([name, await codeOf(name, bytes)]).toEqual([name, "ARCHIVE_BOMB"]);
});

test("a directory that lies about sizes unpacks to no more than it announced", async () => {
  const bytes = announcing(
    word(wordText("words"), { "word/styles.xml": new Uint8Array(4 * 1024 * 1024) }),
    1,
  );
  expect(await codeOf("lying.docx", bytes)).toBe("DOCUMENT_MALFORMED");
});

test("broken and foreign containers are refused by name", async () => {
  const whole = word(wordText("words"));
  expect(await codeOf("whole.docx", whole)).toBe("read: words");
  expect(await codeOf("cut.docx", whole.subarray(0, whole.length - 60))).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("hollow.xlsx", pack({ "xl/workbook.xml": "" }))).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("hollow.pptx", pack({ "ppt/presentation.xml": "<p:presentation/>" }))).toBe(
    "DOCUMENT_MALFORMED",
  );
  expect(await codeOf("plain.docx", pack({ "a.txt": "words" }))).toBe("DOCUMENT_KIND_UNSUPPORTED");
  expect(
    await codeOf(
      "open.odt",
      pack({ mimetype: "application/vnd.oasis.opendocument.text", "content.xml": "<a/>" }),
    ),
  ).toBe("DOCUMENT_KIND_UNSUPPORTED");
  const locked = Buffer.from(whole);
  locked[6] = 1;
  expect(await codeOf("locked.docx", locked)).toBe("DOCUMENT_ENCRYPTED");
  const shop = {
    "META-INF/encryption.xml": `<encryption><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></encryption>`,
  };
  expect(await codeOf("shop.epub", book("<p>x", shop))).toBe("DOCUMENT_ENCRYPTED");
  const fonts = {
    "META-INF/encryption.xml": `<encryption><EncryptionMethod Algorithm="http://www.idpf.org/2008/embedding"/></encryption>`,
  };
  expect(await codeOf("fonts.epub", book("<title/><p>words</p>", fonts))).toBe("read: words");
});

test("a wrong extension harms nothing: the content says what it is", async () => {
  const named = async (name: string, bytes: Uint8Array): Promise<[ParsedDocument["kind"], number]> => {
    const { kind, warnings } = await parseDocument(bytes, name);
    return [kind, warnings.length];
  };
  expect(await named("a.pdf", word(wordText("x")))).toEqual(["docx", 1]);
  expect(await named("a.docx", pdf([line("x", 700)]))).toEqual(["pdf", 1]);
  expect(await named("a.txt", book("<p>x"))).toEqual(["epub", 0]);
});

test("entities that multiply and elements that nest without end are inert or refused", async () => {
  const lol = `<!DOCTYPE x [<!ENTITY a "lollollollollol">${Array.from({ length: 9 }, (_, at) => `<!ENTITY ${"bcdefghij"[at]} "${`&${"abcdefghi"[at]};`.repeat(10)}">`).join("")}]>`;
  for (const [name, bytes] of [
    ["a.docx", word(wordText("&j;words"), {}, lol)],
    ["a.epub", book(`${lol}<html><body><p>&j;words</p></body></html>`)],
    ["a.html", encode(`${lol}<p>&j;words</p>`)],
    ["a.xlsx", excel(`<sheetData><row><c t="inlineStr"><is><t>&j;words</t></is></c></row></sheetData>`)],
  ] as const) {
    const outcome = await codeOf(name, bytes);
    expect([
      name,
      outcome === "DOCUMENT_MALFORMED" || (outcome.startsWith("read: ") && !outcome.includes("lollol")),
    ]).toEqual([name, true]);
  }
  const file = `<!DOCTYPE x [<!ENTITY f SYSTEM "file://${import.meta.path}">]>`;
  expect(await codeOf("file.docx", word(wordText("&f;words"), {}, file))).not.toContain("import");
  const depth = 20_000;
  const nested = `${"<w:tbl><w:tr><w:tc>".repeat(depth)}${wordText("x")}${"</w:tc></w:tr></w:tbl>".repeat(depth)}`;
  expect(await codeOf("deep.docx", word(nested))).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("deep.epub", book(`${"<div>".repeat(depth)}x`))).toBe("DOCUMENT_MALFORMED");
}, 30_000);
