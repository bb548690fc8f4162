// Every string of the UI goes through i18next; the key is the English sentence itself, translations sit in locales/.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { language, languageTable } from "./language.ts";
import en from "./locales/en.json";

/** English is in the first file because it is also what a missing word falls back to; another language comes alone. */
const others = {
  DE: () => Promise.all([import("./locales/de.json"), import("./locales/server.de.json")]),
  ZH: () => Promise.all([import("./locales/zh.json"), import("./locales/server.zh.json")]),
};
const loaded = language === "EN" ? null : await others[language]();

/** The server's sentences in the page's language by their English templates; null in English. */
export const serverTexts: Record<string, string> | null = loaded?.[1].default ?? null;

/** The tag of the page's language, for `<html lang>` and Intl. */
export const locale: string = languageTable[language].tag;

const number = new Intl.NumberFormat(locale);
await i18next.use(initReactI18next).init({
  lng: locale,
  fallbackLng: "en",
  resources: {
    en: { translation: en },
    ...(loaded ? { [locale]: { translation: loaded[0].default } } : {}),
  },
  keySeparator: false,
  nsSeparator: false,
  // React escapes; here every number in a sentence is written as the language writes it.
  interpolation: {
    useRawValueToEscape: true,
    escape: (value: unknown) => (typeof value === "number" ? number.format(value) : String(value)),
  },
  returnEmptyString: false,
});
if (globalThis.document) document.documentElement.lang = locale;

const said = new Map<string, string>();

/** A sentence without values: looked up once, since a page says hundreds of them at each drawing. */
function plain(key: string): string {
  const known = said.get(key);
  if (known !== undefined) return known;
  const text = i18next.t(key);
  said.set(key, text);
  return text;
}

/** Translates outside components; inside them it is as good, since the language is fixed for the page's life. */
export const t = (key: string, values?: Record<string, unknown>): string =>
  values === undefined ? plain(key) : i18next.t(key, values);
