import { expect, test } from "bun:test";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { type Block, documentText, type ParsedDocument } from "./document.ts";
import { parseDocument } from "./parse.ts";

const read = (name: string, content: string | Uint8Array): Promise<ParsedDocument> =>
  parseDocument(typeof content === "string" ? new TextEncoder().encode(content) : content, name);
const shapes = ({ blocks }: ParsedDocument): [Block["kind"], string][] =>
  blocks.map(({ kind, text }) => [kind, text]);
const codeOf = (name: string, content: string | Uint8Array): Promise<string> =>
  read(name, content).then(
    ({ kind }) => `read as ${kind}`,
    (error: unknown) => {
      if (!(error instanceof EspalierError)) throw error;
      expect(error.message).toStartWith(`${name} `);
      expect(error.hint).toBeTruthy();
      return error.code;
    },
  );

test("Markdown keeps its structure, and the headings above each block", async () => {
  const document = await read(
    "guide/a.md",
    '---\ntitle: "The guide"\n---\n# Trees\n\nPlant **them**.\n\n## Pears\n\n- one\n- two\n  - three\n\n| a | b |\n|---|---|\n| 1 | x\\|y |\n\n```js\n  if (x) {\n\n}\n```\n\n<script>alert(1)</script>\n\n> # Quoted\n> words\n\n# Last\n\nend',
  );
  expect(document).toMatchObject({ kind: "markdown", title: "The guide", pages: null, warnings: [] });
  expect(shapes(document)).toEqual([
    ["heading", "Trees"],
    ["paragraph", "Plant **them**."],
    ["heading", "Pears"],
    ["list", "- one\n- two\n  - three"],
    ["table", "| a | b |\n| --- | --- |\n| 1 | x\\|y |"],
    ["code", "  if (x) {\n\n}"],
    ["heading", "Quoted"],
    ["paragraph", "words"],
    ["heading", "Last"],
    ["paragraph", "end"],
  ]);
  expect(document.blocks[4]?.path).toEqual(["Trees", "Pears"]);
  expect(document.blocks.at(-1)?.path).toEqual(["Last"]);
  expect(documentText(document)).toStartWith("Trees\n\nPlant **them**.\n\nPears");
});

test("HTML gives what a reader sees: no scripts, styles or hidden text, merged cells in each place", async () => {
  const document = await read(
    "a.html",
    `<!doctype html><title>A &amp; B</title><style>p{}</style><nav><a href=/>menu</a></nav>
     <h1>Head<script>document.write("evil")</script></h1><p hidden>secret</p><p style="display: none">secret</p>
     <p>One <b>bold</b>   word<br>next line<div>Loose<p>para</div>
     <img src="http://203.0.113.1/x.png" alt="a pear"><pre>a\n  b</pre>
     <ol start=3><li>c<ul><li>nested</ul><li>d</ol>
     <table><caption>Cap</caption><tr><th rowspan=2>A<th colspan=2>B<tr><td>1<td>2</table>`,
  );
  expect(document.title).toBe("A & B");
  expect(shapes(document)).toEqual([
    ["heading", "Head"],
    ["paragraph", "One bold word\nnext line"],
    ["paragraph", "Loose"],
    ["paragraph", "para"],
    ["paragraph", "a pear"],
    ["code", "a\n  b"],
    ["list", "3. c\n  - nested\n4. d"],
    ["paragraph", "Cap"],
    ["table", "| A | B | B |\n| --- | --- | --- |\n| A | 1 | 2 |"],
  ]);
});

test("CSV is a table of inert text, whatever its delimiter; a quote that never closes means itself", async () => {
  const table = async (name: string, content: string): Promise<string | undefined> =>
    (await read(name, content)).blocks[0]?.text;
  expect(await table("a.csv", 'name;note\r\nx;"=HYPERLINK(""http://203.0.113.1"")"\r\n;"two\r\nlines"')).toBe(
    '| name | note |\n| --- | --- |\n| x | =HYPERLINK("http://203.0.113.1") |\n|  | two lines |',
  );
  expect(await table("a.tsv", "a\tb\n1")).toBe("| a | b |\n| --- | --- |\n| 1 |  |");
  expect(await table("a.csv", 'size,n\n5" pipe,1\n6,2')).toBe(
    '| size | n |\n| --- | --- |\n| 5" pipe | 1 |\n| 6 | 2 |',
  );
});

