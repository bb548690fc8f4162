// Rotary position tables (cosine and sine), with linear, llama3 and yarn scaling as transformers computes them.
import type { ModelConfig, RopeScaling } from "../weights/weights.ts";

/** Inverse frequencies of the headDim/2 rotary pairs. */
export function inverseFrequencies(config: ModelConfig): Float64Array {
  const { headDim, ropeTheta, ropeScaling } = config;
  const out = new Float64Array(headDim / 2);
  for (let i = 0; i < out.length; i++) {
    const base = ropeTheta ** -((2 * i) / headDim);
    if (!ropeScaling) out[i] = base;
    else if (ropeScaling.type === "linear") out[i] = base / ropeScaling.factor;
    else if (ropeScaling.type === "yarn") {
      const kept = 1 - yarnRamp(ropeScaling, ropeTheta, headDim, i);
      out[i] = (base / ropeScaling.factor) * (1 - kept) + base * kept;
    } else {
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

/** Place of pair `i` in yarn's blend: 0 keeps its frequency, 1 divides it by the factor. */
function yarnRamp(
  scaling: Extract<RopeScaling, { type: "yarn" }>,
  theta: number,
  headDim: number,
  i: number,
): number {
  const { originalContextLength, truncate } = scaling;
  const pairOf = (rotations: number): number =>
    (headDim * Math.log(originalContextLength / (rotations * 2 * Math.PI))) / (2 * Math.log(theta));
  let [low, high] = [pairOf(scaling.betaFast), pairOf(scaling.betaSlow)];
  if (truncate) [low, high] = [Math.floor(low), Math.ceil(high)];
  low = Math.max(low, 0);
  high = Math.min(high, headDim - 1);
  if (low === high) high += 0.001;
  return Math.min(1, Math.max(0, (i - low) / (high - low)));
}

/** cos and sin of [tokens, headDim/2]. */
export function rotaryTables(config: ModelConfig, tokens: number): { cos: Float32Array; sin: Float32Array } {
  const frequencies = inverseFrequencies(config);
  const scale = config.ropeScaling?.type === "yarn" ? config.ropeScaling.attentionFactor : 1;
  const cos = new Float32Array(tokens * frequencies.length);
  const sin = new Float32Array(tokens * frequencies.length);
  for (let t = 0; t < tokens; t++)
    for (let i = 0; i < frequencies.length; i++) {
      // transformers multiplies in float32; the angle is rounded the same way.
      const angle = Math.fround(t * Math.fround(frequencies[i]!));
      cos[t * frequencies.length + i] = Math.cos(angle) * scale;
      sin[t * frequencies.length + i] = Math.sin(angle) * scale;
    }
  return { cos, sin };
}
