// Builds the engine's own files (two ONNX graphs over one data file) from a model, cached by hash.
import { mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../kit/hash.ts";
import { newSecret } from "../../kit/ids.ts";
import { limits } from "../../kit/limits.ts";
import { type ModelDescription, openWeights, readModelConfig } from "../weights/weights.ts";
import { writeDecoderGraph } from "./graph.ts";
import { packTensors } from "./packed.ts";
import { rotaryTables } from "./rope.ts";
import {
  bytesOf,
  checkPrecision,
  DataFile,
  type Precision,
  type Stored,
  storeFloat,
  storeMatrix,
} from "./stored.ts";

/** Raised whenever the files made from the same weights change. */
const BUILD_VERSION = 3;

export type BuiltModel = {
  description: ModelDescription;
  /** Graph without adapter inputs, and with them; both read `model.data` beside them. */
  basePath: string;
  loraPath: string;
  dataBytes: number;
  contextTokens: number;
};

/**
 * Builds (or finds) the files for a model at a precision under `cacheDir`. Made in a temporary folder that is
 * renamed when whole, so parallel builds and crashes leave no half-made model.
 */
export async function buildModel(
  source: { path: string; hash: string },
  precision: Precision,
  cacheDir: string,
): Promise<BuiltModel> {
  const description = await readModelConfig(source.path);
  checkPrecision(precision, description.format);
  const folder = join(cacheDir, sha256(`${BUILD_VERSION} ${source.hash} ${precision}`).slice(0, 32));
  const contextTokens = Math.min(description.contextLength, limits.engineContextTokens);
  const dataPath = join(folder, "model.data");
  const isBuilt = await stat(join(folder, "done")).then(
    () => true,
    () => false,
  );
  if (!isBuilt) {
    const temporary = `${folder}.${hostname()}.${process.pid}-${newSecret(6)}.part`;
    await mkdir(temporary, { recursive: true });
    try {
      await buildInto(temporary, source.path, description, precision, contextTokens);
      await rename(temporary, folder).catch(async (error: unknown) => {
        // Another process finished first: its folder is as good.
        if (!(await stat(join(folder, "done")).catch(() => null))) throw error;
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }
  return {
    description,
    basePath: join(folder, "base.onnx"),
    loraPath: join(folder, "lora.onnx"),
    dataBytes: (await stat(dataPath)).size,
    contextTokens,
  };
}

/** Removes what killed builds of this machine left in `cacheDir`: a folder belongs to the process in its name. */
export async function sweepBuilds(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir).catch(() => [])) {
    const owner = /^[0-9a-f]{32}\.(.+)\.(\d+)-[^.]+\.part$/.exec(name);
    if (owner?.[1] === hostname() && !isAlive(Number(owner[2])))
      await rm(join(cacheDir, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is one too.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** After a power cut a folder that says it is done must not hold half a graph. */
async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function buildInto(
  folder: string,
  path: string,
  description: ModelDescription,
  precision: Precision,
  contextTokens: number,
): Promise<void> {
  const weights = await openWeights(path);
  const handle = await open(join(folder, "model.data"), "w");
  try {
    const data = new DataFile(handle);
    const tensors = new Map<string, Stored>();
    for (const tensor of packTensors(weights.tensors, description.layers)) {
      const isHead = tensor.name === "lm_head.weight";
      if (isHead && description.tieEmbeddings) continue;
      const isEmbedding = tensor.name === "model.embed_tokens.weight";
      const isMatrix = tensor.shape.length === 2;
      // A tied embedding with offsets would need them in both orders: as float32 it serves both.
      const role = isEmbedding ? "embedding" : "linear";
      const isTiedMin = isEmbedding && description.tieEmbeddings && tensor.dtype === "Q4_1";
      const stored =
        isMatrix && !(isTiedMin && precision === "native")
          ? await storeMatrix(data, tensor, precision, role)
          : await storeFloat(data, tensor);
      tensors.set(tensor.name, stored);
    }
    const tables = rotaryTables(description, contextTokens);
    const cos = data.reserve(tables.cos.byteLength);
    await data.writeAt(cos, 0, bytesOf(tables.cos));
    const sin = data.reserve(tables.sin.byteLength);
    await data.writeAt(sin, 0, bytesOf(tables.sin));
    await data.finish();
    const model = { config: description, tensors, cos, sin, contextTokens };
    await writeDurably(join(folder, "base.onnx"), writeDecoderGraph(model, "model.data", false));
    await writeDurably(join(folder, "lora.onnx"), writeDecoderGraph(model, "model.data", true));
    await writeFile(join(folder, "done"), "");
  } finally {
    await handle.close();
  }
}
