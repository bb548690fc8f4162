// Counts tokens as an embedder does, in whatever process cuts texts: without a model, and without asking another process.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { embedderFolder } from "../kit/native.ts";

/** How an embedder's tokens are counted: by the tokenizer inside the executable, or as about as many as there may be. */
export type Counting = "built-in" | "estimated";

const objectSchema = z.record(z.string(), z.unknown());

/** The tokenizer in an embedder's folder. */
export async function openTokenizer(folder: string): Promise<Tokenizer> {
  const read = async (name: string): Promise<Record<string, unknown>> =>
    objectSchema.parse(JSON.parse(await readFile(join(folder, name), "utf8")));
  return new Tokenizer(await read("tokenizer.json"), await read("tokenizer_config.json"));
}

/** Tokens of a text without the marks around it, uncut. */
export const countOf = (tokenizer: Tokenizer, text: string): number =>
  tokenizer.encode(text, { add_special_tokens: false }).ids.length;

/** About how many tokens a text has where nobody can count: four Latin characters make one, others one each. */
export function estimateTokens(text: string): number {
  let foreign = 0;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x24f) foreign++;
  return Math.ceil((text.length - foreign) / 4 + foreign);
}

let builtIn: Promise<Tokenizer> | undefined;

/** What counts so; the tokenizer is loaded with the first use of this process. */
export async function tokenCounter(counting: Counting): Promise<(text: string) => number> {
  if (counting === "estimated") return estimateTokens;
  builtIn ??= openTokenizer(embedderFolder());
  const tokenizer = await builtIn;
  return (text) => countOf(tokenizer, text);
}
