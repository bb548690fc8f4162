// The one way out: every request to somebody else's server is checked by address, paced, retried and limited here.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Clock, sleep } from "../../kit/clock.ts";
import { EspalierError, isEspalierError, messageOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { createRemembered } from "../../kit/remembered.ts";
import { classify } from "./addresses.ts";
import { limitedBody } from "./body.ts";

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export type OutboundDeps = {
  clock: Clock;
  /** Addresses of a host; the system's resolver when unsaid. */
  resolve?: (host: string) => Promise<string[]>;
  /** Certificates trusted beside the system's; for tests. */
  ca?: string;
};

export type OutboundRules = {
  /** Who is called, for errors. */
  name: string;
  /** Whether an admin confirmed this private host and port. */
  isConfirmed: (host: string, port: number) => Promise<boolean>;
  /** Longest silence, before the answer and within it. */
  timeoutMs: number;
  /** Most requests a minute under `paceKey`. */
  requestsPerMinute?: number | null;
  paceKey?: string;
  /** Largest answer; limits.outboundBytes when unsaid. */
  maxBytes?: number;
  /** A message that the other side takes in: sent once, to this address alone, and whatever it answers is the answer. */
  isMessage?: boolean;
};

export type Outbound = {
  /** A fetch under the rules. @throws EspalierError ADDRESS_FORBIDDEN, ADDRESS_PRIVATE, PROVIDER_… */
  fetchFor(rules: OutboundRules): Fetch;
  /** Where a URL leads now, checked as a call would be. @throws EspalierError ADDRESS_FORBIDDEN, ADDRESS_PRIVATE, URL_INVALID */
  check(url: string, rules: Pick<OutboundRules, "isConfirmed">): Promise<void>;
};

const RETRIED = new Set([408, 425, 429, 500, 502, 503, 504, 529]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What goes along when a redirect leads to another origin: nothing that could hold a key. */
const HARMLESS = ["accept", "content-type", "user-agent"];

export function createOutbound(deps: OutboundDeps): Outbound {
  const resolve = deps.resolve ?? addressesOf;
  const recent = new Map<string, number[]>();

  /** Addresses to which a URL may be connected. */
  async function reachable(url: URL, isConfirmed: OutboundRules["isConfirmed"]): Promise<string[]> {
    if (url.protocol !== "https:" && url.protocol !== "http:")
      throw urlInvalid(url.href, `${url.protocol} is not spoken`);
    if (url.username !== "" || url.password !== "") throw urlInvalid(url.host, "it holds a password");
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
    let addresses: string[];
    try {
      addresses = await resolve(host);
    } catch (error) {
      throw unreachable(url, `its name is not known: ${messageOf(error)}`);
    }
    if (addresses.length === 0) throw unreachable(url, "its name has no address");
    const classes = addresses.map(classify);
    if (classes.includes("forbidden")) throw forbidden(host, addresses[classes.indexOf("forbidden")] ?? "");
    if (classes.includes("private") && !(await isConfirmed(host, port)))
      throw needsConfirmation(host, port, addresses[classes.indexOf("private")] ?? "");
    return addresses;
  }

  /** Waits for its turn. @throws EspalierError PROVIDER_RATE_LIMITED when that would take too long */
  async function pace(rules: OutboundRules, signal: AbortSignal | undefined): Promise<void> {
    const { requestsPerMinute: most, paceKey } = rules;
    if (!most || paceKey === undefined) return;
    const started = deps.clock();
    const times = (recent.get(paceKey) ?? []).filter((at) => at > started - 60_000);
    const waitMs = times.length < most ? 0 : (times[times.length - most] ?? 0) + 60_000 - started;
    if (waitMs > limits.outboundQueueMs)
      throw new EspalierError(
        "PROVIDER_RATE_LIMITED",
        `${rules.name} is asked at most ${most} times a minute; its next turn is in ${Math.ceil(waitMs / 1000)} s.`,
        {
          field: "requestsPerMinute",
          value: String(most),
          hint: "Ask again then, or raise the provider's limit.",
          status: 429,
        },
      );
    recent.set(paceKey, [...times, started + Math.max(0, waitMs)]);
    if (waitMs > 0) await sleep(waitMs, signal);
  }

  /** One connection to one of the checked addresses: what DNS says later cannot lead it elsewhere. */
  async function connect(url: URL, addresses: string[], init: RequestInit, rules: OutboundRules) {
    let failure: unknown;
    for (const address of addresses) {
      const target = new URL(url);
      target.hostname = address.includes(":") ? `[${address}]` : address;
      const headers = new Headers(init.headers);
      headers.set("host", url.host);
      const silence = new AbortController();
      const timer = setTimeout(() => silence.abort(), rules.timeoutMs);
      const signal = AbortSignal.any([silence.signal, ...(init.signal ? [init.signal] : [])]);
      try {
        const tls = { serverName: url.hostname, ...(deps.ca ? { ca: deps.ca } : {}) };
        // A connection is not kept: it would be found again by its address, whatever the host's name.
        return await fetch(target, {
          ...init,
          headers,
          signal,
          redirect: "manual",
          keepalive: false,
          ...(url.protocol === "https:" ? { tls } : {}),
        });
      } catch (error) {
        init.signal?.throwIfAborted();
        if (silence.signal.aborted) throw silent(url, rules.timeoutMs);
        failure = error;
      } finally {
        clearTimeout(timer);
      }
    }
    throw unreachable(url, messageOf(failure));
  }

  async function follow(first: URL, init: RequestInit, rules: OutboundRules): Promise<Response> {
    let url = first;
    let request = init;
    for (let hops = 0; ; hops++) {
      const response = await connect(url, await reachable(url, rules.isConfirmed), request, rules);
      const location = response.headers.get("location");
      if (rules.isMessage || !REDIRECTS.has(response.status) || location === null) return response;
      await response.body?.cancel();
      if (hops >= limits.outboundRedirects)
        throw new EspalierError("PROVIDER_REDIRECTS", `${url.host} sends from one address to the next.`, {
          field: "url",
          value: url.href.slice(0, 200),
          hint: "Give the address at which it answers.",
          status: 502,
        });
      const next = new URL(location, url);
      if (next.origin !== url.origin) request = { ...request, headers: harmless(request.headers) };
      if (response.status === 303 || (response.status < 303 && request.method === "POST"))
        request = { ...request, method: "GET", body: null };
      url = next;
    }
  }

  async function call(url: URL, init: RequestInit, rules: OutboundRules): Promise<Response> {
    const startedAt = deps.clock();
    const signal = init.signal ?? undefined;
    const attempts = rules.isMessage ? 1 : limits.outboundAttempts;
    for (let attempt = 1; ; attempt++) {
      await pace(rules, signal);
      signal?.throwIfAborted();
      let waitMs = limits.outboundRetryMs * 2 ** (attempt - 1);
      try {
        const response = await follow(url, init, rules);
        const asked = retryAfterMs(response.headers, deps.clock());
        if (asked !== null) waitMs = asked;
        const isLast = attempt >= attempts || waitMs > limits.outboundRetryMaxMs;
        if (!RETRIED.has(response.status) || isLast) return answerOf(response, url, rules, startedAt);
        await response.body?.cancel();
      } catch (error) {
        const isPassing = isEspalierError(error) && error.code === "PROVIDER_UNREACHABLE";
        if (!isPassing || attempt >= attempts) throw error;
      }
      await sleep(waitMs, signal);
    }
  }

  function answerOf(response: Response, url: URL, rules: OutboundRules, startedAt: number): Response {
    if (!rules.isMessage && /^\s*text\/html/i.test(response.headers.get("content-type") ?? "")) {
      void response.body?.cancel();
      throw new EspalierError(
        "PROVIDER_NOT_AN_API",
        `${url.host} answered ${response.status} with a web page instead of data.`,
        {
          field: "url",
          value: `${url.origin}${url.pathname}`.slice(0, 200),
          hint: "Check the provider's address: most end in /v1.",
          status: 502,
        },
      );
    }
    const { status, statusText, headers } = response;
    const body = limitedBody(response.body, {
      host: url.host,
      silenceMs: rules.timeoutMs,
      totalMs: limits.outboundTotalMs - (deps.clock() - startedAt),
      maxBytes: rules.maxBytes ?? limits.outboundBytes,
    });
    return new Response(body, { status, statusText, headers });
  }

  return {
    fetchFor: (rules) => async (input, init) => {
      const href = input instanceof Request ? input.url : String(input);
      const request =
        input instanceof Request ? { method: input.method, headers: input.headers, body: input.body } : {};
      return call(parseUrl(href), { ...request, ...init }, rules);
    },
    async check(url, rules) {
      await reachable(parseUrl(url), rules.isConfirmed);
    },
  };
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url) return url;
  throw urlInvalid(text.slice(0, 200), "it is not a URL");
}

/** Longest that a name's addresses are taken for those it has: many questions come at once, each of which asks. */
const RESOLVED_MS = 5_000;

const lookedUp = createRemembered(
  async (host: string) =>
    (await lookup(host, { all: true, order: "ipv4first" })).map(({ address }) => address),
  RESOLVED_MS,
);

/** Addresses are checked after this, and connected to as they are: an old one leads nowhere that it may not. */
const addressesOf = async (host: string): Promise<string[]> => (isIP(host) !== 0 ? [host] : lookedUp(host));

function harmless(headers: RequestInit["headers"]): Headers {
  const all = new Headers(headers);
  const kept = new Headers();
  for (const name of HARMLESS) {
    const value = all.get(name);
    if (value !== null) kept.set(name, value);
  }
  return kept;
}

/** Milliseconds that a Retry-After asks for, in seconds or as a date; null when it says nothing that can be read. */
export function retryAfterMs(headers: Headers, at: number): number | null {
  const exact = Number(headers.get("retry-after-ms") ?? Number.NaN);
  if (Number.isFinite(exact) && exact >= 0) return exact;
  const text = headers.get("retry-after");
  if (text === null) return null;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - at);
}

