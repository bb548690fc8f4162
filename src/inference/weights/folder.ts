// A model folder from outside: which files it may hold, what is refused, and bounded reads of its small files.
import { lstat, readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { EspalierError, messageOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";

const PICKLES = /\.(bin|pt|pth|pkl|pickle|ckpt)$/i;

/**
 * Lists the files of a model folder (not of folders within it).
 * Throws MODEL_NOT_FOUND, LINK_OUTSIDE_FOLDER, PICKLE_REFUSED (pickles and no safetensors), WEIGHTS_MISSING.
 */
export async function listModelFolder(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => {
    throw new EspalierError("MODEL_NOT_FOUND", `There is no readable folder ${folder}.`, {
      value: folder,
      status: 404,
      hint: "Give the path of a Hugging Face folder or of a GGUF file.",
    });
  });
  const root = await realpath(folder);
  for (const name of names) {
    const path = join(folder, name);
    if (!(await lstat(path)).isSymbolicLink()) continue;
    const target = await realpath(path).catch(() => "");
    if (!target.startsWith(root + sep))
      throw new EspalierError("LINK_OUTSIDE_FOLDER", `${name} is a link out of the model folder.`, {
        value: name,
        hint: "Copy the file itself into the folder (for a Hugging Face cache: copy with links followed).",
      });
  }
  if (!names.some((name) => name.endsWith(".safetensors"))) {
    const pickle = names.find((name) => PICKLES.test(name));
    if (pickle)
      throw new EspalierError("PICKLE_REFUSED", `The weights are a pickle (${pickle}), which can run code.`, {
        value: pickle,
        hint: "Save the model as safetensors (save_pretrained does).",
      });
    throw new EspalierError("WEIGHTS_MISSING", "The model folder holds no safetensors file.", {
      value: names.slice(0, 5).join(", "),
      hint: "Give a folder with model.safetensors, or a GGUF file.",
    });
  }
  return names;
}

/** Text of a small file of the folder, or null where it is not there. Throws FILE_TOO_LARGE. */
export async function findText(folder: string, name: string): Promise<string | null> {
  const path = join(folder, name);
  const info = await stat(path).catch(() => null);
  if (!info?.isFile()) return null;
  if (info.size > limits.modelJsonBytes)
    throw new EspalierError(
      "FILE_TOO_LARGE",
      `${name} holds ${info.size} bytes; the limit is ${limits.modelJsonBytes}.`,
      { value: name, hint: "Check that this is the file that it is called." },
    );
  return readFile(path, "utf8");
}

/** Parses JSON, or throws `code` naming the file. */
export function parseJson(text: string, name: string, code: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new EspalierError(code, `${name} is not JSON: ${messageOf(error)}.`, {
      value: name,
      hint: "Download the file again.",
    });
  }
}

/** The `license:` of a README's front matter, or null. */
export function licenceOf(readme: string | null): string | null {
  const front = readme ? /^---\r?\n([\s\S]*?)\r?\n---/.exec(readme)?.[1] : undefined;
  const value = front ? /^license:\s*(.+)$/m.exec(front)?.[1]?.trim() : undefined;
  return value ? value.replace(/^["']|["']$/g, "") : null;
}
