// Front door of weights: opens a Hugging Face folder or a GGUF file, checks it, and describes the model in it.
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { EspalierError } from "../../kit/errors.ts";
import { configFromGguf, configFromJson, idList, type ModelConfig } from "./config.ts";
import { findText, licenceOf, listModelFolder, parseJson } from "./folder.ts";
import { openGguf } from "./gguf.ts";
import { ggufRowOf, hfNameOf } from "./gguf-names.ts";
import { tokenizerFromGguf } from "./gguf-tokenizer.ts";
import { ropeScalingOfDivisors } from "./rope-scaling.ts";
import { openSafetensors, parseShardIndex } from "./safetensors.ts";
import { elementCount, tensorAt, type WeightTensor } from "./tensor.ts";
import {
  checkTokenizerFits,
  readTokenizerFiles,
  type TokenizerFiles,
  tokenizerSize,
} from "./tokenizer-files.ts";

export type { Architecture, ModelConfig } from "./config.ts";
export { type Dtype, fromFloat32 } from "./dtypes.ts";
export { type RopeScaling, ropeScalingJson } from "./rope-scaling.ts";
export { openSafetensors } from "./safetensors.ts";
export { createSafetensorsWriter, type PlannedTensor, type SafetensorsWriter } from "./safetensors-writer.ts";
export { eachFloat32Slice, type WeightTensor } from "./tensor.ts";
export type { TokenizerFiles } from "./tokenizer-files.ts";

export type WeightFormat = "hf" | "gguf";

export type OpenedWeights = {
  format: WeightFormat;
  /** Under Hugging Face names, in Hugging Face row order. */
  tensors: WeightTensor[];
  byName: Map<string, WeightTensor>;
};

export type ModelDescription = ModelConfig & {
  format: WeightFormat;
  parameterCount: number;
  /** Bytes of the weights as they lie. */
  sizeBytes: number;
  /** SPDX-like id from the README's front matter or GGUF metadata. */
  licence: string | null;
  /** A name that the files give, e.g. GGUF's general.name. */
  displayName: string | null;
  chatTemplate: string | null;
  /** Tokens that the tokenizer can give. */
  tokenizerSize: number;
};

async function formatOf(path: string): Promise<WeightFormat> {
  const info = await stat(path).catch(() => null);
  if (!info)
    throw new EspalierError("MODEL_NOT_FOUND", `There is no file or folder ${path}.`, {
      value: path,
      status: 404,
      hint: "Give the path of a Hugging Face folder or of a GGUF file.",
    });
  if (info.isDirectory()) return "hf";
  if (/\.(bin|pt|pth|pkl|pickle|ckpt)$/i.test(path))
    throw new EspalierError("PICKLE_REFUSED", "The weights are a pickle, which can run code.", {
      value: path,
      hint: "Save the model as safetensors (save_pretrained does).",
    });
  if (info.size === 0)
    throw new EspalierError("MODEL_EMPTY", `The file ${basename(path)} is empty.`, {
      value: basename(path),
      hint: "Copy or download the file again.",
    });
  return "gguf";
}

