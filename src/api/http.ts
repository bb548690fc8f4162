// What every route shares: JSON answers, the error envelope, reading a body within its limit.

import type { z } from "zod";
import { type Principal, roleFor, type Scope } from "../accounts/accounts.ts";
import { EspalierError, isEspalierError, messageOf } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { Log } from "../kit/log.ts";

/** A JSON response that no cache keeps. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", ...headers } });
}

/** The error envelope of every route but /v1: `{"error": {code, message, hint, field, value}}`. */
export function errorResponse(error: unknown, log: Log): Response {
  const known = asEspalierError(error, log);
  const { code, message, hint, field, value, status } = known;
  return json({ error: { code, message, hint, field, value } }, status, challenge(status));
}

/** The error itself when it was made for users; anything else is logged and hidden behind FAULT. */
export function asEspalierError(error: unknown, log: Log): EspalierError {
  if (isEspalierError(error)) return error;
  log.error("a request failed", { error });
  return new EspalierError("FAULT", "the server made a mistake and could not answer", {
    hint: "Its log on stderr has the details; please report them.",
    status: 500,
  });
}

/** Headers that a 401 must carry. */
export function challenge(status: number): Record<string, string> {
  return status === 401 ? { "www-authenticate": 'Bearer realm="espalier"' } : {};
}

export function unauthenticated(): EspalierError {
  return new EspalierError("UNAUTHENTICATED", "this needs credentials, and there are none that are valid", {
    hint: "Sign in, or send an API key as `Authorization: Bearer …`.",
    status: 401,
  });
}

export function notFound(what: string, value: string): EspalierError {
  return new EspalierError("NOT_FOUND", `there is no ${what} ${value.slice(0, 200)}`, {
    value: value.slice(0, 200),
    status: 404,
  });
}

/** A percent-encoded part of a path, as text. @throws EspalierError PATH_INVALID. */
export function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new EspalierError("PATH_INVALID", `"${text.slice(0, 200)}" is not percent-encoded UTF-8`, {
      value: text.slice(0, 200),
    });
  }
}

export function methodNotAllowed(method: string, allowed: string): EspalierError {
  return new EspalierError("METHOD_NOT_ALLOWED", `${method} is not possible here, ${allowed} is`, {
    value: method,
    status: 405,
  });
}

/**
 * The body as JSON, checked against a schema.
 * @throws EspalierError BODY_TOO_LARGE (413), BAD_JSON or INPUT_INVALID with the field's path (400).
 */
export async function readJson<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const body = parseJson(await readBody(request, limits.requestBodyBytes));
  return checked(schema, body, { whole: "the body", hint: "Mend this field and send it again." });
}

/** The value as the schema has it. @throws EspalierError INPUT_INVALID naming the field, or `whole` where it is all of it. */
export function checked<T>(schema: z.ZodType<T>, value: unknown, say: { whole: string; hint: string }): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join(".") ?? "";
  throw new EspalierError("INPUT_INVALID", `${field || say.whole}: ${issue?.message ?? "invalid"}`, {
    field,
    hint: say.hint,
  });
}

/** UTF-8 JSON of bytes. @throws EspalierError BAD_JSON. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new EspalierError("BAD_JSON", `the body is not JSON: ${messageOf(error)}`, {
      hint: "Send one JSON document in UTF-8.",
    });
  }
}

/** The whole body, at most `maxBytes`. @throws EspalierError BODY_TOO_LARGE before more is read. */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  refuseLargeBody(request, maxBytes);
  if (request.body === null) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body) {
    size += part.byteLength;
    if (size > maxBytes) throw tooLarge(size, maxBytes);
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** The request for a reader without a limit of its own. @throws EspalierError BODY_TOO_LARGE. */
export async function boundedRequest(request: Request, maxBytes: number): Promise<Request> {
  refuseLargeBody(request, maxBytes);
  // An announced length is held to by the HTTP server itself; without one the bytes have to be counted.
  if (request.body === null || request.headers.has("content-length")) return request;
  const { method, headers, signal } = request;
  return new Request(request.url, { method, headers, signal, body: await readBody(request, maxBytes) });
}

/** Refuses by the announced length alone, before anything is read. */
function refuseLargeBody(request: Request, maxBytes: number): void {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > maxBytes) throw tooLarge(announced, maxBytes);
}

function tooLarge(size: number, maxBytes: number): EspalierError {
  return new EspalierError("BODY_TOO_LARGE", `the body has ${size} bytes or more, ${maxBytes} are allowed`, {
    hint: "Send large files in pieces to /uploads.",
    value: String(size),
    status: 413,
  });
}

/** The refusal of a caller whose scopes do not open what `needed` protects. */
export function scopeMissing(principal: Principal, needed: Scope): EspalierError {
  return new EspalierError("SCOPE_MISSING", `this needs the scope "${needed}"`, {
    hint: mendOf(principal, needed),
    value: needed,
    status: 403,
  });
}

/** How somebody without a scope comes to have it: a person by another role, a key by another key. */
export function mendOf({ sessionId, role, scopes }: Principal, scope: Scope): string {
  return sessionId
    ? `You are ${role} in this project and it takes ${roleFor(scope)}: ask one of its admins or owners.`
    : `This key has ${[...scopes].join(", ") || "no scope"}; make one with "${scope}".`;
}
