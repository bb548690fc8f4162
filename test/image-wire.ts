// Small servers that make images as the providers' own wire formats say, well or badly, for tests of images.
import { deflateSync } from "node:zlib";

/** How the server misbehaves; "well" is how a provider does. */
export type ImageManner =
  | "well"
  | "html"
  | "busy-once"
  | "busy-long"
  | "filtered"
  | "silent"
  | "no-picture"
  /** The second image and those after it are refused. */
  | "one-only"
  /** Each answer waits until `release` is called. */
  | "slow"
  /** The answer says where the picture is; what lies there. */
  | { at: "picture" | "html" | "svg" | "huge" | "gone" }
  | { url: string }
  | { redirect: string };
export type ImageWireKind = "openai" | "openai-compatible" | "siliconflow" | "google" | "bedrock" | "azure";

export type ImageAsked = { path: string; key: string | null; body: Record<string, unknown> };
export type ImageServer = {
  url: string;
  asked: ImageAsked[];
  /** Requests for pictures at an address, with what they carried of a key. */
  fetched: { path: string; key: string | null }[];
  manner: ImageManner;
  release(): void;
  /** Lets the one answer go that has waited longest. */
  releaseOne(): void;
  close(): Promise<void>;
};

type ImageWire = {
  base: string;
  keyOf: (headers: Headers) => string | null;
  isImage: (path: string) => boolean;
  answer: (picture: { b64?: string; url?: string }) => object;
  /** The size that is asked for. */
  sizeIn: (body: Record<string, unknown>) => string;
  refusal: (status: number, text: string, code?: string) => object;
  filtered: () => Response;
};

const bearer = (headers: Headers): string | null =>
  headers.get("authorization")?.replace(/^Bearer /, "") ?? null;
const FILTER_WORDS = "Your request was rejected as a result of our safety system.";

const openAi: ImageWire = {
  base: "/v1",
  keyOf: bearer,
  isImage: (path) => path === "/v1/images/generations" || path === "/v1/images/edits",
  answer: ({ b64, url }) => ({
    created: 1,
    data: [b64 === undefined ? { url } : { b64_json: b64 }],
    usage: { input_tokens: 10, output_tokens: 1000, total_tokens: 1010 },
  }),
  sizeIn: (body) => String(body["size"] ?? "1024x1024"),
  refusal: (_, message, code = "invalid_value") => ({
    error: { message, type: "image_generation_user_error", param: null, code },
  }),
  filtered: () => Response.json(openAi.refusal(400, FILTER_WORDS, "moderation_blocked"), { status: 400 }),
};
const google: ImageWire = {
  base: "/v1beta",
  keyOf: (headers) => headers.get("x-goog-api-key"),
  isImage: (path) => /^\/v1beta\/models\/[^/]+:generateContent$/.test(path),
  answer: ({ b64 }) => ({
    candidates: [
      {
        content: { role: "model", parts: [{ inlineData: { mimeType: "image/png", data: b64 } }] },
        finishReason: "STOP",
        index: 0,
      },
    ],
    usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 1290, totalTokenCount: 1297 },
    modelVersion: "gemini",
  }),
  sizeIn: () => "1024x1024",
  refusal: (code, message) => ({ error: { code, message, status: "INVALID_ARGUMENT" } }),
  filtered: () =>
    Response.json({
      candidates: [{ finishReason: "IMAGE_SAFETY", index: 0 }],
      usageMetadata: { promptTokenCount: 7, totalTokenCount: 7 },
      modelVersion: "gemini",
    }),
};
const bedrock: ImageWire = {
  base: "",
  keyOf: bearer,
  isImage: (path) => /^\/model\/[^/]+\/invoke$/.test(path),
  answer: ({ b64 }) => ({ images: [b64], error: null }),
  sizeIn: (body) => {
    const { width, height } = body["imageGenerationConfig"] as { width?: number; height?: number };
    return `${width ?? 1024}x${height ?? 1024}`;
  },
  refusal: (_, message) => ({ message }),
  filtered: () =>
    Response.json({ id: "1", status: "Request Moderated", details: { "Moderation Reasons": ["Violence"] } }),
};
/** By kind of provider. */
const WIRES: Record<ImageWireKind, ImageWire> = {
  openai: openAi,
  "openai-compatible": openAi,
  siliconflow: {
    ...openAi,
    answer: ({ b64, url }) => ({
      images: [b64 === undefined ? { url } : { url: `data:image/png;base64,${b64}` }],
      timings: { inference: 1 },
      seed: 1,
    }),
    sizeIn: (body) => String(body["image_size"] ?? "1024x1024"),
    refusal: (code, message) => ({ code, message, data: null }),
  },
  google,
  bedrock,
  azure: {
    ...openAi,
    base: "/openai/v1",
    keyOf: (headers) => headers.get("api-key"),
    isImage: (path) => /^\/openai\/v1\/images\/(generations|edits)$/.test(path),
  },
};

export const IMAGE_KEY = "sk-image-1234567890abcdef";

