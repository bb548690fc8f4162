// The web UI's files: encoded as the browser likes, cached by name or validator, every other path the app itself.
import { type Asset, type AssetEncoding, findAsset } from "../kit/assets.ts";
import { notFound } from "./http.ts";

const CSP = [
  "default-src 'self'",
  "script-src 'self'",
  // The component kit sets positions by style attributes.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE_HEADERS = {
  "content-security-policy": CSP,
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  vary: "accept-encoding",
};

/** A file of the UI; paths without a file and without an extension get index.html, for the app's own router. */
export function servePage(request: Request): Response {
  const { pathname } = new URL(request.url);
  const path = decodePath(pathname);
  const file = path === "" ? null : findAsset(`web/${path}`);
  if (file) return respond(request, file, path.startsWith("assets/"));
  if (/\.[a-z0-9]{1,8}$/i.test(path)) throw notFound("file", pathname);
  const index = findAsset("web/index.html");
  if (index) return respond(request, index, false);
  return new Response("The web UI is not part of this build: run bin/build.\n", {
    status: 503,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}

function decodePath(pathname: string): string {
  try {
    return decodeURIComponent(pathname.slice(1));
  } catch {
    throw notFound("file", pathname);
  }
}

function respond(request: Request, asset: Asset, isHashed: boolean): Response {
  const headers = new Headers({
    ...PAGE_HEADERS,
    etag: asset.etag,
    "content-type": asset.contentType,
    "cache-control": isHashed ? "public, max-age=31536000, immutable" : "no-cache",
  });
  if (request.headers.get("if-none-match") === asset.etag)
    return new Response(null, { status: 304, headers });
  const encoding = pickEncoding(request, asset);
  if (encoding !== "identity") headers.set("content-encoding", encoding);
  return new Response(request.method === "HEAD" ? null : asset.bytes(encoding), { headers });
}

function pickEncoding(request: Request, asset: Asset): AssetEncoding {
  const accepted = (request.headers.get("accept-encoding") ?? "")
    .split(",")
    .filter((part) => !/;\s*q=0(\.0+)?\s*$/.test(part))
    .map((part) => part.split(";", 1)[0]?.trim().toLowerCase());
  return (
    asset.encodings.find((encoding) => encoding === "identity" || accepted.includes(encoding)) ?? "identity"
  );
}
