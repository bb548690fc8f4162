// Rotary position tables (cosine and sine), with linear and llama3 scaling as transformers computes them.
import type { ModelConfig } from "../weights/weights.ts";

/** Inverse frequencies of the headDim/2 rotary pairs. */
export function inverseFrequencies(config: ModelConfig): Float64Array {
  const { headDim, ropeTheta, ropeScaling } = config;
  const out = new Float64Array(headDim / 2);
  for (let i = 0; i < out.length; i++) {
    const base = ropeTheta ** -((2 * i) / headDim);
    if (!ropeScaling) out[i] = base;
    else if (ropeScaling.type === "linear") out[i] = base / ropeScaling.factor;
    else {
      const { factor, lowFreqFactor, highFreqFactor, originalContextLength } = ropeScaling;
      const wavelength = (2 * Math.PI) / base;
      const blend = (originalContextLength / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
      if (wavelength < originalContextLength / highFreqFactor) out[i] = base;
      else if (wavelength > originalContextLength / lowFreqFactor) out[i] = base / factor;
      else out[i] = ((1 - blend) * base) / factor + blend * base;
    }
  }
  return out;
}

/** cos and sin of [tokens, headDim/2]. */
export function rotaryTables(config: ModelConfig, tokens: number): { cos: Float32Array; sin: Float32Array } {
  const frequencies = inverseFrequencies(config);
  const cos = new Float32Array(tokens * frequencies.length);
  const sin = new Float32Array(tokens * frequencies.length);
  for (let t = 0; t < tokens; t++)
    for (let i = 0; i < frequencies.length; i++) {
      // transformers multiplies in float32; the angle is rounded the same way.
      const angle = Math.fround(t * Math.fround(frequencies[i]!));
      cos[t * frequencies.length + i] = Math.cos(angle);
      sin[t * frequencies.length + i] = Math.sin(angle);
    }
  return { cos, sin };
}
