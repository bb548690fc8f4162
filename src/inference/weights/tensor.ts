// One tensor that lies in a file: name, type, shape, place, and bounded reads.
import { type FileHandle, open } from "node:fs/promises";
import { EspalierError } from "../../kit/errors.ts";
import { type Dtype, toFloat32 } from "./dtypes.ts";

export type WeightTensor = {
  /** Hugging Face name, e.g. `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  readonly dtype: Dtype;
  /** Row-major, as Hugging Face stores it: a linear layer is [out, in]. */
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Absolute path of the file that holds it, and where in it. */
  readonly file: string;
  readonly fileOffset: number;
  /** Raw bytes of `count` rows (first axis) from row `start`; all of it when unsaid. */
  readonly read: (start?: number, count?: number) => Promise<Uint8Array>;
  /** The same rows as float32. */
  readonly readFloat32: (start?: number, count?: number) => Promise<Float32Array>;
};

export type TensorPlace = {
  name: string;
  dtype: Dtype;
  shape: readonly number[];
  byteLength: number;
  file: string;
  fileOffset: number;
  /** Maps a Hugging Face row to the row in the file, where the file orders rows otherwise. */
  rowOf?: (row: number) => number;
};

/** Reads exactly `length` bytes at `position`; throws WEIGHTS_TRUNCATED when the file ends before. */
export async function readExactly(
  handle: FileHandle,
  position: number,
  length: number,
  file: string,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    if (bytesRead === 0)
      throw new EspalierError(
        "WEIGHTS_TRUNCATED",
        `${file} ends at byte ${position + done}; ${length - done} bytes are missing.`,
        { value: file, hint: "Copy or download the file again." },
      );
    done += bytesRead;
  }
  return bytes;
}

/** Makes a readable tensor of a checked place in a file. Each read opens and closes the file. */
export function tensorAt(place: TensorPlace): WeightTensor {
  const { name, dtype, shape, byteLength, file, fileOffset, rowOf } = place;
  // A vector is one row, except where its elements lie in another order (a bias of reordered rows).
  const rows = shape.length > 1 || rowOf ? (shape[0] ?? 1) : 1;
  const rowBytes = rows === 0 ? 0 : byteLength / rows;

  async function read(start = 0, count = rows - start): Promise<Uint8Array> {
    if (start < 0 || count < 0 || start + count > rows)
      throw new RangeError(`rows ${start}..${start + count} of ${name} with ${rows} rows`);
    const handle = await open(file, "r");
    try {
      if (!rowOf) return await readExactly(handle, fileOffset + start * rowBytes, count * rowBytes, file);
      // Reordered rows stay within one head: a whole-tensor read is the simplest that is right.
      const all = await readExactly(handle, fileOffset, byteLength, file);
      const out = new Uint8Array(count * rowBytes);
      for (let r = 0; r < count; r++) {
        const from = rowOf(start + r) * rowBytes;
        out.set(all.subarray(from, from + rowBytes), r * rowBytes);
      }
      return out;
    } finally {
      await handle.close();
    }
  }

  return {
    name,
    dtype,
    shape,
    byteLength,
    file,
    fileOffset,
    read,
    readFloat32: async (start, count) => toFloat32(dtype, await read(start, count)),
  };
}

/** Number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

/** Visits a tensor as float32 in slices of whole rows of at most `sliceBytes` float32 bytes. */
export async function eachFloat32Slice(
  tensor: WeightTensor,
  visit: (values: Float32Array, startRow: number, rowCount: number) => Promise<void> | void,
  sliceBytes = 16 * 1024 * 1024,
): Promise<void> {
  const rows = tensor.shape.length > 1 ? (tensor.shape[0] ?? 1) : 1;
  const rowElements = rows === 0 ? 0 : elementCount(tensor.shape) / rows;
  const step = Math.max(1, Math.floor(sliceBytes / Math.max(4, rowElements * 4)));
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row);
    await visit(await tensor.readFloat32(row, count), row, count);
  }
}
