// Tensor element types of safetensors and GGUF: their sizes, and how each is turned into float32.
import { EspalierError } from "../../kit/errors.ts";

/** Element types with a fixed block layout: `block` elements take `bytes` bytes. */
export const DTYPES = {
  F64: { block: 1, bytes: 8 },
  F32: { block: 1, bytes: 4 },
  F16: { block: 1, bytes: 2 },
  BF16: { block: 1, bytes: 2 },
  F8_E4M3: { block: 1, bytes: 1 },
  F8_E5M2: { block: 1, bytes: 1 },
  I64: { block: 1, bytes: 8 },
  I32: { block: 1, bytes: 4 },
  I16: { block: 1, bytes: 2 },
  I8: { block: 1, bytes: 1 },
  U64: { block: 1, bytes: 8 },
  U32: { block: 1, bytes: 4 },
  U16: { block: 1, bytes: 2 },
  U8: { block: 1, bytes: 1 },
  BOOL: { block: 1, bytes: 1 },
  Q4_0: { block: 32, bytes: 18 },
  Q4_1: { block: 32, bytes: 20 },
  Q8_0: { block: 32, bytes: 34 },
} as const;

export type Dtype = keyof typeof DTYPES;

/** True for the names in `DTYPES`. */
export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(DTYPES, name);
}

/** Bytes of a tensor, or null where the count overflows or the last axis is not a whole number of blocks. */
export function byteLengthOf(dtype: Dtype, shape: readonly number[]): number | null {
  const { block, bytes } = DTYPES[dtype];
  let elements = 1;
  for (const axis of shape) {
    elements *= axis;
    if (!Number.isSafeInteger(elements)) return null;
  }
  if (block > 1 && (shape.at(-1) ?? 0) % block !== 0) return null;
  const total = (elements / block) * bytes;
  return Number.isSafeInteger(total) ? total : null;
}

const half = new Float32Array(65536);
let halfReady = false;

/** All 65,536 float16 values as float32, indexed by their bits. */
export function halfTable(): Float32Array {
  if (halfReady) return half;
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    half[bits] =
      exponent === 0
        ? sign * fraction * 2 ** -24
        : exponent === 31
          ? fraction
            ? Number.NaN
            : sign * Number.POSITIVE_INFINITY
          : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  halfReady = true;
  return half;
}

/** A copy of `bytes` that starts on an 8-byte boundary, for typed-array views. */
function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
}

/** Decodes raw little-endian tensor bytes to float32. Throws UNSUPPORTED_TENSOR_TYPE for integer types. */
export function toFloat32(dtype: Dtype, raw: Uint8Array): Float32Array {
  const bytes = aligned(raw);
  const { buffer, byteOffset, byteLength } = bytes;
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case "F64":
      return Float32Array.from(new Float64Array(buffer, byteOffset, byteLength / 8));
    case "F16": {
      const source = new Uint16Array(buffer, byteOffset, byteLength / 2);
      const table = halfTable();
      const out = new Float32Array(source.length);
      for (let i = 0; i < out.length; i++) out[i] = table[source[i]!]!;
      return out;
    }
    case "BF16": {
      const source = new Uint16Array(buffer, byteOffset, byteLength / 2);
      const out = new Uint32Array(source.length);
      for (let i = 0; i < out.length; i++) out[i] = source[i]! << 16;
      return new Float32Array(out.buffer);
    }
    case "Q8_0":
      return dequantise(bytes, 34, (block, at, out, to, table) => {
        const scale = table[block[at]! | (block[at + 1]! << 8)]!;
        for (let i = 0; i < 32; i++) out[to + i] = scale * ((block[at + 2 + i]! << 24) >> 24);
      });
    case "Q4_0":
      return dequantise(bytes, 18, (block, at, out, to, table) => {
        const scale = table[block[at]! | (block[at + 1]! << 8)]!;
        for (let i = 0; i < 16; i++) {
          const pair = block[at + 2 + i]!;
          out[to + i] = scale * ((pair & 15) - 8);
          out[to + i + 16] = scale * ((pair >> 4) - 8);
        }
      });
    case "Q4_1":
      return dequantise(bytes, 20, (block, at, out, to, table) => {
        const scale = table[block[at]! | (block[at + 1]! << 8)]!;
        const least = table[block[at + 2]! | (block[at + 3]! << 8)]!;
        for (let i = 0; i < 16; i++) {
          const pair = block[at + 4 + i]!;
          out[to + i] = scale * (pair & 15) + least;
          out[to + i + 16] = scale * (pair >> 4) + least;
        }
      });
    default:
      throw new EspalierError(
        "UNSUPPORTED_TENSOR_TYPE",
        `Tensors of type ${dtype} cannot be used as weights.`,
        {
          value: dtype,
          hint: "Convert the model to F32, F16 or BF16 safetensors.",
        },
      );
  }
}

type BlockDecoder = (
  block: Uint8Array,
  at: number,
  out: Float32Array,
  to: number,
  table: Float32Array,
) => void;

function dequantise(bytes: Uint8Array, blockBytes: number, decode: BlockDecoder): Float32Array {
  const blocks = bytes.length / blockBytes;
  const out = new Float32Array(blocks * 32);
  const table = halfTable();
  for (let b = 0; b < blocks; b++) decode(bytes, b * blockBytes, out, b * 32, table);
  return out;
}

/** Encodes float32 values as raw little-endian F32, F16 or BF16 bytes (round to nearest even). */
export function fromFloat32(dtype: "F32" | "F16" | "BF16", values: Float32Array): Uint8Array {
  if (dtype === "F32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (dtype === "F16") {
    const out = new Float16Array(values);
    return new Uint8Array(out.buffer);
  }
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const word = bits[i]!;
    // A NaN must stay a NaN: rounding could carry its payload into the sign.
    out[i] =
      (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return new Uint8Array(out.buffer);
}
