// `model import` and `dataset import`: files of this machine to the server.
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { EspalierError, isEspalierError } from "../kit/errors.ts";
import { ERRORS } from "./client.ts";
import { outcome, type VerbContext } from "./context.ts";
import { RUN_FIELDS, type Run, runShape } from "./follow.ts";
import { usage } from "./outcome.ts";
import { zipSource } from "./pack.ts";
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

/** A server on this machine links or copies; null when it is not here, or does not see the file. */
async function byPath({ client }: VerbContext, path: string, name: string): Promise<Run | null> {
  if (!client.isLocal) return null;
  try {
    return (await client.mutate(IMPORT_MODEL, { input: { name, path } }, modelStarted)).run;
  } catch (error) {
    // A tunnel or a container: the address is here, the files are not.
    if (isEspalierError(error) && error.code === "MODEL_NOT_FOUND") return null;
    throw error;
  }
}

async function byUpload(context: VerbContext, path: string, isFolder: boolean, name: string): Promise<Run> {
  const source = isFolder ? await folderSource(path) : fileSource(path, basename(path));
  const uploadId = await sendFile(context, source);
  return (await context.client.mutate(IMPORT_MODEL, { input: { name, uploadId } }, modelStarted)).run;
}

/** Training states, code and weights of other formats stay here where there are safetensors. */
const OTHER_WEIGHTS = /\.(bin|pt|pth|ckpt|h5|msgpack|onnx|ot|gguf|py|pkl)$/i;

async function folderSource(folder: string): Promise<Source> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith("."))
    .map((entry) => entry.name)
    .sort();
  const hasSafetensors = names.some((name) => name.endsWith(".safetensors"));
  const files: { name: string; path: string }[] = [];
  for (const name of names) {
    if (hasSafetensors && OTHER_WEIGHTS.test(name)) continue;
    if ((await there(join(folder, name))).isFile()) files.push({ name, path: join(folder, name) });
  }
  if (files.length === 0)
    throw new EspalierError("FOLDER_EMPTY", `there are no files in ${folder}`, {
      hint: "Give the folder that holds config.json and the weights.",
      field: "PATH",
      value: folder,
    });
  return zipSource(`${basename(folder)}.zip`, files);
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
  const isLive = !isJson && stderr.isTTY === true;
  const id = await upload(client, source, (share) => {
    if (isLive) stderr.write(`\r\x1b[2Kuploading ${source.name} ${Math.round(share * 100)} %`);
  });
  if (isLive) stderr.write("\n");
  return id;
}
