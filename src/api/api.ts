// Front door of the HTTP side: checks who knocks, finds the route, and answers every failure in its envelope.
import { join } from "node:path";
import { opens, type Principal, type Scope } from "../accounts/accounts.ts";
import { now } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { handleAuth } from "./auth.ts";
import type { ApiDeps } from "./context.ts";
import { handleFiles } from "./files.ts";
import { createGate } from "./gate.ts";
import { serveGraphiql, wantsGraphiql } from "./graphiql.ts";
import { createGraphql, type SocketData } from "./graphql.ts";
import { boundedRequest, errorResponse, json, scopeMissing, unauthenticated } from "./http.ts";
import { createMetrics } from "./metrics.ts";
import { handleOpenAi, openAiError } from "./openai.ts";
import { servePage } from "./pages.ts";
import { handleTrainer } from "./trainer.ts";
import { createTrainerRegistry } from "./trainers.ts";
import { createUploads } from "./uploads.ts";

export type { ApiDeps } from "./context.ts";

/** What Bun.serve needs. `fetch` answers nothing where a request became a WebSocket. */
export type Api = {
  fetch(request: Request, server: Bun.Server<SocketData>): Promise<Response | undefined>;
  websocket: Bun.WebSocketHandler<SocketData>;
  close(): void;
};

type Route = {
  matches: (path: string) => boolean;
  /** The scope that opens all of it; null where the route checks finer ones itself. */
  scope: Scope | null;
  answer: (
    request: Request,
    principal: Principal,
    server: Bun.Server<SocketData>,
  ) => Promise<Response | undefined>;
};

const SWEEP_MS = 3_600_000;

/** Builds the HTTP side over the front doors. `isReady` says whether /readyz may say yes. */
export function createApi(deps: ApiDeps & { isReady?: () => boolean }): Api {
  const { accounts, notifications, store, usage, chat, config, log } = deps;
  const uploads = createUploads({
    dir: join(config.dataDir, "uploads"),
    clock: now,
    incoming: store.incoming,
  });
  const { leaseMs } = config;
  const trainers = createTrainerRegistry({ store, runs: deps.runs, notifications, clock: now, leaseMs });
  const gate = createGate({ host: config.host, publicUrl: config.publicUrl });
  const graphql = createGraphql({ ...deps, uploads, trainers });
  const metrics = createMetrics(deps);
  const sweeping = setInterval(sweep, SWEEP_MS);
  sweeping.unref();
  sweep();

  const routes: Route[] = [
    {
      matches: (path) => path === "/graphql",
      scope: null,
      answer: async (request, principal, server) => {
        if (request.headers.get("upgrade")?.toLowerCase() === "websocket")
          return graphql.upgrade(request, server);
        const isMultipart = request.headers.get("content-type")?.startsWith("multipart/form-data");
        const most = isMultipart ? limits.multipartUploadBytes : limits.requestBodyBytes;
        return graphql.fetch(await boundedRequest(request, most), principal);
      },
    },
    {
      matches: (path) => path.startsWith("/v1/"),
      scope: "chat",
      answer: (request, principal) => handleOpenAi(request, principal, deps),
    },
    {
      matches: (path) => path.startsWith("/trainer/v1/"),
      scope: "trainer",
      answer: (request, principal) =>
        handleTrainer(request, { ...deps, trainers, projectId: reach(principal) }),
    },
    {
      matches: (path) => path === "/uploads" || path.startsWith("/uploads/"),
      scope: "write",
      answer: (request, principal) => uploads.handle(request, principal),
    },
    {
      matches: (path) => path.startsWith("/files/"),
      scope: "read",
      answer: (request, principal) => handleFiles(request, principal, deps),
    },
    {
      matches: (path) => path === "/metrics",
      scope: "read",
      answer: (_, { projectId }) => metrics.answer(projectId),
    },
  ];

  function sweep(): void {
    const all = [uploads, accounts, usage, notifications].map((one) => one.sweep());
    Promise.all([...all, chat.sweepPictures()]).catch((error: unknown) =>
      log.warn("sweeping what is old (uploads, sessions, usage, notifications, pictures) failed", { error }),
    );
  }

  async function route(request: Request, server: Bun.Server<SocketData>): Promise<Response | undefined> {
    gate.check(request);
    const { pathname } = new URL(request.url);
    if (pathname === "/healthz") return json({ status: "ok" });
    if (pathname === "/readyz") return readiness();
    if (pathname.startsWith("/auth/")) return auth(request, server);
    const found = routes.find(({ matches }) => matches(pathname));
    if (!found) {
      if (request.method === "GET" || request.method === "HEAD") return servePage(request);
      throw new EspalierError("NOT_FOUND", `there is nothing at ${pathname.slice(0, 200)}`, { status: 404 });
    }
    const principal = await accounts.authenticate(request);
    if (wantsGraphiql(request)) return serveGraphiql(principal !== null);
    if (!principal) throw unauthenticated();
    if (found.scope !== null && !opens(principal.scopes, found.scope))
      throw scopeMissing(principal, found.scope);
    return found.answer(request, principal, server);
  }

  function readiness(): Response {
    const why = store.failure() ?? (deps.isReady?.() === false ? "the server is starting or stopping" : null);
    return why === null ? json({ status: "ready" }) : json({ status: "not ready", why }, 503);
  }

  function auth(request: Request, server: Bun.Server<SocketData>): Promise<Response> {
    const address = server.requestIP(request)?.address ?? "unknown";
    const isSecure = config.publicUrl?.startsWith("https://") === true;
    return handleAuth(request, { accounts, address, isSecure });
  }

  return {
    async fetch(request, server) {
      // Streams stay quiet for long; the server's own idle limit must not cut them.
      server.timeout(request, 0);
      try {
        const response = await route(request, server);
        metrics.count(response?.status ?? 101);
        return response;
      } catch (error) {
        const isOpenAi = new URL(request.url).pathname.startsWith("/v1/");
        const response = isOpenAi ? openAiError(error, deps) : errorResponse(error, log);
        metrics.count(response.status);
        return response;
      }
    },
    websocket: graphql.websocket,
    close() {
      clearInterval(sweeping);
      trainers.close();
    },
  };
}

/** The project whose trainings somebody may take; undefined for the server's own trainer, which takes all. */
function reach({ isEverywhere, projectId }: Principal): string | undefined {
  return isEverywhere ? undefined : projectId;
}
