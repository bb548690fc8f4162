// What the server says, in the page's language: it speaks English, names and values of the user's own in its sentences.
import { locale, serverTexts, t } from "./i18n.ts";
import { speakerOf } from "./locales/match.ts";

/** Single words that stand in its sentences: states, roles, kinds and abilities. */
const words: Record<string, string> = {
  queued: t("queued"),
  running: t("running"),
  succeeded: t("done"),
  failed: t("failed"),
  cancelled: t("cancelled"),
  starting: t("starting"),
  live: t("live"),
  stopped: t("stopped"),
  parsing: t("reading"),
  indexing: t("indexing"),
  ready: t("ready"),
  importing: t("importing"),
  viewer: t("viewer"),
  member: t("member"),
  admin: t("admin"),
  owner: t("owner"),
  base: t("base model"),
  dataset: t("dataset"),
  training: t("training"),
  customized: t("customized"),
  complete: t("complete"),
  registered: t("registered"),
  conversation: t("conversation"),
  "third-party": t("third-party"),
  text: t("text"),
  vision: t("pictures"),
  embedding: t("embedding"),
  rerank: t("reranking"),
};

const number = new Intl.NumberFormat(locale);

/**
 * A sentence of the server (an error, its mend, a warning, a parameter's description) in the page's language; what is
 * no sentence of the server, as a provider's own words, stays as it is.
 */
export const said: (text: string) => string = serverTexts
  ? speakerOf(serverTexts, words, number.format)
  : (text) => text;

/** A single word of the server, as the status of a thing, in the page's language. */
export const saidWord = (word: string): string => words[word] ?? word;
