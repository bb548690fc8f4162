// GGUF tensor names to Hugging Face names, and the row order that llama.cpp gives to query and key weights.
import type { ModelConfig } from "./config.ts";

const TOP: Record<string, string> = {
  "token_embd.weight": "model.embed_tokens.weight",
  "output_norm.weight": "model.norm.weight",
  "output.weight": "lm_head.weight",
};

const LAYER: Record<string, string> = {
  attn_norm: "input_layernorm",
  ffn_norm: "post_attention_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};

/** The Hugging Face name of a GGUF tensor, or null for one that the families we serve do not have. */
export function hfNameOf(ggufName: string): string | null {
  const top = TOP[ggufName];
  if (top) return top;
  const match = /^blk\.(\d+)\.([a-z_]+)\.(weight|bias)$/.exec(ggufName);
  const part = match?.[2] ? LAYER[match[2]] : undefined;
  return part ? `model.layers.${match?.[1]}.${part}.${match?.[3]}` : null;
}

/**
 * llama.cpp stores the query and key rows of llama-architecture models (Llama, SmolLM2, Mistral) with the two rotary halves interleaved.
 * Returns the map from a Hugging Face row to the row in the file, or undefined where the order is the same.
 */
export function ggufRowOf(ggufName: string, config: ModelConfig): ((row: number) => number) | undefined {
  if (config.architecture !== "llama" || !/\.attn_[qk]\.(weight|bias)$/.test(ggufName)) return undefined;
  const { headDim } = config;
  const halfDim = headDim / 2;
  return (row) => {
    const head = Math.floor(row / headDim);
    const within = row % headDim;
    const [side, pair] = within < halfDim ? [0, within] : [1, within - halfDim];
    return head * headDim + pair * 2 + side;
  };
}
