// Third-party models behind the house's own interfaces: replies as the engine streams them, vectors, scores, names.
import type {
  JSONSchema7,
  LanguageModelV4,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import { z } from "zod";
import { type Clock, monotonicMs } from "../../kit/clock.ts";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { readPicture } from "../../kit/picture.ts";

import type { ChatMessage, FinishReason, GenerationEvent, GenerationRequest, Usage } from "../protocol.ts";
import { estimateTokens } from "../token-counter.ts";
import { listRemoteModels, rerankRemote } from "./calls.ts";
import { brokenOff, providerError } from "./errors.ts";
import { type ImageWish, type MadeImage, makeImage, withPictures } from "./images.ts";
import { kindInfo, type ProviderKind } from "./kinds.ts";
import { createOutbound, type Fetch, type Outbound, type OutboundDeps } from "./outbound.ts";
import { type Opened, PACKAGES } from "./packages.ts";

export { type ImageOffer, imageOffer } from "./image-offers.ts";
export type { ImageWish, MadeImage } from "./images.ts";
export {
  ABILITIES,
  type Ability,
  guessAbilities,
  isProviderKind,
  kindInfo,
  type ProviderKind,
  providerKinds,
} from "./kinds.ts";

/** A provider with its key open, for the time of one call. */
export type RemoteConnection = {
  id: string;
  name: string;
  kind: ProviderKind;
  url: string;
  key: string | null;
  timeoutMs: number;
  requestsPerMinute: number | null;
  isConfirmed: (host: string, port: number) => Promise<boolean>;
};

export type Remote = {
  /**
   * A reply of a third-party model, as EnginePool.generate gives it; without counted tokens before its end.
   * @throws EspalierError ADDRESS_…, PROVIDER_… with the provider's own words
   */
  generate(
    to: RemoteConnection,
    model: string,
    request: GenerationRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, void>;
  /** Vectors of texts, in their order, and the tokens that the provider counted. */
  embed(
    to: RemoteConnection,
    model: string,
    texts: readonly string[],
    kind: "query" | "passage",
    signal?: AbortSignal,
  ): Promise<{ vectors: Float32Array[]; tokens: number }>;
  /** How well each passage answers the query, in the order of the passages. */
  rerank(
    to: RemoteConnection,
    model: string,
    query: string,
    passages: readonly string[],
    signal?: AbortSignal,
  ): Promise<number[]>;
  /**
   * One image, its bytes looked at; nothing of it comes before it is whole, so the provider's time limit counts
   * limits.imageTimeoutFactor times.
   * @throws EspalierError ADDRESS_…, PROVIDER_… with the provider's own words, PICTURE_UNREADABLE
   */
  makeImage(to: RemoteConnection, model: string, wish: ImageWish, signal?: AbortSignal): Promise<MadeImage>;
  /** Ids of the models that the provider says it has. */
  listModels(to: RemoteConnection, signal?: AbortSignal): Promise<string[]>;
  /** Refuses an address that may not be called. @throws EspalierError ADDRESS_FORBIDDEN, ADDRESS_PRIVATE, URL_INVALID */
  check: Outbound["check"];
};

/** Models that want to know what a text is for, by the package's name for it. */
const EMBED_PURPOSE = {
  google: { query: { taskType: "RETRIEVAL_QUERY" }, passage: { taskType: "RETRIEVAL_DOCUMENT" } },
  bedrock: { query: { inputType: "search_query" }, passage: { inputType: "search_document" } },
};

/** Models that are kept made. */
const MODELS_HELD = 64;

export function createRemote(deps: OutboundDeps & { clock: Clock }): Remote {
  const outbound = createOutbound(deps);
  const fetchOf = (to: RemoteConnection): Fetch => outbound.fetchFor({ ...to, paceKey: to.id });

  async function open(to: RemoteConnection, fetch = fetchOf(to)): Promise<Opened> {
    const url = to.url.replace(/\/+$/, "");
    return PACKAGES[kindInfo(to.kind).package]({ url, key: to.key, fetch });
  }

  const texts = new Map<string, Promise<LanguageModelV4>>();

  /** A model as its package has it, made once for each way of reaching it: the packages take longer to make than to ask. */
  function textModel(to: RemoteConnection, model: string): Promise<LanguageModelV4> {
    const { id, name, kind, url, key, timeoutMs, requestsPerMinute } = to;
    const place = JSON.stringify([id, name, kind, url, key, timeoutMs, requestsPerMinute, model]);
    const known = texts.get(place);
    if (known) return known;
    const made = open(to).then((opened) => opened.text(model));
    made.catch(() => texts.delete(place));
    texts.set(place, made);
    for (const old of [...texts.keys()].slice(0, -MODELS_HELD)) texts.delete(old);
    return made;
  }

  async function* generate(
    to: RemoteConnection,
    model: string,
    request: GenerationRequest,
    signal?: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, void> {
    const startedAt = monotonicMs();
    const leaving = new AbortController();
    const abortSignal = AbortSignal.any([leaving.signal, ...(signal ? [signal] : [])]);
    const prompt = promptOf(request);
    const estimate = estimatorOf(request);
    let firstAt: number | undefined;
    let text = "";
    const endOf = (finishReason: FinishReason, usage: Usage): GenerationEvent => {
      const seconds = (monotonicMs() - (firstAt ?? startedAt)) / 1000;
      return {
        type: "end",
        finishReason,
        usage,
        firstTokenMs: (firstAt ?? monotonicMs()) - startedAt,
        tokensPerSecond: seconds > 0 ? Math.max(0, usage.completionTokens - 1) / seconds : 0,
      };
    };
    try {
      const opened = await textModel(to, model);
      const { stream } = await opened.doStream({ prompt, ...settingsOf(request), abortSignal });
      for await (const part of stream) {
        signal?.throwIfAborted();
        if (part.type === "error") throw part.error;
        if (part.type === "text-delta" && part.delta !== "") {
          if (firstAt === undefined) {
            firstAt = monotonicMs();
            yield { type: "start", promptTokens: 0 };
          }
          text += part.delta;
          yield { type: "delta", text: part.delta };
        }
        if (part.type !== "finish") continue;
        if (firstAt === undefined) yield { type: "start", promptTokens: 0 };
        yield endOf(finishOf(part, to.name), usageOf(part, estimate(text)));
        return;
      }
      throw brokenOff(to.name);
    } catch (error) {
      if (!signal?.aborted) throw providerError(error, to);
      yield endOf("cancelled", estimate(text));
    } finally {
      // Whoever left early wants no more of it.
      leaving.abort();
    }
  }

  return {
    generate,
    async embed(to, model, texts, kind, signal) {
      const opened = (await open(to)).embedding?.(model);
      if (!opened) throw cannot(to, "embed");
      const name = kindInfo(to.kind).package;
      const purpose = name === "google" || name === "bedrock" ? EMBED_PURPOSE[name][kind] : undefined;
      const most = Math.max(1, Math.min((await opened.maxEmbeddingsPerCall) ?? 100, 100));
      const vectors: Float32Array[] = [];
      let tokens = 0;
      try {
        for (let at = 0; at < texts.length; at += most) {
          const values = texts.slice(at, at + most);
          const answer = await opened.doEmbed({
            values,
            ...(signal ? { abortSignal: signal } : {}),
            ...(purpose ? { providerOptions: { [name]: purpose } } : {}),
          });
          if (answer.embeddings.length !== values.length)
            throw new EspalierError(
              "PROVIDER_ANSWER_INVALID",
              `${to.name} answered ${values.length} texts with ${answer.embeddings.length} vectors.`,
              { hint: "Choose another embedding model.", status: 502 },
            );
          vectors.push(...answer.embeddings.map((one) => Float32Array.from(one)));
          tokens += counted(answer.usage?.tokens) ?? estimateTokens(values.join(""));
        }
      } catch (error) {
        signal?.throwIfAborted();
        throw providerError(error, to);
      }
      return { vectors, tokens };
    },
    async rerank(to, model, query, passages, signal) {
      if (!kindInfo(to.kind).abilities.includes("rerank")) throw cannot(to, "rerank");
      return rerankRemote(to, fetchOf(to), { model, query, passages }, signal);
    },
    async makeImage(to, model, wish, signal) {
      const patient = { ...to, timeoutMs: to.timeoutMs * limits.imageTimeoutFactor };
      // A picture's address is the provider's own choice: no turn of its requests, and no more than a picture's bytes.
      const { name, isConfirmed, timeoutMs } = patient;
      const download = outbound.fetchFor({ name, isConfirmed, timeoutMs, maxBytes: limits.pictureBytes });
      const opened = await open(to, withPictures(to, fetchOf(patient), download));
      if (!opened.image) throw cannot(to, "make images");
      return makeImage(to, model, opened.image(model), wish, signal);
    },
    listModels: (to, signal) => listRemoteModels(to, fetchOf(to), signal),
    check: outbound.check,
  };
}

function promptOf({ messages, prompt }: GenerationRequest): LanguageModelV4Prompt {
  return (messages ?? [{ role: "user", content: prompt ?? "" }]).map(turnOf);
}

function turnOf({ role, content, pictures = [] }: ChatMessage): LanguageModelV4Prompt[number] {
  if (role === "system") return { role, content };
  const text = { type: "text" as const, text: content };
  if (role === "assistant") return { role, content: [text] };
  const files = pictures.map(({ bytes }) => ({
    type: "file" as const,
    mediaType: readPicture(bytes).mediaType,
    data: { type: "data" as const, data: bytes },
  }));
  // The providers advise to show pictures before what is asked of them.
  return { role: "user", content: content === "" && files.length > 0 ? files : [...files, text] };
}

function settingsOf({ maxTokens, temperature, topP, topK, seed, stop, format }: GenerationRequest) {
  return {
    ...(format ? { responseFormat: responseFormatOf(format) } : {}),
    ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined || stop.length === 0 ? {} : { stopSequences: stop }),
  };
}

const schemaShape = z.custom<JSONSchema7>((value) => typeof value === "object" && value !== null);

/** What the provider makes of it is its own affair: only the engine inside promises that a reply parses. */
function responseFormatOf({ schema }: NonNullable<GenerationRequest["format"]>) {
  const read = schemaShape.safeParse(schema);
  return { type: "json" as const, ...(read.success ? { schema: read.data } : {}) };
}

type Finish = Extract<LanguageModelV4StreamPart, { type: "finish" }>;

/** @throws EspalierError when the provider did not end the reply by itself */
function finishOf({ finishReason }: Finish, name: string): FinishReason {
  const { unified, raw } = finishReason;
  if (unified === "length") return "length";
  if (unified === "content-filter")
    throw new EspalierError("PROVIDER_FILTERED", `${name} ended the reply by its content filter.`, {
      value: raw ?? unified,
      hint: "Put the question in other words, or ask another model.",
      status: 422,
    });
  if (unified === "error" || (unified === "other" && raw === undefined)) throw brokenOff(name);
  return "stop";
}

/** What the provider counted; where it did not, or counted what cannot be, an estimate. */
function usageOf({ usage }: Finish, estimated: Usage): Usage {
  const promptTokens = counted(usage.inputTokens.total);
  const completionTokens = counted(usage.outputTokens.total);
  if (promptTokens === null || completionTokens === null) return estimated;
  const cachedTokens = Math.min(promptTokens, counted(usage.inputTokens.cacheRead) ?? 0);
  return { promptTokens, completionTokens, cachedTokens };
}

/** A count that can be one; else null. */
function counted(value: number | undefined): number | null {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 && value < 1e9 ? value : null;
}

/** About what a picture counts for: a token for 750 pixels, as providers scale larger ones down. */
function estimatePicture(bytes: Uint8Array): number {
  const { width, height } = readPicture(bytes);
  return Math.min(1600, Math.ceil((width * height) / 750));
}

function estimatorOf({ messages = [], prompt = "" }: GenerationRequest): (reply: string) => Usage {
  const seen = messages.flatMap(({ pictures = [] }) => pictures);
  const promptTokens =
    estimateTokens(prompt + messages.map(({ content }) => content).join("")) +
    seen.reduce((sum, { bytes }) => sum + estimatePicture(bytes), 0);
  return (reply) => ({
    promptTokens,
    completionTokens: estimateTokens(reply),
    cachedTokens: 0,
    isEstimated: true,
  });
}

function cannot({ name, kind }: RemoteConnection, verb: string): EspalierError {
  return new EspalierError("PROVIDER_CANNOT", `${name} (${kindInfo(kind).title}) does not ${verb}.`, {
    field: "provider",
    value: kind,
    hint: "Choose a model of another provider.",
    status: 409,
  });
}
