// Turns the tokenizer inside a GGUF file into Hugging Face's tokenizer.json and tokenizer_config.json.
import { EspalierError } from "../../kit/errors.ts";
import type { GgufFile, GgufValue } from "./gguf.ts";
import type { TokenizerFiles } from "./tokenizer-files.ts";

const BYTE_LEVEL = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };
const QWEN2_SPLIT =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const LLAMA3_SPLIT = QWEN2_SPLIT.replace("|\\p{N}|", "|\\p{N}{1,3}|");

function splitThenBytes(pattern: string): object {
  return {
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
      { ...BYTE_LEVEL, use_regex: false },
    ],
  };
}

/** How each of llama.cpp's named pre-tokenizers splits text; others are refused by name. */
const PRE_TOKENIZERS: Record<string, object> = {
  "gpt-2": { ...BYTE_LEVEL, use_regex: true },
  default: { ...BYTE_LEVEL, use_regex: true },
  smollm: {
    type: "Sequence",
    pretokenizers: [
      { type: "Digits", individual_digits: true },
      { ...BYTE_LEVEL, use_regex: true },
    ],
  },
  qwen2: splitThenBytes(QWEN2_SPLIT),
  "llama-bpe": splitThenBytes(LLAMA3_SPLIT),
  llama3: splitThenBytes(LLAMA3_SPLIT),
};

function texts(value: GgufValue | undefined): string[] | null {
  if (!Array.isArray(value)) return null;
  const out: string[] = [];
  for (const item of value) {
    if (typeof item !== "string") return null;
    out.push(item);
  }
  return out;
}

function numbers(value: GgufValue | undefined): number[] {
  return Array.isArray(value) ? value.map((item) => (typeof item === "number" ? item : 0)) : [];
}

function refuse(what: string, value: string): never {
  throw new EspalierError("UNSUPPORTED_TOKENIZER", `The GGUF's tokenizer ${what} is ${value}.`, {
    value,
    hint: "Import the Hugging Face folder of this model instead.",
  });
}

/** Builds the two tokenizer files and finds the template. Throws UNSUPPORTED_TOKENIZER. */
export function tokenizerFromGguf(gguf: GgufFile): TokenizerFiles {
  const get = (key: string): GgufValue | undefined => gguf.metadata.get(`tokenizer.ggml.${key}`);
  const model = String(get("model") ?? "(none)");
  const tokens = texts(get("tokens"));
  if (!tokens) refuse("vocabulary", "missing");
  const types = numbers(get("token_type"));
  const added = tokens.flatMap((content, id) => {
    const type = types[id] ?? 1;
    // 3 is a control token, 4 one that a user defined: both are matched whole before the text is split.
    return type === 3 || type === 4
      ? [
          {
            id,
            content,
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: type === 3,
          },
        ]
      : [];
  });
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const tokenOf = (key: string): string | null => {
    const id = get(key);
    return typeof id === "number" ? (tokens[id] ?? null) : null;
  };
  const bosToken = tokenOf("bos_token_id");
  const addsBos = get("add_bos_token") === true;
  const parts = model === "gpt2" ? byteLevelParts(get, vocab) : sentencePieceParts(model, get, tokens, types);
  const tokenizerJson = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    ...parts,
    post_processor:
      addsBos && bosToken ? bosTemplate(bosToken, vocab[bosToken] ?? 0) : (parts.post_processor ?? null),
  };
  const template = gguf.metadata.get("tokenizer.chat_template");
  const tokenizerConfig = {
    add_bos_token: addsBos,
    add_prefix_space: false,
    bos_token: bosToken,
    eos_token: tokenOf("eos_token_id"),
    pad_token: tokenOf("padding_token_id") ?? tokenOf("eos_token_id"),
    unk_token: tokenOf("unknown_token_id"),
    clean_up_tokenization_spaces: false,
    tokenizer_class: "PreTrainedTokenizerFast",
    ...(typeof template === "string" ? { chat_template: template } : {}),
  };
  return { tokenizerJson, tokenizerConfig, chatTemplate: typeof template === "string" ? template : null };
}

type Parts = {
  normalizer: object | null;
  pre_tokenizer: object | null;
  decoder: object;
  model: object;
  post_processor?: object | null;
};

function byteLevelParts(get: (key: string) => GgufValue | undefined, vocab: Record<string, number>): Parts {
  const pre = String(get("pre") ?? "default");
  const preTokenizer = PRE_TOKENIZERS[pre] ?? refuse("pre-tokenizer", pre);
  const merges = texts(get("merges")) ?? refuse("merges", "missing");
  return {
    normalizer: pre === "qwen2" ? { type: "NFC" } : null,
    pre_tokenizer: preTokenizer,
    decoder: { ...BYTE_LEVEL, add_prefix_space: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: pre === "llama-bpe" || pre === "llama3",
      vocab,
      merges,
    },
  };
}

/** SentencePiece BPE ("llama"): merges are not stored, so they are found from the scores, best first. */
function sentencePieceParts(
  model: string,
  get: (key: string) => GgufValue | undefined,
  tokens: string[],
  types: number[],
): Parts {
  if (model !== "llama") refuse("kind", model);
  const scores = numbers(get("scores"));
  const vocab = new Map(tokens.map((token, id) => [token, id]));
  const merges: { pair: [string, string]; score: number; left: number; right: number }[] = [];
  tokens.forEach((token, id) => {
    if ((types[id] ?? 1) !== 1) return;
    const letters = [...token];
    for (let cut = 1; cut < letters.length; cut++) {
      const left = letters.slice(0, cut).join("");
      const right = letters.slice(cut).join("");
      const [l, r] = [vocab.get(left), vocab.get(right)];
      if (l !== undefined && r !== undefined)
        merges.push({ pair: [left, right], score: scores[id] ?? 0, left: l, right: r });
    }
  });
  merges.sort((a, b) => b.score - a.score || a.left - b.left || a.right - b.right);
  const hasPrefix = get("add_space_prefix") !== false;
  return {
    normalizer: {
      type: "Sequence",
      normalizers: [
        ...(hasPrefix ? [{ type: "Prepend", prepend: "▁" }] : []),
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    pre_tokenizer: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(hasPrefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<unk>",
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(vocab),
      merges: merges.map(({ pair }) => pair),
    },
  };
}

function bosTemplate(token: string, id: number): object {
  return {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: token, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [
      { SpecialToken: { id: token, type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: token, type_id: 1 } },
      { Sequence: { id: "B", type_id: 1 } },
    ],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
  };
}
