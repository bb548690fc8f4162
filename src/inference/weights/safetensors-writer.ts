// Writes a safetensors file one tensor at a time, in bounded memory, under a temporary name until it is whole.
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { byteLengthOf, type Dtype } from "./dtypes.ts";

export type PlannedTensor = { name: string; dtype: Dtype; shape: readonly number[] };

export type SafetensorsWriter = {
  /** Appends bytes to the tensor whose turn it is (tensors follow the plan's order). */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Checks that all is written, syncs to disk and gives the file its name. */
  close(): Promise<void>;
  /** Removes what was written. */
  abort(): Promise<void>;
};

/** Bytes of the header and of the data that a plan makes. */
function headerOf(plan: readonly PlannedTensor[], metadata: Record<string, string>): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt", ...metadata } };
  let offset = 0;
  for (const { name, dtype, shape } of plan) {
    const length = byteLengthOf(dtype, shape);
    if (length === null) throw new RangeError(`tensor ${name} of shape [${shape}] is too large`);
    header[name] = { dtype, shape, data_offsets: [offset, offset + length] };
    offset += length;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // The data starts on an 8-byte boundary; spaces are the padding that the format names.
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json);
  const out = new Uint8Array(8 + padded.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded.length), true);
  out.set(padded, 8);
  return out;
}

/** Starts `path` with the planned tensors; the caller then writes each in order and closes. */
export async function createSafetensorsWriter(
  path: string,
  plan: readonly PlannedTensor[],
  metadata: Record<string, string> = {},
): Promise<SafetensorsWriter> {
  const header = headerOf(plan, metadata);
  const temporary = `${path}.part`;
  const handle: FileHandle = await open(temporary, "w");
  let isOpen = true;
  let at = 0;
  let left = plan[0] ? (byteLengthOf(plan[0].dtype, plan[0].shape) ?? 0) : 0;

  async function writeAll(bytes: Uint8Array): Promise<void> {
    let done = 0;
    while (done < bytes.length) done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
  }

  function skipFull(): void {
    while (left === 0 && at < plan.length) {
      at++;
      const next = plan[at];
      left = next ? (byteLengthOf(next.dtype, next.shape) ?? 0) : 0;
    }
  }

  async function abort(): Promise<void> {
    if (isOpen) await handle.close();
    isOpen = false;
    await rm(temporary, { force: true });
  }

  await writeAll(header);
  return {
    async write(name, bytes) {
      skipFull();
      const turn = plan[at];
      if (turn?.name !== name) throw new Error(`tensor ${name} written out of turn (expected ${turn?.name})`);
      if (bytes.length > left) throw new RangeError(`${bytes.length - left} bytes too many for ${name}`);
      await writeAll(bytes);
      left -= bytes.length;
    },
    async close() {
      skipFull();
      if (at < plan.length) throw new Error(`tensor ${plan[at]?.name} lacks ${left} bytes`);
      await handle.sync();
      await handle.close();
      isOpen = false;
      await rename(temporary, path);
    },
    abort,
  };
}