/** Opens the weights at `path` (HF folder, or GGUF file) and checks every offset. Reads no weights yet. */
export async function openWeights(path: string): Promise<OpenedWeights> {
  const format = await formatOf(path);
  const tensors = format === "hf" ? await openFolder(path) : (await openGgufWeights(path)).tensors;
  return { format, tensors, byName: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
}

async function openFolder(folder: string): Promise<WeightTensor[]> {
  const names = await listModelFolder(folder);
  const indexText = await findText(folder, "model.safetensors.index.json");
  if (indexText === null) {
    const single = names.includes("model.safetensors")
      ? "model.safetensors"
      : names.filter((name) => name.endsWith(".safetensors")).sort()[0];
    return (await openSafetensors(join(folder, single ?? "model.safetensors"))).tensors;
  }
  const index = parseShardIndex(indexText);
  const shards = new Map<string, Map<string, WeightTensor>>();
  for (const shard of new Set(index.values())) {
    if (shard.includes("/") || shard.includes("\\") || shard.includes("\0") || !names.includes(shard))
      throw new EspalierError(
        "WEIGHTS_SHARD_MISSING",
        `The index names ${shard}, which is not in the folder.`,
        {
          value: shard,
          hint: "Download the missing file into the folder.",
        },
      );
    const { tensors } = await openSafetensors(join(folder, shard));
    shards.set(shard, new Map(tensors.map((tensor) => [tensor.name, tensor])));
  }
  return [...index].map(([name, shard]) => {
    const tensor = shards.get(shard)?.get(name);
    if (tensor) return tensor;
    throw new EspalierError(
      "WEIGHTS_INDEX_INVALID",
      `The index places ${name} in ${shard}, which lacks it.`,
      {
        value: name,
        hint: "Download the folder again.",
      },
    );
  });
}

/** Divisors of the rotary frequencies, which Hugging Face keeps in config.json. */
const ROPE_FREQUENCIES = "rope_freqs.weight";

async function openGgufWeights(path: string) {
  const gguf = await openGguf(path);
  const config = configFromGguf(gguf);
  const frequencies = gguf.tensors.find((place) => place.name === ROPE_FREQUENCIES);
  if (frequencies) {
    const divisors = await tensorAt({ ...frequencies, file: path }).readFloat32();
    config.ropeScaling = ropeScalingOfDivisors(divisors, config.ropeTheta);
  }
  const weights = gguf.tensors.filter((place) => place !== frequencies);
  const tensors = weights.map((place) => {
    const name = hfNameOf(place.name);
    if (name === null)
      throw new EspalierError(
        "UNKNOWN_ARCHITECTURE",
        `The GGUF holds a tensor ${place.name} of no use here.`,
        {
          value: place.name,
          hint: "Mixture-of-experts and other variants are not served; connect them as a third-party model.",
        },
      );
    const rowOf = ggufRowOf(place.name, config);
    return tensorAt({ ...place, name, file: path, ...(rowOf ? { rowOf } : {}) });
  });
  return { gguf, config, tensors };
}

/** The tokenizer and chat template of either format, as Hugging Face's JSON. */
export async function readTokenizer(path: string): Promise<TokenizerFiles> {
  return (await formatOf(path)) === "hf" ? readTokenizerFiles(path) : tokenizerFromGguf(await openGguf(path));
}

/**
 * Reads and checks a whole model: config, tensors against the config, tokenizer against the embedding.
 * Every refusal is an EspalierError that names the file or tensor; nothing of the model is run.
 */
export async function readModelConfig(path: string): Promise<ModelDescription> {
  return (await formatOf(path)) === "hf" ? describeFolder(path) : describeGguf(path);
}

const generationSchema = z.looseObject({
  eos_token_id: z.union([z.number().int(), z.array(z.number().int())]).nullish(),
});

async function describeFolder(folder: string): Promise<ModelDescription> {
  await listModelFolder(folder);
  const configText = await findText(folder, "config.json");
  if (configText === null)
    throw new EspalierError("CONFIG_MISSING", "The model folder holds no config.json.", {
      value: "config.json",
      hint: "Give the whole folder, as it was downloaded or saved.",
    });
  const config = configFromJson(parseJson(configText, "config.json", "CONFIG_INVALID"));
  const weights = await openWeights(folder);
  checkTensors(config, weights);
  const tokenizer = await readTokenizerFiles(folder);
  const rows = weights.byName.get("model.embed_tokens.weight")?.shape[0] ?? config.vocabSize;
  checkTokenizerFits(tokenizer.tokenizerJson, rows);
  const generationText = await findText(folder, "generation_config.json");
  const generation = generationSchema.safeParse(
    generationText === null ? {} : parseJson(generationText, "generation_config.json", "CONFIG_INVALID"),
  );
  const eos = [...config.eosTokenIds, ...idList(generation.success ? generation.data.eos_token_id : null)];
  return {
    ...config,
    ...describeTensors(weights),
    dtype: weights.byName.get("model.layers.0.mlp.up_proj.weight")?.dtype ?? config.dtype,
    eosTokenIds: [...new Set(eos)],
    licence: licenceOf(await findText(folder, "README.md")),
    displayName: null,
    chatTemplate: tokenizer.chatTemplate,
    tokenizerSize: tokenizerSize(tokenizer.tokenizerJson),
  };
}

async function describeGguf(path: string): Promise<ModelDescription> {
  const { gguf, config, tensors } = await openGgufWeights(path);
  const weights: OpenedWeights = {
    format: "gguf",
    tensors,
    byName: new Map(tensors.map((tensor) => [tensor.name, tensor])),
  };
  checkTensors(config, weights);
  const tokenizer = tokenizerFromGguf(gguf);
  checkTokenizerFits(tokenizer.tokenizerJson, config.vocabSize);
  const text = (key: string): string | null => {
    const value = gguf.metadata.get(key);
    return typeof value === "string" ? value : null;
  };
  return {
    ...config,
    ...describeTensors(weights),
    licence: text("general.license"),
    displayName: text("general.name"),
    chatTemplate: tokenizer.chatTemplate,
    tokenizerSize: tokenizerSize(tokenizer.tokenizerJson),
  };
}

function describeTensors(weights: OpenedWeights) {
  return {
    format: weights.format,
    parameterCount: weights.tensors.reduce((sum, tensor) => sum + elementCount(tensor.shape), 0),
    sizeBytes: weights.tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0),
  };
}

