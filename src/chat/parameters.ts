// What a caller may say with a message: its text, a conversation's title, and the sampling parameters.
import { z } from "zod";
import { type GenerationRequest, jsonGrammar } from "../inference/inference.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";

const parametersSchema = z.object({
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().gt(0).max(1).optional(),
  topK: z.number().int().min(0).max(1_000_000).optional(),
  maxTokens: z.number().int().min(1).max(limits.engineContextTokens).optional(),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  stop: z.array(z.string().min(1).max(200)).max(16).optional(),
  /** Holds the reply to JSON. */
  format: z.object({ type: z.literal("json"), schema: z.json().exactOptional() }).optional(),
});
export type Parameters = z.infer<typeof parametersSchema>;

/** The sampling parameters as callers say them; what is null or unsaid is the model's own. */
export type ParametersInput = {
  [name in Exclude<keyof Parameters, "format">]?: Parameters[name] | readonly string[] | null;
} & {
  /** Whether the reply is to be a JSON object, or what the schema describes. */
  isJson?: boolean | null | undefined;
  schema?: unknown;
};

/** @throws EspalierError PARAMETER_INVALID naming the parameter, FORMAT_UNSUPPORTED, FORMAT_TOO_LARGE */
export function checkParameters(input: ParametersInput): Parameters {
  const { temperature, topP, topK, maxTokens, seed, stop } = input;
  const format = formatOf(input);
  const said = Object.entries({ temperature, topP, topK, maxTokens, seed, stop, format });
  const given = Object.fromEntries(said.filter(([, value]) => value !== null && value !== undefined));
  const parsed = parametersSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = String(issue?.path[0] ?? "parameters");
  throw new EspalierError("PARAMETER_INVALID", `${field}: ${issue?.message ?? "invalid"}`, {
    field,
    value: JSON.stringify(given[field])?.slice(0, 100) ?? "",
    hint: "Give a value inside the range.",
  });
}

function formatOf({ isJson, schema, stop }: ParametersInput) {
  if (!isJson && (schema === undefined || schema === null)) return undefined;
  if (stop && stop.length > 0)
    throw new EspalierError("PARAMETER_INVALID", "stop: a reply that is JSON ends where the JSON does", {
      field: "stop",
      value: JSON.stringify(stop).slice(0, 100),
      hint: "Leave stop out, or do not ask for JSON.",
    });
  const given = schema ?? undefined;
  jsonGrammar(given);
  return { type: "json", ...(given === undefined ? {} : { schema: given }) };
}

/** The request that these parameters make of the messages. */
export function requestOf(
  parameters: Parameters,
  turns: NonNullable<GenerationRequest["messages"]>,
): GenerationRequest {
  const { temperature, topP, topK, maxTokens, seed, stop, format } = parameters;
  return {
    messages: turns,
    maxTokens: maxTokens ?? limits.replyTokens,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined ? {} : { stop }),
    ...(format === undefined ? {} : { format }),
  };
}

/** A message's text, which only one with pictures may lack. @throws EspalierError MESSAGE_EMPTY, MESSAGE_TOO_LONG */
export function checkText(text: string, pictures = 0): string {
  if (text.trim() === "" && pictures > 0) return "";
  if (text.trim() !== "" && text.length <= limits.messageChars) return text;
  throw new EspalierError(
    text.trim() === "" ? "MESSAGE_EMPTY" : "MESSAGE_TOO_LONG",
    text.trim() === ""
      ? "The message is empty."
      : `The message has ${text.length} characters; ${limits.messageChars} are allowed.`,
    { field: "text", hint: "Write something shorter than the limit." },
  );
}

/** A title without white space around it. @throws EspalierError TITLE_EMPTY, TITLE_TOO_LONG */
export function checkTitle(title: string): string {
  const said = title.trim();
  if (said !== "" && said.length <= limits.titleChars) return said;
  throw new EspalierError(
    said === "" ? "TITLE_EMPTY" : "TITLE_TOO_LONG",
    said === ""
      ? "The title is empty."
      : `The title has ${said.length} characters; ${limits.titleChars} are allowed.`,
    { field: "title", value: said.slice(0, 80), hint: `Write 1 to ${limits.titleChars} characters.` },
  );
}

/** The title of a conversation that begins with this text. */
export function titleOf(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
}
