// GraphiQL for whoever is signed in: the page at GET /graphql, all its parts from this server.
import { findAsset } from "../kit/assets.ts";
import { challenge } from "./http.ts";

/** Only what GraphiQL needs: the editor sets styles in the page, and its workers are files of ours. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>GraphiQL of Espalier</title>
    <link rel="icon" href="/mark.svg">
    <link rel="stylesheet" href="/graphiql/graphiql.css">
    <link rel="stylesheet" href="/graphiql/page.css">
  </head>
  <body class="no-focus-outline">
    <div id="root"></div>
    <script src="/graphiql/graphiql.js"></script>
    <script src="/graphiql/start.js"></script>
  </body>
</html>
`;

const SIGN_IN = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta http-equiv="refresh" content="0; url=/sign-in?back=%2Fgraphql">
    <title>Sign in first</title>
  </head>
  <body><a href="/sign-in?back=%2Fgraphql">Sign in to use GraphiQL.</a></body>
</html>
`;

/** Whether a browser asks for a page here, and no program for an answer. */
export function wantsGraphiql(request: Request): boolean {
  const { pathname, searchParams } = new URL(request.url);
  return (
    pathname === "/graphql" &&
    request.method === "GET" &&
    !searchParams.has("query") &&
    !request.headers.has("upgrade") &&
    (request.headers.get("accept") ?? "").includes("text/html")
  );
}

/** GraphiQL, or with status 401 the way to the sign-in. */
export function serveGraphiql(isSignedIn: boolean): Response {
  if (!isSignedIn) return page(SIGN_IN, 401);
  if (findAsset("web/graphiql/graphiql.js")) return page(PAGE, 200);
  return new Response("GraphiQL is not part of this build: run bin/build.\n", {
    status: 503,
  });
}

function page(html: string, status: number): Response {
  return new Response(html, {
    status,
    headers: {
      ...challenge(status),
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": CSP,
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
      "cross-origin-opener-policy": "same-origin",
      "cache-control": "no-store",
    },
  });
}
