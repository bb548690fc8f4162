// Turns rows of weights into the block layout of ONNX Runtime's MatMulNBits, losslessly where they are quantised already.
import { halfTable } from "../weights/dtypes.ts";

export const BLOCK = 32;

/** Rows [N, K] as MatMulNBits wants them: `codes` unsigned with the middle as zero point, one scale a block. */
export type BlockRows = {
  bits: 4 | 8;
  codes: Uint8Array;
  scales: Float32Array;
  /** Per block [N, K/32]: what must be added to every weight of the block, for GGUF types with a minimum. */
  offsets: Float32Array | null;
};

/** Quantises float32 rows to 8 bits, symmetric, one scale for each 32 values along K. `columns` % 32 = 0. */
export function quantiseInt8(values: Float32Array): BlockRows {
  const blocks = values.length / BLOCK;
  const codes = new Uint8Array(values.length);
  const scales = new Float32Array(blocks);
  for (let b = 0; b < blocks; b++) {
    const start = b * BLOCK;
    let largest = 0;
    for (let i = start; i < start + BLOCK; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const scale = largest / 127;
    scales[b] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = start; i < start + BLOCK; i++) codes[i] = Math.round(values[i]! * inverse) + 128;
  }
  return { bits: 8, codes, scales, offsets: null };
}

/** Q8_0 blocks (f16 scale, 32 int8) as they are: w = d·q, stored as q + 128. */
export function repackQ8(raw: Uint8Array): BlockRows {
  const table = halfTable();
  const blocks = raw.length / 34;
  const codes = new Uint8Array(blocks * BLOCK);
  const scales = new Float32Array(blocks);
  for (let b = 0; b < blocks; b++) {
    const at = b * 34;
    scales[b] = table[raw[at]! | (raw[at + 1]! << 8)]!;
    for (let i = 0; i < BLOCK; i++) codes[b * BLOCK + i] = raw[at + 2 + i]! ^ 0x80;
  }
  return { bits: 8, codes, scales, offsets: null };
}

/** Q4_0 blocks as they are: w = d·(q − 8), which is MatMulNBits' own 4-bit form. */
export function repackQ4(raw: Uint8Array): BlockRows {
  return repackNibbles(raw, 18, 2);
}

/** Q4_1 blocks as they are: w = d·q + m = d·(q − 8) + (m + 8d); the second term goes to `offsets`. */
export function repackQ4Min(raw: Uint8Array): BlockRows {
  const rows = repackNibbles(raw, 20, 4);
  const table = halfTable();
  const offsets = new Float32Array(rows.scales.length);
  for (let b = 0; b < offsets.length; b++) {
    const at = b * 20 + 2;
    offsets[b] = table[raw[at]! | (raw[at + 1]! << 8)]! + 8 * rows.scales[b]!;
  }
  return { ...rows, offsets };
}

function repackNibbles(raw: Uint8Array, blockBytes: number, skip: number): BlockRows {
  const table = halfTable();
  const blocks = raw.length / blockBytes;
  const codes = new Uint8Array(blocks * 16);
  const scales = new Float32Array(blocks);
  for (let b = 0; b < blocks; b++) {
    const at = b * blockBytes;
    scales[b] = table[raw[at]! | (raw[at + 1]! << 8)]!;
    const from = at + skip;
    // GGUF keeps element j beside j + 16 in a byte; MatMulNBits wants 2j beside 2j + 1.
    for (let j = 0; j < 8; j++) {
      const [a, c] = [raw[from + 2 * j]!, raw[from + 2 * j + 1]!];
      codes[b * 16 + j] = (a & 15) | ((c & 15) << 4);
      codes[b * 16 + 8 + j] = (a >> 4) | (c & 0xf0);
    }
  }
  return { bits: 4, codes, scales, offsets: null };
}