function urlInvalid(value: string, why: string): EspalierError {
  return new EspalierError("URL_INVALID", `${value} cannot be called: ${why}.`, {
    field: "url",
    value,
    hint: "Give an address such as https://api.example.com/v1; the key goes into its own field.",
  });
}

function forbidden(host: string, address: string): EspalierError {
  return new EspalierError("ADDRESS_FORBIDDEN", `${host} leads to ${address}, which is never called.`, {
    field: "url",
    value: host,
    hint: "Link-local, metadata and reserved addresses are out of reach on purpose. Give the provider's own address.",
    status: 403,
  });
}

function needsConfirmation(host: string, port: number, address: string): EspalierError {
  const named = host === address ? `${host}:${port}` : `${host}:${port} (${address})`;
  return new EspalierError(
    "ADDRESS_PRIVATE",
    `${named} is an address of this machine or its private network.`,
    {
      field: "url",
      value: `${host}:${port}`,
      hint: "An admin can allow this host and port: confirm it on the form, with `allowPrivate: true`, or by --allow-private.",
      status: 403,
    },
  );
}

function unreachable(url: URL, why: string): EspalierError {
  return new EspalierError(
    "PROVIDER_UNREACHABLE",
    `${url.host} cannot be reached: ${why.replace(/\.$/, "")}.`,
    {
      field: "url",
      value: url.host,
      hint: "Check the address, and that its server runs.",
      status: 502,
    },
  );
}

function silent(url: URL, timeoutMs: number): EspalierError {
  return new EspalierError("PROVIDER_TIMEOUT", `${url.host} said nothing for ${timeoutMs / 1000} s.`, {
    field: "timeoutMs",
    value: String(timeoutMs),
    hint: "Ask again, or raise the provider's time limit.",
    status: 504,
  });
}
