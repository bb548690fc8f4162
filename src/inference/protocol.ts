// Messages between the server and an engine child: what is asked, and what comes back.
import type { z } from "zod";
import type { ErrorParts } from "../kit/errors.ts";
import type { EngineRuntime } from "./engine/decoder.ts";
import type { Precision } from "./engine/stored.ts";

export type { EngineRuntime } from "./engine/decoder.ts";
export type { Precision } from "./engine/stored.ts";

/** Weights on disk. `hash` names their content: it is the key of the engine's cache. */
export type WeightsSource =
  | { kind: "hf"; path: string; hash: string }
  | { kind: "gguf"; path: string; hash: string };

/** A PEFT LoRA folder (adapter_config.json, adapter_model.safetensors). */
export type AdapterSource = { path: string; hash: string };

export type ModelSource = WeightsSource & { adapter?: AdapterSource };

/** A picture that belongs to a message, for models that can see: what its bytes are is said by themselves. */
export type Picture = { bytes: Uint8Array };

export type ChatMessage = { role: string; content: string; pictures?: Picture[] };

export type GenerationRequest = {
  /** Rendered by the model's chat template; `prompt` is raw text instead. Give exactly one. */
  messages?: ChatMessage[];
  prompt?: string;
  /** Most tokens to make; the rest of the context when unsaid. */
  maxTokens?: number;
  /** Tokens that must be left for the reply, else the conversation counts as too long. */
  leaveTokens?: number;
  /** 0 is greedy. Default 0.7. */
  temperature?: number;
  topP?: number;
  topK?: number;
  seed?: number;
  stop?: string[];
  /** Holds the reply to JSON: to any object, or to what a schema describes. It parses, unless it ends with `length`. */
  format?: ReplyFormat;
};

/** `schema` is JSON Schema, or the part of it that src/inference/engine/json-grammar.ts names. */
export type ReplyFormat = { type: "json"; schema?: z.core.util.JSONType };

export type FinishReason = "stop" | "length" | "cancelled";

export type Usage = {
  promptTokens: number;
  completionTokens: number;
  cachedTokens: number;
  /** True where whoever replied did not count, or not credibly: then from the text's length. */
  isEstimated?: boolean;
};

export type GenerationEvent =
  | { type: "start"; promptTokens: number }
  | { type: "delta"; text: string }
  | {
      type: "end";
      finishReason: FinishReason;
      usage: Usage;
      /** Seconds to the first token, and tokens a second after it. */
      firstTokenMs: number;
      tokensPerSecond: number;
      /** US dollars by the price table of a third-party model that has one. */
      costUsd?: number;
    };

/** One dataset row as the model sees it. `isTarget[i]` says whether token i counts for the loss. */
export type RenderedRow = {
  text: string;
  ids: number[];
  pieces: string[];
  isTarget: boolean[];
};

export type EngineStats = {
  rssBytes: number;
  isLoaded: boolean;
  contextTokens: number;
  dataBytes: number;
  /** Bytes that conversations take. */
  cacheBytes: number;
  /** How ONNX Runtime is reached; null before the model is loaded. */
  runtime: "c-api" | "node" | null;
  adapters: number;
  activeRequests: number;
};

export type EngineAsk =
  | {
      type: "open";
      source: WeightsSource;
      precision: Precision;
      cacheDir: string;
      threads: number;
      runtime: EngineRuntime;
      /** Bytes of conversations that need no leave. */
      roomBytes: number;
    }
  | { type: "load" }
  | { type: "generate"; request: GenerationRequest; adapter?: AdapterSource }
  | { type: "render"; messages: ChatMessage[]; addGenerationPrompt: boolean }
  | { type: "renderPair"; prompt: string; completion: string }
  | { type: "tokenize"; text: string }
  | { type: "logits"; ids: number[]; adapter?: AdapterSource }
  | { type: "stats" }
  /** Makes the child an embedder instead; `folder` is null for the one inside the executable. */
  | { type: "openEncoder"; folder: string | null; threads: number; runtime: EngineRuntime }
  /** Urgent texts go before others that wait. */
  | { type: "embed"; texts: string[]; isUrgent: boolean }
  | { type: "countTokens"; texts: string[] };

export type EngineAnswer =
  | { type: "event"; event: GenerationEvent }
  | { type: "rendered"; row: RenderedRow }
  | { type: "logits"; logits: Float32Array; vocabSize: number }
  | { type: "stats"; stats: EngineStats }
  /** [texts, dimensions] */
  | { type: "vectors"; vectors: Float32Array }
  | { type: "counts"; counts: number[] }
  | { type: "done" }
  | ({ type: "error" } & ErrorParts);

/** Parent to child. */
export type ToEngine =
  | { id: number; ask: EngineAsk }
  | { cancel: number }
  /** Answers the `room` of that number; with a refusal the reply ends. */
  | { room: number; refusal?: ErrorParts };
/** Child to parent. `ready` is said once, at start. */
export type FromEngine =
  | { ready: true }
  | { id: number; answer: EngineAnswer }
  /** Asks for leave to hold so many bytes of conversations beside the weights; numbered. */
  | { room: number; bytes: number };
