// Pictures for messages: taken in one by one, before the message that shows them is sent.
import { join } from "node:path";
import type { PictureRow } from "../../chat/chat.ts";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { checkPictureSize } from "../../kit/picture.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { resultUnion } from "./common.ts";

export const MessagePicture = builder.objectRef<PictureRow>("MessagePicture").implement({
  description: "A picture of a message.",
  extensions: needs("chat"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its id." }),
    name: t.exposeString("name", { description: "Name of its file." }),
    mediaType: t.exposeString("mediaType", {
      description: "image/png, image/jpeg, image/webp or image/gif, by its bytes.",
    }),
    width: t.exposeInt("width", { description: "In pixels, as it is stored." }),
    height: t.exposeInt("height", { description: "In pixels, as it is stored." }),
    sizeBytes: t.exposeFloat("sizeBytes", { description: "Size of its file." }),
    url: t.string({
      description: "Where it is served to the people of the project.",
      resolve: ({ id }) => `/files/${id}`,
    }),
  }),
});

const AddPictureResult = resultUnion<PictureRow>("AddPicture", "The picture as it is kept.", (t) => ({
  picture: t.field({ type: MessagePicture, description: "The picture.", resolve: (row) => row }),
}));
const AddPictureInput = builder.inputType("AddPictureInput", {
  description: "A picture for a message; exactly one of `file` and `uploadId`.",
  fields: (t) => ({
    name: t.string({ required: true, description: "Name of its file; stands for it where it is not seen." }),
    file: t.field({ type: "File", description: "The picture itself, in a multipart request." }),
    uploadId: t.id({ description: "A finished upload instead." }),
  }),
});

builder.mutationField("addPicture", (t) =>
  t.field({
    type: AddPictureResult.union,
    description: `Takes in a picture for a message: PNG, JPEG, WebP or GIF of at most ${limits.pictureBytes} bytes. sendMessage takes its id; one that no message took goes after a day.`,
    extensions: needs("chat"),
    args: { input: t.arg({ type: AddPictureInput, required: true, description: "The picture." }) },
    resolve: (_, { input }, context) =>
      AddPictureResult.run(async () => {
        const { chat, principal } = context;
        const { name } = input;
        return chat.addPicture({
          projectId: principal.projectId,
          name,
          bytes: await bytesOf(input, context),
        });
      }),
  }),
);

type Given = { name: string; file?: Blob | null | undefined; uploadId?: string | null | undefined };

/** The picture's bytes; an upload is used up. @throws EspalierError FILE_MISSING, PICTURE_TOO_LARGE, UPLOAD_… */
async function bytesOf({ name, file, uploadId }: Given, context: Context): Promise<Uint8Array> {
  const { uploads, store, principal } = context;
  if (file) {
    checkPictureSize(file.size, name);
    return await file.bytes();
  }
  if (!uploadId)
    throw new EspalierError("FILE_MISSING", "There is no picture.", {
      field: "file",
      hint: "Send it as `file` in a multipart request, or an upload's id as `uploadId`.",
    });
  const taken = await uploads.claim([uploadId], principal);
  try {
    const { folder, names } = await store.incoming.find(taken);
    const held = Bun.file(join(folder, names[0] ?? ""));
    checkPictureSize(held.size, name);
    return await held.bytes();
  } finally {
    await store.incoming.remove(taken);
  }
}