/** Every tensor that the architecture needs, with its shape. */
export function expectedTensors(config: ModelConfig): Map<string, number[]> {
  const { hiddenSize, intermediateSize, vocabSize, headDim } = config;
  const q = config.heads * headDim;
  const kv = config.kvHeads * headDim;
  const expected = new Map<string, number[]>();
  expected.set("model.embed_tokens.weight", [vocabSize, hiddenSize]);
  expected.set("model.norm.weight", [hiddenSize]);
  if (!config.tieEmbeddings) expected.set("lm_head.weight", [vocabSize, hiddenSize]);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    expected.set(`${at}.input_layernorm.weight`, [hiddenSize]);
    expected.set(`${at}.post_attention_layernorm.weight`, [hiddenSize]);
    expected.set(`${at}.self_attn.q_proj.weight`, [q, hiddenSize]);
    expected.set(`${at}.self_attn.k_proj.weight`, [kv, hiddenSize]);
    expected.set(`${at}.self_attn.v_proj.weight`, [kv, hiddenSize]);
    expected.set(`${at}.self_attn.o_proj.weight`, [hiddenSize, q]);
    expected.set(`${at}.mlp.gate_proj.weight`, [intermediateSize, hiddenSize]);
    expected.set(`${at}.mlp.up_proj.weight`, [intermediateSize, hiddenSize]);
    expected.set(`${at}.mlp.down_proj.weight`, [hiddenSize, intermediateSize]);
    if (config.architecture !== "qwen3") continue;
    expected.set(`${at}.self_attn.q_norm.weight`, [headDim]);
    expected.set(`${at}.self_attn.k_norm.weight`, [headDim]);
  }
  return expected;
}

function checkTensors(config: ModelConfig, weights: OpenedWeights): void {
  for (const [name, shape] of expectedTensors(config)) {
    const tensor = weights.byName.get(name);
    if (!tensor)
      throw new EspalierError("WEIGHTS_MISSING_TENSOR", `The weights lack the tensor ${name}.`, {
        value: name,
        hint: "Check that config.json and the weights are of the same model.",
      });
    if (tensor.shape.join() !== shape.join())
      throw new EspalierError(
        "WEIGHTS_SHAPE_MISMATCH",
        `Tensor ${name} has the shape [${tensor.shape}]; the config asks for [${shape}].`,
        { value: name, hint: "Check that config.json and the weights are of the same model." },
      );
  }
}
