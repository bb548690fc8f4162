// Images: the gallery, what is being made, and the mutation that has a model make some.

import type { ImageRequestRow, ImageRow } from "../../images/images.ts";
import type { ImageOffer as ImageOfferShape } from "../../inference/remote/remote.ts";
import { limits } from "../../kit/limits.ts";
import type { RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { NodeInterface, resultUnion } from "./common.ts";
import { connectionOf, pageArgs, pageCost, paged } from "./connections.ts";
import { ImageSeed } from "./enums.ts";
import { ThirdPartyModel } from "./refs.ts";
import { Run } from "./runs.ts";

const ImageOffer = builder.objectRef<ImageOfferShape>("ImageOffer").implement({
  description: "What can be asked of a model that makes images.",
  extensions: needs("read"),
  fields: (t) => ({
    ratios: t.stringList({
      description: "Ratios of width to height, e.g. 3:2; none where the provider decides.",
      resolve: ({ ratios }) => Object.keys(ratios),
    }),
    seed: t.field({ type: ImageSeed, description: "What becomes of a seed.", resolve: ({ seed }) => seed }),
    takesSource: t.exposeBoolean("takesSource", {
      description: "Whether an image may start from a picture.",
    }),
    isUnknown: t.exposeBoolean("isUnknown", {
      description: "Whether a server answers of which nothing is known: it may refuse what is offered here.",
    }),
  }),
});

builder.objectField(ThirdPartyModel, "imageOffer", (t) =>
  t.field({
    type: ImageOffer,
    nullable: true,
    description: "What can be asked of it as a model that makes images; null for any other.",
    resolve: (row, _, { providers }) => providers.imageOfferOf(row),
  }),
);

const ImageRef = builder.objectRef<ImageRow>("Image");
const ImageRequestRef = builder.objectRef<ImageRequestRow>("ImageRequest");

/** The image that another starts from; null where it was deleted since. */
const sourceOf = async (
  { sourceId, projectId }: { sourceId: string | null; projectId: string },
  { images }: Context,
): Promise<ImageRow | null> => {
  const row = sourceId === null ? null : await images.find(sourceId);
  return row?.projectId === projectId ? row : null;
};

ImageRef.implement({
  description: "A picture that a model made, or that somebody uploaded for one to start from.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    url: t.string({
      description: "Where its bytes are, below the server's address; with `?download` as a file to keep.",
      resolve: ({ id }) => `/files/${id}`,
    }),
    mediaType: t.exposeString("mediaType", { description: "image/png, image/jpeg or image/webp." }),
    width: t.exposeInt("width", { description: "Its width in pixels." }),
    height: t.exposeInt("height", { description: "Its height in pixels." }),
    sizeBytes: t.exposeInt("sizeBytes", { description: "Size of its file." }),
    prompt: t.exposeString("prompt", {
      nullable: true,
      description: "The words that it was made from; null for an uploaded one.",
    }),
    model: t.exposeString("model", {
      nullable: true,
      description: "Name, at the time, of the model that made it.",
    }),
    modelId: t.exposeID("modelId", { nullable: true, description: "The model itself." }),
    ratio: t.exposeString("ratio", { nullable: true, description: "The ratio that was asked for." }),
    seed: t.exposeInt("seed", {
      nullable: true,
      description: "Its seed: with everything else the same, it gives the same image again.",
    }),
    source: t.field({
      type: ImageRef,
      nullable: true,
      description: "The image that it started from; null where there was none, or it is deleted.",
      resolve: (row, _, context) => sourceOf(row, context),
    }),
    fileName: t.exposeString("fileName", { nullable: true, description: "Name of the uploaded file." }),
    createdBy: t.exposeString("createdBy", { description: "Who asked for it, by name." }),
    costUsd: t.exposeFloat("costUsd", {
      nullable: true,
      description: "US dollars; null where the model has no price.",
    }),
    latencyMs: t.exposeInt("latencyMs", { nullable: true, description: "How long its making took." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made or uploaded." }),
  }),
});

