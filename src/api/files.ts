// /files/{id}: a model's files, as one zip, as a list, or one by one; a conversation as Markdown or JSON; a picture.
import { opens, type Principal } from "../accounts/accounts.ts";
import { type AssessmentRow, HTML_POLICY } from "../assessments/assessments.ts";
import { exportTypes, isExportFormat, type PictureRow } from "../chat/chat.ts";
import { sha256 } from "../kit/hash.ts";
import { limits } from "../kit/limits.ts";
import type { ApiDeps } from "./context.ts";
import { decodeSegment, json, methodNotAllowed, notFound, scopeMissing } from "./http.ts";
import { zip } from "./zip.ts";

/**
 * `/files/{id or name}` is a zip of the model's files (a PEFT or Hugging Face folder), `/files/{id}/` their list,
 * `/files/{id}/{path}` one of them, with Range. `/files/{conversation}.md` and `.json` are a conversation,
 * `/files/{picture}` is a picture of a message; they need the scope "chat".
 * `/files/{assessment}.csv` and `.jsonl` are an assessment's answers with their scores, `.html` is its report, with
 * `?by={column}` also by the values of a column.
 * `/files/{dataset version}/{row}?column={column}` is the picture in a column of a row.
 * `/files/{image}` is an image; with `?download` it is a file to keep.
 */
export async function handleFiles(request: Request, principal: Principal, deps: ApiDeps): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed(request.method, "GET");
  const [, id = "", path] = /^\/files\/([^/]+)(?:\/(.*))?$/.exec(new URL(request.url).pathname) ?? [];
  const [, conversationId, format = ""] = /^(cnv_[0-9a-z]+)\.([a-z]+)$/.exec(id) ?? [];
  if (conversationId !== undefined && path === undefined && isExportFormat(format)) {
    if (!opens(principal.scopes, "chat")) throw scopeMissing(principal, "chat");
    const { title, text } = await deps.chat.exportConversation(principal, conversationId, format);
    const headers = { "content-type": exportTypes[format], ...attachment(`${folderName(title)}.${format}`) };
    return new Response(request.method === "HEAD" ? null : text, { headers });
  }
  if (/^pic_[0-9a-z]+$/.test(id) && path === undefined) {
    if (!opens(principal.scopes, "chat")) throw scopeMissing(principal, "chat");
    const picture = await deps.chat.getPicture(principal, id);
    return sendPicture(request, { ...picture, read: () => deps.store.blobs.openRead(picture.sha256) });
  }
  const [, assessmentId, as] = /^(asm_[0-9a-z]+)\.(csv|jsonl|html)$/.exec(id) ?? [];
  if (assessmentId !== undefined && path === undefined) {
    const found = await deps.assessments.get(principal.projectId, assessmentId);
    return sendAssessment(request, found, as, deps);
  }
  if (/^img_[0-9a-z]+$/.test(id) && path === undefined) {
    const image = await deps.images.find(id);
    if (image?.projectId !== principal.projectId) throw notFound("image", id);
    const name = `${id}.${ENDINGS[image.mediaType] ?? "bin"}`;
    return sendPicture(request, { ...image, name, read: () => deps.store.blobs.openRead(image.sha256) });
  }
  const column = new URL(request.url).searchParams.get("column");
  if (/^dsv_[0-9a-z]+$/.test(id) && /^\d{1,15}$/.test(path ?? "") && column !== null) {
    const wish = { datasetVersionId: id, row: Number(path), column };
    const { bytes, mediaType } = await deps.assessments.rowPicture(principal.projectId, wish);
    const name = `${column.slice(0, limits.pictureNameChars)}-${path}.${ENDINGS[mediaType] ?? "bin"}`;
    return sendPicture(request, { name, sha256: sha256(bytes), mediaType, read: async () => bytes });
  }
  const model = id === "" ? null : await deps.models.find(principal.projectId, decodeSegment(id));
  if (!model) throw notFound("model", id);
  const files = await deps.models.exportFiles(model.modelId);
  if (path === "")
    return json({
      id: model.modelId,
      name: model.name,
      files: files.map(({ path, sha256, sizeBytes }) => ({ path, sha256, sizeBytes })),
    });
  if (path !== undefined) {
    const file = files.find((one) => one.path === decodeSegment(path));
    if (!file) throw notFound("file", path);
    return sendFile(request, file, deps);
  }
  const entries = files.map((file) => ({
    name: `${folderName(model.name)}/${file.path}`,
    sizeBytes: file.sizeBytes,
    stream: () => Bun.file(file.absolutePath).stream(),
  }));
  return new Response(request.method === "HEAD" ? null : streamOf(zip(entries)), {
    headers: { "content-type": "application/zip", ...attachment(`${folderName(model.name)}.zip`) },
  });
}

