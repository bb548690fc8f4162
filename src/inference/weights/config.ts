// One description of a model, read from a Hugging Face config.json or from GGUF metadata.
import { z } from "zod";
import { EspalierError } from "../../kit/errors.ts";
import type { GgufFile, GgufValue } from "./gguf.ts";
import { type RopeScaling, ropeScalingOf, ropeSchema } from "./rope-scaling.ts";

export const ARCHITECTURES = ["llama", "mistral", "qwen2", "qwen3"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export type ModelConfig = {
  architecture: Architecture;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
  rmsNormEps: number;
  vocabSize: number;
  /** Tokens that the model was made for; a sliding window shorter than it is the limit instead. */
  contextLength: number;
  tieEmbeddings: boolean;
  /** Element type of most weights, e.g. "BF16" or "Q4_1". */
  dtype: string;
  bosTokenId: number | null;
  eosTokenIds: number[];
};

const whole = z.number().int().positive();
const ids = z.union([z.number().int(), z.array(z.number().int())]).nullish();
const configSchema = z.looseObject({
  model_type: z.string().optional(),
  architectures: z.array(z.string()).nullish(),
  auto_map: z.unknown().optional(),
  hidden_size: whole,
  intermediate_size: whole,
  num_hidden_layers: whole.max(1024),
  num_attention_heads: whole,
  num_key_value_heads: whole.nullish(),
  head_dim: whole.nullish(),
  hidden_act: z.string().default("silu"),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: ropeSchema,
  rope_parameters: ropeSchema,
  rms_norm_eps: z.number().positive().default(1e-6),
  vocab_size: whole,
  max_position_embeddings: whole.default(2048),
  sliding_window: whole.nullish(),
  use_sliding_window: z.boolean().optional(),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: z.number().int().nullish(),
  eos_token_id: ids,
  torch_dtype: z.string().nullish(),
  dtype: z.string().nullish(),
  quantization_config: z.unknown().optional(),
});

function isArchitecture(name: string): name is Architecture {
  return ARCHITECTURES.some((known) => known === name);
}

function architectureOf(name: string): Architecture {
  if (isArchitecture(name)) return name;
  throw new EspalierError(
    "UNKNOWN_ARCHITECTURE",
    `The architecture ${name} is not one that the engine knows.`,
    {
      value: name,
      hint: `Use a model of the families ${ARCHITECTURES.join(", ")}, or connect it as a third-party model.`,
    },
  );
}

/** A list of ids from a scalar, a list or nothing. */
export function idList(value: number | number[] | null | undefined): number[] {
  return value === null || value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/** Parses config.json. Throws UNKNOWN_ARCHITECTURE, REMOTE_CODE_REFUSED, CONFIG_INVALID and more by name. */
export function configFromJson(json: unknown): ModelConfig {
  const named = z
    .looseObject({ model_type: z.string().optional(), auto_map: z.unknown().optional() })
    .safeParse(json);
  if (named.success && named.data.auto_map)
    throw new EspalierError("REMOTE_CODE_REFUSED", "config.json asks to run code of its own (auto_map).", {
      field: "auto_map",
      hint: "Use a model whose architecture is part of transformers; code from models is never run.",
    });
  if (!named.success)
    throw new EspalierError("CONFIG_INVALID", "config.json is no JSON object with a model_type.", {
      field: "model_type",
      hint: "Download config.json again.",
    });
  const architecture = architectureOf(named.data.model_type ?? "(none)");
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new EspalierError("CONFIG_INVALID", `config.json: ${issue?.path.join(".")}: ${issue?.message}.`, {
      field: issue?.path.join(".") ?? "",
      hint: "Download config.json again.",
    });
  }
  const config = parsed.data;
  if (config.quantization_config)
    throw new EspalierError("QUANTIZED_FOLDER_REFUSED", "The weights are quantised by another library.", {
      field: "quantization_config",
      hint: "Use the unquantised folder, or a GGUF with Q8_0, Q4_0 or Q4_1 tensors.",
    });
  if (config.hidden_act !== "silu")
    throw new EspalierError("UNKNOWN_ARCHITECTURE", `The activation ${config.hidden_act} is not supported.`, {
      hint: "Models with the activation silu are served; connect others as a third-party model.",
      field: "hidden_act",
      value: config.hidden_act,
    });
  const rope = config.rope_parameters ?? config.rope_scaling;
  const usesWindow =
    config.sliding_window && (architecture === "mistral" || config.use_sliding_window === true);
  const model: ModelConfig = {
    architecture,
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    kvHeads: config.num_key_value_heads ?? config.num_attention_heads,
    headDim: config.head_dim ?? Math.floor(config.hidden_size / config.num_attention_heads),
    ropeTheta: config.rope_parameters?.rope_theta ?? config.rope_theta ?? 10_000,
    ropeScaling: ropeScalingOf(rope, config.max_position_embeddings),
    rmsNormEps: config.rms_norm_eps,
    vocabSize: config.vocab_size,
    contextLength: usesWindow
      ? Math.min(config.max_position_embeddings, config.sliding_window ?? Number.POSITIVE_INFINITY)
      : config.max_position_embeddings,
    tieEmbeddings: config.tie_word_embeddings,
    dtype: config.dtype ?? config.torch_dtype ?? "float32",
    bosTokenId: config.bos_token_id ?? null,
    eosTokenIds: idList(config.eos_token_id),
  };
  checkHeads(model);
  return model;
}

function checkHeads(model: ModelConfig): void {
  if (model.heads % model.kvHeads !== 0 || model.headDim % 2 !== 0)
    throw new EspalierError(
      "CONFIG_INVALID",
      `${model.heads} heads over ${model.kvHeads} key heads of ${model.headDim} do not fit together.`,
      { field: "num_key_value_heads", value: String(model.kvHeads), hint: "Download config.json again." },
    );
  // GroupQueryAttention turns positions in vectors of sixteen; not refused here, such a model would import and then fail in the engine.
  if (model.headDim % 16 !== 0)
    throw new EspalierError(
      "UNSUPPORTED_HEAD_SIZE",
      `The model's attention heads have ${model.headDim} channels, which is not a multiple of 16.`,
      {
        field: "head_dim",
        value: String(model.headDim),
        hint: "Serve it by another program and connect it as a third-party model.",
      },
    );
}

/** Reads the same description from GGUF metadata; scaling by a tensor of frequencies is for the caller to add. */
export function configFromGguf(gguf: GgufFile): ModelConfig {
  const { metadata } = gguf;
  const architecture = architectureOf(String(metadata.get("general.architecture") ?? "(none)"));
  const number = (key: string, fallback?: number): number => {
    const value = metadata.get(`${architecture}.${key}`);
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (fallback !== undefined && value === undefined) return fallback;
    throw new EspalierError("CONFIG_INVALID", `The GGUF metadata holds no number ${architecture}.${key}.`, {
      hint: "Convert the model again with a current llama.cpp.",
      field: `${architecture}.${key}`,
    });
  };
  const scaling = metadata.get(`${architecture}.rope.scaling.type`);
  if (typeof scaling === "string" && scaling !== "none" && scaling !== "linear")
    throw new EspalierError("UNSUPPORTED_ROPE_SCALING", `The rope scaling ${scaling} is not supported.`, {
      value: scaling,
      hint: "Import the Hugging Face folder of this model instead.",
    });
  const hiddenSize = number("embedding_length");
  const heads = number("attention.head_count");
  const embedding = gguf.tensors.find((tensor) => tensor.name === "token_embd.weight");
  const model: ModelConfig = {
    architecture,
    hiddenSize,
    intermediateSize: number("feed_forward_length"),
    layers: number("block_count"),
    heads,
    kvHeads: number("attention.head_count_kv", heads),
    headDim: number("attention.key_length", number("rope.dimension_count", Math.floor(hiddenSize / heads))),
    ropeTheta: number("rope.freq_base", 10_000),
    ropeScaling: scaling === "linear" ? { type: "linear", factor: number("rope.scaling.factor", 1) } : null,
    rmsNormEps: number("attention.layer_norm_rms_epsilon", 1e-6),
    vocabSize: embedding?.shape[0] ?? number("vocab_size"),
    contextLength: number("context_length"),
    tieEmbeddings: !gguf.tensors.some((tensor) => tensor.name === "output.weight"),
    dtype: commonDtype(gguf),
    bosTokenId: idOf(metadata.get("tokenizer.ggml.bos_token_id")),
    eosTokenIds: ["eos_token_id", "eot_token_id"].flatMap((key) => {
      const id = idOf(metadata.get(`tokenizer.ggml.${key}`));
      return id === null ? [] : [id];
    }),
  };
  checkHeads(model);
  return model;
}

function idOf(value: GgufValue | undefined): number | null {
  return typeof value === "number" && Number.isInteger(value) ? value : null;
}

function commonDtype(gguf: GgufFile): string {
  const bytes = new Map<string, number>();
  for (const tensor of gguf.tensors)
    if (tensor.name !== "token_embd.weight")
      bytes.set(tensor.dtype, (bytes.get(tensor.dtype) ?? 0) + tensor.byteLength);
  return [...bytes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "F32";
}
