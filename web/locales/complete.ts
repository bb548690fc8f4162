// What is wrong with a translation: a key that is missing or left over, or a placeholder that is not the key's.

/** Text by key; a key that counts has one text for each plural form of the language, as `key_one`. */
export type Words = Record<string, string>;

const placeholders = (text: string): string => [...new Set(text.match(/\{\{\w+\}\}/g))].sort().join(" ");

/** The keys that a translation into `language` has, from the keys of the source code. */
export const wantedKeys = (keys: Iterable<string>, language: string): string[] =>
  [...keys].flatMap((key) =>
    key.includes("{{count}}")
      ? new Intl.PluralRules(language)
          .resolvedOptions()
          .pluralCategories.map((form) => `${key}_${form}`)
          .sort()
      : [key],
  );

/** A sentence for each fault of `words`; none when it is complete. */
export const faultsOf = (words: Words, keys: Iterable<string>, language: string): string[] =>
  faultsOfPlain(words, wantedKeys(keys, language));

/** The same where no key has plural forms. */
export function faultsOfPlain(words: Words, keys: Iterable<string>): string[] {
  const wanted = new Set(keys);
  const missing = [...wanted].filter((key) => !words[key]).map((key) => `missing: ${key}`);
  const others = Object.entries(words).flatMap(([key, text]) => {
    if (!wanted.has(key)) return [`left over: ${key}`];
    return placeholders(text) === placeholders(key) ? [] : [`other placeholders: ${key}: ${text}`];
  });
  return [...missing, ...others];
}
