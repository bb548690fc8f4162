// Random two-layer models for tests, as Hugging Face folders and as GGUF files, made without any other library.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { uniform as seededUniform } from "../kit/random.ts";
import {
  createSafetensorsWriter,
  expectedTensors,
  fromFloat32,
  type ModelConfig,
  type OpenedWeights,
} from "./weights/weights.ts";

export const TOY_VOCAB = 96;
export const TOY_TEMPLATE =
  "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}~\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

export type ToyOptions = {
  /** Keys that replace those of config.json. */
  config?: Record<string, unknown>;
  readme?: string;
  shards?: number;
  /** Tokens beyond the embedding's rows. */
  extraTokens?: number;
  /** The chat template; null for a base that has none. */
  template?: string | null;
  /** The tokenizer's own; "~" when unsaid. */
  eosToken?: string | null;
  seed?: number;
  dtype?: "F32" | "BF16";
};

const shape: ModelConfig = {
  architecture: "llama",
  hiddenSize: 64,
  intermediateSize: 128,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  ropeTheta: 10_000,
  ropeScaling: null,
  rmsNormEps: 1e-5,
  vocabSize: TOY_VOCAB,
  contextLength: 256,
  tieEmbeddings: true,
  dtype: "F32",
  bosTokenId: null,
  eosTokenIds: [],
};

/** Tokens are single characters: printable ASCII and the newline. */
export function toyVocabulary(extra = 0): Record<string, number> {
  const vocab: Record<string, number> = { "\n": 0 };
  for (let i = 1; i < TOY_VOCAB + extra; i++) vocab[String.fromCodePoint(31 + i)] = i;
  return vocab;
}

/** Writes a random Llama with a one-character tokenizer and a template to `folder`. */
export async function writeToyModel(folder: string, options: ToyOptions = {}): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { shards = 1, dtype = "F32", extraTokens = 0 } = options;
  const uniform = seededUniform(options.seed ?? 7);
  const tensors = [...expectedTensors(shape)];
  const map: Record<string, string> = {};
  for (let s = 0; s < shards; s++) {
    const part = tensors.filter((_, i) => i % shards === s);
    const file = shards === 1 ? "model.safetensors" : `model-${s + 1}.safetensors`;
    const plan = part.map(([name, dims]) => ({ name, dtype, shape: dims }));
    const writer = await createSafetensorsWriter(join(folder, file), plan);
    for (const [name, dims] of part) {
      map[name] = file;
      const isNorm = dims.length === 1;
      const values = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () =>
        isNorm ? 1 + (uniform() - 0.5) * 0.2 : (uniform() - 0.5) * 0.4,
      );
      await writer.write(name, fromFloat32(dtype, values));
    }
    await writer.close();
  }
  const json = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));
  if (shards > 1) await json("model.safetensors.index.json", { weight_map: map });
  await json("config.json", {
    model_type: "llama",
    hidden_size: shape.hiddenSize,
    intermediate_size: shape.intermediateSize,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    rms_norm_eps: shape.rmsNormEps,
    rope_theta: shape.ropeTheta,
    vocab_size: shape.vocabSize,
    max_position_embeddings: shape.contextLength,
    tie_word_embeddings: true,
    eos_token_id: toyVocabulary()["~"],
    ...options.config,
  });
  await json("tokenizer.json", {
    version: "1.0",
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "Fuse" },
    model: {
      type: "BPE",
      vocab: toyVocabulary(extraTokens),
      merges: [],
      byte_fallback: false,
      fuse_unk: false,
    },
  });
  await json("tokenizer_config.json", {
    ...(options.template === null ? {} : { chat_template: options.template ?? TOY_TEMPLATE }),
    eos_token: options.eosToken === undefined ? "~" : options.eosToken,
  });
  if (options.readme) await writeFile(join(folder, "README.md"), options.readme);
}

