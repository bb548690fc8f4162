// Every format, and every row error by its code, line and field.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isEspalierError } from "../kit/errors.ts";
import { type ParseOptions, parseDataset } from "./parse.ts";
import type { Row, RowError } from "./rows-types.ts";

const folder = mkdtempSync(join(tmpdir(), "espalier-parse-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function parse(name: string, content: string | Uint8Array, options: ParseOptions = {}) {
  const path = join(folder, name);
  await Bun.write(path, content);
  const parsed = await parseDataset(path, options);
  const rows: Row[] = [];
  const lines: number[] = [];
  const errors: RowError[] = [];
  for await (const batch of parsed.batches) {
    for (const { row, line } of batch.rows) {
      rows.push(row);
      lines.push(line);
    }
    errors.push(...batch.errors);
  }
  return { format: parsed.format, shape: parsed.shape, rows, lines, errors };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return isEspalierError(error) ? error.code : `not ours: ${error}`;
  }
  return "no error";
}

const small = { datasetRecordBytes: 100, datasetRows: 1000, datasetRowErrors: 10, datasetDepth: 64 };

describe("formats", () => {
  test("JSONL with BOM, blank lines and CRLF", async () => {
    const got = await parse("a.jsonl", '\uFEFF{"a":1}\r\n\r\n{"a":"ü"}');
    expect(got).toMatchObject({
      format: "jsonl",
      shape: "table",
      rows: [{ a: 1 }, { a: "ü" }],
      lines: [1, 3],
    });
    expect(got.errors).toEqual([]);
  });
  test("JSON list over lines, brackets and commas inside texts", async () => {
    const got = await parse("a.json", '[\n {"a":"],[{\\"", "b":[1,{"c":2}]},\n\n {"a":"x"}\n]\n');
    expect(got.format).toBe("json");
    expect(got.rows).toEqual([{ a: '],[{"', b: [1, { c: 2 }] }, { a: "x" }]);
    expect(got.lines).toEqual([2, 4]);
  });
  test("JSON object with a data list, whatever its extension", async () => {
    const got = await parse("a.csv", '{ "data": [{"a":1},{"a":2}], "more": [{"a":3}] }');
    expect(got).toMatchObject({ format: "json", rows: [{ a: 1 }, { a: 2 }], errors: [] });
  });
  test.each([
    ["comma", ",", "csv"],
    ["semicolon", ";", "csv"],
    ["bar", "|", "csv"],
    ["tab", "\t", "tsv"],
  ] as const)("delimiter %s", async (_, d, format) => {
    const content = `\uFEFFname${d}text\r\nAna${d}"a ""quoted""${d} text\nof two lines"\r\nBo${d}5" wide\r\n`;
    const got = await parse("a.csv", content);
    expect(got.format).toBe(format);
    expect(got.errors).toEqual([]);
    expect(got.rows).toEqual([
      { name: "Ana", text: `a "quoted"${d} text\nof two lines` },
      { name: "Bo", text: '5" wide' },
    ]);
    expect(got.lines).toEqual([2, 4]);
  });
  test("empty and repeated column names are made unique", async () => {
    const got = await parse("a.csv", "a,,a\n1,2,3\n");
    expect(got.rows).toEqual([{ a: "1", column_2: "2", a_2: "3" }]);
  });
  test.each(["jsonl", "json", "csv"])("rows across read borders survive: %s", async (format) => {
    const made = Array.from({ length: 30_000 }, (_, n) => ({ id: `${n}`, text: `é"${"x".repeat(n % 150)}` }));
    const csv = made.map((row) => `${row.id},"${row.text.replaceAll('"', '""')}"`).join("\n");
    const text = {
      jsonl: made.map((row) => JSON.stringify(row)).join("\n"),
      json: JSON.stringify(made),
      csv: `id,text\n${csv}`,
    }[format];
    const got = await parse(`big.${format}`, text ?? "");
    expect(got.errors).toEqual([]);
    expect(Bun.deepEquals(got.rows, made)).toBe(true);
  });
});

