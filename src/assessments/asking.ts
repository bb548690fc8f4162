// One question to one model: its whole reply with what it took, or why there is none.
import type { ChatMessage, GenerationEvent, GenerationRequest } from "../inference/inference.ts";
import { monotonicMs } from "../kit/clock.ts";
import { type ErrorShape, EspalierError, replyError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { AnswerEvent, Citation } from "../knowledge/knowledge.ts";
import type { ModelRef } from "../models/models.ts";
import type { Caller } from "../usage/usage.ts";

/** One reply of any model, from knowledge bases where some are named; what it took is recorded for the caller. */
export type Answer = (
  model: ModelRef,
  request: GenerationRequest,
  caller: Caller,
  knowledgeBases: readonly string[],
  signal?: AbortSignal,
) => AsyncGenerator<AnswerEvent, void, void>;

export type Asked = {
  /** Made as it is asked: one with a picture that cannot be read is a failure of this question alone. */
  messages: () => ChatMessage[];
  knowledgeBases?: readonly string[];
  sampling: Omit<GenerationRequest, "messages" | "prompt">;
};
export type Replied = {
  /** Null where the model failed. */
  text: string | null;
  error: ErrorShape | null;
  /** What was thrown; null where there is a text. */
  failure: unknown;
  citations: Citation[] | null;
  finishReason: string | null;
  inputTokens: number;
  outputTokens: number;
  costUsd: number | null;
  latencyMs: number;
};

/** Asks once. @throws only what `signal` was aborted with */
export async function ask(
  answer: Answer,
  model: ModelRef,
  { messages, knowledgeBases = [], sampling }: Asked,
  caller: Caller,
  signal: AbortSignal,
): Promise<Replied> {
  const startedAt = monotonicMs();
  // A reply that never ends would hold its lane for ever.
  const ending = new AbortController();
  const bounded = AbortSignal.any([signal, ending.signal]);
  const timer = setTimeout(() => ending.abort(tooSlow(model)), limits.assessmentAnswerMs);
  let text = "";
  let citations: Citation[] | null = null;
  let end: Extract<GenerationEvent, { type: "end" }> | null = null;
  let failure: unknown = null;
  try {
    for await (const event of answer(
      model,
      { messages: messages(), ...sampling },
      caller,
      knowledgeBases,
      bounded,
    )) {
      if (event.type === "citations") citations = event.citations;
      else if (event.type === "end") end = event;
      else if (event.type === "delta") {
        text += event.text;
        if (text.length > limits.assessmentAnswerChars) ending.abort(tooLong(model));
        ending.signal.throwIfAborted();
      }
    }
    bounded.throwIfAborted();
  } catch (thrown) {
    signal.throwIfAborted();
    failure = ending.signal.aborted ? ending.signal.reason : thrown;
  } finally {
    clearTimeout(timer);
  }
  return {
    text: failure === null ? text : null,
    error: failure === null ? null : replyError(failure, "ANSWER_FAILED"),
    failure,
    citations,
    finishReason: end?.finishReason ?? null,
    inputTokens: end?.usage.promptTokens ?? 0,
    outputTokens: end?.usage.completionTokens ?? 0,
    costUsd: end?.costUsd ?? null,
    latencyMs: Math.round(monotonicMs() - startedAt),
  };
}

function tooSlow({ name }: ModelRef): EspalierError {
  const minutes = Math.round(limits.assessmentAnswerMs / 60_000);
  return new EspalierError("ANSWER_TIMEOUT", `${name} did not end its answer within ${minutes} minutes.`, {
    hint: "Allow fewer tokens, or ask a faster model.",
    status: 504,
  });
}

function tooLong({ name }: ModelRef): EspalierError {
  return new EspalierError(
    "ANSWER_TOO_LONG",
    `${name} went on beyond ${limits.assessmentAnswerChars} characters and was broken off.`,
    { hint: "Its endpoint does not keep to the longest answer that it was told.", status: 502 },
  );
}
