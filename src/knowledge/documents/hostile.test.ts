import { expect, test } from "bun:test";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { documentText, type ParsedDocument } from "./document.ts";
import {
  announcing,
  book,
  encode,
  excel,
  line,
  lockedPdf,
  OFFICE,
  pack,
  pdf,
  relations,
  scannedPdf,
  word,
  wordText,
} from "./hostile.test-kit.ts";
import { parseDocument } from "./parse.ts";

const codeOf = (name: string, bytes: Uint8Array): Promise<string> =>
  parseDocument(bytes, name).then(
    (document) => `read: ${documentText(document).slice(0, 80)}`,
    (error: unknown) => {
      if (!(error instanceof EspalierError)) throw error;
      expect(error.message).toStartWith(`${name} `);
      return error.code;
    },
  );

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
  expect(await codeOf("locked.pdf", lockedPdf())).toBe("DOCUMENT_ENCRYPTED");
  expect(await codeOf("scan.pdf", scannedPdf())).toBe("DOCUMENT_SCANNED");
  expect(await codeOf("cut.pdf", pdf([line("words", 700)]).subarray(0, 40))).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("junk.pdf", encode(`%PDF-1.7\n${"x".repeat(5000)}`))).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("many.pdf", pdf(Array<string>(limits.documentPages + 1).fill("")))).toBe(
    "DOCUMENT_TOO_LARGE",
  );
  const mixed = await parseDocument(pdf([line("words", 700), ""]), "mixed.pdf");
  expect(mixed.warnings).toEqual(["Pages that have no text: they are blank or pictures: 2."]);
}, 60_000);

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

test("broken, empty and foreign containers are refused by name", async () => {
  const whole = word(wordText("words"));
  expect(await codeOf("whole.docx", whole)).toBe("read: words");
  expect(await codeOf("cut.docx", whole.subarray(0, whole.length - 60))).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("hollow.xlsx", pack({ "xl/workbook.xml": "" }))).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("hollow.pptx", pack({ "ppt/presentation.xml": "<p:presentation/>" }))).toBe(
    "DOCUMENT_EMPTY",
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
