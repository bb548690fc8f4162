// Front door of images: asked of third-party models, made by a run, kept in a gallery, deleted and brought back.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { and, eq, type SQL, sql } from "drizzle-orm";
import { imageRequests, images } from "../../schema/tables/images.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId, newSeed } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { checkPictureSize, readPicture } from "../kit/picture.ts";
import type { Models, Providers } from "../models/models.ts";
import { isEnded, type RunRow, type Runs } from "../runs/runs.ts";
import {
  keepInTrash,
  type Page,
  type PageRequest,
  putBack,
  readPage,
  type Store,
  takeFromTrash,
  takeOut,
} from "../store/store.ts";
import type { Usage } from "../usage/usage.ts";
import { checkWish } from "./input.ts";
import { imagesHandler, type MakingSpec } from "./making.ts";

export type ImageRow = typeof images.$inferSelect;
export type ImageRequestRow = typeof imageRequests.$inferSelect;
type Changed = { id: string; name: string };

/** Who asks, for the record. */
type By = { projectId: string; userId: string | null; createdBy: string };
export type StartImagesInput = By & {
  keyId: string | null;
  /** Name or id of a model that makes images. */
  model: string;
  prompt: string;
  /** `3:2`, one of the model's offer; the provider's own when unsaid. */
  ratio?: string | null | undefined;
  seed?: number | null | undefined;
  /** One to limits.imagesPerRequest; 1 when unsaid. */
  count?: number | null | undefined;
  /** Id of the image to start from. */
  sourceId?: string | null | undefined;
};

export type ImagesDeps = {
  store: Store;
  runs: Runs;
  models: Models;
  providers: Providers;
  usage: Usage;
  clock: Clock;
};
export type Images = ReturnType<typeof createImages>;

/** Longest that an image is called in lists. */
const NAME_CHARS = 60;

/** What an image or request is called where it has no name of its own. */
export function titleOf({ prompt, fileName }: { prompt: string | null; fileName?: string | null }): string {
  const text = (prompt ?? fileName ?? "").replaceAll(/\s+/g, " ").trim();
  return text.length > NAME_CHARS ? `${text.slice(0, NAME_CHARS - 1)}…` : text;
}

