// Reads GGUF v2 and v3: metadata and tensor places, with every count and offset checked against the file.
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { byteLengthOf, type Dtype } from "./dtypes.ts";

export type GgufValue = number | bigint | string | boolean | GgufValue[];

export type GgufTensor = {
  /** GGUF name, e.g. `blk.0.attn_q.weight`. */
  name: string;
  dtype: Dtype;
  /** Row-major (GGUF's own axis order reversed). */
  shape: number[];
  byteLength: number;
  fileOffset: number;
};

export type GgufFile = { metadata: Map<string, GgufValue>; tensors: GgufTensor[] };

/** GGML's type numbers; only those in `READABLE` are served, the others are refused by name. */
const GGML_TYPES: Record<number, string> = {
  0: "F32",
  1: "F16",
  2: "Q4_0",
  3: "Q4_1",
  6: "Q5_0",
  7: "Q5_1",
  8: "Q8_0",
  9: "Q8_1",
  10: "Q2_K",
  11: "Q3_K",
  12: "Q4_K",
  13: "Q5_K",
  14: "Q6_K",
  15: "Q8_K",
  16: "IQ2_XXS",
  17: "IQ2_XS",
  18: "IQ3_XXS",
  19: "IQ1_S",
  20: "IQ4_NL",
  21: "IQ3_S",
  22: "IQ2_S",
  23: "IQ4_XS",
  24: "I8",
  25: "I16",
  26: "I32",
  27: "I64",
  28: "F64",
  29: "IQ1_M",
  30: "BF16",
  34: "TQ1_0",
  35: "TQ2_0",
  39: "MXFP4",
};
const READABLE: Record<string, Dtype> = {
  F32: "F32",
  F16: "F16",
  BF16: "BF16",
  Q8_0: "Q8_0",
  Q4_0: "Q4_0",
  Q4_1: "Q4_1",
};
const VALUE_BYTES: Record<number, number> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  8: 8,
  9: 12,
  10: 8,
  11: 8,
  12: 8,
};

/** A forward reader over a file that never asks for more than the file holds. */
class Cursor {
  position = 0;
  private chunk = new Uint8Array(0);
  private chunkStart = 0;

  constructor(
    private readonly handle: FileHandle,
    readonly size: number,
    readonly file: string,
  ) {}

