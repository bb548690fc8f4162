// The card of a base model: what the scan read from its files, and what it needs in memory.
import { z } from "zod";
import {
  type EnginePool,
  estimateMemory,
  type ModelDescription,
  type ModelSource,
  type Precision,
} from "../inference/inference.ts";
import { isEspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";

export const PRECISIONS = ["fp32", "int8", "native"] as const satisfies readonly Precision[];

/** What is kept of a scan; parsed again whenever it is read. */
export const cardSchema = z.object({
  architecture: z.string(),
  format: z.enum(["hf", "gguf"]),
  parameterCount: z.number(),
  dtype: z.string(),
  contextLength: z.number(),
  vocabSize: z.number(),
  layers: z.number(),
  hiddenSize: z.number(),
  heads: z.number(),
  kvHeads: z.number(),
  sizeBytes: z.number(),
  licence: z.string().nullable(),
  displayName: z.string().nullable(),
  chatTemplate: z.string().nullable(),
  /** A short conversation as the model sees it; null without a template, or where it failed. */
  renderedExample: z.string().nullable(),
  /** Why the example could not be rendered. */
  templateError: z.string().nullable(),
  readme: z.string().nullable(),
  /** Estimated resident bytes by precision. */
  memoryBytes: z.record(z.string(), z.number()),
});
export type ModelCard = z.infer<typeof cardSchema>;

export type ModelFit = { fits: boolean; neededBytes: number; availableBytes: number; sentence: string };

/** The conversation that the card shows rendered. */
const EXAMPLE = [
  { role: "user", content: "What is the capital of France?" },
  { role: "assistant", content: "The capital of France is Paris." },
];

/** Describes scanned files; renders the template's example through the engine, and says why where that fails. */
export async function makeCard(
  engine: EnginePool,
  source: ModelSource,
  description: ModelDescription,
  readme: string | null,
): Promise<ModelCard> {
  let renderedExample: string | null = null;
  let templateError: string | null = null;
  if (description.chatTemplate !== null) {
    try {
      renderedExample = (await engine.render(source, EXAMPLE, false)).text;
    } catch (error) {
      if (!isEspalierError(error)) throw error;
      templateError = error.message;
    }
  }
  const { chatTemplate, licence, displayName } = description;
  return {
    architecture: description.architecture,
    format: description.format,
    parameterCount: description.parameterCount,
    dtype: description.dtype,
    contextLength: description.contextLength,
    vocabSize: description.vocabSize,
    layers: description.layers,
    hiddenSize: description.hiddenSize,
    heads: description.heads,
    kvHeads: description.kvHeads,
    sizeBytes: description.sizeBytes,
    licence,
    displayName,
    chatTemplate,
    renderedExample,
    templateError,
    readme: readme === null ? null : readme.slice(0, limits.modelCardChars),
    memoryBytes: Object.fromEntries(PRECISIONS.map((one) => [one, estimateMemory(description, one)])),
  };
}

/** Precisions that a format can be served at, in the order in which a larger model tries them. */
function servedAt(format: ModelCard["format"]): Precision[] {
  return format === "gguf" ? ["native", "int8", "fp32"] : ["fp32", "int8"];
}

/** Precisions that a model can be served at, the one that suits it and this machine first. */
export function precisionsOf(card: ModelCard, budgetBytes: number): Precision[] {
  const choice = defaultPrecision(card, budgetBytes);
  return [choice, ...servedAt(card.format).filter((one) => one !== choice)];
}

/** The engine's precision for a wish: a folder's own weights are served losslessly as fp32. */
export function enginePrecision(format: "hf" | "gguf", wish: Precision): Precision {
  return format === "hf" && wish === "native" ? "fp32" : wish;
}

/** Share of the memory budget up to which exactness is preferred to speed. */
const EXACT_SHARE = 0.25;

/** Exact floats for a model that is small for this machine, else the first precision that fits, else the smallest. */
export function defaultPrecision(card: ModelCard, budgetBytes: number): Precision {
  if ((card.memoryBytes.fp32 ?? Number.POSITIVE_INFINITY) <= budgetBytes * EXACT_SHARE) return "fp32";
  const fitting = servedAt(card.format).find((one) => (card.memoryBytes[one] ?? 0) <= budgetBytes);
  return fitting ?? "int8";
}

/** Whether this machine's memory budget holds the model, as a sentence for people. */
export function fitOf(card: ModelCard, budgetBytes: number): ModelFit {
  const choice = defaultPrecision(card, budgetBytes);
  const neededBytes = card.memoryBytes[choice] ?? 0;
  const fits = neededBytes <= budgetBytes;
  const needs = `needs about ${mib(neededBytes)} at ${choice}; ${mib(budgetBytes)} are set aside for models`;
  return {
    fits,
    neededBytes,
    availableBytes: budgetBytes,
    sentence: fits ? `Fits this machine: ${needs}.` : `Too large for this machine: ${needs}.`,
  };
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / (1024 * 1024)).toLocaleString("en")} MiB`;
}