ImageRequestRef.implement({
  description: "What somebody asked a model to make: one to four images, made by a run.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    prompt: t.exposeString("prompt", { description: "The words to make them from." }),
    model: t.exposeString("model", { description: "Name, at the time, of the model." }),
    modelId: t.exposeID("modelId", { description: "The model itself." }),
    ratio: t.exposeString("ratio", { nullable: true, description: "The ratio that was asked for." }),
    seed: t.exposeInt("seed", {
      nullable: true,
      description: "Seed of the first image; each further one has the next.",
    }),
    count: t.exposeInt("count", { description: "How many images are wanted." }),
    madeCount: t.int({
      description: "How many of them were made.",
      resolve: ({ madePlaces }) => madePlaces.length,
    }),
    source: t.field({
      type: ImageRef,
      nullable: true,
      description: "The image to start from; null where there is none, or it is deleted.",
      resolve: (row, _, context) => sourceOf(row, context),
    }),
    run: t.field({
      type: Run,
      nullable: true,
      description: "The run that makes them, or tried to last.",
      resolve: ({ id }, _, { images }) => images.runOf(id),
    }),
    createdBy: t.exposeString("createdBy", { description: "Who asked, by name." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When." }),
  }),
});

builder.queryFields((t) => ({
  images: t.field({
    type: connectionOf("Image", ImageRef),
    description: "The images of the project, newest first.",
    extensions: needs("read"),
    args: {
      ...pageArgs,
      search: t.arg.string({
        description: "Only those whose words, model or file's name contain this text.",
      }),
    },
    complexity: pageCost,
    resolve: (_, { search, ...page }, { images, principal }) =>
      images.pageOf(principal.projectId, page, search),
  }),
  imageRequests: t.field({
    type: connectionOf("ImageRequest", ImageRequestRef),
    description:
      "What was asked for and is not all there: being made, failed or cancelled; newest first. Deleting one forgets it.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { images, principal }) => images.pageOfOpenRequests(principal.projectId, page),
  }),
}));

const StartImagesInput = builder.inputType("StartImagesInput", {
  description: "What a model should make.",
  fields: (t) => ({
    model: t.string({ required: true, description: "Name or id of a third-party model that makes images." }),
    prompt: t.string({ required: true, description: "What the images show, in words." }),
    ratio: t.string({
      description: "Width to height, one of the model's offer; its own choice when unsaid.",
    }),
    seed: t.int({
      description:
        "Seed of the first image, each further one has the next; drawn when unsaid and the provider keeps seeds.",
    }),
    count: t.int({ description: `How many, up to ${limits.imagesPerRequest}; 1 when unsaid.` }),
    sourceId: t.id({ description: "The image to start from." }),
  }),
});
const AddImageInput = builder.inputType("AddImageInput", {
  description: "A picture to start from: a PNG, JPEG or WebP.",
  fields: (t) => ({
    uploadId: t.id({ description: "A finished upload." }),
    file: t.field({ type: "File", description: "The file itself instead, in a multipart request." }),
  }),
});

const StartImagesResult = resultUnion<{ request: ImageRequestRow; run: RunRow }>(
  "StartImages",
  "What is being made.",
  (t) => ({
    request: t.field({
      type: ImageRequestRef,
      description: "What was asked for.",
      resolve: ({ request }) => request,
    }),
    run: t.field({ type: Run, description: "The run that makes it.", resolve: ({ run }) => run }),
  }),
);
const AddImageResult = resultUnion<{ image: ImageRow }>("AddImage", "The picture as it is kept.", (t) => ({
  image: t.field({ type: ImageRef, description: "The picture.", resolve: ({ image }) => image }),
}));

const by = ({ projectId, userId, name }: Context["principal"]) => ({ projectId, userId, createdBy: name });

builder.mutationFields((t) => ({
  startImages: t.field({
    type: StartImagesResult.union,
    description:
      "Has a third-party model make images, in the background; those that were made stay when others fail, and a retry makes only these.",
    extensions: needs("chat"),
    args: { input: t.arg({ type: StartImagesInput, required: true, description: "What to make." }) },
    resolve: (_, { input }, { images, principal }) =>
      StartImagesResult.run(() => images.start({ ...input, ...by(principal), keyId: principal.keyId })),
  }),
  addImage: t.field({
    type: AddImageResult.union,
    description: "Takes an uploaded picture into the gallery, so that images can start from it.",
    extensions: needs("chat"),
    args: { input: t.arg({ type: AddImageInput, required: true, description: "The picture." }) },
    resolve: (_, { input: { file, uploadId } }, { images, uploads, principal }) =>
      AddImageResult.run(async () => {
        const claim = async (): Promise<string> => {
          const id = file
            ? await uploads.keep(file, file instanceof File ? file.name : "picture", principal)
            : uploadId;
          return uploads.claim([id ?? ""], principal);
        };
        return { image: await images.add({ ...by(principal), claim }) };
      }),
  }),
}));
