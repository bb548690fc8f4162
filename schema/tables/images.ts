// Images: what somebody asked a model to draw, and the pictures that came of it or were brought along.
import { index, integer, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

/** One wish for one to four images; its run makes them, and a retry makes those that are missing. */
export const imageRequests = sqliteTable(
  "image_requests",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    userId: text("user_id"),
    prompt: text("prompt").notNull(),
    /** The model's name at the time. */
    model: text("model").notNull(),
    modelId: text("model_id").notNull(),
    /** Width to height as `3:2`; null leaves it to the provider. */
    ratio: text("ratio"),
    /** Seed of the first image, each further one has the next; null where the provider gets none. */
    seed: integer("seed"),
    count: integer("count").notNull(),
    /** Places, from 0, of the images that were made: they are not paid for again, also once they are deleted. */
    madePlaces: json<number[]>("made_places").notNull(),
    /** The image that it starts from. */
    sourceId: text("source_id"),
    createdBy: text("created_by").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [index("image_requests_project").on(t.projectId, t.createdAt)],
);

/** A picture that a model made, or that somebody brought as a source; its bytes are a blob. */
export const images = sqliteTable(
  "images",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    userId: text("user_id"),
    sha256: text("sha256").notNull(),
    /** image/png | image/jpeg | image/webp */
    mediaType: text("media_type").notNull(),
    width: integer("width").notNull(),
    height: integer("height").notNull(),
    sizeBytes: integer("size_bytes").notNull(),
    /** What it was made from; null, like the model, for a picture that was uploaded. */
    prompt: text("prompt"),
    model: text("model"),
    modelId: text("model_id"),
    ratio: text("ratio"),
    seed: integer("seed"),
    sourceId: text("source_id"),
    /** Name of the uploaded file. */
    fileName: text("file_name"),
    imageRequestId: text("image_request_id"),
    /** Its place among the images of its request, from 0. */
    place: integer("place"),
    /** US dollars; null where the model has no price. */
    costUsd: real("cost_usd"),
    latencyMs: integer("latency_ms"),
    /** Who asked for it, by name. */
    createdBy: text("created_by").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [
    index("images_project").on(t.projectId, t.createdAt),
    uniqueIndex("images_place").on(t.imageRequestId, t.place),
  ],
);