/** Builds the front door, and says how its runs are done. */
export function createImages({ store, runs, models, providers, usage, clock }: ImagesDeps) {
  const { db } = store;
  runs.registerHandler("make-images", imagesHandler({ store, providers, usage, clock }));

  /** @throws EspalierError IMAGE_NOT_FOUND */
  async function get(projectId: string, id: string, field: string): Promise<ImageRow> {
    const row = await self.find(id);
    if (row?.projectId === projectId) return row;
    throw notFound("image", id, field);
  }

  const self = {
    find: async (id: string): Promise<ImageRow | null> =>
      (await db.query.images.findFirst({ where: eq(images.id, id) })) ?? null,
    findRequest: async (id: string): Promise<ImageRequestRow | null> =>
      (await db.query.imageRequests.findFirst({ where: eq(imageRequests.id, id) })) ?? null,

    /** The gallery, newest first. @throws EspalierError SEARCH_TOO_LONG */
    pageOf: (projectId: string, page: PageRequest, search?: string | null): Promise<Page<ImageRow>> =>
      readPage(
        db,
        images,
        {
          where: and(eq(images.projectId, projectId), search ? containing(search) : undefined),
          keys: ["id"],
          order: "descending",
        },
        page,
      ),

    /** Requests of which images are missing, because they are being made, or because that failed; newest first. */
    pageOfOpenRequests: (projectId: string, page: PageRequest): Promise<Page<ImageRequestRow>> =>
      readPage(
        db,
        imageRequests,
        {
          where: and(
            eq(imageRequests.projectId, projectId),
            sql`json_array_length(${imageRequests.madePlaces}) < ${imageRequests.count}`,
          ),
          keys: ["id"],
          order: "descending",
        },
        page,
      ),

    /**
     * Queues the making of images.
     * @throws EspalierError MODEL_NOT_FOUND, MODEL_CANNOT, PROMPT_INVALID, PARAMETER_INVALID, IMAGE_NOT_FOUND, and
     * RATIO_UNSUPPORTED, SEED_UNSUPPORTED, SOURCE_UNSUPPORTED where the provider has no such thing
     */
    async start(input: StartImagesInput): Promise<{ request: ImageRequestRow; run: RunRow }> {
      const { projectId, userId, keyId, createdBy } = input;
      const ref = await models.resolve(projectId, input.model, "image");
      const row = await providers.findModel(ref.modelId);
      const offer = row && (await providers.imageOfferOf(row));
      const wish = checkWish(ref.name, offer, input);
      const source = wish.sourceId === null ? null : await get(projectId, wish.sourceId, "source");
      // A provider that has a seed always gets one: the image can be made again, and several are not the same.
      const seed = wish.seed ?? (offer?.seed === "kept" ? newSeed(limits.imageSeed) : null);
      const request: ImageRequestRow = {
        ...wish,
        id: newId("imageRequest"),
        projectId,
        userId,
        createdBy,
        model: ref.name,
        modelId: ref.modelId,
        seed,
        madePlaces: [],
        createdAt: clock(),
      };
      const spec: MakingSpec = {
        requestId: request.id,
        caller: { userId, keyId },
        source: source && { sha256: source.sha256, mediaType: source.mediaType },
      };
      return store.write(async (tx) => {
        await tx.insert(imageRequests).values(request);
        const run = await runs.createRun(tx, {
          projectId,
          kind: "make-images",
          executor: "server",
          name: `Image: ${titleOf(request)}`,
          subjectId: request.id,
          spec,
        });
        return { request, run };
      }, "image.start");
    },

    /** The run that makes the images of a request, or tried to. */
    runOf: (requestId: string): Promise<RunRow | null> => runs.latestOf(requestId),

    /**
     * Takes an uploaded picture into the gallery, so that images can start from it; the same one twice is one.
     * @throws EspalierError PICTURE_UNREADABLE, PICTURE_TOO_LARGE, and what claiming the upload throws
     */
    async add(input: By & { claim: () => Promise<string> }): Promise<ImageRow> {
      const { claim, ...by } = input;
      const incoming = await claim();
      try {
        const { folder, names } = await store.incoming.find(incoming);
        const fileName = names[0] ?? "";
        const path = join(folder, fileName);
        checkPictureSize((await stat(path)).size, fileName, "file");
        const bytes = await readFile(path);
        const { mediaType, width, height } = readPicture(bytes);
        if (mediaType === "image/gif")
          throw new EspalierError("PICTURE_UNREADABLE", `${fileName} is a GIF.`, {
            field: "file",
            value: fileName,
            hint: "Give a PNG, JPEG or WebP: models start from these.",
            status: 415,
          });
        const blob = await store.blobs.putBytes(bytes);
        const known = await db.query.images.findFirst({
          where: and(eq(images.projectId, by.projectId), eq(images.sha256, blob.sha256)),
        });
        if (known) return known;
        const row: ImageRow = {
          ...by,
          ...blob,
          id: newId("image"),
          mediaType,
          width,
          height,
          fileName,
          ...{ prompt: null, model: null, modelId: null, ratio: null, seed: null, sourceId: null },
          ...{ imageRequestId: null, place: null, costUsd: null, latencyMs: null },
          createdAt: clock(),
        };
        await store.write((tx) => tx.insert(images).values(row), "image.add");
        return row;
      } finally {
        await store.incoming.remove(incoming);
      }
    },

    /** Deletes an image into the trash; what was made from it stays. @throws EspalierError IMAGE_NOT_FOUND */
    async remove(projectId: string, id: string): Promise<Changed> {
      const name = titleOf(await get(projectId, id, "id"));
      await store.write(async (tx) => {
        const taken = await takeOut(tx, images, eq(images.id, id));
        await keepInTrash(tx, { id, projectId, name, deletedAt: clock() }, taken);
      }, "image.remove");
      return { id, name };
    },

    /**
     * Deletes a request that failed or was cancelled; the images that came of it stay.
     * @throws EspalierError IMAGE_REQUEST_NOT_FOUND, IN_USE while its run goes on
     */
    async removeRequest(projectId: string, id: string): Promise<Changed> {
      const row = await self.findRequest(id);
      if (row?.projectId !== projectId) throw notFound("image request", id, "id");
      const name = titleOf(row);
      const run = await runs.latestOf(id);
      if (run && !isEnded(run))
        throw new EspalierError("IN_USE", `"${name}" is being made: its run is ${run.status}.`, {
          field: "id",
          value: run.id,
          hint: `Wait for it, or cancel it: espalier run cancel ${run.id}`,
          status: 409,
        });
      await store.write(async (tx) => {
        const taken = await takeOut(tx, imageRequests, eq(imageRequests.id, id));
        await keepInTrash(tx, { id, projectId, name, deletedAt: clock() }, taken);
      }, "image.removeRequest");
      return { id, name };
    },

    /** Brings back a deleted image or request. @throws EspalierError NOT_IN_TRASH */
    restore: (projectId: string, id: string): Promise<Changed> =>
      store.write(async (tx) => {
        const { name, rows } = await takeFromTrash(tx, projectId, id);
        for (const one of rows) await putBack(tx, one);
        return { id, name };
      }, "image.restore"),
  };
  return self;
}

/** Holds for images whose words contain the text, in whatever case (of ASCII). */
function containing(search: string): SQL {
  if (search.length > limits.searchChars)
    throw new EspalierError(
      "SEARCH_TOO_LONG",
      `The search has ${search.length} characters; ${limits.searchChars} are allowed.`,
      { field: "search", hint: "Search for fewer words." },
    );
  const like = `%${search.replaceAll(/[\\%_]/g, "\\$&")}%`;
  return sql`(coalesce(${images.prompt}, '') LIKE ${like} ESCAPE '\\'
    OR coalesce(${images.fileName}, '') LIKE ${like} ESCAPE '\\'
    OR coalesce(${images.model}, '') LIKE ${like} ESCAPE '\\')`;
}

function notFound(what: string, id: string, field: string): EspalierError {
  const code = `${what.toUpperCase().replace(" ", "_")}_NOT_FOUND`;
  return new EspalierError(code, `There is no ${what} ${id.slice(0, 80)}.`, {
    field,
    value: id.slice(0, 80),
    hint: "It may have been deleted: look among what can come back.",
    status: 404,
  });
}
