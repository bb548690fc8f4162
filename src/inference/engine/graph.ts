// Writes the decoder graph of the Llama, Mistral, Qwen2 and Qwen3 families, with or without adapter inputs.
import type { ModelConfig } from "../weights/weights.ts";
import { ONNX_TYPE, OnnxGraph } from "./onnx.ts";
import { PACKED } from "./packed.ts";
import { BLOCK } from "./quantise.ts";
import type { Region, Stored } from "./stored.ts";

/** Linear layers that an adapter may change, in graph order. */
export const LORA_MODULES = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
] as const;
export type LoraModule = (typeof LORA_MODULES)[number];

export type StoredModel = {
  config: ModelConfig;
  tensors: Map<string, Stored>;
  cos: Region;
  sin: Region;
  /** Rows of the rotary tables: the longest conversation. */
  contextTokens: number;
};

/** Names of the inputs that change with every step. */
export const INPUTS = {
  /** int64 [batch, sequence] */
  ids: "input_ids",
  /** int32 [batch]: tokens of each row, this step's included, less one. */
  lastPositions: "seqlens_k",
  /** int32 scalar: tokens of the longest row. */
  longest: "total_sequence_length",
  /** int64 [wanted]: which positions of this step need logits. */
  wanted: "logit_positions",
  /** float [batch, 1, 1]: 1 where the row answers with the adapter, 0 where by the base alone. */
  adapterRows: "adapter_rows",
} as const;
/** float [batch, wanted, vocab] */
export const LOGITS = "logits";

/** Names of a layer's cache tensors. */
export const cacheNames = (layer: number) => ({
  pastKey: `past.${layer}.key`,
  pastValue: `past.${layer}.value`,
  presentKey: `present.${layer}.key`,
  presentValue: `present.${layer}.value`,
});

/** Names of an adapter's graph inputs: A is [r, in], B is [out, r] with the scale multiplied in. */
export const loraNames = (layer: number, module: LoraModule) => ({
  a: `lora.${layer}.${module}.A`,
  b: `lora.${layer}.${module}.B`,
});

/** Output and input features of an adaptable layer. */
export function loraShape(config: ModelConfig, module: LoraModule): { out: number; in: number } {
  const q = config.heads * config.headDim;
  const kv = config.kvHeads * config.headDim;
  const { hiddenSize: hidden, intermediateSize: wide } = config;
  const shapes: Record<LoraModule, [number, number]> = {
    q_proj: [q, hidden],
    k_proj: [kv, hidden],
    v_proj: [kv, hidden],
    o_proj: [hidden, q],
    gate_proj: [wide, hidden],
    up_proj: [wide, hidden],
    down_proj: [hidden, wide],
  };
  const [out, input] = shapes[module];
  return { out, in: input };
}

class DecoderGraph {
  private readonly graph: OnnxGraph;
  private readonly known = new Set<string>();
  private readonly sums = new Map<string, string>();

  constructor(
    private readonly model: StoredModel,
    dataFile: string,
    private readonly hasLora: boolean,
  ) {
    this.graph = new OnnxGraph(dataFile);
  }

  private stored(name: string): Stored {
    const stored = this.model.tensors.get(name);
    if (!stored) throw new Error(`tensor ${name} was not stored`);
    return stored;
  }

  private weight(
    name: string,
    type: typeof ONNX_TYPE.FLOAT | typeof ONNX_TYPE.UINT8,
    dims: number[],
    region: Region,
  ) {
    if (!this.known.has(name)) this.graph.weight(name, type, dims, region.offset, region.length);
    this.known.add(name);
    return name;
  }

  private vector(name: string): string {
    const stored = this.stored(name);
    if (stored.kind !== "float") throw new Error(`${name} must be float`);
    return this.weight(name, ONNX_TYPE.FLOAT, [...stored.shape], stored.data);
  }

