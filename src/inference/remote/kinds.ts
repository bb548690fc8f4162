// The providers that Espalier knows: where each is, what it can, by which package it is spoken to.

export const ABILITIES = ["text", "vision", "embedding", "rerank", "image"] as const;
export type Ability = (typeof ABILITIES)[number];

export type PackageName =
  | "openai"
  | "anthropic"
  | "google"
  | "azure"
  | "bedrock"
  | "mistral"
  | "deepseek"
  | "openai-compatible";

export type ProviderKindInfo = {
  title: string;
  /** Address to begin with; empty where each customer has another. */
  url: string;
  /** What such an address looks like, where there is none to begin with. */
  urlExample?: string;
  package: PackageName;
  abilities: readonly Ability[];
  needsKey: boolean;
  /** What a key looks like, where that is not plain. */
  keyHint?: string;
  /** Longest text that its embedding models see, in tokens, where that is known. */
  embedTokens?: number;
};

const CHAT = ["text", "vision"] as const;
const LOCAL = ["text", "vision", "embedding"] as const;

export const PROVIDER_KINDS = {
  openai: {
    title: "OpenAI",
    url: "https://api.openai.com/v1",
    embedTokens: 8191,
    package: "openai",
    abilities: [...CHAT, "embedding", "image"],
    needsKey: true,
  },
  anthropic: {
    title: "Anthropic",
    url: "https://api.anthropic.com/v1",
    package: "anthropic",
    abilities: CHAT,
    needsKey: true,
  },
  google: {
    title: "Google",
    url: "https://generativelanguage.googleapis.com/v1beta",
    embedTokens: 2048,
    package: "google",
    abilities: [...CHAT, "embedding", "image"],
    needsKey: true,
  },
  azure: {
    title: "Azure OpenAI",
    url: "",
    urlExample: "https://NAME.openai.azure.com/openai",
    embedTokens: 8191,
    package: "azure",
    abilities: [...CHAT, "embedding", "image"],
    needsKey: true,
  },
  bedrock: {
    title: "Amazon Bedrock",
    url: "https://bedrock-runtime.us-east-1.amazonaws.com",
    embedTokens: 8192,
    package: "bedrock",
    abilities: [...CHAT, "embedding", "image"],
    needsKey: true,
    keyHint: "A Bedrock API key, or ACCESS_KEY_ID:SECRET_ACCESS_KEY, with :SESSION_TOKEN where there is one.",
  },
  mistral: {
    title: "Mistral",
    url: "https://api.mistral.ai/v1",
    embedTokens: 8192,
    package: "mistral",
    abilities: [...CHAT, "embedding"],
    needsKey: true,
  },
  deepseek: {
    title: "DeepSeek",
    url: "https://api.deepseek.com",
    package: "deepseek",
    abilities: ["text"],
    needsKey: true,
  },
  dashscope: {
    title: "DashScope",
    url: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    embedTokens: 8192,
    package: "openai-compatible",
    abilities: [...CHAT, "embedding"],
    needsKey: true,
  },
  modelscope: {
    title: "ModelScope",
    url: "https://api-inference.modelscope.cn/v1",
    package: "openai-compatible",
    abilities: [...CHAT, "embedding"],
    needsKey: true,
  },
  siliconflow: {
    title: "SiliconFlow",
    url: "https://api.siliconflow.cn/v1",
    package: "openai-compatible",
    abilities: [...CHAT, "embedding", "rerank", "image"],
    needsKey: true,
  },
  ollama: {
    title: "Ollama",
    url: "http://127.0.0.1:11434/v1",
    package: "openai-compatible",
    abilities: LOCAL,
    needsKey: false,
  },
  lmstudio: {
    title: "LM Studio",
    url: "http://127.0.0.1:1234/v1",
    package: "openai-compatible",
    abilities: LOCAL,
    needsKey: false,
  },
  vllm: {
    title: "vLLM",
    url: "http://127.0.0.1:8000/v1",
    package: "openai-compatible",
    abilities: [...LOCAL, "rerank", "image"],
    needsKey: false,
  },
  llamacpp: {
    title: "llama.cpp server",
    url: "http://127.0.0.1:8080/v1",
    package: "openai-compatible",
    abilities: [...LOCAL, "rerank"],
    needsKey: false,
  },
  "openai-compatible": {
    title: "OpenAI-style address",
    url: "",
    urlExample: "https://models.example.com/v1",
    package: "openai-compatible",
    abilities: ABILITIES,
    needsKey: false,
  },
} as const satisfies Record<string, ProviderKindInfo>;

export type ProviderKind = keyof typeof PROVIDER_KINDS;
export const providerKinds = Object.keys(PROVIDER_KINDS).filter(isProviderKind);

export function isProviderKind(text: string): text is ProviderKind {
  return Object.hasOwn(PROVIDER_KINDS, text);
}

/** What is known of a kind. */
export function kindInfo(kind: ProviderKind): ProviderKindInfo {
  return PROVIDER_KINDS[kind];
}

const GUESSES: readonly [RegExp, readonly Ability[]][] = [
  [/rerank/i, ["rerank"]],
  [
    /(^|[/.])(gpt|chatgpt|gemini|glm|qwen|z|titan|wan)[\w.-]*-image|dall-e|nova-canvas|nano-banana|stable-diffusion|sdxl|kolors|(^|[/.])flux\b/i,
    ["image"],
  ],
  [/embed|(^|[/_-])(bge|gte|e5|minilm)([-_.]|$)/i, ["embedding"]],
  [/gpt-4o|gpt-4\.1|gpt-5|^o[134]|claude|gemini|pixtral|llava|vision|[-_.]vl\b|gemma-?[34]|nova/i, CHAT],
];

/** What a model of this name can most likely do, among what its provider's kind can; whoever adds it may say otherwise. */
export function guessAbilities(kind: ProviderKind, model: string): Ability[] {
  const able = kindInfo(kind).abilities;
  const guess = GUESSES.find(([name]) => name.test(model))?.[1] ?? ["text"];
  const kept = guess.filter((one) => able.includes(one));
  return kept.length > 0 ? kept : ["text"];
}
