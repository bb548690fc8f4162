// The import of a base model: scan and check the files, take them in as blobs, then list the model.
import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { z } from "zod";
import { baseModels, type ModelFile } from "../../schema/tables/models.ts";
import { type EnginePool, type ModelSource, readModelConfig } from "../inference/inference.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import type { RunHandler, RunRow, Runs } from "../runs/runs.ts";
import type { Store } from "../store/store.ts";
import { makeCard } from "./card.ts";
import { filesHash, filesSize, wantedFiles } from "./files.ts";
import { checkName, claimName, refuseTaken } from "./names.ts";
import { isZip, unpackZip } from "./unpack.ts";

export type ImportModelInput = {
  projectId: string;
  name: string;
  /** Absolute path of a Hugging Face folder, a GGUF file, or a zip of such a folder, on the server's machine. */
  path?: string;
  /** An uploaded file instead; `fileName` is what its owner called it. */
  blob?: { sha256: string; fileName: string };
};

const specSchema = z.object({
  modelId: z.string(),
  name: z.string(),
  path: z.string(),
  fileName: z.string(),
});

type Deps = { store: Store; runs: Runs; engine: EnginePool; clock: Clock };

/** Queues the import. @throws EspalierError NAME_INVALID, NAME_TAKEN, PATH_NOT_ABSOLUTE, MODEL_NOT_FOUND */
export async function startImport({ store, runs }: Deps, input: ImportModelInput): Promise<RunRow> {
  const name = checkName(input.name);
  const path = input.blob ? store.blobs.path(input.blob.sha256) : (input.path ?? "");
  if (path.includes("\0") || !isAbsolute(path))
    throw new EspalierError("PATH_NOT_ABSOLUTE", "The model's path has to be absolute.", {
      field: "path",
      value: path.replaceAll("\0", "\\0").slice(0, 200),
      hint: "Give the full path on the server's machine, or upload the file.",
    });
  if (!(await stat(path).catch(() => null)))
    throw new EspalierError("MODEL_NOT_FOUND", `There is no file or folder ${path}.`, {
      field: "path",
      value: path,
      status: 404,
      hint: "Give the path of a Hugging Face folder or of a GGUF file on the server's machine.",
    });
  const modelId = newId("baseModel");
  const spec = { modelId, name, path, fileName: input.blob?.fileName ?? basename(path) };
  return store.write(async (tx) => {
    await refuseTaken(tx, input.projectId, name);
    return runs.createRun(tx, {
      projectId: input.projectId,
      kind: "import-model",
      executor: "server",
      name: `Import ${name}`,
      subjectId: modelId,
      spec,
    });
  }, "model.import.start");
}

/** What does the import; safe to repeat after a crash at any point, because blobs go by content. */
export function importHandler({ store, engine, clock }: Deps): RunHandler {
  return async ({ run, signal, log, progress, crashPoint }) => {
    const spec = specSchema.parse(run.spec);
    const unpacked = store.blobs.tempPath();
    try {
      let path = spec.path;
      if (await isZip(path)) {
        await mkdir(unpacked, { recursive: true });
        log(`unpacking ${spec.fileName}`);
        await unpackZip(path, unpacked, signal);
        path = unpacked;
      }
      log(`scanning ${spec.fileName}`);
      const description = await readModelConfig(path);
      crashPoint("scanned");
      log(`${description.architecture}, ${description.parameterCount} parameters, ${description.dtype}`);
      const sources =
        description.format === "gguf"
          ? [{ from: path, name: ggufName(spec.fileName) }]
          : (await wantedFiles(path)).map((name) => ({ from: join(path, name), name }));
      const files: ModelFile[] = [];
      const totalBytes = (await Promise.all(sources.map(async ({ from }) => (await stat(from)).size))).reduce(
        (sum, size) => sum + size,
        0,
      );
      for (const { from, name } of sources) {
        signal.throwIfAborted();
        files.push({ path: name, ...(await store.blobs.linkFile(from)) });
        progress({ fraction: 0.9 * (filesSize(files) / Math.max(1, totalBytes)) });
        crashPoint("file-taken");
      }
      const sha256 = filesHash(files);
      const source: ModelSource = { kind: description.format, path, hash: sha256 };
      const readme = await readFile(join(path, "README.md"), "utf8").catch(() => null);
      const card = await makeCard(engine, source, description, readme);
      signal.throwIfAborted();
      crashPoint("ready");
      return {
        result: { id: spec.modelId, name: spec.name },
        commit: async (tx) => {
          const { modelId: id, name } = spec;
          await claimName(tx, { projectId: run.projectId, name, modelId: id, kind: "base" });
          await tx.insert(baseModels).values({
            id,
            projectId: run.projectId,
            name,
            format: description.format,
            files,
            sha256,
            sizeBytes: filesSize(files),
            card,
            createdAt: clock(),
          });
        },
      };
    } finally {
      await rm(unpacked, { recursive: true, force: true });
    }
  };
}

/** A safe file name for the one file of a GGUF model. */
function ggufName(original: string): string {
  const clean = basename(original)
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .replace(/^[._-]+/, "");
  return clean.toLowerCase().endsWith(".gguf") ? clean : `${clean || "model"}.gguf`;
}