  /** Sums of x over each block of 32, shared by all layers that read the same x. */
  private blockSums(x: string, columns: number): string {
    const found = this.sums.get(x);
    if (found) return found;
    const blocks = this.graph.node("Reshape", [x, this.graph.int64s([0, 0, columns / BLOCK, BLOCK])]);
    const sum = this.graph.node("ReduceSum", [blocks, this.graph.int64s([3])], { keepdims: 0 });
    this.sums.set(x, sum);
    return sum;
  }

  /** y = x·Wᵀ for the matrix stored under `name`. */
  private matmul(name: string, x: string): string {
    const stored = this.stored(name);
    const [rows = 0, columns = 0] = stored.shape;
    if (stored.kind === "float")
      return this.graph.ms(
        "FusedMatMul",
        [x, this.weight(name, ONNX_TYPE.FLOAT, [rows, columns], stored.data)],
        {
          transB: 1,
        },
      );
    const blocks = columns / BLOCK;
    const codeBytes = (BLOCK * stored.bits) / 8;
    const codes = this.weight(`${name}.codes`, ONNX_TYPE.UINT8, [rows, blocks, codeBytes], stored.codes);
    const scales = this.weight(`${name}.scales`, ONNX_TYPE.FLOAT, [rows * blocks], stored.scales);
    const y = this.graph.ms("MatMulNBits", [x, codes, scales], {
      K: columns,
      N: rows,
      bits: stored.bits,
      block_size: BLOCK,
      accuracy_level: 4,
    });
    if (!stored.offsets) return y;
    const offsets = this.weight(`${name}.offsets`, ONNX_TYPE.FLOAT, [blocks, rows], stored.offsets);
    return this.graph.node("Add", [y, this.graph.node("MatMul", [this.blockSums(x, columns), offsets])]);
  }

  /** What an adapter adds to a layer: B(A·x), for the rows that answer with it. */
  private delta(layer: number, module: LoraModule, x: string): string {
    const names = loraNames(layer, module);
    const shape = loraShape(this.model.config, module);
    const rank = `rank_${layer}_${module}`;
    const a = this.graph.input(names.a, ONNX_TYPE.FLOAT, [rank, shape.in]);
    const b = this.graph.input(names.b, ONNX_TYPE.FLOAT, [shape.out, rank]);
    const low = this.graph.node("Mul", [
      this.graph.ms("FusedMatMul", [x, a], { transB: 1 }),
      INPUTS.adapterRows,
    ]);
    return this.graph.ms("FusedMatMul", [low, b], { transB: 1 });
  }

  /** y = x·Wᵀ + bias, and what adapters add to each of the modules whose rows W holds. */
  private linear(
    layer: number,
    path: string,
    x: string,
    module: string,
    modules: readonly LoraModule[],
  ): string {
    const name = `model.layers.${layer}.${path}.${module}`;
    let y = this.matmul(`${name}.weight`, x);
    if (this.model.tensors.has(`${name}.bias`)) y = this.graph.node("Add", [y, this.vector(`${name}.bias`)]);
    if (!this.hasLora) return y;
    const [first = "", ...more] = modules.map((one) => this.delta(layer, one, x));
    const added = more.length > 0 ? this.graph.node("Concat", [first, ...more], { axis: 2 }) : first;
    return this.graph.node("Add", [y, added]);
  }

  /** The matrices that read the same x: one wire for all where they were joined, else one for each. */
  private group(layer: number, { path, name, parts }: (typeof PACKED)[number], x: string): string[] {
    return this.model.tensors.has(`model.layers.${layer}.${path}.${name}.weight`)
      ? [this.linear(layer, path, x, name, parts)]
      : parts.map((part) => this.linear(layer, path, x, part, [part]));
  }

  /** The wires of a group one by one. */
  private apart(layer: number, wires: readonly string[], parts: readonly LoraModule[]): string[] {
    const [whole = ""] = wires;
    if (wires.length > 1) return [...wires];
    const widths = parts.map((part) => loraShape(this.model.config, part).out);
    const outputs = parts.map((part) => `${part}_${layer}`);
    this.graph.node("Split", [whole, this.graph.int64s(widths)], { axis: 2 }, { outputs });
    return outputs;
  }

