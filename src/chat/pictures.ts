// Pictures in messages: kept as they came, copied from message to message, and read again for a model that sees them.
import { and, asc, eq, inArray, isNull, lt, or, sql } from "drizzle-orm";
import { conversations, messagePictures, messages } from "../../schema/tables/chat.ts";
import type { Picture } from "../inference/inference.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { checkPictureSize, readPicture } from "../kit/picture.ts";
import type { ModelRef } from "../models/models.ts";
import type { Store } from "../store/store.ts";
import { type Asker, readableBy } from "./access.ts";

export type PictureRow = typeof messagePictures.$inferSelect;
export type PictureInput = { projectId: string; name: string; bytes: Uint8Array };

export type Pictures = ReturnType<typeof createPictures>;

/** Builds the verbs over `store`. */
export function createPictures({ store, clock }: { store: Store; clock: Clock }) {
  const { db } = store;

  return {
    /**
     * Keeps a picture for a message that is being written; one that no message takes goes after a day.
     * @throws EspalierError PICTURE_UNREADABLE, PICTURE_TOO_LARGE
     */
    async addPicture({ projectId, name, bytes }: PictureInput): Promise<PictureRow> {
      checkPictureSize(bytes.byteLength, name);
      const { mediaType, width, height } = readPicture(bytes);
      const { sha256, sizeBytes } = await store.blobs.putBytes(bytes);
      const at = clock();
      const row: PictureRow = {
        id: newId("messagePicture", at),
        projectId,
        messageId: null,
        position: 0,
        name: name.slice(0, limits.pictureNameChars),
        mediaType,
        width,
        height,
        sizeBytes,
        sha256,
        createdAt: at,
      };
      await store.write(async (tx) => void (await tx.insert(messagePictures).values(row)), "chat.picture");
      return row;
    },

    /** @throws EspalierError PICTURE_NOT_FOUND */
    getPicture: async (asker: Asker, id: string): Promise<PictureRow> => pick(await find(asker, [id]), id),

    /**
     * Pictures for a message, in this order.
     * @throws EspalierError PICTURE_NOT_FOUND, PICTURES_TOO_MANY
     */
    async getPictures(asker: Asker, ids: readonly string[]): Promise<PictureRow[]> {
      if (ids.length > limits.messagePictures)
        throw new EspalierError(
          "PICTURES_TOO_MANY",
          `The message has ${ids.length} pictures; ${limits.messagePictures} are allowed.`,
          { field: "pictures", value: String(ids.length), hint: "Send the others with another message." },
        );
      const found = await find(asker, ids);
      return ids.map((id) => pick(found, id));
    },

    /** By message, its pictures in order. */
    async picturesOf(messageIds: readonly string[]): Promise<Map<string | null, PictureRow[]>> {
      const rows = await db.query.messagePictures.findMany({
        where: inArray(messagePictures.messageId, [...messageIds]),
        orderBy: [asc(messagePictures.position)],
      });
      return Map.groupBy(rows, ({ messageId }) => messageId);
    },

    /** The bytes of pictures. @throws EspalierError BLOB_MISSING */
    readPictures: (rows: readonly PictureRow[]): Promise<Picture[]> =>
      Promise.all(
        rows.map(async ({ sha256 }) => ({ bytes: await (await store.blobs.openRead(sha256)).bytes() })),
      ),

    /** Forgets pictures that were chosen for a message and never sent; their files go with the next sweep. */
    async sweepPictures(): Promise<void> {
      const isOld = lt(messagePictures.createdAt, clock() - limits.uploadIdleMs);
      const where = and(isNull(messagePictures.messageId), isOld);
      if (!(await db.query.messagePictures.findFirst({ where }))) return;
      await store.write(async (tx) => void (await tx.delete(messagePictures).where(where)), "chat.sweep");
    },
  };

  /** Those that no message took yet, and those of conversations that may be read. */
  async function find(asker: Asker, ids: readonly string[]): Promise<PictureRow[]> {
    const isReadable = sql`EXISTS (SELECT 1 FROM ${messages} JOIN ${conversations}
      ON ${conversations.id} = ${messages.conversationId}
      WHERE ${messages.id} = ${messagePictures.messageId} AND ${readableBy(asker)})`;
    return await db
      .select()
      .from(messagePictures)
      .where(
        and(
          eq(messagePictures.projectId, asker.projectId),
          inArray(messagePictures.id, [...ids]),
          or(isNull(messagePictures.messageId), isReadable),
        ),
      );
  }
}

function pick(rows: readonly PictureRow[], id: string): PictureRow {
  const found = rows.find((row) => row.id === id);
  if (found) return found;
  throw new EspalierError("PICTURE_NOT_FOUND", `There is no picture ${id.slice(0, 80)}.`, {
    field: "pictures",
    value: id.slice(0, 80),
    hint: "One that no message took is kept for a day: add it again.",
    status: 404,
  });
}

/** The same pictures as those of a message: each message has its own rows, which go with it. */
export function copiesFor(messageId: string, rows: readonly PictureRow[], at: number): PictureRow[] {
  return rows.map((row, position) => ({
    ...row,
    id: newId("messagePicture", at),
    messageId,
    position,
    createdAt: at,
  }));
}

/**
 * Refuses pictures for a model that cannot see them, and more bytes than are held in memory for one reply.
 * @throws EspalierError MODEL_TAKES_NO_PICTURES, PICTURES_TOO_LARGE
 */
export function checkSight(model: ModelRef, sizes: readonly number[]): void {
  if (sizes.length === 0) return;
  if (!model.abilities.includes("vision"))
    throw new EspalierError(
      "MODEL_TAKES_NO_PICTURES",
      `${model.name} takes no pictures, and this conversation has ${sizes.length}.`,
      {
        field: "model",
        value: model.name,
        hint: "Choose a model that reads pictures, or leave them out.",
      },
    );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= limits.replyPictureBytes) return;
  throw new EspalierError(
    "PICTURES_TOO_LARGE",
    `The pictures of this conversation have ${total} bytes; ${limits.replyPictureBytes} go to a model at once.`,
    {
      field: "pictures",
      value: String(total),
      hint: "Begin a new conversation, or send fewer.",
      status: 413,
    },
  );
}
