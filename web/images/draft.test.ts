import { expect, test } from "bun:test";
import { boxOf, draftOf, emptyDraft, within } from "./draft.ts";
import type { ImageModel, ImageNode } from "./queries.ts";

const model = (id: string, imageOffer: Partial<ImageModel["imageOffer"]> = {}): ImageModel => ({
  id,
  name: `p/${id}`,
  model: id,
  prices: { image: null },
  imageOffer: { ratios: ["1:1", "3:2"], seed: "KEPT", takesSource: true, isUnknown: false, ...imageOffer },
});
const source = { id: "img_s", url: "/files/img_s", width: 4, height: 3, prompt: null, fileName: "a.png" };
const image: ImageNode = {
  id: "img_1",
  url: "/files/img_1",
  mediaType: "image/png",
  width: 3,
  height: 2,
  sizeBytes: 1,
  prompt: "a fox",
  model: "p/a",
  modelId: "a",
  ratio: "3:2",
  seed: 7,
  fileName: null,
  createdBy: "ada",
  costUsd: null,
  latencyMs: null,
  createdAt: "2026-01-01T00:00:00.000Z",
  source,
};

test("an image is used again with all that it was made with", () => {
  expect(draftOf(image, [model("a"), model("b")], emptyDraft)).toEqual({
    modelId: "a",
    prompt: "a fox",
    ratio: "3:2",
    count: 1,
    seed: 7,
    source,
  });
});

test("where its model is gone, the chosen one is kept, without what that one cannot do", () => {
  const other = model("b", { ratios: ["1:1"], seed: "NONE", takesSource: false });
  expect(draftOf(image, [other], { ...emptyDraft, modelId: "b" })).toEqual({
    modelId: "b",
    prompt: "a fox",
    ratio: null,
    count: 1,
    seed: null,
    source: null,
  });
});

test("a model that was added anew under the same name is the same", () => {
  expect(draftOf(image, [{ ...model("c"), name: "p/a" }], emptyDraft).modelId).toBe("c");
});

test("another model takes from the draft what it can do", () => {
  const draft = { ...emptyDraft, ratio: "3:2", seed: 3, source };
  expect(within(draft, model("a"))).toEqual({ ...draft, modelId: "a" });
  expect(within(draft, model("b", { ratios: [], seed: "PASSED", takesSource: false }))).toEqual({
    ...draft,
    modelId: "b",
    ratio: null,
    source: null,
  });
});

test("a ratio's box keeps its longer side", () => {
  expect(boxOf("16:9", 32)).toEqual({ width: 32, height: 18 });
  expect(boxOf("2:3", 30)).toEqual({ width: 20, height: 30 });
  expect(boxOf(null, 30)).toEqual({ width: 30, height: 30 });
});
