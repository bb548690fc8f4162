// The zip writer, read back by an independent reader.
import { expect, test } from "bun:test";
import { unzipSync } from "fflate";
import { zip } from "./zip.ts";

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

test("an archive holds the same bytes under the same names", async () => {
  const big = new Uint8Array(300_000).map((_, i) => (i * 31) % 251);
  const files = {
    "model/config.json": new TextEncoder().encode("{}"),
    "model/ü.bin": big,
    "model/empty": new Uint8Array(0),
  };
  const entries = Object.entries(files).map(([name, bytes]) => ({
    name,
    sizeBytes: bytes.byteLength,
    stream: () => chunks(bytes, 65_536),
  }));
  const parts: Uint8Array[] = [];
  for await (const part of zip(entries)) parts.push(part);
  const read = unzipSync(new Uint8Array(Buffer.concat(parts)));
  expect(Object.keys(read)).toEqual(Object.keys(files));
  for (const [name, bytes] of Object.entries(files))
    expect(Buffer.from(read[name] ?? []).equals(bytes)).toBe(true);
});

test("a file that changed its size breaks the stream instead of making a wrong archive", async () => {
  const entry = { name: "a", sizeBytes: 3, stream: () => chunks(new Uint8Array(2), 2) };
  const drain = async () => {
    for await (const _ of zip([entry]));
  };
  expect(drain()).rejects.toThrow("2 bytes");
});