/** Starts a server of the wire format on a free port of this machine. */
export function startImageWire(kind: ImageWireKind, manner: ImageManner = "well"): ImageServer {
  const wire = WIRES[kind];
  const waiting: (() => void)[] = [];
  let made = 0;
  const it: ImageServer = {
    url: "",
    asked: [],
    fetched: [],
    manner,
    release() {
      for (const go of waiting.splice(0)) go();
    },
    releaseOne() {
      waiting.shift()?.();
    },
    close: () => server.stop(true),
  };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, origin } = new URL(request.url);
      const path = decodeURIComponent(pathname);
      const key = wire.keyOf(request.headers);
      const { manner: how } = it;
      if (path.startsWith("/pictures/")) {
        it.fetched.push({ path, key });
        return pictureAt(path.slice("/pictures/".length), how);
      }
      const body = await bodyOf(request);
      it.asked.push({ path, key, body });
      if (how === "html")
        return new Response("<!doctype html><title>Welcome</title>", {
          headers: { "content-type": "text/html" },
        });
      if (how === "busy-long" || (how === "busy-once" && it.asked.length === 1))
        return Response.json(wire.refusal(429, "Rate limit reached for images per minute"), {
          status: 429,
          headers: { "retry-after": how === "busy-long" ? "3600" : "1" },
        });
      if (key !== null && key !== IMAGE_KEY)
        return Response.json(wire.refusal(401, `Incorrect API key provided: ${key}`), { status: 401 });
      if (!wire.isImage(path))
        return Response.json(wire.refusal(404, `no such page ${path}`), { status: 404 });
      if (how === "silent") await new Promise<void>(() => undefined);
      if (how === "slow") await new Promise<void>((go) => waiting.push(go));
      if (how === "filtered") return wire.filtered();
      if (how === "one-only" && made > 0)
        return Response.json(wire.refusal(400, "Billing hard limit has been reached"), { status: 400 });
      made += 1;
      if (how === "no-picture")
        return Response.json(wire.answer({ b64: Buffer.from("hello").toString("base64") }));
      const [width = 1024, height = 1024] = wire.sizeIn(body).split("x").map(Number);
      if (typeof how === "object" && "url" in how) return Response.json(wire.answer({ url: how.url }));
      if (typeof how === "object")
        return Response.json(wire.answer({ url: `${origin}/pictures/${width}x${height}` }));
      return Response.json(
        wire.answer({ b64: Buffer.from(picture(width, height, made)).toString("base64") }),
      );
    },
  });
  it.url = `http://127.0.0.1:${server.port}${wire.base}`;
  return it;
}

async function bodyOf(request: Request): Promise<Record<string, unknown>> {
  if (request.method !== "POST") return {};
  if (!/multipart/.test(request.headers.get("content-type") ?? "")) return request.json();
  const form = await request.formData();
  return Object.fromEntries(
    [...form].map(([name, value]) => [
      name.replace("[]", ""),
      value instanceof Blob ? `${value.type} ${value.size}` : value,
    ]),
  );
}

function pictureAt(size: string, how: ImageManner): Response {
  if (typeof how === "object" && "redirect" in how)
    return new Response(null, { status: 302, headers: { location: how.redirect } });
  const what = typeof how === "object" && "at" in how ? how.at : "picture";
  if (what === "html")
    return new Response("<!doctype html><script>alert(1)</script>", {
      headers: { "content-type": "text/html" },
    });
  if (what === "svg")
    return new Response('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', {
      headers: { "content-type": "image/png" },
    });
  if (what === "huge")
    return new Response(new Uint8Array(21 * 1024 * 1024), { headers: { "content-type": "image/png" } });
  if (what === "gone") return new Response("AccessDenied", { status: 403 });
  const [width = 64, height = 64] = size.split("x").map(Number);
  return new Response(picture(width, height, 1), { headers: { "content-type": "image/png" } });
}

/** A real PNG: hills under a sky, whose colours and lines follow from `number`. */
export function picture(width: number, height: number, number: number): Uint8Array<ArrayBuffer> {
  // 128 colours of the sky, then 128 of the ground; a pixel is the number of its colour.
  const hue = (number * 67) % 256;
  const palette = Buffer.alloc(768);
  for (let i = 0; i < 128; i++) {
    palette.set([255 - ((hue + i * 0.7) % 200) / 2, 190 + i * 0.3, 160 + hue / 3], i * 3);
    palette.set([40 + hue / 6, 100 + i * 0.5, 70], (128 + i) * 3);
  }
  const rows = Buffer.alloc((width + 1) * height);
  const hills = Array.from(
    { length: width },
    (_, x) => height * (0.62 + 0.12 * Math.sin((x / width) * 6 + number)),
  );
  for (let y = 0; y < height; y++) {
    const colour = Math.floor((y * 127) / height);
    const row = y * (width + 1) + 1;
    rows.fill(colour, row, row + width);
    if (y > height * 0.5)
      for (let x = 0; x < width; x++) if (y > (hills[x] ?? 0)) rows[row + x] = 128 + colour;
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const whole = Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", head),
    chunk("PLTE", palette),
    chunk("IDAT", deflateSync(rows, { level: 1 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
  return new Uint8Array(whole);
}

function chunk(name: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.byteLength);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(Bun.hash.crc32(named));
  return Buffer.concat([size, named, sum]);
}
