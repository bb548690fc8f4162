// Model files: taken into the blob folder, and laid out again as a folder of hard links for readers of paths.
import { copyFile, link, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ModelFile } from "../../schema/tables/models.ts";
import { EspalierError } from "../kit/errors.ts";
import { crashPoint } from "../kit/faults.ts";
import { sha256 } from "../kit/hash.ts";
import type { Store } from "../store/store.ts";

/** What is taken from a Hugging Face folder; everything else (pickles, code, training states) stays behind. */
const WANTED = [
  /^[^/]+\.safetensors$/,
  /^model\.safetensors\.index\.json$/,
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template)\.json$/,
  /^(merges\.txt|chat_template\.jinja|tokenizer\.model)$/,
  /^(README\.md|LICEN[CS]E(\.\w+)?|NOTICE(\.\w+)?)$/i,
];

/** Names of the files of a folder that belong to the model, sorted. */
export async function wantedFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => WANTED.some((pattern) => pattern.test(name))).sort();
}

/** SHA-256 that names a model's content: over its sorted paths and hashes. */
export function filesHash(files: readonly ModelFile[]): string {
  const lines = files.map((file) => `${file.sha256} ${file.path}`).sort();
  return sha256(`${lines.join("\n")}\n`);
}

/** Bytes of all files together. */
export function filesSize(files: readonly ModelFile[]): number {
  return files.reduce((sum, file) => sum + file.sizeBytes, 0);
}

export type ModelFolders = {
  /** Folder of a model, its files linked from the blobs; made or mended when something is missing. */
  ensure(id: string, files: readonly ModelFile[]): Promise<string>;
  /** Path of the engine's and trainer's reading: the folder, or the one GGUF file in it. */
  weightsPath(id: string, format: "hf" | "gguf", files: readonly ModelFile[]): Promise<string>;
  remove(id: string): Promise<void>;
  /** Ids of all folders that are there. */
  list(): Promise<string[]>;
};

/** Folders `dataDir/models/<id>/`. They hold nothing of their own: blobs are the truth. */
export function createModelFolders(store: Store): ModelFolders {
  const root = join(store.dataDir, "models");
  const made = new Set<string>();
  const making = new Map<string, Promise<string>>();

  /** Several that ask at once wait for one maker: a second one would take away what the first has just laid out. */
  async function ensure(id: string, files: readonly ModelFile[]): Promise<string> {
    if (made.has(id)) return join(root, id);
    const other = making.get(id);
    if (other) return other;
    const work = layOut(id, files).finally(() => making.delete(id));
    making.set(id, work);
    return work;
  }

  async function layOut(id: string, files: readonly ModelFile[]): Promise<string> {
    const folder = join(root, id);
    for (const file of files) {
      const target = join(folder, file.path);
      const there = await stat(target).catch(() => null);
      if (there?.size === file.sizeBytes) continue;
      if (!(await store.blobs.has(file.sha256)))
        throw new EspalierError(
          "MODEL_FILE_MISSING",
          `The model's file ${file.path} is gone from the data folder.`,
          {
            value: file.sha256,
            hint: "Restore a backup, or import or train the model again.",
            status: 409,
          },
        );
      await mkdir(dirname(target), { recursive: true });
      await rm(target, { force: true });
      await place(store.blobs.path(file.sha256), target);
      crashPoint("models.folder.linked");
    }
    made.add(id);
    return folder;
  }

  return {
    ensure,
    async weightsPath(id, format, files) {
      const folder = await ensure(id, files);
      const gguf = files.find((file) => file.path.endsWith(".gguf"));
      return format === "gguf" && gguf ? join(folder, gguf.path) : folder;
    },
    async remove(id) {
      made.delete(id);
      await rm(join(root, id), { recursive: true, force: true });
    },
    list: () => readdir(root).catch(() => []),
  };
}

/** A hard link, or a copy where the file system has none. Two makers of the same file do not collide. */
async function place(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch {
    if (await stat(target).catch(() => null)) return;
    const part = join(dirname(target), `.${basename(target)}.part`);
    await copyFile(source, part);
    await rename(part, target);
  }
}
