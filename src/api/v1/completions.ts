// POST /v1/completions: what a model says after a text as it stands, without a chat template.
import { z } from "zod";
import { askerOf, type Principal } from "../../accounts/accounts.ts";
import { now } from "../../kit/clock.ts";
import { newId } from "../../kit/ids.ts";
import { limits } from "../../kit/limits.ts";
import type { ApiDeps } from "../context.ts";
import { json } from "../http.ts";
import {
  cutOff,
  type End,
  finishReason,
  modelName,
  readChecked,
  replyParameters,
  settingsOf,
  usageOf,
} from "./body.ts";
import { serverSentEvents } from "./sse.ts";

const prompt = z
  .string("must be text, or a list of texts; tokens are not supported")
  .min(1, "must not be empty")
  .max(limits.completionMessageChars);
const schema = z.object({
  ...replyParameters,
  model: modelName,
  prompt: z.preprocess(
    (said) => (typeof said === "string" ? [said] : said),
    z.array(prompt).min(1, "must not be empty").max(limits.completionPrompts),
  ),
  echo: z.literal(false, "not supported").nullish(),
  best_of: z.literal(1, "only 1 is supported").nullish(),
  logprobs: z.null("not supported").optional(),
  suffix: z.literal("", "not supported").nullish(),
});

/** OpenAI's own, where the caller says nothing. */
const DEFAULT_MAX_TOKENS = 16;

/** Answers one request. `failure` writes an error inside a stream. */
export async function completeText(
  request: Request,
  principal: Principal,
  deps: ApiDeps,
  failure: (error: unknown) => object,
): Promise<Response> {
  const body = await readChecked(request, schema);
  const model = await deps.models.resolve(principal.projectId, body.model);
  const leaving = new AbortController();
  const signal = AbortSignal.any([request.signal, leaving.signal]);
  const settings = { maxTokens: DEFAULT_MAX_TOKENS, ...settingsOf(body) };
  const caller = { ...askerOf(principal), source: "v1" } as const;
  const head = {
    id: `cmpl-${newId("message").slice(4)}`,
    object: "text_completion",
    created: Math.floor(now() / 1000),
    model: body.model,
  };
  const choice = (index: number, text: string, finish: string | null) => ({
    index,
    text,
    logprobs: null,
    finish_reason: finish,
  });
  const total = { promptTokens: 0, completionTokens: 0, cachedTokens: 0 };

  /** The text of each prompt in turn, in pieces; the last piece of each says how it ended. */
  async function* pieces(): AsyncGenerator<ReturnType<typeof choice>, void, void> {
    for (const [index, one] of body.prompt.entries()) {
      let end: End | undefined;
      for await (const event of deps.chat.complete(model, { prompt: one, ...settings }, caller, signal))
        if (event.type === "delta") yield choice(index, event.text, null);
        else if (event.type === "end") end = event;
      if (!end) throw cutOff();
      total.promptTokens += end.usage.promptTokens;
      total.completionTokens += end.usage.completionTokens;
      total.cachedTokens += end.usage.cachedTokens;
      yield choice(index, "", finishReason(end));
    }
  }

  if (body.stream) {
    const withUsage = body.stream_options?.include_usage === true;
    const chunks = async function* (): AsyncGenerator<object, void, void> {
      for await (const piece of pieces())
        yield { ...head, choices: [piece], ...(withUsage ? { usage: null } : {}) };
      if (withUsage) yield { ...head, choices: [], usage: usageOf({ usage: total }) };
    };
    return serverSentEvents(chunks(), leaving, failure);
  }
  const choices = body.prompt.map((_, index) => choice(index, "", null));
  for await (const { index, text, finish_reason } of pieces()) {
    const whole = choices[index];
    if (whole) choices[index] = choice(index, whole.text + text, finish_reason);
  }
  return json({ ...head, choices, usage: usageOf({ usage: total }) });
}
