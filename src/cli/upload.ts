// Files to the server in pieces, gone on with after an interruption.
import { createHash } from "node:crypto";
import { z } from "zod";
import { sleep } from "../kit/clock.ts";
import { EspalierError, isEspalierError } from "../kit/errors.ts";
import type { Client } from "./client.ts";

/** Bytes that can be read more than once, from any place. */
export type Source = { name: string; sizeBytes: number; read(from: number): AsyncIterable<Uint8Array> };

const PIECE_BYTES = 8 * 1024 * 1024;
const TRIES = 6;
const started = z.object({ id: z.string() });
const offsetShape = z.object({ offset: z.number() });

/** A file of this machine. */
export function fileSource(path: string, name: string): Source {
  const file = Bun.file(path);
  return { name, sizeBytes: file.size, read: (from) => file.slice(from).stream() };
}

/** Uploads and returns the handle for a mutation. `onProgress` gets the share sent, 0 to 1. */
export async function upload(
  client: Client,
  source: Source,
  onProgress: (share: number) => void = () => {},
): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of source.read(0)) hash.update(part);
  const response = await client.request("/uploads", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: source.name, sizeBytes: source.sizeBytes, sha256: hash.digest("hex") }),
  });
  const { id } = started.parse(await response.json());
  let offset = 0;
  for (let failures = 0; offset < source.sizeBytes; ) {
    try {
      for await (const piece of piecesOf(source, offset)) {
        offset = await send(client, id, offset, piece);
        failures = 0;
        onProgress(offset / source.sizeBytes);
      }
    } catch (error) {
      const mayGoOn =
        isEspalierError(error) && /^(UNREACHABLE|UPLOAD_OFFSET_WRONG|UPLOAD_BUSY)$/.test(error.code);
      if (!mayGoOn || ++failures >= TRIES) throw error;
      await sleep(250 * 2 ** failures);
      offset = await held(client, id).catch(() => offset);
    }
  }
  return id;
}

async function send(
  client: Client,
  id: string,
  offset: number,
  piece: Uint8Array<ArrayBuffer>,
): Promise<number> {
  const response = await client.request(`/uploads/${id}`, {
    method: "PATCH",
    headers: { "upload-offset": String(offset), "content-type": "application/offset+octet-stream" },
    body: piece,
  });
  return offsetShape.parse(await response.json()).offset;
}

async function held(client: Client, id: string): Promise<number> {
  return offsetShape.parse(await (await client.request(`/uploads/${id}`)).json()).offset;
}

async function* piecesOf(source: Source, from: number): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let sent = from;
  for await (const part of source.read(from)) {
    parts.push(part);
    size += part.byteLength;
    if (size < PIECE_BYTES) continue;
    sent += size;
    yield new Uint8Array(Buffer.concat(parts));
    parts = [];
    size = 0;
  }
  sent += size;
  if (sent !== source.sizeBytes)
    throw new EspalierError("FILE_CHANGED", `${source.name} changed while it was being uploaded`, {
      hint: "Upload it again when nothing writes to it.",
      value: source.name,
      status: 500,
    });
  if (size > 0) yield new Uint8Array(Buffer.concat(parts));
}
