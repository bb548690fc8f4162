// The parameters of a column: what the side sheet sets and every message carries.
import { ProblemError } from "../api/errors.ts";
import { t } from "../i18n.ts";

export type ChatSettings = {
  system: string;
  temperature: number;
  topP: number;
  topK: number;
  maxTokens: number;
  seed: number | null;
  stop: string;
  isJson: boolean;
  /** JSON Schema as text; any object when empty. */
  schema: string;
  /** Questions that an empty chat proposes, as the prompt in use has them. */
  starters: string[];
};

export const defaultSettings: ChatSettings = {
  system: "",
  temperature: 0,
  topP: 1,
  topK: 0,
  maxTokens: 256,
  seed: null,
  stop: "",
  isJson: false,
  schema: "",
  starters: [],
};

/** The settings as the input of a mutation. */
export function inputOf(settings: ChatSettings) {
  const stop = settings.stop.split("\n").filter(Boolean);
  return {
    system: settings.system || null,
    temperature: settings.temperature,
    topP: settings.topP,
    topK: settings.topK > 0 ? settings.topK : null,
    maxTokens: settings.maxTokens,
    seed: settings.seed,
    stop: stop.length > 0 && !settings.isJson ? stop : null,
    isJson: settings.isJson,
    schema: settings.isJson && settings.schema.trim() ? parsed(settings.schema) : null,
  };
}

/** @throws ProblemError when it is no JSON */
function parsed(schema: string): unknown {
  try {
    return JSON.parse(schema);
  } catch (error) {
    throw new ProblemError({
      code: "SCHEMA_NOT_JSON",
      message: t("The JSON schema in the parameters is no JSON."),
      hint: error instanceof Error ? error.message : null,
      field: "schema",
    });
  }
}
