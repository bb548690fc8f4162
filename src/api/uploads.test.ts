// Uploads: gone on with after an interruption, checked, limited, and never outside their folder.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Principal } from "../accounts/accounts.ts";
import { isEspalierError } from "../kit/errors.ts";
import { sha256 } from "../kit/hash.ts";
import { limits } from "../kit/limits.ts";
import { openIncoming } from "../store/incoming.ts";
import { checkFileName, createUploads, type Uploads } from "./uploads.ts";

let root: string;
let dir: string;
let incoming: ReturnType<typeof openIncoming>;
let uploads: Uploads;
let time = Date.now();
const me: Principal = {
  userId: "usr_1",
  keyId: null,
  sessionId: null,
  role: "owner",
  name: "me",
  projectId: "prj_1",
  scopes: new Set(),
};
const stranger = { ...me, projectId: "prj_2" };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "espalier-uploads-"));
  dir = join(root, "uploads");
  incoming = openIncoming(root);
  uploads = createUploads({ dir, clock: () => time, incoming });
});
afterAll(() => rm(root, { recursive: true, force: true }));

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
  expect(await codeOf(uploads.claim([id], me))).toBe("UPLOAD_INCOMPLETE");
  const head = await uploads.handle(new Request(`${at}/${id}`, { method: "HEAD" }), me);
  expect(head.headers.get("upload-offset")).toBe("5");
  expect(await (await patch(id, 5, "world")).json()).toEqual({ id, offset: 10, done: true });
  const { folder, names } = await incoming.find(await uploads.claim([id], me));
  expect(names).toEqual(["a.txt"]);
  expect(await readFile(join(folder, "a.txt"), "utf8")).toBe("helloworld");
  expect(await codeOf(uploads.claim([id], me))).toBe("UPLOAD_NOT_FOUND");
});

test("more bytes than announced, damaged bytes and files too large are refused, and nothing stays", async () => {
  const long = await start({ name: "a", sizeBytes: 3 });
  expect(await codeOf(patch(long, 0, "abcd"))).toBe("UPLOAD_PIECE_TOO_LARGE");
  await uploads.handle(new Request(`${at}/${long}`, { method: "DELETE" }), me);
  const damaged = await start({ name: "a", sizeBytes: 3, sha256: sha256("abc") });
  expect(await codeOf(patch(damaged, 0, "abd"))).toBe("UPLOAD_DAMAGED");
  expect(await codeOf(start({ name: "a", sizeBytes: limits.uploadBytes + 1 }))).toBe("UPLOAD_TOO_LARGE");
  expect(await readdir(dir)).toEqual([]);
});

test("ids and names of others lead nowhere", async () => {
  expect(await codeOf(start({ name: "../../etc/passwd", sizeBytes: 1 }))).toBe("UPLOAD_NAME_INVALID");
  const id = await start({ name: "a", sizeBytes: 1 });
  expect(await codeOf(patch(id, 0, "x", stranger))).toBe("UPLOAD_NOT_FOUND");
  for (const wrong of ["..", "upl_../../x", "%2e%2e", "upl_"])
    expect(await codeOf(uploads.claim([wrong], me))).toBe("UPLOAD_NOT_FOUND");
  await uploads.handle(new Request(`${at}/${id}`, { method: "DELETE" }), me);
});

test("a folder's files are claimed together, each name once", async () => {
  const names = ["config.json", "model.safetensors", "config.json"];
  const ids = await Promise.all(names.map((name) => start({ name, sizeBytes: 0 })));
  expect(await codeOf(uploads.claim(ids, me))).toBe("UPLOAD_NAME_TAKEN");
  const claimed = await uploads.claim(ids.slice(0, 2), me);
  expect((await incoming.find(claimed)).names).toEqual(["config.json", "model.safetensors"]);
  expect(await readdir(dir)).toEqual([ids[2] ?? ""]);
  await uploads.handle(new Request(`${at}/${ids[2]}`, { method: "DELETE" }), me);
});

test("only names of plain files are taken", () => {
  for (const name of ["a b.gguf", ".hidden", "Äpfel.jsonl"]) expect(() => checkFileName(name)).not.toThrow();
  for (const name of ["", ".", "..", " a", "a/b", "C:\\a", "a\0b", "a\nb", "a\u202eb", "x".repeat(201)])
    expect(() => checkFileName(name)).toThrow("cannot be a file's name");
});

test("uploads that nobody touches are swept, the others stay", async () => {
  const id = await start({ name: "a", sizeBytes: 1 });
  await uploads.sweep();
  expect(await readdir(dir)).toEqual([id]);
  time += limits.uploadIdleMs + 60_000;
  expect(await codeOf(patch(id, 0, "x"))).toBe("UPLOAD_EXPIRED");
  const other = await start({ name: "a", sizeBytes: 1 });
  expect(await readdir(dir)).toEqual([other]);
  time += limits.uploadIdleMs + 60_000;
  await uploads.sweep();
  expect(await readdir(dir)).toEqual([]);
});
