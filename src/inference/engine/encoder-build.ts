// Builds the engine's files of an embedder (graph, data, tokenizer) from a Hugging Face folder of the BERT family.
import { copyFile, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { newSecret } from "../../kit/ids.ts";
import { openWeights, type WeightTensor } from "../weights/weights.ts";
import { ENCODER_FILES, type EncoderDescription } from "./encoder.ts";
import { type EncoderConfig, type EncoderTensor, JOINED, writeEncoderGraph } from "./encoder-graph.ts";
import { bytesOf, DataFile } from "./stored.ts";

const configSchema = z
  .object({
    model_type: z.literal("bert"),
    hidden_act: z.literal("gelu"),
    position_embedding_type: z.literal("absolute").optional(),
    hidden_size: z.int().positive(),
    intermediate_size: z.int().positive(),
    num_hidden_layers: z.int().positive(),
    num_attention_heads: z.int().positive(),
    layer_norm_eps: z.number().positive(),
  })
  .transform(
    (config): EncoderConfig => ({
      hiddenSize: config.hidden_size,
      intermediateSize: config.intermediate_size,
      layers: config.num_hidden_layers,
      heads: config.num_attention_heads,
      layerNormEps: config.layer_norm_eps,
    }),
  );
/** What sentence-transformers adds to a model. */
const sentenceSchema = z.object({ max_seq_length: z.int().positive() });

const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, "utf8"));

/** Reads the model in `from` and fills the folder `to` with its files, whole or not at all. */
export async function buildEncoder(from: string, to: string, precision: "fp32" | "int8"): Promise<void> {
  const temporary = `${to}.${newSecret(6)}.part`;
  await mkdir(temporary, { recursive: true });
  try {
    await buildInto(temporary, from, precision);
    await rm(to, { recursive: true, force: true });
    await rename(temporary, to);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function buildInto(folder: string, from: string, precision: "fp32" | "int8"): Promise<void> {
  const config = configSchema.parse(await json(join(from, "config.json")));
  const { max_seq_length: maxTokens } = sentenceSchema.parse(
    await json(join(from, "sentence_bert_config.json")),
  );
  const { byName } = await openWeights(from);
  const tensorOf = (name: string): WeightTensor => {
    const tensor = byName.get(name) ?? byName.get(`bert.${name}`);
    if (!tensor) throw new Error(`${from} has no tensor ${name}`);
    return tensor;
  };
  const handle = await open(join(folder, ENCODER_FILES.data), "w");
  try {
    const data = new DataFile(handle);
    const tensors = new Map<string, EncoderTensor>();
    const write = async (bytes: Uint8Array) => {
      const region = data.reserve(bytes.byteLength);
      await data.writeAt(region, 0, bytes);
      return region;
    };
    const putFloat = async (name: string, shape: readonly number[], values: Float32Array): Promise<void> => {
      tensors.set(name, { kind: "float", shape, data: await write(bytesOf(values)) });
    };
    const putMatrix = async (
      name: string,
      shape: readonly number[],
      values: Float32Array,
      kind: "columns" | "rows",
    ): Promise<void> => {
      if (precision === "fp32") return putFloat(name, shape, values);
      const { codes, scales } = quantiseRows(values, shape, kind === "columns");
      tensors.set(name, { kind, shape, codes: await write(codes), scales: await write(bytesOf(scales)) });
    };
    const copy = async (name: string): Promise<void> => {
      const tensor = tensorOf(name);
      await putFloat(name, tensor.shape, await tensor.readFloat32());
    };
    const copyMatrix = async (name: string, kind: "columns" | "rows"): Promise<void> => {
      const tensor = tensorOf(name);
      await putMatrix(name, tensor.shape, await tensor.readFloat32(), kind);
    };

    await copyMatrix("embeddings.word_embeddings.weight", "rows");
    const { hiddenSize } = config;
    const places = await tensorOf("embeddings.position_embeddings.weight").readFloat32(0, maxTokens);
    const single = await tensorOf("embeddings.token_type_embeddings.weight").readFloat32(0, 1);
    await putFloat(
      JOINED.places,
      [maxTokens, hiddenSize],
      places.map((value, i) => value + (single[i % hiddenSize] ?? 0)),
    );
    for (const part of ["weight", "bias"]) await copy(`embeddings.LayerNorm.${part}`);
    for (let layer = 0; layer < config.layers; layer++) {
      const at = `encoder.layer.${layer}`;
      const parts = ["query", "key", "value"].map((part) => `${at}.attention.self.${part}`);
      const joined = async (kind: string): Promise<Float32Array> =>
        concat(await Promise.all(parts.map((part) => tensorOf(`${part}.${kind}`).readFloat32())));
      await putMatrix(JOINED.qkv(layer), [3 * hiddenSize, hiddenSize], await joined("weight"), "columns");
      await putFloat(`${JOINED.qkv(layer)}.bias`, [3 * hiddenSize], await joined("bias"));
      for (const dense of ["attention.output.dense", "intermediate.dense", "output.dense"]) {
        await copyMatrix(`${at}.${dense}.weight`, "columns");
        await copy(`${at}.${dense}.bias`);
      }
      for (const norm of ["attention.output.LayerNorm", "output.LayerNorm"])
        for (const part of ["weight", "bias"]) await copy(`${at}.${norm}.${part}`);
    }
    await data.finish();
    const graph = writeEncoderGraph({ config, tensors, maxTokens }, ENCODER_FILES.data);
    await writeFile(join(folder, ENCODER_FILES.graph), graph);
  } finally {
    await handle.close();
  }
  const description: EncoderDescription = { dimensions: config.hiddenSize, maxTokens };
  await writeFile(join(folder, ENCODER_FILES.description), JSON.stringify(description));
  for (const name of [ENCODER_FILES.tokenizer, ENCODER_FILES.tokenizerConfig])
    await copyFile(join(from, name), join(folder, name));
}

function concat(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Rows [N, K] as int8, symmetric, one scale a row. `isTurned` lays the codes as [K, N], as a product wants them. */
function quantiseRows(
  values: Float32Array,
  [rows = 0, columns = 0]: readonly number[],
  isTurned: boolean,
): { codes: Uint8Array; scales: Float32Array } {
  const codes = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let largest = 0;
    for (let k = 0; k < columns; k++) largest = Math.max(largest, Math.abs(values[row * columns + k]!));
    const scale = largest / 127 || 1;
    scales[row] = scale;
    for (let k = 0; k < columns; k++)
      codes[isTurned ? k * rows + row : row * columns + k] = Math.round(values[row * columns + k]! / scale);
  }
  return { codes: new Uint8Array(codes.buffer), scales };
}
