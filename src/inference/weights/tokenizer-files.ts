// Tokenizer and chat template of a model folder, parsed and checked, without running any of it.
import { z } from "zod";
import { EspalierError } from "../../kit/errors.ts";
import { findText, parseJson } from "./folder.ts";

export type TokenizerFiles = {
  /** Contents of tokenizer.json. */
  tokenizerJson: Record<string, unknown>;
  /** Contents of tokenizer_config.json. */
  tokenizerConfig: Record<string, unknown>;
  chatTemplate: string | null;
};

const objectSchema = z.record(z.string(), z.unknown());
const templateSchema = z.object({ chat_template: z.string() });
const namedTemplatesSchema = z.object({
  chat_template: z.array(z.object({ name: z.string(), template: z.string() })),
});
const vocabSchema = z.looseObject({
  model: z.looseObject({ vocab: z.unknown() }),
  added_tokens: z.array(z.looseObject({ id: z.number().int() })).optional(),
});
const vocabMapSchema = z.record(z.string(), z.number().int());

/** Reads the tokenizer files of a Hugging Face folder. Throws TOKENIZER_MISSING, TOKENIZER_INVALID. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const text = await findText(folder, "tokenizer.json");
  if (text === null)
    throw new EspalierError("TOKENIZER_MISSING", "The model folder holds no tokenizer.json.", {
      value: "tokenizer.json",
      hint: "Save the tokenizer beside the weights (AutoTokenizer.save_pretrained).",
    });
  const parsed = objectSchema.safeParse(parseJson(text, "tokenizer.json", "TOKENIZER_INVALID"));
  if (!parsed.success)
    throw new EspalierError("TOKENIZER_INVALID", "tokenizer.json is not a JSON object.", {
      value: "tokenizer.json",
      hint: "Save the tokenizer again with a current transformers.",
    });
  const configText = await findText(folder, "tokenizer_config.json");
  const config =
    configText === null
      ? {}
      : (objectSchema.safeParse(parseJson(configText, "tokenizer_config.json", "TOKENIZER_INVALID")).data ??
        {});
  if (config.auto_map)
    throw new EspalierError("REMOTE_CODE_REFUSED", "tokenizer_config.json asks to run code of its own.", {
      field: "auto_map",
      hint: "Code from models is never run; use a model with a plain tokenizer.json.",
    });
  const template =
    (await findText(folder, "chat_template.jinja")) ??
    templateOf(config) ??
    templateOf(jsonOrNull(await findText(folder, "chat_template.json")));
  return { tokenizerJson: parsed.data, tokenizerConfig: config, chatTemplate: template };
}

function jsonOrNull(text: string | null): unknown {
  return text === null ? null : parseJson(text, "chat_template.json", "TOKENIZER_INVALID");
}

function templateOf(config: unknown): string | null {
  const single = templateSchema.safeParse(config);
  if (single.success) return single.data.chat_template;
  const named = namedTemplatesSchema.safeParse(config);
  if (!named.success) return null;
  const list = named.data.chat_template;
  return (list.find((entry) => entry.name === "default") ?? list[0])?.template ?? null;
}

/** One more than the largest token id that a tokenizer.json can give. */
export function tokenizerSize(tokenizerJson: unknown): number {
  const parsed = vocabSchema.safeParse(tokenizerJson);
  if (!parsed.success)
    throw new EspalierError("TOKENIZER_INVALID", "tokenizer.json holds no model with a vocabulary.", {
      hint: "Save the tokenizer again with a current transformers.",
    });
  const { model, added_tokens = [] } = parsed.data;
  let size = 0;
  for (const token of added_tokens) size = Math.max(size, token.id + 1);
  if (Array.isArray(model.vocab)) return Math.max(size, model.vocab.length);
  const vocab = vocabMapSchema.safeParse(model.vocab);
  if (!vocab.success)
    throw new EspalierError("TOKENIZER_INVALID", "The vocabulary of tokenizer.json is not a map to ids.", {
      value: "tokenizer.json",
      hint: "Save the tokenizer again with a current transformers.",
    });
  for (const id of Object.values(vocab.data)) size = Math.max(size, id + 1);
  return size;
}

/** Throws TOKENIZER_TOO_LARGE when the tokenizer can give an id that the embedding has no row for. */
export function checkTokenizerFits(tokenizerJson: unknown, vocabSize: number): void {
  const size = tokenizerSize(tokenizerJson);
  if (size > vocabSize)
    throw new EspalierError(
      "TOKENIZER_TOO_LARGE",
      `The tokenizer has ${size} tokens; the embedding has ${vocabSize} rows.`,
      { value: String(size), hint: "Use the tokenizer that belongs to these weights." },
    );
}
