// Writes the graph of a BERT encoder that ends in one vector a text: the mean over its tokens, at length 1.
import { ONNX_TYPE, OnnxGraph, type OnnxType } from "./onnx.ts";
import type { Region } from "./stored.ts";

/** What config.json says of a BERT encoder. */
export type EncoderConfig = {
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  layerNormEps: number;
};

/** A tensor of the data file. `columns` holds int8 codes [K, N] with one scale for each of N, `rows` [V, H] with one for each of V. */
export type EncoderTensor =
  | { kind: "float"; shape: readonly number[]; data: Region }
  | { kind: "columns" | "rows"; shape: readonly number[]; codes: Region; scales: Region };

export type StoredEncoder = {
  config: EncoderConfig;
  tensors: ReadonlyMap<string, EncoderTensor>;
  /** Rows of the table of positions: the longest text. */
  maxTokens: number;
};

/** Names of the graph's inputs and output. */
export const ENCODER = {
  /** int64 [batch, sequence]: texts of equal length, because nothing is masked. */
  ids: "input_ids",
  /** int64 [sequence]: 0, 1, 2 … */
  positions: "positions",
  /** float [batch, hidden] */
  vectors: "vectors",
} as const;

/** Names of the joined and summed tensors that the build makes of several of the model's. */
export const JOINED = {
  /** Positions with the type of a single text added. */
  places: "places",
  qkv: (layer: number): string => `layer.${layer}.qkv`,
} as const;

class EncoderGraph {
  private readonly graph: OnnxGraph;
  private readonly known = new Set<string>();

  constructor(
    private readonly model: StoredEncoder,
    dataFile: string,
  ) {
    this.graph = new OnnxGraph(dataFile);
  }

  private weight(name: string, type: OnnxType, dims: readonly number[], region: Region): string {
    if (!this.known.has(name)) this.graph.weight(name, type, dims, region.offset, region.length);
    this.known.add(name);
    return name;
  }

  private stored(name: string): EncoderTensor {
    const stored = this.model.tensors.get(name);
    if (!stored) throw new Error(`tensor ${name} was not stored`);
    return stored;
  }

  private float(name: string): string {
    const stored = this.stored(name);
    if (stored.kind !== "float") throw new Error(`${name} must be float`);
    return this.weight(name, ONNX_TYPE.FLOAT, stored.shape, stored.data);
  }

  /**
   * Rows [tokens, K] as bytes, each with a scale of its own, so that a text's vector does not depend on the texts
   * beside it in a batch: ONNX Runtime's own dynamic quantisation has one scale for all of them.
   */
  private quantised(x: string): { codes: string; scales: string } {
    const { graph } = this;
    const largest = graph.node("ReduceMax", [graph.node("Abs", [x]), graph.int64s([1])], { keepdims: 0 });
    const scales = graph.node("Div", [largest, this.constant(127, ONNX_TYPE.FLOAT)]);
    const middle = graph.node("Expand", [this.constant(128, ONNX_TYPE.UINT8), graph.node("Shape", [scales])]);
    return {
      codes: graph.node("QuantizeLinear", [x, scales, middle], { axis: 0 }),
      scales: graph.node("Unsqueeze", [scales, graph.int64s([1])]),
    };
  }

  private constant(value: number, type: OnnxType): string {
    return this.graph.node("Cast", [this.graph.int64s([value])], { to: type });
  }

  /** y = x·Wᵀ without bias, over rows [tokens, K]. */
  private matmul(name: string, x: string): string {
    const { graph } = this;
    const stored = this.stored(name);
    if (stored.kind === "float") return graph.ms("FusedMatMul", [x, this.float(name)], { transB: 1 });
    const [rows = 0, columns = 0] = stored.shape;
    const codes = this.weight(`${name}.codes`, ONNX_TYPE.INT8, [columns, rows], stored.codes);
    const scales = this.weight(`${name}.scales`, ONNX_TYPE.FLOAT, [rows], stored.scales);
    const input = this.quantised(x);
    const y = graph.ms("MatMulIntegerToFloat", [
      input.codes,
      codes,
      this.constant(1, ONNX_TYPE.FLOAT),
      scales,
      this.constant(128, ONNX_TYPE.UINT8),
    ]);
    return graph.node("Mul", [y, input.scales]);
  }

