// /uploads: files of any size in pieces, gone on with after an interruption; a mutation then takes them by id.
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Principal } from "../accounts/accounts.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { Incoming } from "../store/store.ts";
import { json, methodNotAllowed, notFound, readJson } from "./http.ts";

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

export type Uploads = {
  /** Answers POST /uploads, and HEAD, PATCH, DELETE of /uploads/{id}. The caller has checked the scope. */
  handle(request: Request, principal: Principal): Promise<Response>;
  /**
   * Hands finished uploads to a run: their files leave for one folder of `incoming`, whose id this is.
   * @throws UPLOAD_NOT_FOUND, UPLOAD_EXPIRED, UPLOAD_INCOMPLETE, UPLOAD_BUSY, UPLOADS_TOO_MANY, UPLOAD_NAME_TAKEN
   */
  claim(ids: readonly string[], principal: Principal): Promise<string>;
  /** Keeps a multipart file as an upload that is finished at once, and returns its id. */
  keep(file: Blob, name: string, principal: Principal): Promise<string>;
  /** Removes uploads that nobody touched for long. */
  sweep(): Promise<void>;
};

type Deps = { dir: string; clock: Clock; incoming: Incoming };
type Upload = z.infer<typeof about> & { id: string; path: string; held: number };

/** Uploads in folders of their own below `dir`. */
export function createUploads({ dir, clock, incoming }: Deps): Uploads {
  const busy = new Set<string>();
  const folder = (id: string): string => join(dir, id);

  async function read(id: string, principal: Principal): Promise<Upload> {
    const text = UPLOAD_ID.test(id)
      ? await readFile(join(folder(id), "about.json"), "utf8").catch(() => null)
      : null;
    const meta = text === null ? null : about.parse(JSON.parse(text));
    const path = join(folder(id), "files", meta?.name ?? "");
    // An import may have taken the file and been cut off before it forgot the upload.
    const file = meta === null ? null : await stat(path).catch(() => null);
    if (!meta || !file || meta.projectId !== principal.projectId)
      throw new EspalierError("UPLOAD_NOT_FOUND", `there is no upload ${id.slice(0, 100)}`, {
        hint: "It may have been removed after a day without use: upload the file again.",
        field: "uploadId",
        value: id.slice(0, 100),
        status: 404,
      });
    const { size: held, mtimeMs } = file;
    if (clock() - mtimeMs > limits.uploadIdleMs) {
      await rm(folder(id), { recursive: true, force: true });
      throw new EspalierError(
        "UPLOAD_EXPIRED",
        `the upload ${id} of ${meta.name} was left alone for too long`,
        {
          hint: `Upload the file again; unfinished uploads are kept for ${limits.uploadIdleMs / 3_600_000} hours.`,
          field: "uploadId",
          value: id,
          status: 404,
        },
      );
    }
    return { ...meta, id, path, held };
  }

  /** Does `work` as the only one who touches the upload. @throws EspalierError UPLOAD_BUSY */
  async function alone<T>(id: string, work: () => Promise<T>): Promise<T> {
    if (busy.has(id))
      throw new EspalierError("UPLOAD_BUSY", `another request is at work on the upload ${id.slice(0, 100)}`, {
        hint: "Wait for it, then ask how far the upload is and go on from there.",
        field: "uploadId",
        value: id.slice(0, 100),
        status: 409,
      });
    busy.add(id);
    try {
      return await work();
    } catch (error) {
      throw diskError(error);
    } finally {
      busy.delete(id);
    }
  }

  async function start(
    input: z.infer<typeof startBody>,
    principal: Principal,
  ): Promise<{ id: string; path: string }> {
    checkFileName(input.name);
    if (input.sizeBytes > limits.uploadBytes)
      throw new EspalierError(
        "UPLOAD_TOO_LARGE",
        `${input.name} has ${input.sizeBytes} bytes, the limit uploadBytes is ${limits.uploadBytes}`,
        {
          hint: "Put it on the server's machine and import it by its path.",
          field: "sizeBytes",
          value: String(input.sizeBytes),
          status: 413,
        },
      );
    const open = (await readdir(dir).catch(() => [])).length;
    if (open >= limits.openUploads)
      throw new EspalierError(
        "UPLOADS_TOO_MANY",
        `${open} uploads are open, the limit openUploads is ${limits.openUploads}`,
        { hint: "Use or delete some of them.", value: String(open), status: 429 },
      );
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(dir);
    if (input.sizeBytes > bavail * bsize)
      throw new EspalierError(
        "DISK_FULL",
        `${input.name} has ${input.sizeBytes} bytes, and ${bavail * bsize} are free on the server's disk`,
        {
          hint: "Free some space there, then upload it again.",
          field: "sizeBytes",
          value: String(input.sizeBytes),
          status: 507,
        },
      );
    const id = newId("upload");
    const path = join(folder(id), "files", input.name);
    await mkdir(join(folder(id), "files"), { recursive: true, mode: 0o700 });
    await writeFile(path, "", { mode: 0o600 });
    const meta = JSON.stringify({ ...input, projectId: principal.projectId });
    // Last, by a rename: an upload without it does not exist.
    await writeFile(join(folder(id), "about.tmp"), meta, { mode: 0o600 });
    await rename(join(folder(id), "about.tmp"), join(folder(id), "about.json"));
    return { id, path };
  }

  async function append(request: Request, id: string, principal: Principal): Promise<Response> {
    const upload = await read(id, principal);
    const said = request.headers.get("upload-offset") ?? "";
    if (!/^\d{1,16}$/.test(said) || Number(said) !== upload.held)
      throw new EspalierError(
        "UPLOAD_OFFSET_WRONG",
        `the server holds ${upload.held} bytes of ${upload.name}, the piece begins at ${said.slice(0, 40) || "?"}`,
        {
          hint: `Go on from byte ${upload.held}, named in the header Upload-Offset.`,
          field: "Upload-Offset",
          value: said.slice(0, 40),
          status: 409,
        },
      );
    const held = await write(request, upload);
    if (held === upload.sizeBytes && upload.sha256 !== undefined) await verify(upload, upload.sha256);
    return json({ id, offset: held, done: held === upload.sizeBytes });
  }

  /** Writes the body behind what is held, as it arrives; what has come before a break is kept. */
  async function write(request: Request, upload: Upload): Promise<number> {
    const most = Math.min(limits.uploadChunkBytes, upload.sizeBytes - upload.held);
    const announced = Number(request.headers.get("content-length") ?? 0);
    if (announced > most) throw pieceTooLarge(upload, announced, most);
    const file = await open(upload.path, "r+");
    let size = 0;
    try {
      for await (const part of request.body ?? []) {
        if (size + part.byteLength > most) {
          // What was announced by nobody is not kept in part either: the sender is confused.
          await file.truncate(upload.held);
          throw pieceTooLarge(upload, size + part.byteLength, most);
        }
        await file.write(part, 0, part.byteLength, upload.held + size);
        size += part.byteLength;
      }
    } finally {
      await file.sync();
      await file.close();
    }
    return upload.held + size;
  }

  async function verify({ id, path, name }: Upload, expected: string): Promise<void> {
    const hash = createHash("sha256");
    for await (const part of Bun.file(path).stream()) hash.update(part);
    const found = hash.digest("hex");
    if (found === expected) return;
    await rm(folder(id), { recursive: true, force: true });
    throw new EspalierError(
      "UPLOAD_DAMAGED",
      `the bytes of ${name} that arrived have the SHA-256 ${found}, not the announced ${expected}`,
      { hint: "Upload the file again.", field: "sha256", value: expected },
    );
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
      if (request.method === "PATCH") return alone(id, () => append(request, id, principal));
      const upload = await read(id, principal);
      if (request.method === "HEAD" || request.method === "GET") {
        const headers = { "upload-offset": String(upload.held), "upload-length": String(upload.sizeBytes) };
        return json({ id, offset: upload.held, sizeBytes: upload.sizeBytes }, 200, headers);
      }
      if (request.method !== "DELETE") throw methodNotAllowed(request.method, "HEAD, PATCH or DELETE");
      await alone(id, () => rm(folder(id), { recursive: true, force: true }));
      return json({ id });
    },

    async claim(ids, principal) {
      if (ids.length > limits.uploadsPerImport)
        throw new EspalierError(
          "UPLOADS_TOO_MANY",
          `${ids.length} uploads were named, the limit uploadsPerImport is ${limits.uploadsPerImport}`,
          {
            hint: "Leave out what does not belong to the model.",
            field: "uploadIds",
            value: String(ids.length),
          },
        );
      const names = new Set<string>();
      const files: Upload[] = [];
      for (const id of new Set(ids)) {
        const upload = await alone(id, () => read(id, principal));
        if (upload.held !== upload.sizeBytes)
          throw new EspalierError(
            "UPLOAD_INCOMPLETE",
            `${upload.held} of ${upload.sizeBytes} bytes of ${upload.name} have arrived`,
            { hint: "Send the rest first.", field: "uploadId", value: id, status: 409 },
          );
        if (names.has(upload.name))
          throw new EspalierError("UPLOAD_NAME_TAKEN", `two of the uploads are called ${upload.name}`, {
            hint: "Give each file of the folder once, without the folders inside it.",
            field: "uploadIds",
            value: upload.name,
          });
        names.add(upload.name);
        files.push(upload);
      }
      const taken = await incoming.take(files);
      for (const { id } of files) await rm(folder(id), { recursive: true, force: true });
      return taken;
    },

    async keep(file, name, principal) {
      if (file.size > limits.multipartUploadBytes)
        throw new EspalierError(
          "UPLOAD_TOO_LARGE",
          `${name.slice(0, 200)} has ${file.size} bytes, the limit multipartUploadBytes is ${limits.multipartUploadBytes}`,
          { hint: "Send it in pieces to /uploads.", field: "file", value: String(file.size), status: 413 },
        );
      const made = await start({ name, sizeBytes: file.size }, principal);
      try {
        await Bun.write(made.path, file);
      } catch (error) {
        await rm(folder(made.id), { recursive: true, force: true });
        throw diskError(error);
      }
      return made.id;
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

/**
 * Refuses a name that is not one of a plain file: it names the file on the server's disk too.
 * @throws EspalierError UPLOAD_NAME_INVALID
 */
export function checkFileName(name: string): void {
  const isPlain = name !== "." && name !== ".." && name.trim() === name && !/[/\\\p{Cc}\p{Cf}]/u.test(name);
  if (isPlain && name !== "" && Buffer.byteLength(name) <= 200) return;
  throw new EspalierError(
    "UPLOAD_NAME_INVALID",
    `${JSON.stringify(name.slice(0, 120))} cannot be a file's name`,
    {
      hint: "Send the file's own name: at most 200 bytes, without folders and control characters.",
      field: "name",
      value: JSON.stringify(name.slice(0, 120)).slice(1, -1),
    },
  );
}

function pieceTooLarge(upload: Upload, size: number, most: number): EspalierError {
  return new EspalierError(
    "UPLOAD_PIECE_TOO_LARGE",
    `the piece of ${upload.name} has ${size} bytes or more, ${most} are allowed here`,
    {
      hint: `A piece has at most ${limits.uploadChunkBytes} bytes and ends where the announced size does.`,
      field: "body",
      value: String(size),
      status: 413,
    },
  );
}

function diskError(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new EspalierError("DISK_FULL", "the disk is full, the upload cannot be kept", {
    hint: "Free some space, then go on with the upload.",
    status: 507,
  });
}