describe("files that are refused", () => {
  test.each([
    ["DATASET_EMPTY", "a.jsonl", ""],
    ["DATASET_EMPTY", "a.csv", " \n\n"],
    ["WRONG_FORMAT", "a.jsonl", "hello there\nno rows"],
    ["WRONG_FORMAT", "a.json", "hello, there\n1,2"],
    ["WRONG_FORMAT", "a.csv", "PK\x03\x04zip"],
    ["WRONG_FORMAT", "a.csv", "\x01\x02\x00\x03abc"],
    ["INVALID_HEADER", "a.csv", "a,b\0\n1,2\n3,4\n"],
  ])("%s %s %j", async (code, name, content) => {
    expect(await codeOf(parse(name, content))).toBe(code);
  });
  test("WRONG_FORMAT where the given format is not the content's", async () => {
    expect(await codeOf(parse("a.jsonl", '{"a":1}\n', { format: "csv" }))).toBe("WRONG_FORMAT");
    expect(await codeOf(parse("a.csv", "a,b\n1,2\n", { format: "jsonl" }))).toBe("WRONG_FORMAT");
  });
  test("INVALID_ENCODING for UTF-16", async () => {
    const bytes = new Uint8Array([0xff, 0xfe, 0x7b, 0]);
    expect(await codeOf(parse("a.jsonl", bytes))).toBe("INVALID_ENCODING");
  });
  test("DATASET_TOO_MANY_ROWS", async () => {
    const limits = { ...small, datasetRows: 2 };
    expect(await codeOf(parse("a.csv", "a,b\n1,2\n1,2\n1,2\n", { limits }))).toBe("DATASET_TOO_MANY_ROWS");
  });
  test("an aborted signal stops the read", async () => {
    const signal = AbortSignal.abort(new Error("stopped"));
    expect(parse("a.jsonl", '{"a":1}\n', { signal })).rejects.toThrow("stopped");
  });
});

