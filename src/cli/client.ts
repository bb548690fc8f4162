// The server as the command line sees it: GraphQL, its streams, and plain requests, with readable failures.
import { z } from "zod";
import { EspalierError, messageOf } from "../kit/errors.ts";
import { asEvents } from "./events.ts";

export type Variables = Record<string, unknown>;
/** Files of a multipart request, each by the place of its variable: "input.file". */
export type Files = Readonly<Record<string, Blob>>;
export type Client = {
  url: string;
  /** True when the server listens on this machine, so that a path here is one there. */
  isLocal: boolean;
  /** Runs a query and parses its data. */
  query<T>(document: string, variables: Variables, data: z.ZodType<T>): Promise<T>;
  /** Runs a mutation with one field that answers a result union: its success, or the typed error thrown. */
  mutate<T>(document: string, variables: Variables, success: z.ZodType<T>, files?: Files): Promise<T>;
  /** The data of each event of a subscription. */
  subscribe<T>(document: string, variables: Variables, data: z.ZodType<T>): AsyncGenerator<T, void, void>;
  /** A plain request; answers that are no success are thrown. */
  request(path: string, init?: RequestInit): Promise<Response>;
};

const failureShape = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().nullish(),
  field: z.string().nullish(),
  value: z.string().nullish(),
});
type Failure = z.infer<typeof failureShape>;
const envelope = z.object({ error: failureShape });
const requestError = z.object({
  message: z.string(),
  extensions: failureShape.omit({ message: true }).partial({ code: true }).nullish(),
});
const answerShape = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.array(requestError).optional(),
});
const typedError = failureShape.extend({
  __typename: z.enum(["InputError", "NotFoundError", "RefusedError"]),
});
const STATUS = { InputError: 400, NotFoundError: 404, RefusedError: 409 } as const;

/** Fields of the typed errors, to be spread into every selection of a result union. */
export const ERRORS = "... on UserError { code message hint field value }";

/** A client of the server at `url` with the API key `key`; `signal` ends whatever it is doing. */
export function createClient(
  env: { url?: string | undefined; key?: string | undefined },
  signal?: AbortSignal,
): Client {
  const url = (env.url ?? "http://127.0.0.1:7420").replace(/\/+$/, "");
  if (!URL.canParse(url) || !/^https?:\/\//.test(url))
    throw new EspalierError("USAGE", `${url.slice(0, 200)} is no address of a server`, {
      hint: "Say it as http://127.0.0.1:7420, by --url or ESPALIER_URL.",
    });

  async function request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (env.key) headers.set("authorization", `Bearer ${env.key}`);
    let response: Response;
    try {
      // A reply may be silent for long while a model loads.
      const options = { ...init, headers, timeout: false, ...(signal ? { signal } : {}) };
      response = await fetch(`${url}${path}`, options);
    } catch (error) {
      throw signal?.aborted ? interrupted() : unreachable(url, error);
    }
    if (response.ok) return response;
    throw await refusal(response, url);
  }

  async function post(
    document: string,
    variables: Variables,
    accept: string,
    files: Files = {},
  ): Promise<Response> {
    const parts = Object.entries(files);
    if (parts.length > 0) {
      const body = new FormData();
      body.set("operations", JSON.stringify({ query: document, variables }));
      body.set("map", JSON.stringify(Object.fromEntries(parts.map(([at], n) => [n, [`variables.${at}`]]))));
      for (const [n, [, file]] of parts.entries()) body.set(String(n), file);
      return request("/graphql", { method: "POST", headers: { accept }, body });
    }
    return request("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", accept },
      body: JSON.stringify({ query: document, variables }),
    });
  }

  function dataOf(body: unknown): Record<string, unknown> {
    const parsed = answerShape.safeParse(body);
    if (!parsed.success) throw notEspalier(url);
    const [error] = parsed.data.errors ?? [];
    if (error) throw graphqlError(error);
    if (!parsed.data.data) throw notEspalier(url);
    return parsed.data.data;
  }

  async function ask(
    document: string,
    variables: Variables,
    files?: Files,
  ): Promise<Record<string, unknown>> {
    const response = await post(document, variables, "application/json", files);
    const text = await response.text().catch((error: unknown) => {
      throw signal?.aborted ? interrupted() : unreachable(url, error);
    });
    return dataOf(parseJson(text));
  }

  return {
    url,
    isLocal: isLoopback(new URL(url).hostname),
    request,
    async query(document, variables, data) {
      return parsedAnswer(data, await ask(document, variables));
    },
    async mutate(document, variables, success, files) {
      const [result] = Object.values(await ask(document, variables, files));
      const failed = typedError.safeParse(result);
      if (failed.success) throw asError(failed.data, STATUS[failed.data.__typename]);
      return parsedAnswer(success, result);
    },
    async *subscribe(document, variables, data) {
      const response = await post(document, variables, "text/event-stream");
      try {
        for await (const { event, text } of asEvents(response)) {
          if (event === "complete") return;
          if (event === "next") yield parsedAnswer(data, dataOf(parseJson(text)));
        }
      } catch (error) {
        if (error instanceof EspalierError) throw error;
        throw signal?.aborted ? interrupted() : unreachable(url, error);
      }
    },
  };
}

