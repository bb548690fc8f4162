// /uploads: files of any size in pieces, gone on with after an interruption; a mutation then takes them by id.
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import type { Principal } from "../accounts/accounts.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { json, methodNotAllowed, notFound, readBody, readJson } from "./http.ts";

const startBody = z.object({
  name: z.string().min(1).max(1000),
  sizeBytes: z.int().min(0),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});
const about = startBody.extend({ projectId: z.string() });
const UPLOAD_ID = /^upl_[0-9a-z]{26}$/;

export type TakenUpload = { id: string; path: string; name: string; sizeBytes: number };
export type Uploads = {
  /** Answers POST /uploads, and HEAD, PATCH, DELETE of /uploads/{id}. The caller has checked the scope. */
  handle(request: Request, principal: Principal): Promise<Response>;
  /** A finished upload's file, which stays until `drop` or the sweep. @throws UPLOAD_NOT_FOUND, UPLOAD_INCOMPLETE. */
  take(id: string, principal: Principal): Promise<TakenUpload>;
  /** Keeps a multipart file as an upload that is finished at once. */
  keep(file: Blob, name: string, principal: Principal): Promise<TakenUpload>;
  /** Forgets an upload and its bytes. */
  drop(id: string): Promise<void>;
  /** Removes uploads that nobody touched for long. */
  sweep(): Promise<void>;
};

