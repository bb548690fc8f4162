// How a knowledge base cuts its documents and how it is asked: the settings, their defaults and their bounds.
import { z } from "zod";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";

export const RANKERS = ["hybrid", "words", "meaning"] as const;
export type Ranker = (typeof RANKERS)[number];

const chunkingShape = z.strictObject({
  /** Most tokens of a chunk, as the embedder counts them. */
  maxTokens: z.int().min(16).max(8_192).default(220),
  /** Tokens that a chunk repeats of the one before it. */
  overlapTokens: z.int().min(0).max(1_024).default(32),
});
export type Chunking = z.infer<typeof chunkingShape>;

const retrievalShape = z.strictObject({
  /** hybrid: words and meaning, joined by the ranks that they give. */
  ranker: z.enum(RANKERS).default("hybrid"),
  /** Passages of an answer. */
  k: z.int().min(1).max(limits.searchResults).default(8),
  /** Passages whose cosine similarity to the question is smaller are left out; 0 keeps all. */
  threshold: z.number().min(0).max(1).default(0),
  /** Chunks on each side that are joined to each passage. */
  neighbours: z.int().min(0).max(limits.searchNeighbours).default(0),
  /** Id or name of the reranker, or null; empty, as an input says null, turns it off. */
  reranker: z
    .string()
    .max(500)
    .nullable()
    .default(null)
    .transform((name) => name || null),
});
export type RetrievalSettings = z.infer<typeof retrievalShape>;

/**
 * Chunking with its defaults, within what the embedder sees.
 * @throws EspalierError SETTING_INVALID
 */
export function checkChunking(given: object, seenTokens: number): Chunking {
  const room = Math.min(seenTokens, limits.chunkTokens);
  const defaults = { maxTokens: Math.min(220, room), overlapTokens: Math.min(32, Math.floor(room / 4)) };
  const chunking = checked(chunkingShape, { ...defaults, ...withoutNulls(given) });
  if (chunking.maxTokens > room)
    throw invalid("maxTokens", chunking.maxTokens, `the embedder sees ${room} tokens at once`);
  if (chunking.overlapTokens * 2 > chunking.maxTokens)
    throw invalid("overlapTokens", chunking.overlapTokens, "at most half of a chunk can be repeated");
  return chunking;
}

/** Settings of a search with what was said put over what is set. @throws EspalierError SETTING_INVALID */
export function checkRetrieval(set: unknown, given: object = {}): RetrievalSettings {
  return checked(retrievalShape, { ...retrievalShape.partial().parse(set), ...withoutNulls(given) });
}

/** Chunking as a row keeps it. */
export const parseChunking = (stored: unknown): Chunking => chunkingShape.parse(stored);

/** In inputs of GraphQL null and unsaid are the same. */
function withoutNulls(given: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== null && value !== undefined),
  );
}

function checked<T>(shape: z.ZodType<T>, given: Record<string, unknown>): T {
  const parsed = shape.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = String(issue?.path[0] ?? "settings");
  throw invalid(field, given[field], issue?.message ?? "it is invalid");
}

function invalid(field: string, value: unknown, why: string): EspalierError {
  const said = JSON.stringify(value)?.slice(0, 100) ?? "";
  return new EspalierError("SETTING_INVALID", `${field} cannot be ${said}: ${why}.`, {
    field,
    value: said,
    hint: "Give a value inside the range.",
  });
}
