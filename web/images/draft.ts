// What the form of images holds, what of it a model takes, and an image's own values put back into it.
import type { ImageModel, ImageNode } from "./queries.ts";

/** The picture to start from, as far as the form shows it. */
export type Source = { id: string; url: string; prompt: string | null; fileName: string | null };

export type Draft = {
  /** Id of the model; null while none is chosen. */
  modelId: string | null;
  prompt: string;
  /** Null leaves it to the provider. */
  ratio: string | null;
  count: number;
  seed: number | null;
  source: Source | null;
};

export const emptyDraft: Draft = {
  modelId: null,
  prompt: "",
  ratio: null,
  count: 1,
  seed: null,
  source: null,
};

/** The draft with what the model cannot do left out: what is not shown must not be sent. */
export function within(draft: Draft, model: ImageModel): Draft {
  const { ratios, seed, takesSource } = model.imageOffer;
  return {
    ...draft,
    modelId: model.id,
    ratio: draft.ratio !== null && ratios.includes(draft.ratio) ? draft.ratio : null,
    seed: seed === "NONE" ? null : draft.seed,
    source: takesSource ? draft.source : null,
  };
}

/** Everything that an image was made with; its model where that is still there, else the one that was chosen. */
export function draftOf(image: ImageNode, models: readonly ImageModel[], before: Draft): Draft {
  const model =
    models.find(({ id }) => id === image.modelId) ??
    models.find(({ name }) => name === image.model) ??
    models.find(({ id }) => id === before.modelId);
  const draft: Draft = {
    modelId: before.modelId,
    prompt: image.prompt ?? "",
    ratio: image.ratio,
    count: 1,
    seed: image.seed,
    source: image.source,
  };
  return model ? within(draft, model) : draft;
}

/** Width by height of a small box in a ratio, the longer side `side`. */
export function boxOf(ratio: string | null, side: number): { width: number; height: number } {
  const [width = 1, height = 1] = (ratio ?? "1:1").split(":").map(Number);
  const scale = side / Math.max(width, height);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}
