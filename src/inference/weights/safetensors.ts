// Reads safetensors headers, single or sharded, and checks every offset before a byte of weights is touched.
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { z } from "zod";
import { EspalierError, messageOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { byteLengthOf, isDtype } from "./dtypes.ts";
import { readExactly, tensorAt, type WeightTensor } from "./tensor.ts";

const whole = z.number().int().nonnegative();
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(whole).max(8),
  data_offsets: z.tuple([whole, whole]),
});
const headerSchema = z.record(z.string(), z.unknown());
const metadataSchema = z.record(z.string(), z.string());

export type SafetensorsFile = {
  tensors: WeightTensor[];
  metadata: Record<string, string>;
};

const again = "Copy or download the file again.";

/**
 * Opens one safetensors file. Checks header size, types, shapes and offsets (inside, contiguous or holed, not
 * overlapping). Throws WEIGHTS_TRUNCATED, WEIGHTS_HEADER_INVALID, WEIGHTS_OFFSET_OUTSIDE_FILE,
 * WEIGHTS_OVERLAP, WEIGHTS_SHAPE_MISMATCH or UNSUPPORTED_TENSOR_TYPE.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = basename(path);
  const { size } = await stat(path);
  if (size < 8)
    throw new EspalierError(
      "WEIGHTS_TRUNCATED",
      `${file} holds ${size} bytes; a safetensors header needs 8.`,
      {
        value: file,
        hint: again,
      },
    );
  const handle = await open(path, "r");
  let text: string;
  let headerBytes: bigint;
  try {
    const prefix = await readExactly(handle, 0, 8, file);
    headerBytes = new DataView(prefix.buffer).getBigUint64(0, true);
    if (headerBytes > BigInt(limits.safetensorsHeaderBytes))
      throw new EspalierError(
        "WEIGHTS_HEADER_INVALID",
        `${file} announces a header of ${headerBytes} bytes; the limit is ${limits.safetensorsHeaderBytes}.`,
        { value: String(headerBytes), hint: "Check that this is a safetensors file." },
      );
    if (headerBytes > BigInt(size - 8))
      throw new EspalierError(
        "WEIGHTS_TRUNCATED",
        `${file} announces a header of ${headerBytes} bytes but holds ${size}.`,
        { value: file, hint: again },
      );
    text = new TextDecoder().decode(await readExactly(handle, 8, Number(headerBytes), file));
  } finally {
    await handle.close();
  }
  const header = parseHeader(text, file);
  const dataStart = 8 + Number(headerBytes);
  const tensors: WeightTensor[] = [];
  for (const [name, raw] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const entry = entrySchema.safeParse(raw);
    if (!entry.success)
      throw new EspalierError(
        "WEIGHTS_HEADER_INVALID",
        `Tensor ${name} in ${file} is not described rightly.`,
        {
          value: name,
          hint: "Write the file again with the safetensors library.",
        },
      );
    const { dtype, shape, data_offsets } = entry.data;
    const [begin, end] = data_offsets;
    if (!isDtype(dtype))
      throw new EspalierError("UNSUPPORTED_TENSOR_TYPE", `Tensor ${name} in ${file} has the type ${dtype}.`, {
        value: dtype,
        hint: "Convert the model to F32, F16 or BF16.",
      });
    const expected = byteLengthOf(dtype, shape);
    if (expected === null || end < begin || end - begin !== expected)
      throw new EspalierError(
        "WEIGHTS_SHAPE_MISMATCH",
        `Tensor ${name} in ${file} has shape [${shape}] of ${dtype}, but its bytes run from ${begin} to ${end}.`,
        { value: name, hint: again },
      );
    tensors.push(
      tensorAt({ name, dtype, shape, byteLength: expected, file: path, fileOffset: dataStart + begin }),
    );
  }
  checkPlaces(tensors, dataStart, size, file);
  const metadata = metadataSchema.safeParse(header.__metadata__ ?? {});
  return { tensors, metadata: metadata.success ? metadata.data : {} };
}

function parseHeader(text: string, file: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new EspalierError(
      "WEIGHTS_HEADER_INVALID",
      `The header of ${file} is not JSON: ${messageOf(error)}.`,
      {
        value: file,
        hint: "Check that this is a safetensors file.",
      },
    );
  }
  const header = headerSchema.safeParse(json);
  if (!header.success)
    throw new EspalierError("WEIGHTS_HEADER_INVALID", `The header of ${file} is not a JSON object.`, {
      value: file,
      hint: "Check that this is a safetensors file.",
    });
  return header.data;
}

function checkPlaces(tensors: WeightTensor[], dataStart: number, size: number, file: string): void {
  const sorted = [...tensors].sort((a, b) => a.fileOffset - b.fileOffset);
  let end = dataStart;
  let isContiguous = true;
  let outside: WeightTensor | undefined;
  for (const tensor of sorted) {
    if (tensor.fileOffset < end && tensor.byteLength > 0)
      throw new EspalierError(
        "WEIGHTS_OVERLAP",
        `Tensor ${tensor.name} in ${file} overlaps another tensor.`,
        {
          value: tensor.name,
          hint: "Write the file again with the safetensors library.",
        },
      );
    if (tensor.fileOffset !== end) isContiguous = false;
    end = tensor.fileOffset + tensor.byteLength;
    if (end > size) outside ??= tensor;
  }
  if (!outside) return;
  // Without holes the header is sound and the file was cut; with holes an offset is wild.
  if (isContiguous)
    throw new EspalierError("WEIGHTS_TRUNCATED", `${file} holds ${size} bytes; its tensors need ${end}.`, {
      value: outside.name,
      hint: again,
    });
  throw new EspalierError(
    "WEIGHTS_OFFSET_OUTSIDE_FILE",
    `Tensor ${outside.name} in ${file} lies at bytes ${outside.fileOffset} to ${
      outside.fileOffset + outside.byteLength
    }; the file ends at ${size}.`,
    { value: outside.name, hint: "Write the file again with the safetensors library." },
  );
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** Parses `model.safetensors.index.json`: tensor name → shard file name. Throws WEIGHTS_INDEX_INVALID. */
export function parseShardIndex(text: string): Map<string, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new EspalierError("WEIGHTS_INDEX_INVALID", `The shard index is not JSON: ${messageOf(error)}.`, {
      value: "model.safetensors.index.json",
      hint: "Download model.safetensors.index.json again.",
    });
  }
  const index = indexSchema.safeParse(json);
  if (!index.success)
    throw new EspalierError("WEIGHTS_INDEX_INVALID", "The shard index holds no weight_map of file names.", {
      hint: "Download model.safetensors.index.json again.",
    });
  return new Map(Object.entries(index.data.weight_map));
}
