// What people ask of an image, checked against what its model offers.
import { z } from "zod";
import type { ImageOffer } from "../inference/remote/remote.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";

type Said = {
  prompt: string;
  ratio?: string | null | undefined;
  seed?: number | null | undefined;
  count?: number | null | undefined;
  sourceId?: string | null | undefined;
};
type Wish = {
  prompt: string;
  ratio: string | null;
  seed: number | null;
  count: number;
  sourceId: string | null;
};

const countRange = z.int().min(1).max(limits.imagesPerRequest);
const seedRange = z.int().min(0).max(limits.imageSeed);

/**
 * The wish as it is kept; `model` and `offer` are the model's.
 * @throws EspalierError MODEL_CANNOT, PROMPT_INVALID, PARAMETER_INVALID, RATIO_UNSUPPORTED, SEED_UNSUPPORTED, SOURCE_UNSUPPORTED
 */
export function checkWish(model: string, offer: ImageOffer | null, said: Said): Wish {
  if (!offer)
    throw new EspalierError("MODEL_CANNOT", `${model} makes no images.`, {
      field: "model",
      value: model,
      hint: "Choose a model for images.",
      status: 409,
    });
  const prompt = said.prompt.trim();
  if (prompt === "" || prompt.length > limits.imagePromptChars)
    throw new EspalierError(
      "PROMPT_INVALID",
      prompt === ""
        ? "The image is not described."
        : `The description has ${prompt.length} characters; ${limits.imagePromptChars} are allowed.`,
      {
        field: "prompt",
        value: String(prompt.length),
        hint: prompt === "" ? "Say in words what the image shows." : "Say it in fewer words.",
      },
    );
  const count = inRange("count", countRange, said.count ?? 1, `1 to ${limits.imagesPerRequest}`);
  const seed = said.seed ?? null;
  if (seed !== null) inRange("seed", seedRange, seed, `0 to ${limits.imageSeed}`);
  if (seed !== null && offer.seed === "none")
    throw unsupported("SEED", model, "has no seed", "seed", String(seed), "Leave the seed out.");
  const ratio = said.ratio ?? null;
  const ratios = Object.keys(offer.ratios);
  if (ratio !== null && !ratios.includes(ratio))
    throw unsupported(
      "RATIO",
      model,
      `has no ratio ${ratio.slice(0, 20)}`,
      "ratio",
      ratio.slice(0, 20),
      ratios.length > 0 ? `Choose one of ${ratios.join(", ")}.` : "Leave the ratio out.",
    );
  const sourceId = said.sourceId ?? null;
  if (sourceId !== null && !offer.takesSource)
    throw unsupported(
      "SOURCE",
      model,
      "cannot start from a picture",
      "source",
      sourceId.slice(0, 80),
      "Leave the picture out, or choose another model.",
    );
  return { prompt, ratio, seed, count, sourceId };
}

function inRange(field: string, range: z.ZodType<number>, value: number, words: string): number {
  if (range.safeParse(value).success) return value;
  throw new EspalierError("PARAMETER_INVALID", `${field} is ${value}; it is a whole number from ${words}.`, {
    field,
    value: String(value),
    hint: "Give a value inside the range.",
  });
}

function unsupported(
  what: "SEED" | "RATIO" | "SOURCE",
  model: string,
  words: string,
  field: string,
  value: string,
  hint: string,
): EspalierError {
  return new EspalierError(`${what}_UNSUPPORTED`, `${model} ${words}.`, { field, value, hint });
}
