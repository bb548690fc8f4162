// Uploads: gone on with after an interruption, checked, limited, and never outside their folder.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Principal } from "../accounts/accounts.ts";
import { isEspalierError } from "../kit/errors.ts";
import { sha256 } from "../kit/hash.ts";
import { limits } from "../kit/limits.ts";
import { createUploads, safeName, type Uploads } from "./uploads.ts";

let dir: string;
let uploads: Uploads;
let time = Date.now();
const me: Principal = { userId: "usr_1", keyId: null, name: "me", projectId: "prj_1", scopes: new Set() };
const stranger = { ...me, projectId: "prj_2" };

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "espalier-uploads-"));
  uploads = createUploads({ dir, clock: () => time });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (error: unknown) => (isEspalierError(error) ? error.code : String(error)),
  );
}
const at = "http://localhost/uploads";
async function start(body: object): Promise<string> {
  const response = await uploads.handle(new Request(at, { method: "POST", body: JSON.stringify(body) }), me);
  const { id }: { id: string } = JSON.parse(await response.text());
  return id;
}
const patch = (id: string, offset: number, body: string, who = me) => {
  const headers = { "upload-offset": String(offset) };
  return uploads.handle(new Request(`${at}/${id}`, { method: "PATCH", headers, body }), who);
};

test("pieces add up; a wrong offset is told the right one", async () => {
  const id = await start({ name: "a.txt", sizeBytes: 10, sha256: sha256("helloworld") });
  await patch(id, 0, "hello");
  expect(await codeOf(patch(id, 0, "hello"))).toBe("UPLOAD_OFFSET_WRONG");
  expect(await codeOf(uploads.take(id, me))).toBe("UPLOAD_INCOMPLETE");
  const head = await uploads.handle(new Request(`${at}/${id}`, { method: "HEAD" }), me);
  expect(head.headers.get("upload-offset")).toBe("5");
  expect(await (await patch(id, 5, "world")).json()).toEqual({ id, offset: 10, done: true });
  const taken = await uploads.take(id, me);
  expect(await readFile(taken.path, "utf8")).toBe("helloworld");
  await uploads.drop(id);
  expect(await codeOf(uploads.take(id, me))).toBe("UPLOAD_NOT_FOUND");
});

test("more bytes than announced, damaged bytes and files too large are refused, and nothing stays", async () => {
  const long = await start({ name: "a", sizeBytes: 3 });
  expect(await codeOf(patch(long, 0, "abcd"))).toBe("BODY_TOO_LARGE");
  await uploads.drop(long);
  const damaged = await start({ name: "a", sizeBytes: 3, sha256: sha256("abc") });
  expect(await codeOf(patch(damaged, 0, "abd"))).toBe("UPLOAD_DAMAGED");
  expect(await codeOf(start({ name: "a", sizeBytes: limits.uploadBytes + 1 }))).toBe("UPLOAD_TOO_LARGE");
  expect(await readdir(dir)).toEqual([]);
});

test("ids and names of others lead nowhere", async () => {
  const id = await start({ name: "../../etc/passwd", sizeBytes: 1 });
  expect(await readdir(join(dir, id, "files"))).toEqual(["passwd"]);
  expect(await codeOf(patch(id, 0, "x", stranger))).toBe("UPLOAD_NOT_FOUND");
  for (const wrong of ["..", "upl_../../x", "%2e%2e", "upl_"])
    expect(await codeOf(uploads.take(wrong, me))).toBe("UPLOAD_NOT_FOUND");
  await uploads.drop(id);
});

test("names become plain file names", () => {
  expect(safeName("C:\\models\\a b.gguf")).toBe("a b.gguf");
  expect(safeName("..")).toBe("file");
  expect(safeName(".hidden")).toBe("hidden");
  expect(safeName("a\0b\n.jsonl")).toBe("a_b_.jsonl");
  expect(safeName(`${"x".repeat(500)}.gguf`)).toHaveLength(120);
});

test("uploads that nobody touches are swept, the others stay", async () => {
  const id = await start({ name: "a", sizeBytes: 1 });
  await uploads.sweep();
  expect(await readdir(dir)).toEqual([id]);
  time += limits.uploadIdleMs + 60_000;
  await uploads.sweep();
  expect(await readdir(dir)).toEqual([]);
});
