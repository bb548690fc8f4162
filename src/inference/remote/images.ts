// Images of third-party models: asked for one at a time, fetched where an answer only says where they are, and looked at.
import type { ImageModelV4, ImageModelV4CallOptions, ImageModelV4Result } from "@ai-sdk/provider";
import { z } from "zod";
import { EspalierError, isEspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { type PictureInfo, readPicture } from "../../kit/picture.ts";
import { providerError } from "./errors.ts";
import { imageOffer, type Ratio, sizeOf } from "./image-offers.ts";
import { kindInfo } from "./kinds.ts";
import type { Fetch } from "./outbound.ts";
import type { RemoteConnection } from "./remote.ts";

export type ImageWish = {
  prompt: string;
  /** One of the model's offer; null leaves it to the provider. */
  ratio: string | null;
  seed: number | null;
  /** The picture to start from. */
  source: { mediaType: string; bytes: Uint8Array } | null;
};

/** A picture whose bytes are what they say, and the tokens that the provider counted for it; 0 where it counted none. */
export type MadeImage = PictureInfo & { bytes: Uint8Array; inputTokens: number; outputTokens: number };

/**
 * One image of an opened model.
 * @throws EspalierError PROVIDER_… with the provider's own words, PROVIDER_FILTERED, PICTURE_UNREADABLE
 */
export async function makeImage(
  to: RemoteConnection,
  model: string,
  opened: ImageModelV4,
  wish: ImageWish,
  signal?: AbortSignal,
): Promise<MadeImage> {
  let result: ImageModelV4Result;
  try {
    result = await opened.doGenerate({
      ...callOf(to, model, wish),
      ...(signal ? { abortSignal: signal } : {}),
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw providerError(error, to);
  }
  const [image] = result.images;
  if (image === undefined) throw noImage(to, result);
  const bytes = typeof image === "string" ? decoded(image) : image;
  const { inputTokens = 0, outputTokens = 0 } = result.usage ?? {};
  return { bytes, inputTokens, outputTokens, ...checked(to, bytes) };
}

/** What the package is asked; the names that differ by kind are in one place. */
function callOf(to: RemoteConnection, model: string, wish: ImageWish): ImageModelV4CallOptions {
  const { prompt, ratio, seed, source } = wish;
  const offer = imageOffer(to.kind, model);
  const size = offer ? sizeOf(offer, ratio) : undefined;
  const file = source ? { type: "file" as const, mediaType: source.mediaType, data: source.bytes } : null;
  const call: ImageModelV4CallOptions = {
    prompt,
    n: 1,
    size,
    aspectRatio: undefined,
    seed: seed ?? undefined,
    files: file ? [file] : undefined,
    mask: undefined,
    providerOptions: {},
  };
  const info = kindInfo(to.kind);
  if (info.package === "google") return { ...call, aspectRatio: (ratio ?? undefined) as Ratio | undefined };
  if (info.package !== "openai-compatible") return call;
  // The package passes on what it does not know; with a seed of its own field it would only warn.
  const more = seed === null ? {} : { seed };
  if (to.kind !== "siliconflow") return { ...call, seed: undefined, providerOptions: { provider: more } };
  const picture = source
    ? { image: `data:${source.mediaType};base64,${Buffer.from(source.bytes).toString("base64")}` }
    : {};
  const provider = { ...more, ...(size ? { image_size: size } : {}), batch_size: 1, ...picture };
  return { ...call, size: undefined, seed: undefined, files: undefined, providerOptions: { provider } };
}

const answer = z.looseObject({
  data: z.array(z.looseObject({})).optional(),
  /** SiliconFlow's name for it. */
  images: z.array(z.looseObject({})).optional(),
});
const placed = z.object({ b64_json: z.string().nullish(), url: z.string().nullish() });

/**
 * A fetch for packages that speak `/images/…`: where an answer says at which address a picture lies, it is fetched by
 * `download`, whose rules are for addresses that somebody else chose, and put into the answer.
 */
export function withPictures(to: { name: string }, api: Fetch, download: Fetch): Fetch {
  return async (input, init) => {
    const response = await api(input, init);
    if (!response.ok) return response;
    const text = await response.text();
    const body = jsonOf(text);
    const found = answer.safeParse(body);
    const items = found.success ? (found.data.data ?? found.data.images) : undefined;
    const { status, headers } = response;
    if (!found.success || !items) return new Response(text, { status, headers });
    const data = await Promise.all(
      items.slice(0, 1).map(async (item) => {
        const { b64_json, url } = placed.parse(item);
        if (b64_json || !url) return item;
        return { ...item, b64_json: await pictureAt(to, url, download, init?.signal ?? undefined) };
      }),
    );
    return new Response(JSON.stringify({ ...found.data, data }), { status, headers });
  };
}

/** The picture at an address of an answer, in base64. @throws EspalierError ADDRESS_…, PROVIDER_…, PICTURE_UNREADABLE */
async function pictureAt(
  { name }: { name: string },
  url: string,
  download: Fetch,
  signal?: AbortSignal,
): Promise<string> {
  const inline = /^data:[^,]*;base64,/.exec(url.slice(0, 200));
  if (inline) return url.slice(inline[0].length);
  const headers = { accept: "image/png,image/jpeg,image/webp,image/*;q=0.5" };
  try {
    const response = await download(url, { headers, ...(signal ? { signal } : {}) });
    if (!response.ok) {
      await response.body?.cancel();
      throw new EspalierError(
        "PICTURE_GONE",
        `${name} named an address for its picture that answered ${response.status}.`,
        {
          value: URL.parse(url)?.host ?? "",
          hint: "Such addresses are short-lived: try again.",
          status: 502,
        },
      );
    }
    return Buffer.from(await response.arrayBuffer()).toString("base64");
  } catch (error) {
    if (!isEspalierError(error) || error.code !== "PROVIDER_NOT_AN_API") throw error;
    throw unreadable(name, "At its address is a web page.");
  }
}

/** What the bytes are. @throws EspalierError PICTURE_UNREADABLE, PROVIDER_ANSWER_TOO_LARGE */
function checked({ name }: RemoteConnection, bytes: Uint8Array): PictureInfo {
  if (bytes.byteLength > limits.pictureBytes)
    throw new EspalierError(
      "PROVIDER_ANSWER_TOO_LARGE",
      `${name} sent a picture of ${bytes.byteLength} bytes; ${limits.pictureBytes} are allowed.`,
      { value: String(bytes.byteLength), hint: "Ask for a smaller ratio, or another model.", status: 502 },
    );
  let info: PictureInfo;
  try {
    info = readPicture(bytes);
  } catch (error) {
    if (!isEspalierError(error)) throw error;
    throw unreadable(name, error.message);
  }
  if (info.mediaType === "image/gif") throw unreadable(name, "It is a GIF.");
  return info;
}

function unreadable(name: string, why: string): EspalierError {
  return new EspalierError("PICTURE_UNREADABLE", `${name} sent no picture. ${why}`, {
    field: "provider",
    hint: "Try again; if it stays so, check the provider's address and what answers there.",
    status: 502,
  });
}

/** Why there is none: the provider's filter, or an answer without a picture. */
function noImage({ name }: RemoteConnection, { providerMetadata }: ImageModelV4Result): EspalierError {
  const said = JSON.stringify(providerMetadata ?? {});
  const [reason] = /[A-Z_]*(?:SAFETY|PROHIBITED|BLOCKLIST|RECITATION|SPII)[A-Z_]*/.exec(said) ?? [];
  if (reason !== undefined)
    return new EspalierError("PROVIDER_FILTERED", `${name} refused by its content filter: ${reason}.`, {
      value: reason,
      hint: "Describe the image in other words, or ask another model.",
      status: 422,
    });
  return new EspalierError("PROVIDER_ANSWER_INVALID", `${name} answered without a picture.`, {
    hint: "Check that the model makes images; describe the image more plainly.",
    status: 502,
  });
}

function decoded(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
