// How rotary positions are stretched beyond the length a model was trained for: read from either format, written for Hugging Face.
import { z } from "zod";
import { EspalierError } from "../../kit/errors.ts";

export type RopeScaling =
  | { type: "linear"; factor: number }
  | {
      type: "llama3";
      factor: number;
      lowFreqFactor: number;
      highFreqFactor: number;
      originalContextLength: number;
    }
  | {
      type: "yarn";
      factor: number;
      betaFast: number;
      betaSlow: number;
      originalContextLength: number;
      /** What cosine and sine are multiplied by. */
      attentionFactor: number;
      /** Whether the range of blended frequencies is rounded to whole ones. */
      truncate: boolean;
    };

const positive = z.number().positive();
/** rope_scaling (or rope_parameters) of a config.json. */
export const ropeSchema = z
  .looseObject({
    type: z.string().optional(),
    rope_type: z.string().optional(),
    rope_theta: positive.optional(),
    factor: positive.nullish(),
    low_freq_factor: positive.nullish(),
    high_freq_factor: positive.nullish(),
    original_max_position_embeddings: z.number().int().positive().nullish(),
    attention_factor: positive.nullish(),
    beta_fast: positive.nullish(),
    beta_slow: positive.nullish(),
    mscale: z.number().nullish(),
    mscale_all_dim: z.number().nullish(),
    truncate: z.boolean().nullish(),
  })
  .nullish();

/** Throws UNSUPPORTED_ROPE_SCALING for what the engine does not compute. */
export function ropeScalingOf(
  rope: z.infer<typeof ropeSchema>,
  maxPositionEmbeddings: number,
): RopeScaling | null {
  const type = rope?.rope_type ?? rope?.type ?? "default";
  if (!rope || type === "default") return null;
  const { factor } = rope;
  const original = rope.original_max_position_embeddings;
  if (type === "linear" && factor) return { type, factor };
  if (type === "llama3" && factor && original)
    return {
      type,
      factor,
      lowFreqFactor: rope.low_freq_factor ?? 1,
      highFreqFactor: rope.high_freq_factor ?? 4,
      originalContextLength: original,
    };
  // The two mscale keys are of architectures that are not served.
  if (type === "yarn" && factor && !rope.mscale && !rope.mscale_all_dim)
    return {
      type,
      factor,
      betaFast: rope.beta_fast ?? 32,
      betaSlow: rope.beta_slow ?? 1,
      originalContextLength: original ?? maxPositionEmbeddings,
      attentionFactor: rope.attention_factor ?? (factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1),
      truncate: rope.truncate ?? true,
    };
  throw new EspalierError("UNSUPPORTED_ROPE_SCALING", `The rope scaling ${type} is not supported.`, {
    value: type,
    hint: "Models with default, linear, llama3 or yarn rope scaling are served; connect others as a third-party model.",
  });
}

/** The same as Hugging Face's config.json says it. */
export function ropeScalingJson(scaling: RopeScaling): Record<string, unknown> {
  if (scaling.type === "linear") return { rope_type: "linear", factor: scaling.factor };
  const shared = {
    rope_type: scaling.type,
    factor: scaling.factor,
    original_max_position_embeddings: scaling.originalContextLength,
  };
  return scaling.type === "llama3"
    ? { ...shared, low_freq_factor: scaling.lowFreqFactor, high_freq_factor: scaling.highFreqFactor }
    : {
        ...shared,
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        attention_factor: scaling.attentionFactor,
        truncate: scaling.truncate,
      };
}

/** Divisors of the headDim/2 inverse frequencies under llama3 scaling, as llama.cpp writes them to `rope_freqs.weight`. */
function llama3Divisors(
  scaling: Extract<RopeScaling, { type: "llama3" }>,
  ropeTheta: number,
  count: number,
): number[] {
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalContextLength: original } = scaling;
  return Array.from({ length: count }, (_, i) => {
    const wavelength = 2 * Math.PI * ropeTheta ** (i / count);
    if (wavelength < original / high) return 1;
    if (wavelength > original / low) return factor;
    const smooth = (original / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/**
 * The llama3 scaling whose divisors a GGUF holds as `rope_freqs.weight`: with it the model can be saved for Hugging Face
 * again. Throws UNSUPPORTED_ROPE_SCALING for divisors that no such scaling gives.
 */
export function ropeScalingOfDivisors(divisors: Float32Array, ropeTheta: number): RopeScaling | null {
  const factor = Math.max(...divisors);
  if (divisors.every((one) => one === 1)) return null;
  for (let power = 6; power <= 20; power++) {
    const scaling = {
      type: "llama3" as const,
      factor,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalContextLength: 2 ** power,
    };
    const wanted = llama3Divisors(scaling, ropeTheta, divisors.length);
    if (wanted.every((one, i) => Math.abs(one - (divisors[i] ?? 0)) <= 1e-4 * one)) return scaling;
  }
  throw new EspalierError(
    "UNSUPPORTED_ROPE_SCALING",
    "The GGUF scales rope by a tensor of frequencies that is not of Llama 3's kind.",
    { value: "rope_freqs.weight", hint: "Import the Hugging Face folder of this model instead." },
  );
}
