// Hostile datasets and uploads: what is sent, and the code under which it must be refused.
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { strToU8 } from "fflate";
import { z } from "zod";
import { PDF, PNG } from "./abuse-files.ts";
import { type AbuseWorld, type Case, nest, type Refusal, turn } from "./abuse-world.ts";

const good = JSON.stringify({ messages: [turn("user", "a"), turn("assistant", "b")] });
const rows = (w: AbuseWorld, text: string | Uint8Array, file = "rows.jsonl", more: object = {}) =>
  w.importDataset(file, text, more);

export const datasetCases: Case[] = [
  ["a PNG", "WRONG_FORMAT", /rows.png.*PNG/, (w) => rows(w, PNG, "rows.png")],
  ["a PDF", "WRONG_FORMAT", /rows.csv.*PDF/, (w) => rows(w, PDF, "rows.csv")],
  ["an empty file", "DATASET_EMPTY", /rows.jsonl/, (w) => rows(w, "")],
  ["blanks only", "DATASET_EMPTY", /rows.jsonl/, (w) => rows(w, " \n\n")],
  ["UTF-16", "INVALID_ENCODING", /UTF-16/, (w) => rows(w, Buffer.from(`\ufeff${good}`, "utf16le"))],
  [
    "bytes that are no UTF-8",
    "INVALID_ENCODING",
    /line 2/,
    (w) => rows(w, Buffer.concat([strToU8(`${good}\n`), PNG])),
  ],
  ["NUL in a row", "NUL_BYTE", /line 2.*\\0/, (w) => rows(w, "a,b\n1,x\0y\n", "rows.csv")],
  [
    "NUL in the header",
    "INVALID_HEADER",
    /header.*\\0/,
    (w) => rows(w, "question\0,answer\n1,2\n", "rows.csv"),
  ],
  ["ragged rows", "RAGGED_ROW", /line 3.*3 fields/, (w) => rows(w, "a,b\n1,2\n1,2,3\n", "rows.csv")],
  ["a quote that never closes", "UNCLOSED_QUOTE", /line 2/, (w) => rows(w, 'a,b\n"1,2\n', "rows.csv")],
  [
    "text after a JSON list",
    "INVALID_JSON",
    /line 3.*after the \]/,
    (w) => rows(w, `[${good},\n${good}]\nand so on`, "rows.json"),
  ],
  ["rows that are no objects", "ROW_NOT_OBJECT", /line 2/, (w) => rows(w, `${good}\n7\n`)],
  [
    "a message without role",
    "MESSAGE_WITHOUT_ROLE",
    /line 2.*role/,
    (w) => rows(w, `${good}\n{"messages":[{"content":"a"}]}`),
  ],
  ["a key twice", "DUPLICATE_KEY", /line 1.*q/, (w) => rows(w, '{"q":"1","q":"2"}')],
  [
    "a number beyond a double",
    "NUMBER_NOT_EXACT",
    /12345678901234567890/,
    (w) => rows(w, '{"q":12345678901234567890}'),
  ],
  ["a deep nest", "NESTED_TOO_DEEP", /datasetDepth is 64/, (w) => rows(w, `{"q":${nest(500_000)}}`)],
  [
    "a column not there",
    "MAPPED_COLUMN_MISSING",
    /answr/,
    (w) => rows(w, "q,answer\na,b\n", "rows.csv", { mapping: { prompt: "q", completion: "answr" } }),
  ],
  [
    "a mapping of other words",
    "MAPPING_INVALID",
    /answer/,
    (w) => rows(w, "q,a\n1,2\n", "rows.csv", { mapping: { prompt: "q", answer: "a" } }),
  ],
  [
    "a mapping nested deep",
    "MAPPING_INVALID",
    /mapping/,
    (w) => rows(w, "q,a\n1,2\n", "rows.csv", { mapping: JSON.parse(nest(3_000)) }),
  ],
  [
    "../ as a dataset's name",
    "NAME_INVALID",
    /\.\.\/x/,
    (w) => rows(w, good, "rows.jsonl", { name: "../x" }),
  ],
  ["NUL in a dataset's name", "NAME_INVALID", /d/, (w) => rows(w, good, "rows.jsonl", { name: "d\0" })],
];

