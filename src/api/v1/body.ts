// What the endpoints of /v1 read alike: checked bodies, the parameters of sampling, and how usage is told.
import { z } from "zod";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { parseJson, readBody } from "../http.ts";

const wholeNumber = 2 ** 53 - 1;

/** Name of a model, as every body has it. */
export const modelName = z.string().min(1).max(500);

/** Parameters of every reply, and those that clients send by habit and that may only have the value that changes nothing. */
export const replyParameters = {
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(0).max(1_000_000).nullish(),
  max_tokens: z.int().min(1).max(limits.engineContextTokens).nullish(),
  seed: z.int().min(-wholeNumber).max(wholeNumber).nullish(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(4)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.literal(1, "only 1 is supported").nullish(),
  presence_penalty: z.literal(0, "only 0 is supported").nullish(),
  frequency_penalty: z.literal(0, "only 0 is supported").nullish(),
};
const replySchema = z.object(replyParameters);

/** The parameters in the engine's words. */
export function settingsOf(body: z.infer<typeof replySchema>) {
  const stop = typeof body.stop === "string" ? [body.stop] : body.stop;
  return {
    ...(body.temperature == null ? {} : { temperature: body.temperature }),
    ...(body.top_p == null ? {} : { topP: body.top_p }),
    ...(body.top_k == null ? {} : { topK: body.top_k }),
    ...(body.max_tokens == null ? {} : { maxTokens: body.max_tokens }),
    ...(body.seed == null ? {} : { seed: body.seed }),
    ...(stop == null ? {} : { stop }),
  };
}

/** The request's body by the schema. @throws EspalierError INVALID_VALUE naming the field, BAD_JSON, BODY_TOO_LARGE */
export async function readChecked<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(parseJson(await readBody(request, limits.requestBodyBytes)));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = (issue?.path ?? [])
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i > 0 ? "." : ""}${String(part)}`))
    .join("");
  throw invalid(field, issue?.message ?? "invalid");
}

/** A value that the schema cannot see to be wrong. */
export function invalid(field: string, message: string): EspalierError {
  return new EspalierError("INVALID_VALUE", `${field || "the body"}: ${message}`, { field });
}

/** How a reply ended, and what it took. */
export type End = {
  finishReason: string;
  usage: { promptTokens: number; completionTokens: number; cachedTokens: number };
};

export function finishReason(end: End): string {
  return end.finishReason === "length" ? "length" : "stop";
}

export function usageOf({ usage }: Pick<End, "usage">): object {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
  };
}

export function cutOff(): EspalierError {
  return new EspalierError("REPLY_CUT_OFF", "the model ended without saying why", { status: 502 });
}