  private embed(ids: string): string {
    const name = "model.embed_tokens.weight";
    const stored = this.stored(name);
    const [rows = 0, columns = 0] = stored.shape;
    if (stored.kind === "float")
      return this.graph.node("Gather", [
        this.weight(name, ONNX_TYPE.FLOAT, [rows, columns], stored.data),
        ids,
      ]);
    const blocks = columns / BLOCK;
    // The same bytes as the head's, under a second name: Gather wants two axes, MatMulNBits three.
    const width = (columns * stored.bits) / 8;
    const codes = this.weight(`${name}.gather`, ONNX_TYPE.UINT8, [rows, width], stored.codes);
    const scales = this.weight(`${name}.gather.scales`, ONNX_TYPE.FLOAT, [rows, blocks], stored.scales);
    if (!stored.zeroPoints) throw new Error(`${name} was stored without zero points`);
    const zeroDims = [rows, Math.ceil((blocks * stored.bits) / 8)];
    const zeros = this.weight(`${name}.zeros`, ONNX_TYPE.UINT8, zeroDims, stored.zeroPoints);
    const x = this.graph.ms("GatherBlockQuantized", [codes, ids, scales, zeros], {
      gather_axis: 0,
      quantize_axis: 1,
      block_size: BLOCK,
      bits: stored.bits,
    });
    if (!stored.offsets) return x;
    const table = this.weight(`${name}.offsets`, ONNX_TYPE.FLOAT, [rows, blocks], stored.offsets);
    const offset = this.graph.node("Unsqueeze", [
      this.graph.node("Gather", [table, ids]),
      this.graph.int64s([3]),
    ]);
    const cut = this.graph.node("Reshape", [x, this.graph.int64s([0, 0, blocks, BLOCK])]);
    const sum = this.graph.node("Add", [cut, offset]);
    return this.graph.node("Reshape", [sum, this.graph.int64s([0, 0, columns])]);
  }

  private norm(x: string, name: string): string {
    return this.graph.node("SimplifiedLayerNormalization", [x, this.vector(name)], {
      axis: -1,
      epsilon: { float: this.model.config.rmsNormEps },
      stash_type: 1,
    });
  }

  /** RMS norm of each head of a [B, S, heads·dim] tensor (Qwen3). */
  private headNorm(x: string, heads: number, name: string): string {
    const { headDim } = this.model.config;
    const cut = this.graph.node("Reshape", [x, this.graph.int64s([0, 0, heads, headDim])]);
    return this.graph.node("Reshape", [this.norm(cut, name), this.graph.int64s([0, 0, heads * headDim])]);
  }

  /** Adds `delta` to the residual stream and norms the sum. */
  private addNorm(
    residual: string,
    delta: string,
    name: string,
    tag: string,
  ): { x: string; residual: string } {
    const sum = `residual_${tag}`;
    const x = this.graph.ms(
      "SkipSimplifiedLayerNormalization",
      [residual, delta, this.vector(name)],
      { epsilon: { float: this.model.config.rmsNormEps } },
      [`normed_${tag}`, "", "", sum],
    );
    return { x, residual: sum };
  }

