// What no provider package does: the list of a provider's models, and reranking as Jina, Cohere, vLLM and others share it.
import { APICallError } from "@ai-sdk/provider";
import { z } from "zod";
import { EspalierError } from "../../kit/errors.ts";
import { providerError } from "./errors.ts";
import { kindInfo, type PackageName } from "./kinds.ts";
import type { Fetch } from "./outbound.ts";
import type { RemoteConnection } from "./remote.ts";

const openAiList = z.object({ data: z.array(z.object({ id: z.string() })) });
const googleList = z.object({ models: z.array(z.object({ name: z.string() })) });
const bedrockList = z.object({ modelSummaries: z.array(z.object({ modelId: z.string() })) });

type Listing = {
  url: (base: string) => string;
  headers: (key: string) => Record<string, string>;
  ids: (body: unknown) => string[];
};

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const openAiStyle: Listing = {
  url: (base) => `${base}/models`,
  headers: bearer,
  ids: (body) => openAiList.parse(body).data.map(({ id }) => id),
};
const LISTINGS: Record<PackageName, Listing> = {
  openai: openAiStyle,
  "openai-compatible": openAiStyle,
  mistral: openAiStyle,
  deepseek: openAiStyle,
  anthropic: {
    ...openAiStyle,
    url: (base) => `${base}/models?limit=1000`,
    headers: (key) => ({ "x-api-key": key, "anthropic-version": "2023-06-01" }),
  },
  google: {
    url: (base) => `${base}/models?pageSize=1000`,
    headers: (key) => ({ "x-goog-api-key": key }),
    ids: (body) => googleList.parse(body).models.map(({ name }) => name.replace(/^models\//, "")),
  },
  azure: {
    ...openAiStyle,
    url: (base) => `${base.replace(/\/v1$/, "")}/v1/models`,
    headers: (key) => ({ "api-key": key }),
  },
  bedrock: {
    // Models are listed by another host than that which runs them; a private one (a proxy) answers for itself.
    url: (base) => `${base.replace("//bedrock-runtime.", "//bedrock.")}/foundation-models`,
    headers: bearer,
    ids: (body) => bedrockList.parse(body).modelSummaries.map(({ modelId }) => modelId),
  },
};

/** Ids of the models that a provider says it has, sorted. @throws EspalierError PROVIDER_… */
export async function listRemoteModels(
  to: RemoteConnection,
  fetch: Fetch,
  signal?: AbortSignal,
): Promise<string[]> {
  const listing = LISTINGS[kindInfo(to.kind).package];
  const headers: Record<string, string> = {
    accept: "application/json",
    ...(to.key === null ? {} : listing.headers(to.key)),
  };
  const body = await readAnswer(to, () =>
    fetch(listing.url(to.url.replace(/\/+$/, "")), { headers, ...(signal ? { signal } : {}) }),
  );
  try {
    return listing.ids(body).sort();
  } catch {
    throw notUnderstood(to, "list of models");
  }
}

const scores = z.object({
  results: z.array(z.object({ index: z.int().min(0), relevance_score: z.number() })),
});

/** Relevance of each passage, in their order. @throws EspalierError PROVIDER_… */
export async function rerankRemote(
  to: RemoteConnection,
  fetch: Fetch,
  { model, query, passages }: { model: string; query: string; passages: readonly string[] },
  signal?: AbortSignal,
): Promise<number[]> {
  if (passages.length === 0) return [];
  const body = await readAnswer(to, () =>
    fetch(`${to.url.replace(/\/+$/, "")}/rerank`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(to.key === null ? {} : bearer(to.key)) },
      body: JSON.stringify({ model, query, documents: passages, top_n: passages.length }),
      ...(signal ? { signal } : {}),
    }),
  );
  const parsed = scores.safeParse(body);
  if (!parsed.success) throw notUnderstood(to, "scores");
  const byIndex = new Map(parsed.data.results.map((one) => [one.index, one.relevance_score]));
  return passages.map((_, index) => {
    const score = byIndex.get(index);
    if (score === undefined) throw notUnderstood(to, `score of passage ${index}`);
    return score;
  });
}

async function readAnswer(to: RemoteConnection, call: () => Promise<Response>): Promise<unknown> {
  try {
    const response = await call();
    const responseBody = await response.text();
    if (!response.ok)
      throw new APICallError({
        message: "",
        url: response.url,
        requestBodyValues: {},
        statusCode: response.status,
        responseBody,
        responseHeaders: Object.fromEntries(response.headers),
      });
    return JSON.parse(responseBody);
  } catch (error) {
    throw providerError(error, to);
  }
}

function notUnderstood({ name }: RemoteConnection, what: string): EspalierError {
  return new EspalierError("PROVIDER_ANSWER_INVALID", `${name} sent no ${what} that is understood.`, {
    hint: "Check the provider's kind and address.",
    status: 502,
  });
}
