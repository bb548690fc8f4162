// The parameters of a column: what the side sheet sets and every message carries.
export type ChatSettings = {
  system: string;
  temperature: number;
  topP: number;
  topK: number;
  maxTokens: number;
  seed: number | null;
  stop: string;
};

export const defaultSettings: ChatSettings = {
  system: "",
  temperature: 0,
  topP: 1,
  topK: 0,
  maxTokens: 256,
  seed: null,
  stop: "",
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
    stop: stop.length > 0 ? stop : null,
  };
}