/** Writes a LoRA folder with random A and B for the toy model's query and value layers. */
export async function writeToyAdapter(
  folder: string,
  options: { seed?: number; config?: object } = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const uniform = seededUniform(options.seed ?? 3);
  const rank = 4;
  const plan = [];
  for (let layer = 0; layer < shape.layers; layer++)
    for (const [module, out] of [
      ["q_proj", 64],
      ["v_proj", 32],
    ] as const) {
      const at = `base_model.model.model.layers.${layer}.self_attn.${module}`;
      plan.push({ name: `${at}.lora_A.weight`, dtype: "F32" as const, shape: [rank, 64] });
      plan.push({ name: `${at}.lora_B.weight`, dtype: "F32" as const, shape: [out, rank] });
    }
  const writer = await createSafetensorsWriter(join(folder, "adapter_model.safetensors"), plan);
  for (const { name, shape: dims } of plan)
    await writer.write(
      name,
      fromFloat32(
        "F32",
        Float32Array.from({ length: dims[0]! * dims[1]! }, () => uniform() - 0.5),
      ),
    );
  await writer.close();
  await writeFile(
    join(folder, "adapter_config.json"),
    JSON.stringify({
      peft_type: "LORA",
      r: rank,
      lora_alpha: 8,
      target_modules: ["q_proj", "v_proj"],
      ...options.config,
    }),
  );
}

const GGUF_NAMES: [RegExp, string][] = [
  [/^model\.embed_tokens\.weight$/, "token_embd.weight"],
  [/^model\.norm\.weight$/, "output_norm.weight"],
  [/^model\.layers\.(\d+)\.input_layernorm/, "blk.$1.attn_norm"],
  [/^model\.layers\.(\d+)\.post_attention_layernorm/, "blk.$1.ffn_norm"],
  [/^model\.layers\.(\d+)\.self_attn\.o_proj/, "blk.$1.attn_output"],
  [/^model\.layers\.(\d+)\.self_attn\.([qkv])_proj/, "blk.$1.attn_$2"],
  [/^model\.layers\.(\d+)\.mlp\.(gate|up|down)_proj/, "blk.$1.ffn_$2"],
];

/** Builds GGUF bytes by hand, rightly or wrongly. */
export class GgufMaker {
  private readonly header: number[] = [];
  private readonly infos: number[] = [];
  private readonly data: Uint8Array[] = [];
  private dataBytes = 0;
  private keys = 0;
  private tensors = 0n;
  private pretended: bigint | undefined;

  private static raw(bytes: number, write: (view: DataView) => void): number[] {
    const view = new DataView(new ArrayBuffer(bytes));
    write(view);
    return [...new Uint8Array(view.buffer)];
  }

  private static u32 = (value: number): number[] => GgufMaker.raw(4, (v) => v.setUint32(0, value, true));
  private static u64 = (value: bigint): number[] => GgufMaker.raw(8, (v) => v.setBigUint64(0, value, true));
  private static str(value: string): number[] {
    const bytes = new TextEncoder().encode(value);
    return [...GgufMaker.u64(BigInt(bytes.length)), ...bytes];
  }

  private key(name: string, type: number, value: number[]): void {
    this.header.push(...GgufMaker.str(name), ...GgufMaker.u32(type), ...value);
    this.keys++;
  }

  text(name: string, value: string): void {
    this.key(name, 8, GgufMaker.str(value));
  }

  number(name: string, value: number): void {
    if (Number.isInteger(value)) this.key(name, 4, GgufMaker.u32(value));
    else
      this.key(
        name,
        6,
        GgufMaker.raw(4, (v) => v.setFloat32(0, value, true)),
      );
  }

  texts(name: string, values: string[]): void {
    this.key(name, 9, [
      ...GgufMaker.u32(8),
      ...GgufMaker.u64(BigInt(values.length)),
      ...values.flatMap((value) => GgufMaker.str(value)),
    ]);
  }

  pretendTensors(count: bigint): void {
    this.pretended = count;
  }

  /** A tensor of GGML type `type` at `offset`, with `bytes` zero bytes of data appended. Axes row-major. */
  tensor(name: string, type: number, dims: number[], offset: number, bytes: number | Uint8Array): void {
    this.infos.push(...GgufMaker.str(name), ...GgufMaker.u32(dims.length));
    for (const axis of [...dims].reverse()) this.infos.push(...GgufMaker.u64(BigInt(axis)));
    this.infos.push(...GgufMaker.u32(type), ...GgufMaker.u64(BigInt(offset)));
    const data = typeof bytes === "number" ? new Uint8Array(bytes) : bytes;
    this.data.push(data);
    this.dataBytes += data.length;
    this.tensors++;
  }