async function sendAssessment(
  request: Request,
  found: AssessmentRow,
  as: string | undefined,
  { assessments }: ApiDeps,
): Promise<Response> {
  const headers = attachment(`${folderName(found.name)}.${as}`);
  if (as === "html") {
    const lines = await assessments.exportedHtml(found, new URL(request.url).searchParams.get("by"));
    const safe = { "content-type": "text/html; charset=utf-8", "content-security-policy": HTML_POLICY };
    return new Response(request.method === "HEAD" ? null : streamOf(encoded(lines)), {
      headers: { ...headers, ...safe },
    });
  }
  const lines = assessments.exported(found, as === "csv" ? "csv" : "jsonl");
  const type = as === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson";
  return new Response(request.method === "HEAD" ? null : streamOf(encoded(lines)), {
    headers: { ...headers, "content-type": type },
  });
}

type ModelFile = { path: string; sha256: string; sizeBytes: number };

async function sendFile(request: Request, file: ModelFile, { store }: ApiDeps): Promise<Response> {
  const headers = {
    "accept-ranges": "bytes",
    "content-type": "application/octet-stream",
    etag: `"${file.sha256}"`,
    ...attachment(file.path.split("/").at(-1) ?? "file"),
  };
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
  if (start === 0) return new Response(await store.blobs.openRead(file.sha256), { headers });
  if (start >= file.sizeBytes)
    return new Response(null, {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${file.sizeBytes}` },
    });
  return new Response(await store.blobs.openRead(file.sha256, { start }), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${file.sizeBytes - 1}/${file.sizeBytes}` },
  });
}

const ENDINGS: Record<string, string> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/webp": "webp",
  "image/gif": "gif",
};

type SentPicture = Pick<PictureRow, "name" | "sha256" | "mediaType"> & {
  read(): Promise<Blob | Uint8Array<ArrayBuffer>>;
};

/** A picture, to be seen or as a file to keep. Whether it may still be seen is asked each time; nothing in it may run. */
async function sendPicture(
  request: Request,
  { name, sha256, mediaType, read }: SentPicture,
): Promise<Response> {
  const isKept = new URL(request.url).searchParams.has("download");
  const headers = {
    "content-type": mediaType,
    "content-disposition": `${isKept ? "attachment" : "inline"}; filename*=UTF-8''${encodeURIComponent(name.toWellFormed())}`,
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "private, no-cache",
    etag: `"${sha256}"`,
  };
  if (request.headers.get("if-none-match") === headers.etag)
    return new Response(null, { status: 304, headers });
  return new Response(request.method === "HEAD" ? null : await read(), { headers });
}

function attachment(name: string): Record<string, string> {
  return {
    "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
    "x-content-type-options": "nosniff",
  };
}

/** A model's name, or a conversation's title, as the name of a folder or file. */
function folderName(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}._+-]/gu, "_");
}

async function* encoded(lines: AsyncGenerator<string, void, void>) {
  const encoder = new TextEncoder();
  for await (const line of lines) yield encoder.encode(line);
}

function streamOf(parts: AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const item = await parts.next();
      if (item.done) controller.close();
      else controller.enqueue(item.value);
    },
    async cancel() {
      await parts.return();
    },
  });
}
