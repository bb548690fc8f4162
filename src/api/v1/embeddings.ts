// POST /v1/embeddings and /v1/rerank: texts as vectors, and passages ordered by a question.
import { z } from "zod";
import { askerOf, type Principal } from "../../accounts/accounts.ts";
import type { Embedder, RecordCall } from "../../inference/inference.ts";
import { now } from "../../kit/clock.ts";
import { EspalierError } from "../../kit/errors.ts";
import { newId } from "../../kit/ids.ts";
import { limits } from "../../kit/limits.ts";
import type { ApiDeps } from "../context.ts";
import { json } from "../http.ts";
import { invalid, modelName, readChecked } from "./body.ts";

const text = z
  .string("must be text, or a list of texts; tokens are not supported")
  .min(1, "must not be empty")
  .max(limits.completionMessageChars);
const texts = z.array(text).min(1, "must not be empty").max(limits.embedRequestTexts);

const embeddingsSchema = z.object({
  model: modelName,
  input: z.preprocess((said) => (typeof said === "string" ? [said] : said), texts),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().positive().nullish(),
  user: z.string().nullish(),
  /** Espalier's own, as text-embeddings-inference has it: long texts are cut instead of refused. */
  truncate: z.boolean().nullish(),
});

const rerankSchema = z.object({
  model: modelName,
  query: text,
  documents: z
    .array(z.union([text, z.object({ text }).transform((document) => document.text)], "must be texts"))
    .min(1, "must not be empty")
    .max(limits.rerankDocuments),
  top_n: z.int().positive().nullish(),
  return_documents: z.boolean().nullish(),
});

/** Answers POST /v1/embeddings. */
export async function embedTexts(request: Request, principal: Principal, deps: ApiDeps): Promise<Response> {
  const body = await readChecked(request, embeddingsSchema);
  const embedder = await embedderOf(body.model, principal, deps);
  if (body.dimensions != null && body.dimensions !== embedder.dimensions)
    throw invalid("dimensions", `the vectors of ${embedder.name} have ${embedder.dimensions}`);
  const startedAt = now();
  const counts = await embedder.countTokens(body.input);
  if (!body.truncate) checkLengths(counts, embedder);
  const vectors = await embedder.embed(body.input, "passage", request.signal);
  const tokens = counts.reduce((sum, count) => sum + Math.min(count, embedder.maxTokens), 0);
  record(embedder, tokens, startedAt, principal, deps);
  const isBase64 = body.encoding_format === "base64";
  return json({
    object: "list",
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: isBase64 ? base64Of(vector) : [...vector],
    })),
    model: body.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

/** Answers POST /v1/rerank: by a third party's reranker, or by the cosine of an embedder's vectors. */
export async function rerank(request: Request, principal: Principal, deps: ApiDeps): Promise<Response> {
  const body = await readChecked(request, rerankSchema);
  const { scores, tokens } = await scored(body, request.signal, principal, deps);
  const results = scores
    .map((score, index) => ({
      index,
      relevance_score: score,
      ...(body.return_documents ? { document: { text: body.documents[index] } } : {}),
    }))
    .sort((a, b) => b.relevance_score - a.relevance_score || a.index - b.index)
    .slice(0, body.top_n ?? undefined);
  return json({
    id: `rerank-${newId("message").slice(4)}`,
    object: "list",
    model: body.model,
    results,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

/** Relevance of each document, and the tokens that were read. */
async function scored(
  { model, query, documents }: { model: string; query: string; documents: readonly string[] },
  signal: AbortSignal,
  principal: Principal,
  deps: ApiDeps,
): Promise<{ scores: number[]; tokens: number }> {
  let tokens = 0;
  const reranker = await deps.providers.findReranker(principal.projectId, model, (call) => {
    tokens += call.inputTokens;
    recorderFor(principal, deps)(call);
  });
  if (reranker) return { scores: await reranker.rerank(query, documents, signal), tokens };
  const embedder = await embedderOf(model, principal, deps);
  const startedAt = now();
  const [asked] = await embedder.embed([query], "query", signal);
  const vectors = await embedder.embed(documents, "passage", signal);
  const counts = await embedder.countTokens([query, ...documents]);
  tokens = counts.reduce((sum, count) => sum + Math.min(count, embedder.maxTokens), 0);
  record(embedder, tokens, startedAt, principal, deps);
  return { scores: vectors.map((vector) => (asked ? cosine(asked, vector) : 0)), tokens };
}

/** Keeps a third party's calls for whoever asks here. */
const recorderFor =
  (principal: Principal, { usage }: ApiDeps): RecordCall =>
  (call) =>
    void usage.record({ ...askerOf(principal), source: "v1", ...call });

/** @throws EspalierError MODEL_NOT_EMBEDDER for a model that answers, MODEL_NOT_FOUND */
async function embedderOf(name: string, principal: Principal, deps: ApiDeps): Promise<Embedder> {
  const { projectId } = principal;
  const found = await deps.embedders.find(projectId, name, recorderFor(principal, deps));
  if (found) return found;
  const known = (await deps.embedders.list(projectId)).map((one) => one.name).join(", ");
  const model = await deps.models.resolve(projectId, name);
  throw new EspalierError("MODEL_NOT_EMBEDDER", `${model.name} makes replies, not vectors.`, {
    field: "model",
    value: model.name,
    hint: `Name one of ${known}.`,
  });
}

/** @throws EspalierError CONTEXT_TOO_LONG naming the text */
function checkLengths(counts: readonly number[], { name, maxTokens }: Embedder): void {
  const place = counts.findIndex((count) => count > maxTokens);
  if (place < 0) return;
  throw new EspalierError(
    "CONTEXT_TOO_LONG",
    `input[${place}] has ${counts[place]} tokens; ${name} sees ${maxTokens}.`,
    { field: "input", value: String(counts[place]), hint: "Cut it into pieces, or send `truncate: true`." },
  );
}

function record(
  embedder: Embedder,
  tokens: number,
  startedAt: number,
  principal: Principal,
  deps: ApiDeps,
): void {
  if (embedder.isThirdParty) return;
  void deps.usage.record({
    ...askerOf(principal),
    source: "v1",
    modelName: embedder.name,
    modelId: embedder.id,
    inputTokens: tokens,
    outputTokens: 0,
    latencyMs: now() - startedAt,
  });
}

/** Little-endian float32, as OpenAI's clients read it. */
function base64Of(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}

/** Third parties' vectors need not have length 1. */
function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  a.forEach((value, i) => {
    const other = b[i] ?? 0;
    dot += value * other;
    aa += value * value;
    bb += other * other;
  });
  return dot / (Math.sqrt(aa * bb) || 1);
}
