// What models can do, in words, and amounts of money.
import { locale, t } from "../i18n.ts";
import type { KindNode } from "./queries.ts";

export type Ability = KindNode["abilities"][number];

export const abilityWords: Record<Ability, string> = {
  TEXT: t("text"),
  VISION: t("pictures"),
  EMBEDDING: t("embedding"),
  RERANK: t("reranking"),
  IMAGE: t("images"),
};

/** What a kind is called; those that are no product's own name are words. */
export function kindTitle(kinds: readonly KindNode[], name: string): string {
  const words: Record<string, string> = {
    llamacpp: t("llama.cpp server"),
    "openai-compatible": t("OpenAI-style address"),
  };
  return words[name] ?? kinds.find((kind) => kind.name === name)?.title ?? name;
}

/** Abilities as a list of words. */
export const abilityText = (abilities: readonly Ability[]): string =>
  abilities.map((one) => abilityWords[one]).join(", ");

const exact = new Intl.NumberFormat(locale, {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 0,
  maximumFractionDigits: 6,
});

/** "$0.0012", "$10"; a dash where nothing is known. Prices are exact, amounts spent are rounded by ui/format.ts. */
export const dollars = (value: number | null): string => (value === null ? "–" : exact.format(value));
