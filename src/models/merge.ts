// Merging: base weights plus adapter, streamed tensor by tensor into a Hugging Face folder.
import { join } from "node:path";
import { z } from "zod";
import {
  createSafetensorsWriter,
  eachFloat32Slice,
  fromFloat32,
  type ModelDescription,
  openSafetensors,
  openWeights,
  type PlannedTensor,
  readModelConfig,
  readTokenizer,
  ropeScalingJson,
  type WeightTensor,
} from "../inference/inference.ts";
import { EspalierError } from "../kit/errors.ts";

const adapterConfig = z.looseObject({
  r: z.number().int().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().default(false),
  alpha_pattern: z.record(z.string(), z.number()).default({}),
});

/** One adapted matrix: `scale` is multiplied into B. */
type Delta = { rank: number; a: Float32Array; b: Float32Array };

/** LoRA matrices by the base tensor that they change. @throws EspalierError ADAPTER_INVALID */
async function readDeltas(folder: string): Promise<Map<string, Delta>> {
  const parsed = adapterConfig.safeParse(await Bun.file(join(folder, "adapter_config.json")).json());
  if (!parsed.success)
    throw new EspalierError("ADAPTER_INVALID", "adapter_config.json is not one of PEFT's.", {
      value: folder,
    });
  const config = parsed.data;
  const { tensors } = await openSafetensors(join(folder, "adapter_model.safetensors"));
  const halves = new Map<string, { a?: WeightTensor; b?: WeightTensor }>();
  for (const tensor of tensors) {
    const match = /^base_model\.model\.(.+)\.lora_([AB])\.(?:\w+\.)?weight$/.exec(tensor.name);
    if (!match?.[1])
      throw new EspalierError(
        "ADAPTER_UNSUPPORTED",
        `The adapter holds a tensor ${tensor.name} of no use here.`,
        {
          value: tensor.name,
          hint: "Plain LoRA on linear layers can be merged.",
        },
      );
    const pair = halves.get(match[1]) ?? {};
    pair[match[2] === "A" ? "a" : "b"] = tensor;
    halves.set(match[1], pair);
  }
  const deltas = new Map<string, Delta>();
  for (const [module, { a, b }] of halves) {
    const rank = a?.shape[0] ?? 0;
    if (!a || !b || b.shape[1] !== rank)
      throw new EspalierError("ADAPTER_INVALID", `The adapter's matrices of ${module} do not fit together.`, {
        value: module,
      });
    const pattern = Object.entries(config.alpha_pattern).find(
      ([key]) => module === key || module.endsWith(`.${key}`),
    );
    const alpha = pattern?.[1] ?? config.lora_alpha;
    const scale = alpha / (config.use_rslora ? Math.sqrt(rank) : rank);
    const scaled = (await b.readFloat32()).map((value) => value * scale);
    deltas.set(`${module}.weight`, { rank, a: await a.readFloat32(), b: scaled });
  }
  return deltas;
}

/** Adds B·A to rows `start…` of a matrix, in place. */
function addDelta(values: Float32Array, start: number, rows: number, delta: Delta): void {
  const columns = values.length / rows;
  const { rank, a, b } = delta;
  for (let row = 0; row < rows; row++) {
    const out = values.subarray(row * columns, (row + 1) * columns);
    for (let k = 0; k < rank; k++) {
      const factor = b[(start + row) * rank + k] ?? 0;
      if (factor === 0) continue;
      const source = a.subarray(k * columns, (k + 1) * columns);
      for (let column = 0; column < columns; column++)
        out[column] = (out[column] ?? 0) + factor * (source[column] ?? 0);
    }
  }
}

/** Sixteen-bit weights keep their type; everything else, quantised weights too, becomes float32. */
function mergedDtype(tensor: WeightTensor): "F32" | "F16" | "BF16" {
  return tensor.dtype === "F16" || tensor.dtype === "BF16" ? tensor.dtype : "F32";
}

export type MergeProgress = { done: number; total: number };

