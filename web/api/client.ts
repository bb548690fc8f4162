// The urql client: cookies for who you are, one WebSocket for what changes, 401 leads to sign-in.

import { createClient, type SubscribePayload } from "graphql-ws";
import {
  Client,
  type CombinedError,
  createRequest,
  fetchExchange,
  subscriptionExchange,
  type TypedDocumentNode,
} from "urql";
import { t } from "../i18n.ts";
import { readOn } from "./connections.ts";
import { type Problem, ProblemError } from "./errors.ts";

const publicPaths = ["/setup", "/sign-in", "/join", "/reset"];

let isLeaving = false;

function leaveForSignIn(): void {
  // Several requests are refused at once; only the first may navigate, or they abort each other.
  if (isLeaving || publicPaths.includes(location.pathname)) return;
  isLeaving = true;
  const back = `${location.pathname}${location.search}`;
  location.assign(back === "/" ? "/sign-in" : `/sign-in?back=${encodeURIComponent(back)}`);
}

async function guardedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, credentials: "same-origin" });
  if (response.status === 401) leaveForSignIn();
  return response;
}

let lastId = 0;
/** Who waits to hear that a subscription is open, by its id. */
const opening = new Map<string, () => void>();

/**
 * All streams of a page share a socket: a browser opens no more than six connections to one address for requests, which
 * the streams of a few tabs would use up.
 */
const events = createClient({
  url: () => `${location.origin.replace(/^http/, "ws")}/graphql`,
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => true,
  retryWait: async (attempt) => {
    await new Promise((resolve) => setTimeout(resolve, Math.min(10_000, 500 * 2 ** attempt)));
    // A socket that is refused does not say why; a request does.
    const body = JSON.stringify({ query: "{ __typename }" });
    const headers = { "content-type": "application/json" };
    await guardedFetch("/graphql", { method: "POST", headers, body }).catch(() => undefined);
  },
  generateID: () => String(++lastId),
  on: { pong: (_, said) => opening.get(String(said?.["subscribed"]))?.() },
});

type Sink = Parameters<typeof events.subscribe>[1];

/** Longest wait before a stream is opened again whose socket was closed for good. */
const REOPEN_MS = 5000;

/**
 * Subscribes, and again when the server closed the socket with a code after which graphql-ws gives up, such as a fault of
 * its own: a page that stood still until it is loaded anew would be worse. Returns what ends it.
 */
function subscribeAgain(payload: SubscribePayload, sink: Sink, onConnected: () => void): () => void {
  let end = (): void => {};
  const begin = (): void => {
    const leave = events.subscribe(payload, {
      ...sink,
      error: (fault) => {
        end();
        if (!(fault instanceof CloseEvent)) return sink.error(fault);
        const timer = setTimeout(begin, REOPEN_MS);
        end = () => clearTimeout(timer);
      },
    });
    const id = String(lastId);
    opening.set(id, onConnected);
    end = () => {
      opening.delete(id);
      leave();
    };
  };
  begin();
  return () => end();
}

/** What a subscription may carry beside its document. */
export type SubscriptionContext = {
  /** Called each time the stream is open, first and after a break: what happened before is not told by it. */
  onConnected?: () => void;
};

export const client = new Client({
  url: "/graphql",
  preferGetMethod: false,
  fetch: guardedFetch as typeof fetch,
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request, operation) => ({
        subscribe: (sink) => {
          const payload = {
            query: request.query ?? "",
            variables: request.variables as Record<string, unknown>,
          };
          const onConnected = () => (operation.context as SubscriptionContext).onConnected?.();
          return { unsubscribe: subscribeAgain(payload, sink as Sink, onConnected) };
        },
      }),
    }),
  ],
});

function problemOf(error: CombinedError): Problem {
  const first = error.graphQLErrors[0];
  if (first) {
    const extensions = first.extensions as Record<string, unknown>;
    const text = (key: string) => (typeof extensions[key] === "string" ? (extensions[key] as string) : null);
    return { code: text("code") ?? "REFUSED", message: first.message, hint: text("hint") };
  }
  return {
    code: "UNREACHABLE",
    message: t("The server did not answer."),
    hint: t("See that Espalier is running, then try again."),
  };
}

let asked = 0;

/** Runs one query, always from the network; throws ProblemError. */
async function askOnce<D, V extends Record<string, unknown>>(
  document: TypedDocumentNode<D, V>,
  variables: V,
): Promise<D> {
  const request = createRequest(document as TypedDocumentNode<D, Record<string, unknown>>, variables);
  asked += 1;
  // A key of its own: urql would give a second reader the answer to the first, which may be from before a change.
  const result = await client
    .executeQuery({ ...request, key: -asked }, { requestPolicy: "network-only" })
    .toPromise();
  if (result.error) throw new ProblemError(problemOf(result.error));
  if (result.data === undefined || result.data === null)
    throw new ProblemError({ code: "EMPTY", message: t("The server sent no data.") });
  return result.data as D;
}

/**
 * Runs one query, always from the network; throws ProblemError. Its connections are read on as readOn says, up to
 * `pages` pages.
 */
export function ask<D extends object, V extends Record<string, unknown>>(
  document: TypedDocumentNode<D, V>,
  variables: V,
  pages = Number.POSITIVE_INFINITY,
): Promise<D> {
  return readOn((cursors) => askOnce(document, { ...variables, ...cursors }), pages);
}

type RootValue<D> = D[keyof D];
type Done<D> = Extract<RootValue<D>, { __typename: `${string}Success` }>;

/** Runs one mutation and returns its success member; a typed error of the result union is thrown as ProblemError. */
export async function act<D, V extends Record<string, unknown>>(
  document: TypedDocumentNode<D, V>,
  variables: V,
): Promise<Done<D>> {
  const result = await client
    .mutation(document as TypedDocumentNode<D, Record<string, unknown>>, variables)
    .toPromise();
  if (result.error) throw new ProblemError(problemOf(result.error));
  const value = Object.values(result.data as Record<string, unknown>)[0] as { __typename?: string };
  if (!value?.__typename?.endsWith("Success")) throw new ProblemError(value as unknown as Problem);
  return value as Done<D>;
}
