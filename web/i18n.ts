// Every string of the UI goes through i18next; the key is the English sentence itself, translations sit in locales/.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import en from "./locales/en.json";

await i18next.use(initReactI18next).init({
  lng: "en",
  fallbackLng: "en",
  resources: { en: { translation: en } },
  keySeparator: false,
  nsSeparator: false,
  interpolation: { escapeValue: false },
  returnEmptyString: false,
});

/** Translates outside components; inside them it is as good, since the language is fixed for the page's life. */
export const t = i18next.t.bind(i18next);
