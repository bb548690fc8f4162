// What can be asked of each provider's image models: ratios with their sizes, a seed, a picture to start from.
import { kindInfo, type PackageName, type ProviderKind } from "./kinds.ts";

type Size = `${number}x${number}`;
export type Ratio = `${number}:${number}`;

export type ImageOffer = {
  /** Ratios of width to height, with the size that is asked for; null where the provider takes the ratio itself. */
  ratios: Readonly<Record<Ratio, Size | null>>;
  /**
   * `kept`: the provider has one and is always given one, so that an image can be made again; `passed`: one that
   * somebody chose is passed on, whatever the server there makes of it; `none`: there is none.
   */
  seed: "kept" | "passed" | "none";
  /** Whether an image may start from a picture. */
  takesSource: boolean;
  /** Whether somebody's own server answers, of which nothing is known. */
  isUnknown: boolean;
};

const SQUARE = { "1:1": "1024x1024" } as const;
const GPT_IMAGE: ImageOffer = {
  ratios: { ...SQUARE, "3:2": "1536x1024", "2:3": "1024x1536" },
  seed: "none",
  takesSource: true,
  isUnknown: false,
};
const ANY_SERVER: ImageOffer = {
  ratios: {
    ...SQUARE,
    "4:3": "1152x864",
    "3:4": "864x1152",
    "16:9": "1280x720",
    "9:16": "720x1280",
  },
  seed: "passed",
  takesSource: true,
  isUnknown: true,
};
const GEMINI: ImageOffer = {
  ratios: {
    "1:1": null,
    "3:2": null,
    "2:3": null,
    "4:3": null,
    "3:4": null,
    "5:4": null,
    "4:5": null,
    "16:9": null,
    "9:16": null,
    "21:9": null,
  },
  seed: "kept",
  takesSource: true,
  isUnknown: false,
};
/** Sides are multiples of 16, as Nova Canvas wants them. */
const NOVA_CANVAS: ImageOffer = {
  ratios: {
    ...SQUARE,
    "3:2": "1248x832",
    "2:3": "832x1248",
    "4:3": "1152x864",
    "3:4": "864x1152",
    "16:9": "1280x720",
    "9:16": "720x1280",
  },
  seed: "kept",
  takesSource: true,
  isUnknown: false,
};
const SILICONFLOW: ImageOffer = {
  ratios: { ...SQUARE, "3:4": "960x1280", "1:2": "720x1440", "9:16": "720x1280" },
  seed: "kept",
  takesSource: false,
  isUnknown: false,
};

/** By package; of one package's entries the first whose name fits, the last of each fits all. */
const OFFERS: Partial<Record<PackageName, readonly [RegExp, ImageOffer][]>> = {
  openai: [
    [/dall-e-2/i, { ...GPT_IMAGE, ratios: SQUARE, takesSource: false }],
    [
      /dall-e/i,
      { ...GPT_IMAGE, ratios: { ...SQUARE, "7:4": "1792x1024", "4:7": "1024x1792" }, takesSource: false },
    ],
    [/./, GPT_IMAGE],
  ],
  azure: [[/./, GPT_IMAGE]],
  google: [[/./, GEMINI]],
  bedrock: [
    [
      /titan-image/i,
      { ...NOVA_CANVAS, ratios: { ...SQUARE, "3:2": "1152x768", "2:3": "768x1152" }, takesSource: true },
    ],
    [/./, NOVA_CANVAS],
  ],
  "openai-compatible": [[/./, ANY_SERVER]],
};
/** Where a kind is spoken to by a package of many kinds. */
const BY_KIND: Partial<Record<ProviderKind, readonly [RegExp, ImageOffer][]>> = {
  siliconflow: [
    // Whatever picture such a model is given, it answers in that one's size.
    [/image-edit/i, { ...SILICONFLOW, ratios: {}, takesSource: true }],
    [
      /qwen-image/i,
      {
        ...SILICONFLOW,
        ratios: {
          "1:1": "1328x1328",
          "3:2": "1584x1056",
          "2:3": "1056x1584",
          "4:3": "1472x1140",
          "3:4": "1140x1472",
          "16:9": "1664x928",
          "9:16": "928x1664",
        },
      },
    ],
    [/kolors/i, { ...SILICONFLOW, takesSource: true }],
    [
      /./,
      { ...SILICONFLOW, ratios: { ...SQUARE, "3:4": "768x1024", "16:9": "1024x576", "9:16": "576x1024" } },
    ],
  ],
};

/** What can be asked of an image model; null where providers of the kind have none. */
export function imageOffer(kind: ProviderKind, model: string): ImageOffer | null {
  const info = kindInfo(kind);
  if (!info.abilities.includes("image")) return null;
  const table = BY_KIND[kind] ?? OFFERS[info.package] ?? [];
  return table.find(([name]) => name.test(model))?.[1] ?? null;
}

/** The size that is asked for where a ratio was chosen. */
export function sizeOf({ ratios }: ImageOffer, ratio: string | null): Size | undefined {
  return (Object.entries(ratios) as [string, Size | null][]).find(([one]) => one === ratio)?.[1] ?? undefined;
}