/**
 * Writes `model.safetensors` of base + adapter into `folder`. Memory stays bounded by a slice of rows and the adapter.
 * @throws EspalierError ADAPTER_BASE_MISMATCH, and the signal's reason when it aborts
 */
export async function writeMerged(
  input: { basePath: string; adapterPath: string; folder: string },
  onProgress: (progress: MergeProgress) => void,
  signal: AbortSignal,
): Promise<{ dtype: "F32" | "F16" | "BF16" }> {
  const base = await openWeights(input.basePath);
  const deltas = await readDeltas(input.adapterPath);
  for (const [name, delta] of deltas) {
    const tensor = base.byName.get(name);
    const fits =
      tensor?.shape.length === 2 &&
      delta.a.length === delta.rank * (tensor.shape[1] ?? 0) &&
      delta.b.length === delta.rank * (tensor.shape[0] ?? 0);
    if (!fits)
      throw new EspalierError("ADAPTER_BASE_MISMATCH", `The adapter does not fit this base at ${name}.`, {
        value: name,
        hint: "Use the base model that the adapter was trained on.",
      });
  }
  const plan: PlannedTensor[] = base.tensors.map((tensor) => ({
    name: tensor.name,
    dtype: mergedDtype(tensor),
    shape: tensor.shape,
  }));
  const writer = await createSafetensorsWriter(join(input.folder, "model.safetensors"), plan);
  let done = 0;
  try {
    for (const tensor of base.tensors) {
      const delta = deltas.get(tensor.name);
      const dtype = mergedDtype(tensor);
      await eachFloat32Slice(tensor, async (values, start, rows) => {
        signal.throwIfAborted();
        if (delta) addDelta(values, start, rows, delta);
        await writer.write(tensor.name, fromFloat32(dtype, values));
      });
      onProgress({ done: ++done, total: base.tensors.length });
    }
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  const linear = base.byName.get("model.layers.0.mlp.up_proj.weight");
  return { dtype: linear ? mergedDtype(linear) : "F32" };
}

const CLASS_OF = {
  llama: "LlamaForCausalLM",
  mistral: "MistralForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
} as const;

/** config.json for a model that came as GGUF. */
function hfConfig(model: ModelDescription): Record<string, unknown> {
  const scaling = model.ropeScaling;
  return {
    architectures: [CLASS_OF[model.architecture]],
    model_type: model.architecture,
    hidden_size: model.hiddenSize,
    intermediate_size: model.intermediateSize,
    num_hidden_layers: model.layers,
    num_attention_heads: model.heads,
    num_key_value_heads: model.kvHeads,
    head_dim: model.headDim,
    hidden_act: "silu",
    max_position_embeddings: model.contextLength,
    rms_norm_eps: model.rmsNormEps,
    rope_theta: model.ropeTheta,
    ...(scaling ? { rope_scaling: ropeScalingJson(scaling) } : {}),
    tie_word_embeddings: model.tieEmbeddings,
    vocab_size: model.vocabSize,
    torch_dtype: "float32",
    ...(model.bosTokenId === null ? {} : { bos_token_id: model.bosTokenId }),
    eos_token_id: model.eosTokenIds.length === 1 ? model.eosTokenIds[0] : model.eosTokenIds,
  };
}

/** Writes config and tokenizer of a GGUF base beside the merged weights, as `transformers` reads them. */
export async function writeConfigFromGguf(ggufPath: string, folder: string): Promise<void> {
  const model = await readModelConfig(ggufPath);
  const tokenizer = await readTokenizer(ggufPath);
  const write = (name: string, value: unknown) =>
    Bun.write(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  await write("config.json", hfConfig(model));
  await write("generation_config.json", {
    ...(model.bosTokenId === null ? {} : { bos_token_id: model.bosTokenId }),
    eos_token_id: model.eosTokenIds,
  });
  await write("tokenizer.json", tokenizer.tokenizerJson);
  await write("tokenizer_config.json", {
    ...tokenizer.tokenizerConfig,
    ...(tokenizer.chatTemplate === null ? {} : { chat_template: tokenizer.chatTemplate }),
  });
}
