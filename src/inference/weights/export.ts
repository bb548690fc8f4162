// Writes what belongs beside weights in a Hugging Face folder (config, tokenizer, template), from either format.
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { listModelFolder } from "./folder.ts";
import { type ModelConfig, readModelConfig, readTokenizer } from "./weights.ts";

/** Small files of a folder that a copy of the model needs; weights and code are not among them. */
const COMPANIONS =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template)\.json$|^(merges\.txt|tokenizer\.model|chat_template\.jinja|LICENSE(\..+)?|NOTICE(\..+)?)$/;

const CLASSES = {
  llama: "LlamaForCausalLM",
  mistral: "MistralForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
} as const;

/** config.json that transformers reads, from our description of a model. */
export function configJsonOf(config: ModelConfig, dtype: "float32" | "float16" | "bfloat16"): object {
  const scaling = config.ropeScaling;
  return {
    architectures: [CLASSES[config.architecture]],
    model_type: config.architecture,
    hidden_act: "silu",
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    rope_theta: config.ropeTheta,
    ...(scaling
      ? {
          rope_scaling:
            scaling.type === "linear"
              ? { rope_type: "linear", factor: scaling.factor }
              : {
                  rope_type: "llama3",
                  factor: scaling.factor,
                  low_freq_factor: scaling.lowFreqFactor,
                  high_freq_factor: scaling.highFreqFactor,
                  original_max_position_embeddings: scaling.originalContextLength,
                },
        }
      : {}),
    rms_norm_eps: config.rmsNormEps,
    vocab_size: config.vocabSize,
    max_position_embeddings: config.contextLength,
    tie_word_embeddings: config.tieEmbeddings,
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenIds.length === 1 ? config.eosTokenIds[0] : config.eosTokenIds,
    torch_dtype: dtype,
    use_cache: true,
  };
}

/**
 * Writes config, tokenizer and template of the model at `source` (HF folder or GGUF) into `folder`, which exists.
 * For a GGUF they are made from its metadata; `dtype` is that of the weights that will lie beside them.
 */
export async function exportModelFiles(
  source: string,
  folder: string,
  dtype: "float32" | "float16" | "bfloat16",
): Promise<void> {
  const description = await readModelConfig(source);
  if (description.format === "hf") {
    for (const name of await listModelFolder(source))
      if (COMPANIONS.test(name)) await copyFile(join(source, name), join(folder, name));
    return;
  }
  const { tokenizerJson, tokenizerConfig } = await readTokenizer(source);
  const write = (name: string, value: object) =>
    writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  await write("config.json", configJsonOf(description, dtype));
  await write("generation_config.json", {
    bos_token_id: description.bosTokenId,
    eos_token_id: description.eosTokenIds,
  });
  await write("tokenizer.json", tokenizerJson);
  await write("tokenizer_config.json", tokenizerConfig);
}
