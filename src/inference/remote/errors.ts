// What providers and the packages that speak to them throw, as errors that say what the provider itself said.
import { APICallError, InvalidResponseDataError } from "@ai-sdk/provider";
import { EspalierError, isEspalierError, messageOf } from "../../kit/errors.ts";

type Who = { name: string; key: string | null };
type Meaning = { code: string; hint: string; status: number };

const BY_STATUS: Record<number, Meaning> = {
  401: { code: "PROVIDER_KEY_REFUSED", hint: "Enter the provider's key again.", status: 502 },
  402: { code: "PROVIDER_UNPAID", hint: "Look at the account with the provider.", status: 502 },
  403: {
    code: "PROVIDER_KEY_REFUSED",
    hint: "Check the key and what the account may use.",
    status: 502,
  },
  404: {
    code: "PROVIDER_MODEL_UNKNOWN",
    hint: "Check the model's name and the provider's address.",
    status: 502,
  },
  413: { code: "CONTEXT_TOO_LONG", hint: "Start a new conversation, or shorten the message.", status: 400 },
  429: { code: "PROVIDER_BUSY", hint: "Ask again later, or raise the account's limit.", status: 429 },
};
const REFUSED: Meaning = {
  code: "PROVIDER_REFUSED",
  hint: "Change what the provider names; its answer is quoted.",
  status: 502,
};
const FAILED: Meaning = { code: "PROVIDER_FAILED", hint: "Ask again in a while.", status: 502 };

/** What providers call it when their filter refuses, in an error of its own or in a package's words. */
const FILTERED = /"(moderation_blocked|content_policy_violation|content_filter|contentFilter)"|was moderated/;

/** The error for users behind anything that a call threw. The provider's words are kept, its key is cut out of them. */
export function providerError(error: unknown, who: Who): EspalierError {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 6; at = at.cause, depth++) {
    if (isEspalierError(at)) return at;
    if (APICallError.isInstance(at) && at.statusCode !== undefined && at.statusCode >= 400)
      return FILTERED.test(at.responseBody ?? "")
        ? filtered(saidIn(at), who)
        : fromStatus(at.statusCode, saidIn(at), at.responseHeaders, who);
  }
  if (InvalidResponseDataError.isInstance(error) && /ended without/.test(error.message))
    return brokenOff(who.name);
  if (FILTERED.test(messageOf(error))) return filtered(messageOf(error), who);
  const said = statedBy(error);
  if (said !== null) return fromStatus(said.status, said.text, undefined, who);
  return new EspalierError(
    "PROVIDER_ANSWER_INVALID",
    `${who.name} answered in a way that is not understood: ${scrub(firstLine(messageOf(error)), who)}`,
    { hint: "Check the provider's kind and address; another program may answer there.", status: 502 },
  );
}

/** The answer ended before its end. */
export function brokenOff(name: string): EspalierError {
  return new EspalierError("PROVIDER_STREAM_BROKEN", `${name} broke off in the middle of its answer.`, {
    hint: "What came so far is kept. Ask again.",
    status: 502,
  });
}

function filtered(said: string, who: Who): EspalierError {
  const text = scrub(firstLine(said), who).replace(/\.$/, "");
  return new EspalierError("PROVIDER_FILTERED", `${who.name} refused by its content filter: ${text}.`, {
    field: "provider",
    hint: "Put it in other words, or ask another model.",
    status: 422,
  });
}

function fromStatus(
  status: number,
  said: string,
  headers: Record<string, string> | undefined,
  who: Who,
): EspalierError {
  const meaning = BY_STATUS[status] ?? (status >= 500 ? FAILED : REFUSED);
  const wait = headers?.["retry-after"];
  const hint =
    status === 429 && wait !== undefined
      ? `It asks to wait: Retry-After ${wait.slice(0, 40)}.`
      : meaning.hint;
  const text = scrub(firstLine(said), who).replace(/\.$/, "");
  return new EspalierError(meaning.code, `${who.name} answered ${status}: ${text}.`, {
    field: "provider",
    value: String(status),
    hint,
    status: meaning.status,
  });
}

/** The provider's own words: what the package found in the answer, else the answer's beginning. */
function saidIn({ message, responseBody, statusCode }: APICallError): string {
  const body = responseBody?.trim() ?? "";
  if (message.trim() !== "" && !/^[A-Z][A-Za-z -]{0,40}$/.test(message.trim())) return message;
  return body === "" ? message.trim() || `status ${statusCode}` : (textIn(body) ?? body.slice(0, 300));
}

/** The message in an error that is JSON, wherever it is. */
function textIn(body: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return null;
  }
  return wordsIn(value, 0);
}

function wordsIn(value: unknown, depth: number): string | null {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || depth > 3) return null;
  for (const name of ["message", "Message", "detail", "error", "errors"])
    if (name in value) {
      const found = wordsIn(Object.getOwnPropertyDescriptor(value, name)?.value, depth + 1);
      if (found !== null) return found;
    }
  return Array.isArray(value) ? wordsIn(value[0], depth + 1) : null;
}

/** An error that came within a stream, as each provider writes it. */
function statedBy(error: unknown): { status: number; text: string } | null {
  if (error instanceof Error) return null;
  const text = wordsIn(error, 0);
  if (text === null) return null;
  const type = JSON.stringify(error) ?? "";
  const status = /rate.?limit|overloaded|throttl|too.?many/i.test(type)
    ? 429
    : /authenti|api.?key|permission/i.test(type)
      ? 401
      : 500;
  return { status, text };
}

function scrub(text: string, { key }: Who): string {
  let clean = text;
  for (const part of key?.split(":") ?? []) if (part.length >= 6) clean = clean.replaceAll(part, "…");
  return clean;
}

function firstLine(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length > 500 ? `${line.slice(0, 500)}…` : line;
}
