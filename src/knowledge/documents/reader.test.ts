import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cutting, createDocumentReader, type DocumentReader, unpack } from "./reader.ts";

const folder = mkdtempSync(join(tmpdir(), "espalier-documents-"));
const main = join(import.meta.dir, "../../main.ts");
const command = [process.execPath, main, "document-reader"];
const bounds = {
  documentMs: 20_000,
  documentReaderBytes: 2 ** 31,
  documentsPerReader: 2,
  documentReaderIdleMs: 60_000,
};
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const cutting: Cutting = { chunking: { maxTokens: 64, overlapTokens: 0 }, counting: "estimated" };
const read = async (path: string, name: string, by = reader) =>
  unpack((await by.read(path, name, cutting)).read.packed);
let reader: DocumentReader;
beforeAll(() => {
  reader = createDocumentReader({ command, env: {}, limits: bounds });
});
afterAll(async () => {
  await reader.close();
  rmSync(folder, { recursive: true });
});

test("several documents come back in turn, a refusal keeps its words, and a fresh process follows an old one", async () => {
  const path = file("a.md", "# One\n\ntwo");
  const [first, refused, third, fourth] = await Promise.allSettled([
    read(path, "docs/a.md"),
    read(file("b.png", "\x00\x01"), "docs/b.png"),
    read(path, "docs/a.md"),
    read(join(folder, "missing.md"), "docs/missing.md"),
  ]);
  expect(first).toMatchObject({ value: { title: "One", blocks: [{ kind: "heading" }, { text: "two" }] } });
  expect(refused).toMatchObject({
    reason: { code: "DOCUMENT_KIND_UNSUPPORTED", status: 415, field: "file" },
  });
  expect(third).toEqual(first);
  expect(fourth).toMatchObject({ status: "rejected", reason: { code: "DOCUMENT_MALFORMED" } });
});

test("a document that takes too long or too much memory is refused and its process killed; the next one is read", async () => {
  // What has to be searched for an end again and again takes minutes.
  const slow = file("slow.md", "[a](b ".repeat(2_000_000));
  const hasty = createDocumentReader({ command, env: {}, limits: { ...bounds, documentMs: 3_000 } });
  const hungry = createDocumentReader({ command, env: {}, limits: { ...bounds, documentReaderBytes: 1 } });
  try {
    await expect(read(slow, "slow.md", hasty)).rejects.toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
    expect((await read(file("quick.md", "quick"), "quick.md", hasty)).blocks).toHaveLength(1);
    if (process.platform === "linux")
      await expect(read(slow, "slow.md", hungry)).rejects.toThrow(/more memory .*documentReaderBytes/);
  } finally {
    await hasty.close();
    await hungry.close();
  }
}, 30_000);

test("an aborted read ends with the signal's reason, and a process that dies by itself says so", async () => {
  const stop = new AbortController();
  const slow = reader.read(file("slow.md", "[a](b ".repeat(200_000)), "slow.md", cutting, stop.signal);
  setTimeout(() => stop.abort(new Error("deleted")), 100);
  await expect(slow).rejects.toThrow("deleted");
  const dying = createDocumentReader({
    command: [process.execPath, "-e", "process.exit(3)"],
    env: {},
    limits: bounds,
  });
  await expect(read(file("x.md", "x"), "x.md", dying)).rejects.toMatchObject({
    code: "DOCUMENT_READER_DIED",
  });
  await dying.close();
});

test("a document is cut where it is read, and the same from what was kept of it", async () => {
  const path = file("long.md", `# Pears\n\n${"A pear on a wall ripens early. ".repeat(30)}`);
  const { read: found, chunks } = await reader.read(path, "long.md", cutting);
  expect(chunks.length).toBeGreaterThan(2);
  expect(chunks.every(({ tokens }) => tokens <= 64)).toBe(true);
  expect(await reader.cut(found.packed, "long.md", cutting)).toEqual(chunks);
  const byModel = await reader.cut(found.packed, "long.md", { ...cutting, counting: "built-in" });
  expect(byModel.every(({ tokens }) => tokens <= 64)).toBe(true);
  expect(byModel).not.toEqual(chunks);
});