test("JSON gives a line for each value, with long numbers whole; JSON Lines a block for each row", async () => {
  expect(
    shapes(
      await read(
        "a.json",
        '{"name":"x","id":12345678901234567890,"tree":{"kind":"pear","tags":["a","b"]},"rows":[{"n":1},{"n":2}]}',
      ),
    ),
  ).toEqual([
    ["paragraph", "name: x\nid: 12345678901234567890"],
    ["paragraph", "tree.kind: pear\ntree.tags: a, b"],
    ["paragraph", "rows[0].n: 1"],
    ["paragraph", "rows[1].n: 2"],
  ]);
  const rows = [
    ["paragraph", "a: 1"],
    ["paragraph", "a: 2\nb: c"],
  ] as [Block["kind"], string][];
  expect(shapes(await read("a.jsonl", '{"a":1}\n\n{"a":2,"b":"c"}\n'))).toEqual(rows);
  expect(shapes(await read("a.json", '{"a":1}\n{"a":2,"b":"c"}\n'))).toEqual(rows);
  expect(await codeOf("a.json", '{"a":')).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("a.json", "[".repeat(100_000))).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("a.json", `${'{"a":'.repeat(300)}1${"}".repeat(300)}`)).toBe("DOCUMENT_MALFORMED");
});

test("code is cut between its parts and keeps every character of them", async () => {
  const source = 'import x from "y";\n\nexport function a() {\n  one();\n\n  two();\n}\n\n\nconst b = 1;';
  expect(shapes(await read("src/a.ts", source))).toEqual([
    ["code", 'import x from "y";'],
    ["code", "export function a() {\n  one();\n\n  two();\n}"],
    ["code", "const b = 1;"],
  ]);
});

test("encodings: a mark and a page's head are obeyed, UTF-8 is assumed, anything else is guessed and said", async () => {
  const utf16 = Buffer.from("\ufeffGrüße", "utf16le");
  expect(documentText(await read("a.txt", utf16))).toBe("Grüße");
  const latin = Buffer.from("Gr\xfc\xdfe", "latin1");
  const guessed = await read("a.txt", latin);
  expect(documentText(guessed)).toBe("Grüße");
  expect(guessed.warnings.join()).toContain("not UTF-8");
  const page = Buffer.concat([Buffer.from('<html><meta charset="koi8-r"><p>'), Buffer.from([0xf0, 0xd2])]);
  expect(documentText(await read("a.html", page))).toBe("Пр");
});

test("the kind is told by the content; what is no document is refused by name", async () => {
  expect(await codeOf("page.txt", "<!DOCTYPE html><html><body><p>x</p>")).toBe("read as html");
  expect(await codeOf("notes.html", "only 3 < 4 words")).toBe("read as text");
  expect(await codeOf("README", "plain words")).toBe("read as text");
  const misnamed = await read("report.pdf", "plain words");
  expect([misnamed.kind, ...misnamed.warnings]).toEqual([
    "text",
    "It was read as text, which it is by its content.",
  ]);
  for (const [name, content] of [
    ["a.png", "\x89PNG\r\n\x1a\n\0\0"],
    ["a.md", "\xff\xd8\xff\xe0\0\x10JFIF"],
    ["a.txt", "\0\x01\x02\x03binary\0"],
    ["old.doc", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old"],
    ["a.rtf", "{\\rtf1 words}"],
    ["a.gz", "\x1f\x8b\x08"],
    ["song.mp3", "words"],
  ] as const)
    expect([name, await codeOf(name, Buffer.from(content, "latin1"))]).toEqual([
      name,
      "DOCUMENT_KIND_UNSUPPORTED",
    ]);
  expect(
    await codeOf(
      "locked.docx",
      Buffer.from(
        "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0",
        "latin1",
      ),
    ),
  ).toBe("DOCUMENT_ENCRYPTED");
  expect(await codeOf("empty.txt", "")).toBe("DOCUMENT_EMPTY");
  expect(await codeOf("blank.md", " \n\n ")).toBe("DOCUMENT_EMPTY");
});

test("what nests without end or is too long is refused, not read until memory ends", async () => {
  expect(await codeOf("deep.html", `<html>${"<div>".repeat(50_000)}x`)).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("deep.md", `${">".repeat(20_000)} x`)).toBe("DOCUMENT_MALFORMED");
  expect(await codeOf("long.txt", "x".repeat(limits.documentTextChars + 1))).toBe("DOCUMENT_TOO_LARGE");
  expect(
    await codeOf("wide.html", `<table><tr>${"<td colspan=1000 rowspan=60000>x".repeat(5_000)}</table>`),
  ).toBe("DOCUMENT_TOO_LARGE");
});