  /** [batch, sequence, hidden] of the ids. */
  private words(): string {
    const { graph } = this;
    const name = "embeddings.word_embeddings.weight";
    const stored = this.stored(name);
    if (stored.kind === "float") return graph.node("Gather", [this.float(name), ENCODER.ids]);
    const [rows = 0] = stored.shape;
    const codes = this.weight(`${name}.codes`, ONNX_TYPE.INT8, stored.shape, stored.codes);
    const scales = this.weight(`${name}.scales`, ONNX_TYPE.FLOAT, [rows, 1], stored.scales);
    const values = graph.node("Cast", [graph.node("Gather", [codes, ENCODER.ids])], { to: ONNX_TYPE.FLOAT });
    return graph.node("Mul", [values, graph.node("Gather", [scales, ENCODER.ids])]);
  }

  /**
   * Adds `delta` and its bias to x, and norms the sum. By Sum, because ONNX Runtime would make SkipLayerNormalization of
   * an Add, whose scalar loop costs a tenth of the whole graph.
   */
  private addNorm(delta: string, bias: string, x: string, norm: string): string {
    return this.norm(this.graph.node("Sum", [delta, x, this.float(bias)]), norm);
  }

  private norm(x: string, norm: string): string {
    return this.graph.node(
      "LayerNormalization",
      [x, this.float(`${norm}.weight`), this.float(`${norm}.bias`)],
      { axis: -1, epsilon: { float: this.model.config.layerNormEps } },
    );
  }

  /** Tokens [tokens, width] as [batch, sequence, width]. */
  private byText(x: string, width: number): string {
    const shape = this.graph.node(
      "Concat",
      [this.graph.node("Shape", [ENCODER.ids]), this.graph.int64s([width])],
      {
        axis: 0,
      },
    );
    return this.graph.node("Reshape", [x, shape]);
  }

  private layer(layer: number, x: string): string {
    const { graph } = this;
    const { hiddenSize: hidden, heads } = this.model.config;
    const at = `encoder.layer.${layer}`;
    const outputs = ["q", "k", "v"].map((part) => `${part}_${layer}`);
    const qkv = this.byText(this.matmul(JOINED.qkv(layer), x), 3 * hidden);
    graph.node("Split", [qkv, graph.int64s([hidden, hidden, hidden])], { axis: 2 }, { outputs });
    // Without a mask ONNX Runtime attends in tiles that stay in the cache.
    const mixed = graph.ms("MultiHeadAttention", [...outputs, this.float(`${JOINED.qkv(layer)}.bias`)], {
      num_heads: heads,
    });
    const self = `${at}.attention.output`;
    const rows = graph.node("Reshape", [mixed, graph.int64s([-1, hidden])]);
    const attended = this.addNorm(
      this.matmul(`${self}.dense.weight`, rows),
      `${self}.dense.bias`,
      x,
      `${self}.LayerNorm`,
    );
    const wide = graph.ms("BiasGelu", [
      this.matmul(`${at}.intermediate.dense.weight`, attended),
      this.float(`${at}.intermediate.dense.bias`),
    ]);
    return this.addNorm(
      this.matmul(`${at}.output.dense.weight`, wide),
      `${at}.output.dense.bias`,
      attended,
      `${at}.output.LayerNorm`,
    );
  }

  write(): Uint8Array {
    const { graph } = this;
    const { hiddenSize, layers } = this.model.config;
    graph.input(ENCODER.ids, ONNX_TYPE.INT64, ["batch", "sequence"]);
    graph.input(ENCODER.positions, ONNX_TYPE.INT64, ["sequence"]);
    const places = graph.node("Gather", [this.float(JOINED.places), ENCODER.positions]);
    const summed = graph.node("Add", [this.words(), places]);
    const normed = this.norm(summed, "embeddings.LayerNorm");
    let x = graph.node("Reshape", [normed, graph.int64s([-1, hiddenSize])]);
    for (let layer = 0; layer < layers; layer++) x = this.layer(layer, x);
    // The mean has the direction of the sum, and only the direction stays.
    const sum = graph.node("ReduceSum", [this.byText(x, hiddenSize), graph.int64s([1])], { keepdims: 0 });
    graph.node("LpNormalization", [sum], { axis: -1, p: 2 }, { outputs: [ENCODER.vectors] });
    graph.output(ENCODER.vectors, ONNX_TYPE.FLOAT, ["batch", hiddenSize]);
    return graph.finish("espalier-encoder");
  }
}

/** The ONNX model (bytes) over the data file. */
export function writeEncoderGraph(model: StoredEncoder, dataFile: string): Uint8Array {
  return new EncoderGraph(model, dataFile).write();
}