describe("row errors", () => {
  const good = '{"messages":[{"role":"user","content":"hi"}]}';
  test.each([
    ["INVALID_JSON", "row", '{"messages":'],
    ["ROW_NOT_OBJECT", "row", "[1,2]"],
    ["ROW_NOT_OBJECT", "row", "null"],
    ["MIXED_SHAPES", "messages", '{"instruction":"a","output":"b"}'],
    ["NO_MESSAGES", "messages", '{"messages":[]}'],
    ["WRONG_TYPE", "messages", '{"messages":"hi"}'],
    ["WRONG_TYPE", "messages[0]", '{"messages":[1]}'],
    ["WRONG_TYPE", "messages[0].role", '{"messages":[{"role":7,"content":"hi"}]}'],
    ["WRONG_TYPE", "messages[0].content", '{"messages":[{"role":"user","content":7}]}'],
    ["UNKNOWN_ROLE", "messages[0].role", '{"messages":[{"role":"boss","content":"hi"}]}'],
    [
      "MESSAGE_WITHOUT_ROLE",
      "messages[1].role",
      '{"messages":[{"role":"user","content":"a"},{"content":"b"}]}',
    ],
    ["DUPLICATE_KEY", "role", '{"messages":[{"role":"user","content":"a","role":"system"}]}'],
    ["NUMBER_NOT_EXACT", "row", '{"messages":[{"role":"user","content":"a"}],"id":12345678901234567890}'],
    ["NUMBER_NOT_EXACT", "row", '{"messages":[{"role":"user","content":"a"}],"id":1e400}'],
    ["NESTED_TOO_DEEP", "row", `{"messages":[{"role":"user","content":"a"}],"x":${"[".repeat(1_000_000)}`],
  ])("%s at %s", async (code, field, bad) => {
    const limits = { ...small, datasetRecordBytes: 2_000_000 };
    const got = await parse("a.jsonl", `${good}\n${good}\n${bad}\n${good}\n`, { limits });
    expect(got.rows.length).toBe(3);
    expect(got.errors.map((error) => [error.code, error.line, error.field])).toEqual([
      [code as RowError["code"], 3, field],
    ]);
    expect(got.errors[0]?.value.length).toBeGreaterThan(0);
  });
  test("what a double, a text or a nest may hold is kept as it stands", async () => {
    const rows = [
      { id: Number.MAX_SAFE_INTEGER, share: 0.1234567890123456, text: '12345678901234567890 {"a":1,"a":2}' },
      { id: -1, list: [{ a: 1 }, { a: 2 }], text: '\\\\" \n\\' },
    ];
    const got = await parse("a.jsonl", rows.map((row) => JSON.stringify(row)).join("\n"), {
      limits: { ...small, datasetRecordBytes: 1000 },
    });
    expect(got.errors).toEqual([]);
    expect(got.rows).toEqual(rows);
  });
  test("a mapped column that only some rows have", async () => {
    const mapping = { prompt: "q", completion: "{{a}}" };
    const got = await parse("a.jsonl", '{"q":"1","a":"2"}\n{"q":"1"}\n', { mapping });
    expect(got.rows.length).toBe(1);
    expect(got.errors[0]).toMatchObject({ code: "MAPPED_COLUMN_MISSING", line: 2, field: "a" });
  });
  test("a ShareGPT turn without from, an unknown one, and wrong types of other shapes", async () => {
    const turn = (text: string): string => `{"conversations":[${text}]}`;
    const ok = turn('{"from":"human","value":"a"}');
    const bad = [turn('{"value":"a"}'), turn('{"from":"alien","value":"a"}')];
    const got = await parse("a.jsonl", [ok, ok, ...bad].join("\n"));
    expect(got.shape).toBe("sharegpt");
    expect(got.errors.map((error) => error.code)).toEqual(["MESSAGE_WITHOUT_ROLE", "UNKNOWN_ROLE"]);
    const alpaca = await parse(
      "b.jsonl",
      '{"instruction":"a","output":"b"}\n{"instruction":"a","output":null}\n',
    );
    expect(alpaca.errors[0]).toMatchObject({ code: "WRONG_TYPE", field: "output", line: 2 });
    const pair = await parse("c.jsonl", '{"prompt":"a","completion":"b"}\n{"prompt":"a","completion":[]}\n');
    expect(pair.errors[0]).toMatchObject({ code: "NO_MESSAGES", field: "completion", line: 2 });
  });
  test("INVALID_ENCODING by line", async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"a":"b"}\n{"a":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}\n'),
    ]);
    const got = await parse("a.jsonl", bytes);
    expect(got.rows).toEqual([{ a: "b" }]);
    expect(got.errors[0]).toMatchObject({ code: "INVALID_ENCODING", line: 2 });
  });
  test("NUL_BYTE, shown as \\0", async () => {
    const got = await parse("a.csv", "a,b\n1,2\n3,x\0y\n");
    expect(got.errors[0]).toMatchObject({ code: "NUL_BYTE", line: 3, value: "3,x\\0y" });
  });
  test("RAGGED_ROW names both counts", async () => {
    const got = await parse("a.csv", "a,b\n1,2\n3\n4,5,6\n");
    expect(got.errors.map((error) => [error.code, error.line])).toEqual([
      ["RAGGED_ROW", 3],
      ["RAGGED_ROW", 4],
    ]);
    expect(got.errors[1]?.message).toBe("The row has 3 fields, the header has 2.");
  });
  test("UNCLOSED_QUOTE names the line on which the row begins", async () => {
    const got = await parse("a.csv", 'a,b\n1,2\n3,"x\n4,5\n');
    expect(got.rows.length).toBe(1);
    expect(got.errors[0]).toMatchObject({ code: "UNCLOSED_QUOTE", line: 3 });
  });
  test("a JSON list that is never closed", async () => {
    const got = await parse("a.json", '[{"a":1},{"a":2}');
    expect(got.errors[0]).toMatchObject({ code: "INVALID_JSON", line: 1 });
  });
  test.each([
    ["a word", '[{"a":1},\n{"a":2}]\n\noops', 4, "oops"],
    ["another list", '[{"a":1},\n{"a":2}]\n[{"a":3}]', 3, '[{"a":3}]'],
    ["a comma", '[{"a":1},{"a":2}],', 1, ","],
    ["a broken end of the object around it", '{"data":[{"a":1},{"a":2}]\n, "more": }', 2, ', "more": }'],
    ["more after the object around it", '{"data":[{"a":1},\n{"a":2}]}\n{}', 2, "}\n{}"],
  ])("after the ] that closes a JSON list: %s", async (_, text, line, value) => {
    const got = await parse("a.json", text);
    expect(got.rows).toEqual([{ a: 1 }, { a: 2 }]);
    expect(got.errors).toMatchObject([{ code: "INVALID_JSON", line, value }]);
    expect(got.errors[0]?.message).toContain("after the ]");
  });
  test("blanks after the ] of a JSON list, over many reads, are nothing", async () => {
    const got = await parse("a.json", `[{"a":1}]${" \n".repeat(2_000_000)}`);
    expect(got).toMatchObject({ rows: [{ a: 1 }], errors: [] });
  });
  test.each(["jsonl", "json", "csv"])("RECORD_TOO_LONG, the next row is read: %s", async (format) => {
    const long = "x".repeat(3_000_000);
    const text = {
      jsonl: `{"a":"1","b":"2"}\n{"a":"${long}","b":"2"}\n{"a":"3","b":"4"}\n`,
      json: `[{"a":"1","b":"2"},\n{"a":"${long}","b":"2"},\n{"a":"3","b":"4"}]`,
      csv: `a,b\n1,2\n${long},2\n3,4\n`,
    }[format];
    const got = await parse(`long.${format}`, text ?? "", { limits: small });
    expect(got.rows).toEqual([
      { a: "1", b: "2" },
      { a: "3", b: "4" },
    ]);
    expect(got.errors.length).toBe(1);
    expect(got.errors[0]).toMatchObject({ code: "RECORD_TOO_LONG", line: format === "csv" ? 3 : 2 });
    expect(got.errors[0]?.message).toContain("limit datasetRecordBytes is 100");
  });
  test("values are cut at 200 characters", async () => {
    const got = await parse("a.jsonl", `{"a":1}\n"${"y".repeat(999)}"\n`);
    expect(got.errors[0]?.value.length).toBe(200);
  });
});
