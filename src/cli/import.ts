// `model import` and `dataset import`: files of this machine to the server.
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { EspalierError, isEspalierError } from "../kit/errors.ts";
import { ERRORS } from "./client.ts";
import { outcome, type VerbContext } from "./context.ts";
import { RUN_FIELDS, type Run, runShape } from "./follow.ts";
import { createLiveLine, fit } from "./live-line.ts";
import { usage } from "./outcome.ts";
import { nodeShape } from "./pages.ts";
import { selection, thingOf } from "./things.ts";
import { fileSource, type Source, upload } from "./upload.ts";
import type { Json } from "./verbs.ts";

const IMPORT_MODEL = `mutation ImportModel($input: ImportModelInput!) {
  importModel(input: $input) { __typename ... on ImportModelSuccess { run { ${RUN_FIELDS} } } ${ERRORS} } }`;
const IMPORT_DATASET = `mutation ImportDataset($input: ImportDatasetInput!) {
  importDataset(input: $input) { __typename
    ... on ImportDatasetSuccess { dataset { ${selection("Dataset")} } run { ${RUN_FIELDS} } } ${ERRORS} } }`;
const modelStarted = z.object({ run: runShape });
const datasetStarted = z.object({ dataset: nodeShape, run: runShape });

/** Imports a base model from a Hugging Face folder, its zip, or a GGUF file. */
export async function importModel(
  context: VerbContext,
  path: string,
  { name }: { name: string },
): Promise<Json> {
  const full = resolve(path);
  const info = await there(full);
  const run =
    (await byPath(context, full, name)) ?? (await byUpload(context, full, info.isDirectory(), name));
  return outcome(context, run.id, {
    id: run.subjectId,
    kind: "base",
    name,
    status: "importing",
    runId: run.id,
  });
}

/** A server on this machine copies the files itself; null when it is not here, sees no such file, or will not. */
async function byPath({ client }: VerbContext, path: string, name: string): Promise<Run | null> {
  if (!client.isLocal) return null;
  try {
    return (await client.mutate(IMPORT_MODEL, { input: { name, path } }, modelStarted)).run;
  } catch (error) {
    // A tunnel or a container: the address is here, the files are not. A key that is no admin's may name no paths.
    if (isEspalierError(error) && ["MODEL_NOT_FOUND", "PATH_REFUSED"].includes(error.code)) return null;
    throw error;
  }
}

async function byUpload(context: VerbContext, path: string, isFolder: boolean, name: string): Promise<Run> {
  const sources = isFolder ? await folderSources(path) : [fileSource(path, basename(path))];
  const uploadIds: string[] = [];
  for (const source of sources) uploadIds.push(await sendFile(context, source));
  return (await context.client.mutate(IMPORT_MODEL, { input: { name, uploadIds } }, modelStarted)).run;
}

/** Weights that are read; other formats, training states and code stay here. */
const WEIGHTS = /\.safetensors$/i;
const PICKLE = /\.(bin|pt|pth|ckpt|pkl|pickle)$/i;
const LEFT_OUT = /\.(bin|pt|pth|ckpt|pkl|pickle|h5|msgpack|onnx|ot|gguf|py)$/i;

/** The files of a Hugging Face folder that belong to the model. @throws PICKLE_REFUSED, FOLDER_EMPTY */
async function folderSources(folder: string): Promise<Source[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith("."))
    .map((entry) => entry.name)
    .sort();
  const pickle = names.find((name) => PICKLE.test(name));
  if (pickle && !names.some((name) => WEIGHTS.test(name)))
    throw new EspalierError("PICKLE_REFUSED", `the weights are a pickle (${pickle}), which can run code`, {
      hint: "Save the model as safetensors (save_pretrained does).",
      field: "PATH",
      value: pickle,
    });
  const sources: Source[] = [];
  for (const name of names) {
    const path = join(folder, name);
    if (!LEFT_OUT.test(name) && (await there(path)).isFile()) sources.push(fileSource(path, name));
  }
  if (sources.length > 0) return sources;
  throw new EspalierError("FOLDER_EMPTY", `there are no files of a model in ${folder}`, {
    hint: "Give the folder that holds config.json and the weights, or the GGUF file itself.",
    field: "PATH",
    value: folder,
  });
}

/** Imports a file as the next version of a dataset. */
export async function importDataset(
  context: VerbContext,
  path: string,
  flags: { name: string; keepGoodRows?: boolean; map?: readonly string[] },
): Promise<Json> {
  const mapping = mappingOf(flags.map ?? []);
  const full = resolve(path);
  const info = await there(full);
  if (!info.isFile())
    throw new EspalierError("FILE_NEEDED", `${path} is no file`, {
      hint: "Give one JSONL, JSON or CSV file.",
      field: "FILE",
      value: path,
    });
  const uploadId = await sendFile(context, fileSource(full, basename(full)));
  const input = {
    name: flags.name,
    uploadId,
    keepGoodRows: flags.keepGoodRows ?? false,
    ...(mapping === null ? {} : { mapping }),
  };
  const { dataset, run } = await context.client.mutate(IMPORT_DATASET, { input }, datasetStarted);
  return outcome(context, run.id, { ...thingOf(dataset), runId: run.id });
}

/** --map prompt=COL --map completion=COL as the server wants it. */
export function mappingOf(pairs: readonly string[]): Record<string, string> | null {
  const mapping: Record<string, string> = {};
  for (const pair of pairs) {
    const [, role, column] = /^(prompt|completion|system)=(.+)$/s.exec(pair) ?? [];
    if (role === undefined || column === undefined)
      throw usage(`--map ${pair} is not understood`, "Say --map prompt=COLUMN --map completion=COLUMN.");
    mapping[role] = column;
  }
  return pairs.length === 0 ? null : mapping;
}

async function there(path: string) {
  const info = await stat(path).catch(() => null);
  if (info) return info;
  throw new EspalierError("PATH_NOT_FOUND", `there is no file or folder ${path}`, {
    hint: "Check the path; it is one of this machine.",
    value: path,
    status: 404,
  });
}

async function sendFile({ client, stderr, isJson }: VerbContext, source: Source): Promise<string> {
  const line = isJson ? null : createLiveLine(stderr);
  try {
    return await upload(client, source, (share) =>
      line?.show((columns) => {
        const done = ` ${Math.round(share * 100)} %`;
        return `${fit(`uploading ${source.name}`, columns - done.length)}${done}`;
      }),
    );
  } finally {
    line?.end();
  }
}