  async take(length: number): Promise<DataView> {
    if (length > this.size - this.position)
      throw new EspalierError(
        "WEIGHTS_TRUNCATED",
        `${this.file} ends at byte ${this.size}; its header needs ${length} bytes more at ${this.position}.`,
        { value: this.file, hint: "Copy or download the file again." },
      );
    const offset = this.position - this.chunkStart;
    if (offset + length > this.chunk.length) {
      const want = Math.min(Math.max(length, 1 << 20), this.size - this.position);
      const buffer = new Uint8Array(want);
      let done = 0;
      while (done < want) {
        const { bytesRead } = await this.handle.read(buffer, done, want - done, this.position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      this.chunk = buffer.subarray(0, done);
      this.chunkStart = this.position;
    }
    const at = this.position - this.chunkStart;
    this.position += length;
    return new DataView(this.chunk.buffer, this.chunk.byteOffset + at, length);
  }

  async u32(): Promise<number> {
    return (await this.take(4)).getUint32(0, true);
  }

  async u64(what: string): Promise<number> {
    const value = (await this.take(8)).getBigUint64(0, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new EspalierError("WEIGHTS_COUNT_OVERFLOW", `${this.file}: ${what} is ${value}.`, {
        value: String(value),
        hint: "The file is damaged or not a GGUF file.",
      });
    return Number(value);
  }

  async text(): Promise<string> {
    const length = await this.u64("a text length");
    if (length > limits.ggufTextBytes)
      throw new EspalierError(
        "WEIGHTS_COUNT_OVERFLOW",
        `${this.file} announces a text of ${length} bytes; the limit is ${limits.ggufTextBytes}.`,
        { value: String(length), hint: "The file is damaged or not a GGUF file." },
      );
    const view = await this.take(length);
    return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset, length));
  }
}

async function readValue(cursor: Cursor, type: number, depth = 0): Promise<GgufValue> {
  if (type === 8) return cursor.text();
  if (type === 9) {
    const inner = await cursor.u32();
    const count = await cursor.u64("an array length");
    const least = VALUE_BYTES[inner];
    if (least === undefined || depth > 2) throw badType(cursor, inner);
    if (count * least > cursor.size - cursor.position)
      throw new EspalierError(
        "WEIGHTS_COUNT_OVERFLOW",
        `${cursor.file} announces an array of ${count} values, more than the file can hold.`,
        { value: String(count), hint: "The file is damaged or cut short." },
      );
    const out: GgufValue[] = [];
    for (let i = 0; i < count; i++) out.push(await readValue(cursor, inner, depth + 1));
    return out;
  }
  const bytes = VALUE_BYTES[type];
  if (bytes === undefined) throw badType(cursor, type);
  const view = await cursor.take(bytes);
  switch (type) {
    case 0:
      return view.getUint8(0);
    case 1:
      return view.getInt8(0);
    case 2:
      return view.getUint16(0, true);
    case 3:
      return view.getInt16(0, true);
    case 4:
      return view.getUint32(0, true);
    case 5:
      return view.getInt32(0, true);
    case 6:
      return view.getFloat32(0, true);
    case 7:
      return view.getUint8(0) !== 0;
    case 10:
      return narrow(view.getBigUint64(0, true));
    case 11:
      return narrow(view.getBigInt64(0, true));
    default:
      return view.getFloat64(0, true);
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function badType(cursor: Cursor, type: number): EspalierError {
  return new EspalierError(
    "WEIGHTS_HEADER_INVALID",
    `${cursor.file} holds a metadata value of type ${type}.`,
    {
      value: String(type),
      hint: "The file is damaged or newer than GGUF v3.",
    },
  );
}

/**
 * Opens a GGUF file. Throws WEIGHTS_HEADER_INVALID, WEIGHTS_TRUNCATED, WEIGHTS_COUNT_OVERFLOW,
 * WEIGHTS_OFFSET_OUTSIDE_FILE, WEIGHTS_OVERLAP or UNSUPPORTED_TENSOR_TYPE.
 */
export async function openGguf(path: string): Promise<GgufFile> {
  const file = basename(path);
  const { size } = await stat(path);
  const handle = await open(path, "r");
  try {
    const cursor = new Cursor(handle, size, file);
    const magic = await cursor.u32();
    if (magic !== 0x46554747)
      throw new EspalierError("WEIGHTS_HEADER_INVALID", `${file} does not begin with GGUF.`, {
        value: file,
        hint: "Check that this is a GGUF file.",
      });
    const version = await cursor.u32();
    if (version !== 2 && version !== 3)
      throw new EspalierError(
        "WEIGHTS_HEADER_INVALID",
        `${file} is GGUF version ${version}; 2 and 3 are read.`,
        {
          value: String(version),
          hint: "Convert the model again with a current llama.cpp.",
        },
      );
    const tensorCount = await countOf(cursor, "the tensor count");
    const keyCount = await countOf(cursor, "the metadata count");
    const metadata = new Map<string, GgufValue>();
    for (let i = 0; i < keyCount; i++) {
      const key = await cursor.text();
      metadata.set(key, await readValue(cursor, await cursor.u32()));
    }
    const places: { name: string; dtype: Dtype; shape: number[]; byteLength: number; offset: number }[] = [];
    for (let i = 0; i < tensorCount; i++) places.push(await readPlace(cursor));
    const alignment = alignmentOf(metadata, file);
    const dataStart = Math.ceil(cursor.position / alignment) * alignment;
    const tensors = places.map(({ offset, ...rest }) => ({ ...rest, fileOffset: dataStart + offset }));
    checkPlaces(tensors, alignment, dataStart, size, file);
    return { metadata, tensors };
  } finally {
    await handle.close();
  }
}

async function countOf(cursor: Cursor, what: string): Promise<number> {
  const count = await cursor.u64(what);
  // The smallest entry takes 12 bytes, so a larger count cannot be true.
  if (count > limits.ggufEntries || count * 12 > cursor.size)
    throw new EspalierError("WEIGHTS_COUNT_OVERFLOW", `${cursor.file}: ${what} is ${count}.`, {
      value: String(count),
      hint: "The file is damaged or cut short.",
    });
  return count;
}

async function readPlace(
  cursor: Cursor,
): Promise<{ name: string; dtype: Dtype; shape: number[]; byteLength: number; offset: number }> {
  const name = await cursor.text();
  const axes = await cursor.u32();
  if (axes > 4)
    throw new EspalierError("WEIGHTS_HEADER_INVALID", `Tensor ${name} in ${cursor.file} has ${axes} axes.`, {
      value: String(axes),
      hint: "The file is damaged or not a GGUF file.",
    });
  const shape: number[] = [];
  for (let a = 0; a < axes; a++) shape.unshift(await cursor.u64(`an axis of ${name}`));
  const type = await cursor.u32();
  const typeName = GGML_TYPES[type] ?? `type ${type}`;
  const dtype = READABLE[typeName];
  if (!dtype)
    throw new EspalierError("UNSUPPORTED_TENSOR_TYPE", `Tensor ${name} in ${cursor.file} is ${typeName}.`, {
      value: typeName,
      hint: "Use a GGUF with F32, F16, BF16, Q8_0, Q4_0 or Q4_1 tensors.",
    });
  const offset = await cursor.u64(`the offset of ${name}`);
  const byteLength = byteLengthOf(dtype, shape);
  if (byteLength === null)
    throw new EspalierError(
      "WEIGHTS_COUNT_OVERFLOW",
      `Tensor ${name} in ${cursor.file} has the shape [${shape}] of ${dtype}, which overflows or splits a block.`,
      { value: name, hint: "The file is damaged: copy or download it again." },
    );
  return { name, dtype, shape, byteLength, offset };
}

function alignmentOf(metadata: Map<string, GgufValue>, file: string): number {
  const value = metadata.get("general.alignment") ?? 32;
  if (typeof value !== "number" || value < 1 || value > 65536 || (value & (value - 1)) !== 0)
    throw new EspalierError("WEIGHTS_HEADER_INVALID", `${file} has the alignment ${String(value)}.`, {
      value: String(value),
      hint: "The file is damaged: copy or download it again.",
    });
  return value;
}

function checkPlaces(
  tensors: GgufTensor[],
  alignment: number,
  dataStart: number,
  size: number,
  file: string,
): void {
  let end = dataStart;
  let hasHoles = false;
  const sorted = [...tensors].sort((a, b) => a.fileOffset - b.fileOffset);
  for (const tensor of sorted) {
    if (tensor.fileOffset < end)
      throw new EspalierError(
        "WEIGHTS_OVERLAP",
        `Tensor ${tensor.name} in ${file} overlaps another tensor.`,
        {
          value: tensor.name,
          hint: "Convert the model again.",
        },
      );
    if (tensor.fileOffset - end >= alignment) hasHoles = true;
    end = tensor.fileOffset + tensor.byteLength;
    if (end > size && hasHoles)
      throw new EspalierError(
        "WEIGHTS_OFFSET_OUTSIDE_FILE",
        `Tensor ${tensor.name} in ${file} lies at bytes ${tensor.fileOffset} to ${end}; the file ends at ${size}.`,
        { value: tensor.name, hint: "Convert the model again." },
      );
  }
  if (end > size)
    throw new EspalierError("WEIGHTS_TRUNCATED", `${file} holds ${size} bytes; its tensors need ${end}.`, {
      value: file,
      hint: "Copy or download the file again.",
    });
}
