// /v1: the part of OpenAI's HTTP interface that official clients need, with its error envelope; chat is answered here.
import { z } from "zod";
import { askerOf, type Principal } from "../accounts/accounts.ts";
import { now } from "../kit/clock.ts";
import type { EspalierError } from "../kit/errors.ts";
import { newId, timeOfId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { ApiDeps } from "./context.ts";
import { asEspalierError, challenge, decodeSegment, json, methodNotAllowed, notFound } from "./http.ts";
import {
  cutOff,
  type End,
  finishReason,
  invalid,
  modelName,
  readChecked,
  replyParameters,
  settingsOf,
  usageOf,
} from "./v1/body.ts";
import { completeText } from "./v1/completions.ts";
import { embedTexts, rerank } from "./v1/embeddings.ts";
import { messageSchema, turnOf } from "./v1/messages.ts";
import { serverSentEvents } from "./v1/sse.ts";

const completionBody = z.object({
  ...replyParameters,
  model: modelName,
  messages: z.array(messageSchema).min(1, "must not be empty").max(limits.completionMessages),
  max_completion_tokens: z.int().min(1).max(limits.engineContextTokens).nullish(),
  logprobs: z.literal(false, "not supported").nullish(),
  tools: z.array(z.unknown()).max(0, "not supported").nullish(),
  response_format: z
    .discriminatedUnion("type", [
      z.object({ type: z.literal("text") }),
      z.object({ type: z.literal("json_object") }),
      z.object({ type: z.literal("json_schema"), json_schema: z.object({ schema: z.json() }) }),
    ])
    .nullish(),
  /** Espalier's own: names or ids of knowledge bases to answer from; the answer then has `citations`. */
  knowledge_base: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(limits.chatKnowledgeBases)])
    .nullish(),
});

type Answer = (request: Request, principal: Principal, deps: ApiDeps) => Promise<Response>;

const inStream =
  (deps: ApiDeps) =>
  (error: unknown): object =>
    envelope(asEspalierError(error, deps.log));

const endpoints: Record<string, { method: string; answer: Answer }> = {
  "/v1/models": { method: "GET", answer: listModels },
  "/v1/chat/completions": { method: "POST", answer: complete },
  "/v1/completions": {
    method: "POST",
    answer: (request, principal, deps) => completeText(request, principal, deps, inStream(deps)),
  },
  "/v1/embeddings": { method: "POST", answer: embedTexts },
  "/v1/rerank": { method: "POST", answer: rerank },
};

/** Answers a request under /v1. `principal` holds the scope "chat". */
export async function handleOpenAi(request: Request, principal: Principal, deps: ApiDeps): Promise<Response> {
  try {
    const { pathname } = new URL(request.url);
    const id = /^\/v1\/models\/(.+)$/.exec(pathname)?.[1];
    const endpoint = id === undefined ? endpoints[pathname] : { method: "GET", answer: showModel(id) };
    if (!endpoint) throw notFound("page", pathname);
    if (request.method !== endpoint.method) throw methodNotAllowed(request.method, endpoint.method);
    return await endpoint.answer(request, principal, deps);
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

async function listModels(_request: Request, principal: Principal, deps: ApiDeps): Promise<Response> {
  const entries = await deps.models.entries(principal.projectId);
  const embedders = await deps.embedders.list(principal.projectId);
  // A third party's embedder is a model like its others, and there already.
  const own = embedders.filter(({ id }) => !entries.some((entry) => entry.id === id));
  const data = [...entries.filter((entry) => entry.usable), ...own.map(asEntry)].map(modelObject);
  return json({ object: "list", data });
}

function showModel(segment: string): Answer {
  return async (_request, { projectId }, deps) => {
    const name = decodeSegment(segment);
    const found = await deps.models.find(projectId, name);
    const embedder = found ? undefined : await embedderNamed(projectId, name, deps);
    return json(modelObject(embedder ?? (await deps.models.resolve(projectId, name, found?.abilities[0]))));
  };
}

async function embedderNamed(projectId: string, name: string, { embedders }: ApiDeps) {
  const found = (await embedders.list(projectId)).find((one) => one.id === name || one.name === name);
  return found && asEntry(found);
}

const asEntry = ({ id, name }: { id: string; name: string }) => ({ id, name, kind: "embedder" });

function modelObject(entry: { id: string; name: string; kind: string }): object {
  const created = Math.floor(timeOfId(entry.id) / 1000);
  return { id: entry.name, object: "model", created, owned_by: "espalier", kind: entry.kind };
}

async function complete(request: Request, principal: Principal, deps: ApiDeps): Promise<Response> {
  const body = await readChecked(request, completionBody);
  const leaving = new AbortController();
  const signal = AbortSignal.any([request.signal, leaving.signal]);
  const model = await deps.models.resolve(principal.projectId, body.model);
  const bases = body.knowledge_base ?? [];
  const events = deps.chat.answer(
    model,
    {
      messages: body.messages.map(turnOf),
      ...formatOf(body),
      ...settingsOf({ ...body, max_tokens: body.max_completion_tokens ?? body.max_tokens }),
    },
    { ...askerOf(principal), source: "v1" },
    typeof bases === "string" ? [bases] : bases,
    signal,
  );
  const head = {
    id: `chatcmpl-${newId("message").slice(4)}`,
    created: Math.floor(now() / 1000),
    model: body.model,
  };
  if (!body.stream) return collected(events, head);
  const withUsage = body.stream_options?.include_usage === true;
  return serverSentEvents(chunksOf(events, head, withUsage), leaving, inStream(deps));
}

/** @throws EspalierError INVALID_VALUE where texts that end the reply would cut its JSON */
function formatOf({ response_format: wanted, stop }: z.infer<typeof completionBody>) {
  if (!wanted || wanted.type === "text") return {};
  if (stop && stop.length > 0)
    throw invalid("stop", "a reply that is JSON ends where the JSON does; leave it out, or ask for text");
  const schema = wanted.type === "json_schema" ? { schema: wanted.json_schema.schema } : {};
  return { format: { type: "json" as const, ...schema } };
}

type Head = { id: string; created: number; model: string };
type Events = ReturnType<ApiDeps["chat"]["answer"]>;

async function collected(events: Events, head: Head): Promise<Response> {
  let content = "";
  let cited = {};
  let end: End | undefined;
  for await (const event of events) {
    if (event.type === "delta") content += event.text;
    else if (event.type === "end") end = event;
    else if (event.type === "citations") cited = { citations: event.citations };
  }
  if (!end) throw cutOff();
  const choice = {
    index: 0,
    message: { role: "assistant", content, refusal: null },
    logprobs: null,
    finish_reason: finishReason(end),
  };
  return json({ ...head, object: "chat.completion", choices: [choice], usage: usageOf(end), ...cited });
}

async function* chunksOf(events: Events, head: Head, withUsage: boolean): AsyncGenerator<object, void, void> {
  const chunk = (delta: object, finish: string | null = null, more: object = {}): object => ({
    ...head,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(withUsage ? { usage: null } : {}),
    ...more,
  });
  let hasBegun = false;
  for await (const event of events) {
    if (!hasBegun) yield chunk({ role: "assistant", content: "" });
    hasBegun = true;
    if (event.type === "delta") yield chunk({ content: event.text });
    if (event.type === "citations") yield chunk({}, null, { citations: event.citations });
    if (event.type !== "end") continue;
    yield chunk({}, finishReason(event));
    if (withUsage) yield { ...head, object: "chat.completion.chunk", choices: [], usage: usageOf(event) };
  }
}
