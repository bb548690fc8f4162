// Resumable upload of one file in parts: interrupted parts are asked for again from the offset the server holds.
import { z } from "zod";
import { t } from "../i18n.ts";
import { ProblemError } from "./errors.ts";

const partBytes = 4 * 1024 * 1024;
const started = z.object({ id: z.string(), offset: z.number() });
const moved = z.object({ offset: z.number() });

async function refuse(response: Response): Promise<never> {
  const body = z
    .object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullish() }) })
    .safeParse(await response.json().catch(() => null));
  throw new ProblemError(
    body.success
      ? { ...body.data.error, hint: body.data.error.hint ?? null }
      : {
          code: "UPLOAD_FAILED",
          message: t("The server refused with status {{status}}.", { status: response.status }),
        },
  );
}

/** Sends `file`; `onProgress` gets the share 0..1. Returns the upload's id for a mutation. */
export async function upload(
  file: File,
  onProgress: (share: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  const opened = await fetch("/uploads", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: file.name, sizeBytes: file.size }),
    ...(signal ? { signal } : {}),
  });
  if (!opened.ok) return refuse(opened);
  const { id, offset: first } = started.parse(await opened.json());
  let offset = first;
  let failures = 0;
  while (offset < file.size) {
    try {
      const response = await fetch(`/uploads/${id}`, {
        method: "PATCH",
        headers: { "upload-offset": String(offset), "content-type": "application/octet-stream" },
        body: file.slice(offset, offset + partBytes),
        ...(signal ? { signal } : {}),
      });
      if (!response.ok) return await refuse(response);
      offset = moved.parse(await response.json()).offset;
      failures = 0;
      onProgress(offset / file.size);
    } catch (thrown) {
      if (thrown instanceof ProblemError || signal?.aborted || ++failures > 5) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 500 * failures));
      const held = await fetch(`/uploads/${id}`, { method: "HEAD" });
      const heldOffset = Number(held.headers.get("upload-offset"));
      if (held.ok && Number.isFinite(heldOffset)) offset = heldOffset;
    }
  }
  return id;
}