  /** A Llama of Hugging Face weights as llama.cpp writes it: F32, query and key rows with rotary halves interleaved. */
  async addModel(
    weights: OpenedWeights,
    headDim: number,
    type: "F32" | "Q4_0" | "Q4_1" | "Q8_0" = "F32",
  ): Promise<void> {
    this.text("general.architecture", "llama");
    for (const [key, value] of [
      ["block_count", shape.layers],
      ["context_length", shape.contextLength],
      ["embedding_length", shape.hiddenSize],
      ["feed_forward_length", shape.intermediateSize],
      ["attention.head_count", shape.heads],
      ["attention.head_count_kv", shape.kvHeads],
      ["attention.layer_norm_rms_epsilon", 1e-5],
      ["rope.freq_base", 10_000],
    ] as const)
      this.number(`llama.${key}`, value);
    this.text("tokenizer.ggml.model", "gpt2");
    this.text("tokenizer.ggml.pre", "gpt-2");
    this.texts("tokenizer.ggml.tokens", Object.keys(toyVocabulary()));
    this.texts("tokenizer.ggml.merges", []);
    this.text("tokenizer.chat_template", TOY_TEMPLATE);
    for (const tensor of weights.tensors) {
      const [pattern, to] = GGUF_NAMES.find(([p]) => p.test(tensor.name)) ?? [/$^/, ""];
      const values = await tensor.readFloat32();
      const name = tensor.name.replace(pattern, to);
      const ordered = /attn_[qk]\./.test(name) ? interleave(values, headDim, tensor.shape[1] ?? 0) : values;
      const isMatrix = tensor.shape.length === 2;
      const [number, bytes] = isMatrix ? encode(type, ordered) : ([0, fromFloat32("F32", ordered)] as const);
      this.tensor(name, number, [...tensor.shape], this.dataBytes, bytes);
    }
  }

  finish(): Uint8Array {
    const head = [
      ...GgufMaker.u32(0x46554747),
      ...GgufMaker.u32(3),
      ...GgufMaker.u64(this.pretended ?? this.tensors),
      ...GgufMaker.u64(BigInt(this.keys)),
      ...this.header,
      ...this.infos,
    ];
    const start = Math.ceil(head.length / 32) * 32;
    const out = new Uint8Array(start + this.dataBytes);
    out.set(head);
    let at = start;
    for (const part of this.data) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}

/** llama.cpp's own order of rotary rows: reshape [heads, 2, dim/2] and swap the last two. */
function interleave(values: Float32Array, headDim: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  const rows = values.length / columns;
  for (let row = 0; row < rows; row++) {
    const head = Math.floor(row / headDim);
    const within = row % headDim;
    const side = Math.floor(within / (headDim / 2));
    const pair = within % (headDim / 2);
    out.set(
      values.subarray(row * columns, (row + 1) * columns),
      (head * headDim + pair * 2 + side) * columns,
    );
  }
  return out;
}

/** GGML type number and bytes of float32 values. */
function encode(type: "F32" | "Q4_0" | "Q4_1" | "Q8_0", values: Float32Array): [number, Uint8Array] {
  if (type === "F32") return [0, fromFloat32("F32", values)];
  const blockBytes = { Q4_0: 18, Q4_1: 20, Q8_0: 34 }[type];
  const out = new Uint8Array((values.length / 32) * blockBytes);
  const view = new DataView(out.buffer);
  for (let b = 0; b < values.length / 32; b++) {
    const block = values.subarray(b * 32, b * 32 + 32);
    const at = b * blockBytes;
    const largest = Math.max(...block.map(Math.abs));
    const least = Math.min(...block);
    const scale =
      type === "Q8_0" ? largest / 127 : type === "Q4_0" ? largest / 7 : (Math.max(...block) - least) / 15;
    view.setFloat16(at, scale, true);
    if (type === "Q4_1") view.setFloat16(at + 2, least, true);
    const code = (i: number): number => {
      const value = block[i] ?? 0;
      if (type === "Q8_0") return Math.max(-127, Math.min(127, Math.round(value / scale)));
      const q = type === "Q4_0" ? Math.round(value / scale) + 8 : Math.round((value - least) / scale);
      return Math.max(0, Math.min(15, q));
    };
    if (type === "Q8_0") for (let i = 0; i < 32; i++) view.setInt8(at + 2 + i, code(i));
    else for (let i = 0; i < 16; i++) out[at + blockBytes - 16 + i] = code(i) | (code(i + 16) << 4);
  }
  return [{ Q4_0: 2, Q4_1: 3, Q8_0: 8 }[type], out];
}
