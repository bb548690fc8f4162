// `export`: a model's files into a folder here, each checked by its SHA-256, complete or not at all.
import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import { newSecret } from "../kit/ids.ts";
import type { Client } from "./client.ts";
import type { VerbContext } from "./context.ts";
import { getThing } from "./things.ts";
import type { Json } from "./verbs.ts";

const listing = z.object({
  id: z.string(),
  name: z.string(),
  files: z.array(
    z.object({
      path: z.string().min(1).max(1000),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      sizeBytes: z.number(),
    }),
  ),
});
type ModelFile = z.infer<typeof listing>["files"][number];

/** Writes the model's folder (Hugging Face, PEFT or GGUF) as `to`, which must not exist or be empty. */
export async function exportModel(
  context: VerbContext,
  model: string,
  { to }: { to: string },
): Promise<Json> {
  const { client, stderr, isJson } = context;
  const target = resolve(to);
  const there = await readdir(target).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw exists(to);
  });
  if (there.length > 0) throw exists(to);
  const { id, kind } = await getThing(client, model);
  const answer = await client.request(`/files/${encodeURIComponent(id)}/`);
  const { name, files } = listing.parse(await answer.json());
  await mkdir(dirname(target), { recursive: true });
  // Beside the target, so that the last rename stays on one file system.
  const temp = join(dirname(target), `.espalier-${newSecret(6)}`);
  try {
    await mkdir(temp);
    for (const file of files) {
      if (!isJson && stderr.isTTY) stderr.write(`${file.path}\n`);
      await fetchFile(client, id, file, join(temp, safePath(file.path)));
    }
    await rm(target, { recursive: true, force: true });
    await rename(temp, target);
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return {
    id,
    kind,
    name,
    status: "exported",
    path: target,
    sizeBytes,
    files: files.map(({ path }) => path),
  };
}

async function fetchFile(client: Client, id: string, file: ModelFile, path: string): Promise<void> {
  const segments = file.path.split("/").map(encodeURIComponent).join("/");
  const response = await client.request(`/files/${encodeURIComponent(id)}/${segments}`);
  await mkdir(dirname(path), { recursive: true });
  const out = await open(path, "wx");
  const hash = createHash("sha256");
  try {
    for await (const part of response.body ?? []) {
      hash.update(part);
      await out.writeFile(part);
    }
    await out.sync();
  } finally {
    await out.close();
  }
  if (hash.digest("hex") === file.sha256) return;
  throw new EspalierError(
    "FILE_DAMAGED",
    `${file.path} arrived damaged: its SHA-256 is not the announced one`,
    {
      hint: "Export again.",
      value: file.path,
      status: 500,
    },
  );
}

/** A path of the listing, which is never trusted to stay inside the folder. */
export function safePath(path: string): string {
  const parts = path.split("/");
  if (!/[\\\0:]/.test(path) && parts.every((part) => part !== "" && part !== "." && part !== ".."))
    return join(...parts);
  throw new EspalierError(
    "PATH_REFUSED",
    `the server names a file outside the folder: ${path.slice(0, 200)}`,
    {
      hint: "Do not trust this server.",
      value: path.slice(0, 200),
      status: 500,
    },
  );
}

function exists(to: string): EspalierError {
  return new EspalierError("TARGET_EXISTS", `${to} is there already`, {
    hint: "Give a folder that does not exist or is empty.",
    field: "to",
    value: to,
    status: 409,
  });
}