/** Uploads in folders of their own below `dir`. */
export function createUploads({ dir, clock }: { dir: string; clock: Clock }): Uploads {
  const busy = new Set<string>();
  const folder = (id: string): string => join(dir, id);

  async function read(
    id: string,
    principal: Principal,
  ): Promise<z.infer<typeof about> & TakenUpload & { held: number }> {
    const text = UPLOAD_ID.test(id)
      ? await readFile(join(folder(id), "about.json"), "utf8").catch(() => null)
      : null;
    const meta = text === null ? null : about.parse(JSON.parse(text));
    if (!meta || meta.projectId !== principal.projectId)
      throw new EspalierError("UPLOAD_NOT_FOUND", `there is no upload ${id.slice(0, 100)}`, {
        hint: "It may have been removed after a day without use: upload the file again.",
        field: "uploadId",
        value: id.slice(0, 100),
        status: 404,
      });
    const path = join(folder(id), "files", safeName(meta.name));
    const held = (await stat(path)).size;
    return { ...meta, id, path, held };
  }

  async function start(
    input: z.infer<typeof startBody>,
    principal: Principal,
  ): Promise<{ id: string; path: string }> {
    if (input.sizeBytes > limits.uploadBytes)
      throw new EspalierError(
        "UPLOAD_TOO_LARGE",
        `the file has ${input.sizeBytes} bytes, ${limits.uploadBytes} are allowed`,
        {
          hint: "Put it on the server's machine and import it by its path.",
          field: "sizeBytes",
          status: 413,
        },
      );
    const open = (await readdir(dir).catch(() => [])).length;
    if (open >= limits.openUploads)
      throw new EspalierError(
        "UPLOADS_TOO_MANY",
        `${open} uploads are open, ${limits.openUploads} are allowed`,
        {
          hint: "Finish or delete some of them.",
          status: 429,
        },
      );
    const id = newId("upload");
    const path = join(folder(id), "files", safeName(input.name));
    await mkdir(join(folder(id), "files"), { recursive: true, mode: 0o700 });
    await writeFile(path, "", { mode: 0o600 });
    const meta = JSON.stringify({ ...input, projectId: principal.projectId });
    // Last, by a rename: an upload without it does not exist.
    await writeFile(join(folder(id), "about.tmp"), meta, { mode: 0o600 });
    await rename(join(folder(id), "about.tmp"), join(folder(id), "about.json"));
    return { id, path };
  }

  async function append(request: Request, id: string, principal: Principal): Promise<Response> {
    if (busy.has(id))
      throw new EspalierError("UPLOAD_BUSY", "another piece of this upload is being written", {
        status: 409,
      });
    busy.add(id);
    try {
      const upload = await read(id, principal);
      const offset = Number(request.headers.get("upload-offset") ?? Number.NaN);
      if (offset !== upload.held)
        throw new EspalierError(
          "UPLOAD_OFFSET_WRONG",
          `the server holds ${upload.held} bytes of this upload`,
          {
            hint: "Go on from there.",
            field: "Upload-Offset",
            value: String(upload.held),
            status: 409,
          },
        );
      const room = upload.sizeBytes - upload.held;
      const piece = await readBody(request, Math.min(limits.uploadChunkBytes, room));
      const file = await open(upload.path, "r+");
      try {
        await file.write(piece, 0, piece.byteLength, upload.held);
        await file.sync();
      } finally {
        await file.close();
      }
      const held = upload.held + piece.byteLength;
      if (held === upload.sizeBytes && upload.sha256 !== undefined)
        await verify(id, upload.path, upload.sha256);
      return json({ id, offset: held, done: held === upload.sizeBytes });
    } catch (error) {
      throw diskError(error);
    } finally {
      busy.delete(id);
    }
  }

  async function verify(id: string, path: string, expected: string): Promise<void> {
    const hash = createHash("sha256");
    for await (const part of Bun.file(path).stream()) hash.update(part);
    if (hash.digest("hex") === expected) return;
    await rm(folder(id), { recursive: true, force: true });
    throw new EspalierError("UPLOAD_DAMAGED", "the bytes that arrived do not have the announced SHA-256", {
      hint: "Upload the file again.",
      field: "sha256",
      value: expected,
    });
  }

  return {
    async handle(request, principal) {
      const id = new URL(request.url).pathname.slice("/uploads/".length);
      if (id === "") {
        if (request.method !== "POST") throw methodNotAllowed(request.method, "POST");
        const made = await start(await readJson(request, startBody), principal);
        return json({ id: made.id, offset: 0 }, 201, { location: `/uploads/${made.id}` });
      }
      if (id.includes("/")) throw notFound("upload", id);
      if (request.method === "PATCH") return append(request, id, principal);
      const upload = await read(id, principal);
      if (request.method === "HEAD" || request.method === "GET") {
        const headers = { "upload-offset": String(upload.held), "upload-length": String(upload.sizeBytes) };
        return json({ id, offset: upload.held, sizeBytes: upload.sizeBytes }, 200, headers);
      }
      if (request.method !== "DELETE") throw methodNotAllowed(request.method, "HEAD, PATCH or DELETE");
      await rm(folder(id), { recursive: true, force: true });
      return json({ id });
    },

    async take(id, principal) {
      const upload = await read(id, principal);
      if (upload.held !== upload.sizeBytes)
        throw new EspalierError(
          "UPLOAD_INCOMPLETE",
          `${upload.held} of ${upload.sizeBytes} bytes of this upload have arrived`,
          { hint: "Send the rest first.", field: "uploadId", value: id, status: 409 },
        );
      return { id, path: upload.path, name: upload.name, sizeBytes: upload.sizeBytes };
    },

    async keep(file, name, principal) {
      if (file.size > limits.multipartUploadBytes)
        throw new EspalierError(
          "UPLOAD_TOO_LARGE",
          `the file has ${file.size} bytes, ${limits.multipartUploadBytes} are allowed in one request`,
          { hint: "Send it in pieces to /uploads.", field: "file", status: 413 },
        );
      const made = await start({ name, sizeBytes: file.size }, principal);
      try {
        await Bun.write(made.path, file);
      } catch (error) {
        await rm(folder(made.id), { recursive: true, force: true });
        throw diskError(error);
      }
      return { id: made.id, path: made.path, name, sizeBytes: file.size };
    },

    async drop(id) {
      if (UPLOAD_ID.test(id)) await rm(folder(id), { recursive: true, force: true });
    },

    async sweep() {
      for (const id of await readdir(dir).catch(() => [])) {
        const files = join(folder(id), "files");
        const [name] = await readdir(files).catch(() => []);
        const info = await stat(name === undefined ? folder(id) : join(files, name)).catch(() => null);
        if (info && clock() - info.mtimeMs > limits.uploadIdleMs)
          await rm(folder(id), { recursive: true, force: true });
      }
    },
  };
}

/** The caller's file name as a name on our disk: its last segment, without what a file system may trip over. */
export function safeName(name: string): string {
  const last = basename(name.replaceAll("\\", "/"))
    .replaceAll(/[^A-Za-z0-9._ -]/g, "_")
    .replace(/^\.+/, "");
  return last.slice(-120).trim() || "file";
}

function diskError(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new EspalierError("DISK_FULL", "the disk is full, the upload cannot be kept", {
    hint: "Free some space, then go on with the upload.",
    status: 507,
  });
}