  private attention(layer: number, x: string): string {
    const { config, contextTokens, cos, sin } = this.model;
    const { graph } = this;
    const { headDim, heads, kvHeads } = config;
    const at = `model.layers.${layer}.self_attn`;
    const [qkv] = PACKED;
    // Attention takes the three in one wire too.
    let wires = this.group(layer, qkv, x);
    if (this.model.tensors.has(`${at}.q_norm.weight`)) {
      const [q = "", k = "", v = ""] = this.apart(layer, wires, qkv.parts);
      wires = [
        this.headNorm(q, heads, `${at}.q_norm.weight`),
        this.headNorm(k, kvHeads, `${at}.k_norm.weight`),
        v,
      ];
    }
    const [q = "", k = "", v = ""] = wires;
    const names = cacheNames(layer);
    const past = ["batch", kvHeads, "past", headDim];
    const present = ["batch", kvHeads, "total", headDim];
    graph.input(names.pastKey, ONNX_TYPE.FLOAT, past);
    graph.input(names.pastValue, ONNX_TYPE.FLOAT, past);
    const mixed = graph.ms(
      "GroupQueryAttention",
      [
        q,
        k,
        v,
        names.pastKey,
        names.pastValue,
        INPUTS.lastPositions,
        INPUTS.longest,
        this.weight("rope.cos", ONNX_TYPE.FLOAT, [contextTokens, headDim / 2], cos),
        this.weight("rope.sin", ONNX_TYPE.FLOAT, [contextTokens, headDim / 2], sin),
      ],
      { num_heads: heads, kv_num_heads: kvHeads, do_rotary: 1, rotary_interleaved: 0 },
      [`attention_${layer}`, names.presentKey, names.presentValue],
    );
    graph.output(names.presentKey, ONNX_TYPE.FLOAT, present);
    graph.output(names.presentValue, ONNX_TYPE.FLOAT, present);
    return this.linear(layer, "self_attn", mixed, "o_proj", ["o_proj"]);
  }

  private feedForward(layer: number, x: string): string {
    const [, gateUp] = PACKED;
    const [gate = "", up = ""] = this.apart(layer, this.group(layer, gateUp, x), gateUp.parts);
    // QuickGelu with alpha 1 is SiLU in one pass.
    const active = this.graph.ms("QuickGelu", [gate], { alpha: { float: 1 } });
    return this.linear(layer, "mlp", this.graph.node("Mul", [active, up]), "down_proj", ["down_proj"]);
  }

  write(): Uint8Array {
    const { config, tensors } = this.model;
    const { graph } = this;
    graph.input(INPUTS.ids, ONNX_TYPE.INT64, ["batch", "sequence"]);
    graph.input(INPUTS.lastPositions, ONNX_TYPE.INT32, ["batch"]);
    graph.input(INPUTS.longest, ONNX_TYPE.INT32, []);
    // The head is the largest matrix, and prefill wants only the last position.
    graph.input(INPUTS.wanted, ONNX_TYPE.INT64, ["wanted"]);
    if (this.hasLora) graph.input(INPUTS.adapterRows, ONNX_TYPE.FLOAT, ["batch", 1, 1]);
    let residual = this.embed(INPUTS.ids);
    let x = this.norm(residual, "model.layers.0.input_layernorm.weight");
    for (let layer = 0; layer < config.layers; layer++) {
      const at = `model.layers.${layer}`;
      const mixed = this.attention(layer, x);
      ({ x, residual } = this.addNorm(
        residual,
        mixed,
        `${at}.post_attention_layernorm.weight`,
        `${layer}_attention`,
      ));
      const delta = this.feedForward(layer, x);
      const next =
        layer + 1 < config.layers ? `model.layers.${layer + 1}.input_layernorm.weight` : "model.norm.weight";
      ({ x, residual } = this.addNorm(residual, delta, next, `${layer}_mlp`));
    }
    const wanted = graph.node("Gather", [x, INPUTS.wanted], { axis: 1 });
    const head = tensors.has("lm_head.weight") ? "lm_head.weight" : "model.embed_tokens.weight";
    const logits = this.matmul(head, wanted);
    graph.node("Identity", [logits], {}, { outputs: [LOGITS] });
    graph.output(LOGITS, ONNX_TYPE.FLOAT, ["batch", "wanted", config.vocabSize]);
    return graph.finish(`espalier-${config.architecture}`);
  }
}

/** The ONNX model (bytes) over the data file; with `hasLora` each linear layer takes A and B as inputs. */
export function writeDecoderGraph(model: StoredModel, dataFile: string, hasLora: boolean): Uint8Array {
  return new DecoderGraph(model, dataFile, hasLora).write();
}
