// /v1: the part of OpenAI's HTTP interface that official clients need for chat, with its error envelope.
import { z } from "zod";
import { askerOf, type Principal } from "../accounts/accounts.ts";
import { now } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId, timeOfId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { ApiDeps } from "./context.ts";
import {
  asEspalierError,
  challenge,
  decodeSegment,
  json,
  methodNotAllowed,
  notFound,
  parseJson,
  readBody,
} from "./http.ts";

const text = z.string().max(limits.completionMessageChars);
const content = z.union([
  text,
  z.array(z.object({ type: z.literal("text", "only text parts are supported"), text })).min(1),
]);
const message = z.object({
  role: z.enum(["system", "developer", "user", "assistant"]),
  content,
});
/** Parameters that clients send by habit and that may only have the value that changes nothing. */
const neutral = {
  n: z.literal(1, "only 1 is supported").nullish(),
  presence_penalty: z.literal(0, "only 0 is supported").nullish(),
  frequency_penalty: z.literal(0, "only 0 is supported").nullish(),
  logprobs: z.literal(false, "not supported").nullish(),
  tools: z.array(z.unknown()).max(0, "not supported").nullish(),
  response_format: z.object({ type: z.literal("text", 'only "text" is supported') }).nullish(),
};
const completionBody = z.object({
  model: z.string().min(1).max(500),
  messages: z.array(message).min(1, "must not be empty").max(limits.completionMessages),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(0).max(1_000_000).nullish(),
  max_tokens: z.int().min(1).max(limits.engineContextTokens).nullish(),
  max_completion_tokens: z.int().min(1).max(limits.engineContextTokens).nullish(),
  seed: z
    .int()
    .min(-(2 ** 53) + 1)
    .max(2 ** 53 - 1)
    .nullish(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(4)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  ...neutral,
});
type CompletionBody = z.infer<typeof completionBody>;

/** Answers a request under /v1. `principal` holds the scope "chat". */
export async function handleOpenAi(request: Request, principal: Principal, deps: ApiDeps): Promise<Response> {
  try {
    const { pathname } = new URL(request.url);
    if (pathname === "/v1/models") return await listModels(request, principal, deps);
    const id = /^\/v1\/models\/(.+)$/.exec(pathname)?.[1];
    if (id !== undefined) return await showModel(decodeSegment(id), principal, deps);
    if (pathname !== "/v1/chat/completions") throw notFound("page", pathname);
    if (request.method !== "POST") throw methodNotAllowed(request.method, "POST");
    return await complete(request, principal, deps);
  } catch (error) {
    return openAiError(error, deps);
  }
}

/** An error in OpenAI's envelope. */
export function openAiError(error: unknown, { log }: Pick<ApiDeps, "log">): Response {
  const known = asEspalierError(error, log);
  return json(envelope(known), known.status, challenge(known.status));
}

function envelope({ code, message: text, hint, field, status }: EspalierError): object {
  const type =
    status === 401
      ? "authentication_error"
      : status === 403
        ? "permission_error"
        : status === 429
          ? "rate_limit_error"
          : status >= 500
            ? "server_error"
            : "invalid_request_error";
  return {
    error: {
      message: hint ? `${text.replace(/\.$/, "")}. ${hint}` : text,
      type,
      param: field ?? null,
      code: openAiCodes[code] ?? code.toLowerCase(),
    },
  };
}

const openAiCodes: Record<string, string> = {
  UNAUTHENTICATED: "invalid_api_key",
  MODEL_NOT_FOUND: "model_not_found",
  CONTEXT_TOO_LONG: "context_length_exceeded",
};

async function listModels(request: Request, principal: Principal, deps: ApiDeps): Promise<Response> {
  if (request.method !== "GET") throw methodNotAllowed(request.method, "GET");
  const entries = await deps.models.entries(principal.projectId);
  return json({ object: "list", data: entries.filter((entry) => entry.usable).map(modelObject) });
}

async function showModel(name: string, principal: Principal, deps: ApiDeps): Promise<Response> {
  return json(modelObject(await deps.models.resolve(principal.projectId, name)));
}

function modelObject(entry: { id: string; name: string; kind: string }): object {
  const created = Math.floor(timeOfId(entry.id) / 1000);
  return { id: entry.name, object: "model", created, owned_by: "espalier", kind: entry.kind };
}

async function complete(request: Request, principal: Principal, deps: ApiDeps): Promise<Response> {
  const body = checked(parseJson(await readBody(request, limits.requestBodyBytes)));
  const leaving = new AbortController();
  const signal = AbortSignal.any([request.signal, leaving.signal]);
  const model = await deps.models.resolve(principal.projectId, body.model);
  const events = deps.chat.complete(
    model,
    {
      messages: body.messages.map(({ role, content }) => ({
        role: role === "developer" ? "system" : role,
        content: typeof content === "string" ? content : content.map((part) => part.text).join(""),
      })),
      ...settings(body),
    },
    { ...askerOf(principal), source: "v1" },
    signal,
  );
  const head = {
    id: `chatcmpl-${newId("message").slice(4)}`,
    created: Math.floor(now() / 1000),
    model: body.model,
  };
  return body.stream
    ? streamed(events, head, body.stream_options?.include_usage === true, leaving, deps)
    : collected(events, head);
}

function checked(body: unknown): CompletionBody {
  const parsed = completionBody.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path ?? [];
  const field = path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i > 0 ? "." : ""}${String(part)}`))
    .join("");
  throw new EspalierError("INVALID_VALUE", `${field || "the body"}: ${issue?.message ?? "invalid"}`, {
    field,
  });
}

function settings(body: CompletionBody) {
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  const stop = typeof body.stop === "string" ? [body.stop] : body.stop;
  return {
    ...(body.temperature == null ? {} : { temperature: body.temperature }),
    ...(body.top_p == null ? {} : { topP: body.top_p }),
    ...(body.top_k == null ? {} : { topK: body.top_k }),
    ...(maxTokens == null ? {} : { maxTokens }),
    ...(body.seed == null ? {} : { seed: body.seed }),
    ...(stop == null ? {} : { stop }),
  };
}

type Head = { id: string; created: number; model: string };
type Events = ReturnType<ApiDeps["chat"]["complete"]>;
type End = {
  finishReason: string;
  usage: { promptTokens: number; completionTokens: number; cachedTokens: number };
};

async function collected(events: Events, head: Head): Promise<Response> {
  let content = "";
  let end: End | undefined;
  for await (const event of events) {
    if (event.type === "delta") content += event.text;
    else if (event.type === "end") end = event;
  }
  if (!end) throw new EspalierError("REPLY_CUT_OFF", "the model ended without saying why", { status: 502 });
  const choice = {
    index: 0,
    message: { role: "assistant", content, refusal: null },
    logprobs: null,
    finish_reason: finishReason(end),
  };
  return json({ ...head, object: "chat.completion", choices: [choice], usage: usageOf(end) });
}

async function streamed(
  events: Events,
  head: Head,
  withUsage: boolean,
  leaving: AbortController,
  deps: ApiDeps,
): Promise<Response> {
  const iterator = events[Symbol.asyncIterator]();
  // The first event is awaited before the status is sent: an unknown model is a 404 and not a broken stream.
  let held: Awaited<ReturnType<typeof iterator.next>> | undefined = await iterator.next();
  const encoder = new TextEncoder();
  const line = (value: unknown) => encoder.encode(`data: ${JSON.stringify(value)}\n\n`);
  const chunk = (delta: object, finish: string | null = null) =>
    line({
      ...head,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...(withUsage ? { usage: null } : {}),
    });
  let started = false;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (!started) {
        started = true;
        controller.enqueue(chunk({ role: "assistant", content: "" }));
      }
      try {
        for (;;) {
          const item = held ?? (await iterator.next());
          held = undefined;
          if (item.done) break;
          const event = item.value;
          if (event.type === "delta") {
            controller.enqueue(chunk({ content: event.text }));
            return;
          }
          if (event.type === "end") {
            controller.enqueue(chunk({}, finishReason(event)));
            if (withUsage)
              controller.enqueue(
                line({ ...head, object: "chat.completion.chunk", choices: [], usage: usageOf(event) }),
              );
          }
        }
        controller.enqueue(encoder.encode("data: [DONE]\n\n"));
      } catch (error) {
        controller.enqueue(line(envelope(asEspalierError(error, deps.log))));
      }
      controller.close();
    },
    async cancel() {
      leaving.abort();
      await iterator.return?.();
    },
  });
  return new Response(stream, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
  });
}

function finishReason(end: End): string {
  return end.finishReason === "length" ? "length" : "stop";
}

function usageOf({ usage }: End): object {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
  };
}
