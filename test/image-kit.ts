// What tests do with images over one world: providers at fresh servers of a wire format, runs waited for, the gallery read.
import { expect } from "bun:test";
import { z } from "zod";
import {
  IMAGE_KEY,
  type ImageManner,
  type ImageServer,
  type ImageWireKind,
  startImageWire,
} from "./image-wire.ts";
import { ADD } from "./provider-kit.ts";
import type { World } from "./world.ts";

/** Names of models as the providers of each kind have them. */
export const MODELS: Record<ImageWireKind, string> = {
  openai: "gpt-image-1",
  "openai-compatible": "some-diffusion",
  siliconflow: "Kwai-Kolors/Kolors",
  google: "gemini-2.5-flash-image",
  bedrock: "amazon.nova-canvas-v1:0",
  azure: "my-deployment",
};
type Provided = { model: string; server: ImageServer };

const START = `mutation ($input: StartImagesInput!) { startImages(input: $input) { __typename
  ... on StartImagesSuccess { run { id } request { id seed count } }
  ... on UserError { code text: message hint field value } } }`;

const started = z.object({
  run: z.object({ id: z.string() }),
  request: z.object({ id: z.string(), seed: z.number().nullable(), count: z.number() }),
});

const refused = z.object({
  code: z.string(),
  text: z.string(),
  hint: z.string().nullable(),
  field: z.string().nullable(),
});

const runShape = z.object({
  node: z.object({
    status: z.string(),
    step: z.number().nullable(),
    totalSteps: z.number().nullable(),
    error: z.object({ code: z.string(), text: z.string(), hint: z.string().nullable() }).nullable(),
  }),
});

const IMAGE = `id url mediaType width height sizeBytes prompt model ratio seed costUsd createdBy fileName source { id }`;

const imageShape = z.object({
  id: z.string(),
  url: z.string(),
  mediaType: z.string(),
  width: z.number(),
  height: z.number(),
  prompt: z.string().nullable(),
  model: z.string().nullable(),
  ratio: z.string().nullable(),
  seed: z.number().nullable(),
  costUsd: z.number().nullable(),
  createdBy: z.string(),
  fileName: z.string().nullable(),
  source: z.object({ id: z.string() }).nullable(),
});

type Image = z.infer<typeof imageShape>;

export const sourceImage = z.object({ image: imageShape });

/** The kit over a world; `close` ends the providers' servers. */
export function createImageKit(world: () => World) {
  const servers: ImageServer[] = [];
  let count = 0;

  async function provide(
    kind: ImageWireKind,
    manner: ImageManner = "well",
    more: { prices?: object; model?: string; key?: string; timeoutMs?: number } = {},
  ): Promise<Provided> {
    const server = startImageWire(kind, manner);
    servers.push(server);
    const name = `i${++count}`;
    const { prices = {}, model = MODELS[kind], key = IMAGE_KEY, ...rest } = more;
    const models = [{ model, abilities: ["IMAGE"], prices }];
    await world().act(ADD, {
      input: { name, kind, url: server.url, key, models, allowPrivate: true, ...rest },
    });
    return { model: `${name}/${model}`, server };
  }

  const start = async (input: object) =>
    started.parse(await world().act(START, { input: { prompt: "A fox in the snow", ...input } }));
  const refusal = async (input: object) =>
    refused.parse(
      (await world().graphql(START, { input: { prompt: "A fox in the snow", ...input } }))["startImages"],
    );

  async function runOf(id: string) {
    const query = `query ($id: ID!) { node(id: $id) { ... on Run { status step totalSteps error { code text: message hint } } } }`;
    return runShape.parse(await world().graphql(query, { id })).node;
  }
  async function ended(id: string) {
    for (;;) {
      const run = await runOf(id);
      if (!["QUEUED", "RUNNING"].includes(run.status)) return run;
      await Bun.sleep(20);
    }
  }

  async function imagesOf(search: string): Promise<Image[]> {
    const said = await world().graphql(`query ($s: String) { images(search: $s) { nodes { ${IMAGE} } } }`, {
      s: search,
    });
    return z.object({ images: z.object({ nodes: z.array(imageShape) }) }).parse(said).images.nodes;
  }
  async function make(input: { model: string } & Record<string, unknown>): Promise<Image[]> {
    const { run } = await start(input);
    expect(await ended(run.id)).toMatchObject({ status: "SUCCEEDED", error: null });
    return imagesOf(input.model);
  }
  /** How a run of one image fails. */
  async function failure(input: object) {
    const { run } = await start(input);
    const { status, error } = await ended(run.id);
    expect(status).toBe("FAILED");
    return error;
  }
  async function uploaded(bytes: Uint8Array, name = "mine.png"): Promise<Record<string, unknown>> {
    const said = await world().graphql(
      `mutation ($u: ID!) { addImage(input: { uploadId: $u }) { __typename
      ... on AddImageSuccess { image { ${IMAGE} } } ... on UserError { code text: message field value } } }`,
      { u: await world().upload(name, bytes) },
    );
    return z.looseObject({}).parse(said["addImage"]);
  }

  return {
    provide,
    start,
    refusal,
    runOf,
    ended,
    imagesOf,
    make,
    failure,
    uploaded,
    close: async () => {
      for (const one of servers) await one.close();
    },
  };
}
