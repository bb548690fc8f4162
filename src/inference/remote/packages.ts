// How each provider package is opened: loaded when first used, with our fetch and nothing from the environment.
import type { EmbeddingModelV4, ImageModelV4, LanguageModelV4 } from "@ai-sdk/provider";
import type { PackageName } from "./kinds.ts";
import type { Fetch } from "./outbound.ts";

export type Opened = {
  text(model: string): LanguageModelV4;
  embedding?(model: string): EmbeddingModelV4;
  image?(model: string): ImageModelV4;
};

export type OpenSettings = {
  url: string;
  key: string | null;
  fetch: Fetch;
};

// A package without a key looks for one in the environment: it always gets a text.
const keyOf = ({ key }: OpenSettings): string => key ?? "none";

/** The settings that all packages share. Bun's type of fetch has a `preconnect` that no package calls. */
function common(settings: OpenSettings) {
  const fetch: typeof globalThis.fetch = Object.assign(settings.fetch, { preconnect: () => undefined });
  return { baseURL: settings.url, apiKey: keyOf(settings), fetch };
}

export const PACKAGES: Record<PackageName, (settings: OpenSettings) => Promise<Opened>> = {
  async openai(settings) {
    const { createOpenAI } = await import("@ai-sdk/openai");
    const it = createOpenAI(common(settings));
    return {
      text: (model) => it.chat(model),
      embedding: (model) => it.embedding(model),
      image: (model) => it.image(model),
    };
  },
  async anthropic(settings) {
    const { createAnthropic } = await import("@ai-sdk/anthropic");
    const it = createAnthropic(common(settings));
    return { text: (model) => it(model) };
  },
  async google(settings) {
    const { createGoogle } = await import("@ai-sdk/google");
    const it = createGoogle(common(settings));
    return {
      text: (model) => it(model),
      embedding: (model) => it.embedding(model),
      image: (model) => it.image(model),
    };
  },
  async azure(settings) {
    const { createAzure } = await import("@ai-sdk/azure");
    const it = createAzure(common(settings));
    return {
      text: (model) => it.chat(model),
      embedding: (model) => it.embedding(model),
      image: (model) => it.image(model),
    };
  },
  async bedrock(settings) {
    const { createAmazonBedrock } = await import("@ai-sdk/amazon-bedrock");
    const { baseURL, fetch } = common(settings);
    const region = /\.([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(new URL(settings.url).host)?.[1] ?? "us-east-1";
    const [, accessKeyId, secretAccessKey, sessionToken] =
      /^(A[A-Z]IA[A-Z0-9]{12,}):([^:]+)(?::(.+))?$/.exec(keyOf(settings)) ?? [];
    const credentials =
      accessKeyId !== undefined && secretAccessKey !== undefined
        ? {
            // An empty key keeps the package from the environment's.
            apiKey: "",
            credentialProvider: async () => ({
              accessKeyId,
              secretAccessKey,
              ...(sessionToken ? { sessionToken } : {}),
            }),
          }
        : { apiKey: keyOf(settings) };
    const it = createAmazonBedrock({ baseURL, fetch, region, ...credentials });
    return {
      text: (model) => it(model),
      embedding: (model) => it.embedding(model),
      image: (model) => it.image(model),
    };
  },
  async mistral(settings) {
    const { createMistral } = await import("@ai-sdk/mistral");
    const it = createMistral(common(settings));
    return { text: (model) => it(model), embedding: (model) => it.embedding(model) };
  },
  async deepseek(settings) {
    const { createDeepSeek } = await import("@ai-sdk/deepseek");
    const it = createDeepSeek(common(settings));
    return { text: (model) => it.chat(model) };
  },
  async "openai-compatible"(settings) {
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    const { baseURL, fetch } = common(settings);
    const apiKey = settings.key === null ? {} : { apiKey: settings.key };
    const it = createOpenAICompatible({
      name: "provider",
      baseURL,
      fetch,
      includeUsage: true,
      supportsStructuredOutputs: true,
      ...apiKey,
    });
    return {
      text: (model) => it.chatModel(model),
      embedding: (model) => it.embeddingModel(model),
      image: (model) => it.imageModel(model),
    };
  },
};
