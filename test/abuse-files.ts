// Hostile files: models, weights and zips that are wrong in one way each.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, type Zippable, zipSync } from "fflate";
import { GgufMaker, type ToyOptions, writeToyModel } from "../src/inference/toy.test-kit.ts";
import type { Files } from "./abuse-world.ts";

export const PNG = new Uint8Array([
  0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52,
]);
export const PDF = "%PDF-1.7\n%\u00e2\u00e3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n";

/** A right toy model's files, or one with other options. */
export async function toyFiles(options: ToyOptions = {}): Promise<Files> {
  const folder = mkdtempSync(join(tmpdir(), "espalier-toy-"));
  await writeToyModel(folder, options);
  const files = Object.fromEntries(
    readdirSync(folder).map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]),
  );
  rmSync(folder, { recursive: true });
  return files;
}

/** The toy with other files; null takes one away. */
export async function toyWith(changes: Record<string, Uint8Array | string | null>): Promise<Files> {
  const files = await toyFiles();
  for (const [name, bytes] of Object.entries(changes))
    if (bytes === null) delete files[name];
    else files[name] = bytes;
  return files;
}

/** The toy with a changed config.json. */
export const toyConfig = (config: Record<string, unknown>): Promise<Files> => toyFiles({ config });

/** The toy with the first tensors' places in its safetensors header changed, or the header's length. */
export async function toyWeights(
  change: (tensors: [string, { data_offsets: number[] }][]) => void,
  lengthBytes?: bigint,
): Promise<Files> {
  const files = await toyFiles();
  const whole = Buffer.from(files["model.safetensors"] ?? "");
  const size = Number(whole.readBigUInt64LE(0));
  const header: Record<string, { data_offsets: number[] }> = JSON.parse(whole.toString("utf8", 8, 8 + size));
  change(Object.entries(header).filter(([name]) => name !== "__metadata__"));
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(lengthBytes ?? BigInt(text.length));
  return { ...files, "model.safetensors": Buffer.concat([length, text, whole.subarray(8 + size)]) };
}

export function gguf(make: (maker: GgufMaker) => void): Files {
  const maker = new GgufMaker();
  make(maker);
  return { "m.gguf": maker.finish() };
}

/** A GGUF's first bytes, with the numbers given as they stand. */
export function ggufHead(...numbers: (bigint | number)[]): Files {
  const parts = [Buffer.from("GGUF\u0003\0\0\0", "latin1")];
  for (const number of numbers) {
    const part = Buffer.alloc(typeof number === "bigint" ? 8 : 4);
    if (typeof number === "bigint") part.writeBigUInt64LE(number);
    else part.writeUInt32LE(number);
    parts.push(part);
  }
  return { "m.gguf": Buffer.concat([...parts, Buffer.alloc(64)]) };
}

export const zip = (files: Zippable): Files => ({ "m.zip": zipSync(files) });
/** A zip whose entry says of itself that it is a symbolic link. */
export const zipOfLink = (): Files =>
  zip({ "config.json": [strToU8("/etc/passwd"), { os: 3, attrs: (0o120777 << 16) >>> 0 }] });
