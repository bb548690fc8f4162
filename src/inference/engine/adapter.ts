// Loads a PEFT LoRA folder into the graph's adapter inputs: A as it is, B with the scale multiplied in.
import { join } from "node:path";
import { z } from "zod";
import { EspalierError } from "../../kit/errors.ts";
import { findText, parseJson } from "../weights/folder.ts";
import { type ModelConfig, openSafetensors, type WeightTensor } from "../weights/weights.ts";
import { LORA_MODULES, type LoraModule, loraNames, loraShape } from "./graph.ts";

/** One input of the graph. */
export type AdapterInput = { name: string; dims: [number, number]; values: Float32Array };

const configSchema = z.looseObject({
  peft_type: z.string(),
  r: z.number().int().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  bias: z.string().default("none"),
  rank_pattern: z.record(z.string(), z.number()).default({}),
  alpha_pattern: z.record(z.string(), z.number()).default({}),
  modules_to_save: z.array(z.string()).nullish(),
});

function unsupported(what: string, value: string): EspalierError {
  return new EspalierError("ADAPTER_UNSUPPORTED", `The adapter uses ${what} (${value}).`, {
    value,
    hint: "Plain LoRA on the linear layers of attention and feed-forward is served.",
  });
}

function moduleOf(name: string): LoraModule | undefined {
  return LORA_MODULES.find((module) => module === name);
}

/** Alpha over rank (or its root) of a module, with PEFT's per-module patterns. */
function scaleOf(config: z.infer<typeof configSchema>, path: string, rank: number): number {
  const found = Object.entries(config.alpha_pattern).find(
    ([key]) => path === key || path.endsWith(`.${key}`),
  );
  const alpha = found?.[1] ?? config.lora_alpha;
  return alpha / (config.use_rslora ? Math.sqrt(rank) : rank);
}

/**
 * Reads an adapter for the base `config`. Modules that it leaves alone get rank-1 zeros.
 * Throws ADAPTER_INVALID, ADAPTER_UNSUPPORTED, ADAPTER_BASE_MISMATCH and the errors of safetensors.
 */
export async function loadAdapter(folder: string, config: ModelConfig): Promise<AdapterInput[]> {
  const text = await findText(folder, "adapter_config.json");
  if (text === null)
    throw new EspalierError("ADAPTER_INVALID", "The adapter folder holds no adapter_config.json.", {
      value: folder,
    });
  const parsed = configSchema.safeParse(parseJson(text, "adapter_config.json", "ADAPTER_INVALID"));
  if (!parsed.success)
    throw new EspalierError("ADAPTER_INVALID", "adapter_config.json is not one of PEFT's.", {
      field: parsed.error.issues[0]?.path.join(".") ?? "",
    });
  const settings = parsed.data;
  if (settings.peft_type !== "LORA") throw unsupported("the method", settings.peft_type);
  if (settings.use_dora) throw unsupported("DoRA", "use_dora");
  if (settings.bias !== "none") throw unsupported("trained biases", settings.bias);
  if (settings.modules_to_save?.length)
    throw unsupported("whole modules", settings.modules_to_save.join(", "));
  const { tensors } = await openSafetensors(join(folder, "adapter_model.safetensors"));
  const pairs = new Map<string, { a?: WeightTensor; b?: WeightTensor; path: string }>();
  for (const tensor of tensors) {
    const match =
      /^base_model\.model\.(model\.layers\.(\d+)\.(?:self_attn|mlp)\.(\w+))\.lora_([AB])\.(?:\w+\.)?weight$/.exec(
        tensor.name,
      );
    const module = match?.[3] ? moduleOf(match[3]) : undefined;
    if (!match || !module) throw unsupported("the tensor", tensor.name);
    const layer = Number(match[2]);
    if (layer >= config.layers) throw mismatch(tensor.name, `the base has ${config.layers} layers`);
    const key = `${layer}.${module}`;
    const pair = pairs.get(key) ?? { path: match[1] ?? "" };
    pair[match[4] === "A" ? "a" : "b"] = tensor;
    pairs.set(key, pair);
  }
  const inputs: AdapterInput[] = [];
  for (let layer = 0; layer < config.layers; layer++)
    for (const module of LORA_MODULES) {
      const shape = loraShape(config, module);
      const names = loraNames(layer, module);
      const pair = pairs.get(`${layer}.${module}`);
      if (!pair) {
        inputs.push({ name: names.a, dims: [1, shape.in], values: new Float32Array(shape.in) });
        inputs.push({ name: names.b, dims: [shape.out, 1], values: new Float32Array(shape.out) });
        continue;
      }
      const { a, b, path } = pair;
      const rank = a?.shape[0] ?? 0;
      if (
        !a ||
        !b ||
        a.shape.join() !== [rank, shape.in].join() ||
        b.shape.join() !== [shape.out, rank].join()
      )
        throw mismatch(path, `the base wants A [r, ${shape.in}] and B [${shape.out}, r]`);
      const scale = scaleOf(settings, path, rank);
      inputs.push({ name: names.a, dims: [rank, shape.in], values: await a.readFloat32() });
      const values = await b.readFloat32();
      inputs.push({ name: names.b, dims: [shape.out, rank], values: values.map((value) => value * scale) });
    }
  return inputs;
}

function mismatch(name: string, why: string): EspalierError {
  return new EspalierError(
    "ADAPTER_BASE_MISMATCH",
    `The adapter does not fit this base at ${name}: ${why}.`,
    {
      value: name,
      hint: "Use the base model that the adapter was trained on.",
    },
  );
}

/** Rank-1 zeros for every input: the base alone, through the graph that takes adapters. */
export function emptyAdapter(config: ModelConfig): AdapterInput[] {
  const inputs: AdapterInput[] = [];
  for (let layer = 0; layer < config.layers; layer++)
    for (const module of LORA_MODULES) {
      const shape = loraShape(config, module);
      const names = loraNames(layer, module);
      inputs.push({ name: names.a, dims: [1, shape.in], values: new Float32Array(shape.in) });
      inputs.push({ name: names.b, dims: [shape.out, 1], values: new Float32Array(shape.out) });
    }
  return inputs;
}