/** The refusal of a piece of an upload of ten bytes, which is deleted afterwards. */
async function piece(
  w: AbuseWorld,
  headers: Record<string, string>,
  body: string,
  meta: object = {},
): Promise<Refusal> {
  const id = z.string().parse(await w.upload("a.jsonl", "", { sizeBytes: 10, ...meta }));
  const refusal = await w.refused(`/uploads/${id}`, { method: "PATCH", headers, body });
  await w.fetch(`/uploads/${id}`, { method: "DELETE" });
  return refusal;
}
async function named(w: AbuseWorld, name: string): Promise<Refusal | null> {
  const answer = await w.upload(name, "x");
  return typeof answer === "string" ? null : answer;
}
const start = (w: AbuseWorld, meta: object): Promise<Refusal> =>
  w.refused("/uploads", { method: "POST", body: JSON.stringify({ name: "a", sizeBytes: 1, ...meta }) });

export const uploadCases: Case[] = [
  ["../ in a file's name", "UPLOAD_NAME_INVALID", /\.\.\/x/, (w) => named(w, "../x")],
  ["NUL in a file's name", "UPLOAD_NAME_INVALID", /a\\u0000b/, (w) => named(w, "a\0b")],
  ["more than uploads may have", "UPLOAD_TOO_LARGE", /uploadBytes/, (w) => start(w, { sizeBytes: 2 ** 50 })],
  ["a negative size", "INPUT_INVALID", /sizeBytes/, (w) => start(w, { sizeBytes: -1 })],
  ["a digest that is none", "INPUT_INVALID", /sha256/, (w) => start(w, { sha256: "x" })],
  ["a body that is no JSON", "BAD_JSON", /JSON/, (w) => w.refused("/uploads", { method: "POST", body: "{" })],
  [
    "a body nested deep",
    "INPUT_INVALID",
    /body/,
    (w) => w.refused("/uploads", { method: "POST", body: nest(1e6) }),
  ],
  ["no offset", "UPLOAD_OFFSET_WRONG", /holds 0 bytes/, (w) => piece(w, {}, "x")],
  ["a negative offset", "UPLOAD_OFFSET_WRONG", /-1/, (w) => piece(w, { "upload-offset": "-1" }, "x")],
  ["an offset too far", "UPLOAD_OFFSET_WRONG", /begins at 5/, (w) => piece(w, { "upload-offset": "5" }, "x")],
  [
    "an offset in other digits",
    "UPLOAD_OFFSET_WRONG",
    /0x0/,
    (w) => piece(w, { "upload-offset": "0x0" }, "x"),
  ],
  [
    "more bytes than announced",
    "UPLOAD_PIECE_TOO_LARGE",
    /11 bytes/,
    (w) => piece(w, { "upload-offset": "0" }, "x".repeat(11)),
  ],
  [
    "other bytes than announced",
    "UPLOAD_DAMAGED",
    /a.jsonl.*SHA-256/,
    (w) => piece(w, { "upload-offset": "0" }, "x".repeat(10), { sha256: "0".repeat(64) }),
  ],
  ["half an upload", "UPLOAD_INCOMPLETE", /0 of 10 bytes of rows.jsonl/, half],
  ["an upload after its expiry", "UPLOAD_EXPIRED", /a.jsonl/, expired],
  [
    "an upload that is none",
    "UPLOAD_NOT_FOUND",
    /upl_x/,
    (w) => w.refused("/uploads/upl_x", { method: "PATCH", body: "x" }),
  ],
  ["two files of one name", "UPLOAD_NAME_TAKEN", /config.json/, twice],
];

async function half(w: AbuseWorld): Promise<Refusal | null> {
  const uploadId = await w.upload("rows.jsonl", "", { sizeBytes: 10 });
  const refusal = await w.outcome("importDataset", "ImportDatasetInput", { name: "d", uploadId });
  await w.fetch(`/uploads/${uploadId}`, { method: "DELETE" });
  return refusal;
}
async function expired(w: AbuseWorld): Promise<Refusal> {
  const id = z.string().parse(await w.upload("a.jsonl", "", { sizeBytes: 10 }));
  const longAgo = new Date(Date.now() - 25 * 3_600_000);
  utimesSync(join(w.data, "uploads", id, "files", "a.jsonl"), longAgo, longAgo);
  return w.refused(`/uploads/${id}`, { method: "PATCH", headers: { "upload-offset": "0" }, body: "x" });
}
async function twice(w: AbuseWorld): Promise<Refusal | null> {
  const uploadIds = [await w.upload("config.json", "{}"), await w.upload("config.json", "{}")];
  const refusal = await w.outcome("importModel", "ImportModelInput", { name: "m", uploadIds });
  for (const id of uploadIds) await w.fetch(`/uploads/${id}`, { method: "DELETE" });
  return refusal;
}
