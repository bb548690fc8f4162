// Streams a model's tensors into the engine's data file at a chosen precision and remembers where each part lies.
import type { FileHandle } from "node:fs/promises";
import { EspalierError } from "../../kit/errors.ts";
import { eachFloat32Slice, type WeightTensor } from "../weights/weights.ts";
import { BLOCK, type BlockRows, quantiseInt8, repackQ4, repackQ4Min, repackQ8 } from "./quantise.ts";

export type Precision = "fp32" | "int8" | "native";

/** A run of bytes in the data file. */
export type Region = { offset: number; length: number };

/** How a tensor lies in the data file. */
export type Stored =
  | { kind: "float"; shape: readonly number[]; data: Region }
  | {
      kind: "blocks";
      shape: readonly number[];
      bits: 4 | 8;
      codes: Region;
      scales: Region;
      /** [K/32, N] for linear layers, [N, K/32] for the embedding. */
      offsets: Region | null;
      /** Middle codes of every block, which the embedding's Gather wants spelled out; null for linear layers. */
      zeroPoints: Region | null;
    };

/** Appends to the data file; every region starts on a page, so that it can be mapped. */
export class DataFile {
  private end = 0;

  constructor(private readonly handle: FileHandle) {}

  /** Keeps `length` bytes for writes at any place within. */
  reserve(length: number): Region {
    const offset = Math.ceil(this.end / 4096) * 4096;
    this.end = offset + length;
    return { offset, length };
  }

  async writeAt(region: Region, at: number, bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const position = region.offset + at + done;
      done += (await this.handle.write(bytes, done, bytes.length - done, position)).bytesWritten;
    }
  }

  /** Gives the file its full length, the last reserve included. */
  async finish(): Promise<void> {
    await this.handle.truncate(this.end);
    await this.handle.sync();
  }
}

export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Stores a tensor as float32. */
export async function storeFloat(data: DataFile, tensor: WeightTensor): Promise<Stored> {
  const elements = tensor.shape.reduce((product, axis) => product * axis, 1);
  const region = data.reserve(elements * 4);
  const rowBytes = tensor.shape.length > 1 ? (elements / (tensor.shape[0] ?? 1)) * 4 : 0;
  await eachFloat32Slice(tensor, (values, start) => data.writeAt(region, start * rowBytes, bytesOf(values)));
  return { kind: "float", shape: tensor.shape, data: region };
}

const LOSSLESS: Partial<Record<string, (raw: Uint8Array) => BlockRows>> = {
  Q8_0: repackQ8,
  Q4_0: repackQ4,
  Q4_1: repackQ4Min,
};

/**
 * Stores a [N, K] matrix at the precision: `fp32` as float32, `int8` in blocks of 32, `native` as it is.
 * A matrix whose K is no multiple of 32 stays float32 (its blocks would straddle rows).
 */
export async function storeMatrix(
  data: DataFile,
  tensor: WeightTensor,
  precision: Precision,
  role: "linear" | "embedding",
): Promise<Stored> {
  const [rows = 0, columns = 0] = tensor.shape;
  const repack = precision === "native" ? LOSSLESS[tensor.dtype] : undefined;
  if (columns % BLOCK !== 0 || (precision !== "int8" && !repack)) return storeFloat(data, tensor);
  const blocksPerRow = columns / BLOCK;
  const hasOffsets = repack !== undefined && tensor.dtype === "Q4_1";
  const bits = repack && tensor.dtype !== "Q8_0" ? 4 : 8;
  const codes = data.reserve((rows * columns * bits) / 8);
  const scales = data.reserve(rows * blocksPerRow * 4);
  const offsets = hasOffsets ? new Float32Array(rows * blocksPerRow) : null;
  const step = Math.max(1, Math.floor((16 * 1024 * 1024) / (columns * 4)));
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row);
    const part = repack
      ? repack(await tensor.read(row, count))
      : quantiseInt8(await tensor.readFloat32(row, count));
    await data.writeAt(codes, (row * columns * bits) / 8, part.codes);
    await data.writeAt(scales, row * blocksPerRow * 4, bytesOf(part.scales));
    if (offsets && part.offsets)
      for (let r = 0; r < count; r++)
        for (let b = 0; b < blocksPerRow; b++) {
          const value = part.offsets[r * blocksPerRow + b]!;
          offsets[role === "linear" ? b * rows + row + r : (row + r) * blocksPerRow + b] = value;
        }
  }
  const offsetsRegion = offsets ? data.reserve(offsets.byteLength) : null;
  if (offsets && offsetsRegion) await data.writeAt(offsetsRegion, 0, bytesOf(offsets));
  let zeroPoints: Region | null = null;
  if (role === "embedding") {
    const middles = new Uint8Array(rows * Math.ceil((blocksPerRow * bits) / 8)).fill(
      bits === 8 ? 0x80 : 0x88,
    );
    zeroPoints = data.reserve(middles.length);
    await data.writeAt(zeroPoints, 0, middles);
  }
  return { kind: "blocks", shape: tensor.shape, bits, codes, scales, offsets: offsetsRegion, zeroPoints };
}

/** Throws PRECISION_UNAVAILABLE where `native` is asked for weights that are not quantised by blocks. */
export function checkPrecision(precision: Precision, format: "hf" | "gguf"): void {
  if (precision === "native" && format !== "gguf")
    throw new EspalierError("PRECISION_UNAVAILABLE", "The precision native is for GGUF models only.", {
      field: "precision",
      value: precision,
      hint: "Choose fp32 or int8 for a model from a Hugging Face folder.",
    });
}
