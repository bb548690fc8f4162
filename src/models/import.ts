// The import of a base model: scan and check the files, take them in as blobs, then list the model.
import { link, mkdir, readFile, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { baseModels, type ModelFile } from "../../schema/tables/models.ts";
import { type EnginePool, type ModelSource, readModelConfig } from "../inference/inference.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { checkName } from "../kit/names.ts";
import type { RunHandler, RunRow, Runs } from "../runs/runs.ts";
import type { BlobInfo, Store } from "../store/store.ts";
import { makeCard } from "./card.ts";
import { filesHash, filesSize, wantedFiles } from "./files.ts";
import { claimName, refuseTaken } from "./names.ts";
import { isZip, unpackZip } from "./unpack.ts";

export type ImportModelInput = {
  projectId: string;
  name: string;
  /**
   * Where the files lie; asked for when the name is right and free. `path` is a Hugging Face folder, a GGUF file or
   * a zip of such a folder on the server's machine; `incoming` are uploads that the import takes over.
   */
  source: () => Promise<{ path: string } | { incoming: string }>;
};

const specSchema = z.object({
  modelId: z.string(),
  name: z.string(),
  path: z.string().nullable(),
  incoming: z.string().nullable(),
});

type Deps = { store: Store; runs: Runs; engine: EnginePool; clock: Clock };

/** Queues the import. @throws EspalierError NAME_INVALID, NAME_TAKEN, and what `source` throws */
export async function startImport({ store, runs }: Deps, input: ImportModelInput): Promise<RunRow> {
  const name = checkName(input.name);
  await refuseTaken(store.db, input.projectId, name);
  const modelId = newId("baseModel");
  const spec = { modelId, name, path: null, incoming: null, ...(await input.source()) };
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

/** The path to import: the caller's own, the one uploaded file, or the folder of several. @throws UPLOAD_GONE */
async function pathOf(store: Store, spec: z.infer<typeof specSchema>): Promise<string> {
  if (spec.incoming === null) return spec.path ?? "";
  const { folder, names } = await store.incoming.find(spec.incoming);
  const [first] = names;
  if (first === undefined)
    throw new EspalierError("UPLOAD_GONE", "The uploaded files of this import are no longer kept.", {
      field: "uploadIds",
      value: spec.incoming,
      hint: "Upload the files again and import those.",
      status: 404,
    });
  // A folder may well be of one file: then it lacks others, and the reader of folders can say which.
  return names.length > 1 || /\.(json|safetensors)$/i.test(first) ? folder : join(folder, first);
}

/** What does the import; safe to repeat after a crash at any point, because blobs go by content. */
export function importHandler({ store, engine, clock }: Deps): RunHandler {
  return async ({ run, signal, log, progress, crashPoint }) => {
    const spec = specSchema.parse(run.spec);
    const unpacked = store.blobs.tempPath();
    try {
      let path = await pathOf(store, spec);
      // Files that nobody else has may be moved in by a second name; others are copied.
      let isOurs = spec.incoming !== null;
      // The folder of several uploads is called by its id, which says nothing to readers of the log.
      const fileName = basename(path) === spec.incoming ? spec.name : basename(path);
      if (await isZip(path)) {
        await mkdir(unpacked, { recursive: true });
        log(`unpacking ${fileName}`);
        await unpackZip(path, unpacked, signal);
        path = unpacked;
        isOurs = true;
      }
      log(`scanning ${fileName}`);
      const description = await readModelConfig(path);
      crashPoint("scanned");
      log(`${description.architecture}, ${description.parameterCount} parameters, ${description.dtype}`);
      const sources =
        description.format === "gguf"
          ? [{ from: path, name: ggufName(fileName) }]
          : (await wantedFiles(path)).map((name) => ({ from: join(path, name), name }));
      const files: ModelFile[] = [];
      const totalBytes = (await Promise.all(sources.map(async ({ from }) => (await stat(from)).size))).reduce(
        (sum, size) => sum + size,
        0,
      );
      for (const { from, name } of sources) {
        signal.throwIfAborted();
        files.push({ path: name, ...(await takeIn(store, from, isOurs)) });
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

/** A file as a blob: by a hard link where it is ours alone, else by a copy. The file itself stays for a repeat. */
async function takeIn(store: Store, path: string, isOurs: boolean): Promise<BlobInfo> {
  if (!isOurs) return store.blobs.linkFile(path);
  const temp = store.blobs.tempPath();
  await link(path, temp);
  return store.blobs.putFile(temp);
}

/** A safe file name for the one file of a GGUF model. */
function ggufName(original: string): string {
  const clean = basename(original)
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .replace(/^[._-]+/, "");
  return clean.toLowerCase().endsWith(".gguf") ? clean : `${clean || "model"}.gguf`;
}