/** Null for what is no JSON: its shape is checked next. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || host.startsWith("127.");
}

function parsedAnswer<T>(shape: z.ZodType<T>, value: unknown): T {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new EspalierError(
    "ANSWER_UNKNOWN",
    `the server answered something else than expected: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
    { hint: "Server and command line are of different versions: use the same executable.", status: 500 },
  );
}

function asError({ code, message, hint, field, value }: Failure, status: number): EspalierError {
  return new EspalierError(code, message, {
    status,
    ...(hint ? { hint } : {}),
    ...(field ? { field } : {}),
    ...(value ? { value } : {}),
  });
}

/** An error of the whole request: refused, not found, or the server's own fault. */
function graphqlError({ message, extensions }: z.infer<typeof requestError>): EspalierError {
  const code = extensions?.code ?? "";
  const known = { ...extensions, message };
  if (code === "" || code === "FAULT" || code === "INTERNAL_SERVER_ERROR")
    return asError({ ...known, code: code || "REQUEST_FAILED" }, 500);
  return asError({ ...known, code }, code.endsWith("NOT_FOUND") ? 404 : 400);
}

async function refusal(response: Response, url: string): Promise<EspalierError> {
  const body = parseJson(await response.text().catch(() => ""));
  const known = envelope.safeParse(body);
  if (known.success) {
    const { error } = known.data;
    if (response.status !== 401) return asError(error, response.status);
    const hint = "Set ESPALIER_KEY to an API key of this server (`espalier key create` makes one).";
    return asError({ ...error, hint }, 401);
  }
  const answer = answerShape.safeParse(body);
  const [error] = answer.success ? (answer.data.errors ?? []) : [];
  return error ? graphqlError(error) : notEspalier(url, response.status);
}

function notEspalier(url: string, status?: number): EspalierError {
  const how = status === undefined ? "" : ` with status ${status}`;
  return new EspalierError("UNREACHABLE", `${url} answers${how}, but not as an Espalier server`, {
    hint: "Check ESPALIER_URL.",
    value: url,
  });
}

function unreachable(url: string, error: unknown): EspalierError {
  return new EspalierError("UNREACHABLE", `there is no answer from ${url}: ${messageOf(error)}`, {
    hint: "Start the server with `espalier serve`, or set ESPALIER_URL to where it runs.",
    value: url,
  });
}

/** What a verb throws that was stopped by a signal. */
export function interrupted(): EspalierError {
  return new EspalierError(INTERRUPTED, "stopped on request; work that the server has begun goes on", {
    hint: "`espalier list runs` shows it.",
    status: 500,
  });
}
export const INTERRUPTED = "INTERRUPTED";
