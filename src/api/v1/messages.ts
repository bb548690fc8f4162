// The messages of /v1/chat/completions: text, and pictures as data URLs, which are read by their bytes.
import { z } from "zod";
import { EspalierError, isEspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { checkPictureSize, readPicture } from "../../kit/picture.ts";
import { invalid } from "./body.ts";

const text = z.string().max(limits.completionMessageChars);
const part = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal("text"), text }),
    z.object({ type: z.literal("image_url"), image_url: z.object({ url: z.string() }) }),
  ],
  "only parts of type text and image_url are supported",
);
export const messageSchema = z.object({
  role: z.enum(["system", "developer", "user", "assistant"]),
  content: z.union([text, z.array(part).min(1)]),
});
type Message = z.infer<typeof messageSchema>;

/** A message in the engine's words: its texts joined, its pictures beside them. @throws EspalierError INVALID_VALUE */
export function turnOf({ role, content }: Message, index: number) {
  const turn = { role: role === "developer" ? "system" : role };
  if (typeof content === "string") return { ...turn, content };
  const texts: string[] = [];
  const pictures: { bytes: Uint8Array }[] = [];
  for (const [at, one] of content.entries()) {
    const field = `messages[${index}].content[${at}]`;
    if (one.type === "text") texts.push(one.text);
    else if (role !== "user") throw invalid(field, "only messages of the user may have pictures");
    else pictures.push({ bytes: pictureOf(one.image_url.url, `${field}.image_url.url`) });
  }
  return { ...turn, content: texts.join(""), ...(pictures.length > 0 ? { pictures } : {}) };
}

/** The bytes of a picture that stands in its own address. @throws EspalierError INVALID_VALUE, PICTURE_TOO_LARGE */
function pictureOf(url: string, field: string): Uint8Array {
  const data = /^data:[^,]{0,200};base64,/i.exec(url);
  if (!data)
    throw invalid(
      field,
      /^https?:/i.test(url)
        ? "addresses are not fetched here; send the picture itself as a data: URL in base64"
        : "must be a data: URL in base64",
    );
  const bytes = Buffer.from(url.slice(data[0].length), "base64");
  checkPictureSize(bytes.byteLength, "the picture", field);
  try {
    readPicture(bytes);
  } catch (error) {
    if (!isEspalierError(error)) throw error;
    const { code, message, hint, value } = error;
    const detail = { field, ...(hint ? { hint } : {}), ...(value ? { value } : {}), status: 400 };
    throw new EspalierError(code, `${field}: ${message}`, detail);
  }
  return bytes;
}
