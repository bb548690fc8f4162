// Finds the template that an English sentence of the server was made from, and says it in another language with its values.

type Template = {
  key: string;
  names: string[];
  pattern: RegExp;
  start: string;
  end: string;
  letters: number;
};
/** A template and what stood in its places. */
export type Match = { key: string; values: Record<string, string> };

/** Fewer letters than this could be part of any name: such a template is not looked for inside another's value. */
const tellingLetters = 8;
const deepest = 3;
const remembered = 2000;

function compiled(key: string): Template {
  const literals = key.split(/\{\{\w+\}\}/);
  const pattern = literals.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("([\\s\\S]*?)");
  return {
    key,
    names: [...key.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? ""),
    pattern: new RegExp(`^${pattern}$`),
    start: literals[0] ?? "",
    end: literals.at(-1) ?? "",
    letters: literals.join("").length,
  };
}

/** Finds templates among these; where several fit, the one with most letters of its own. */
export function matcherOf(keys: Iterable<string>): (text: string, letters?: number) => Match | null {
  const plain = new Set<string>();
  const open: Template[] = [];
  for (const key of keys) {
    if (key.includes("{{")) open.push(compiled(key));
    else plain.add(key);
  }
  open.sort((a, b) => b.letters - a.letters || a.names.length - b.names.length);
  return (text, letters = 0) => {
    if (plain.has(text)) return { key: text, values: {} };
    for (const one of open) {
      if (one.letters < letters) return null;
      if (!text.startsWith(one.start) || !text.endsWith(one.end)) continue;
      const found = one.pattern.exec(text);
      if (found)
        return {
          key: one.key,
          values: Object.fromEntries(one.names.map((name, at) => [name, found[at + 1] ?? ""])),
        };
    }
    return null;
  };
}

/** The template with values in its places. */
export const filled = (template: string, values: Record<string, string>): string =>
  template.replace(/\{\{(\w+)\}\}/g, (place, name: string) => values[name] ?? place);

/**
 * Says the server's sentences in another language: `texts` by English template, `words` for the single words that
 * stand in places (states, roles, kinds), `number` for numbers with separators. What is no sentence of the server stays.
 */
export function speakerOf(
  texts: Record<string, string>,
  words: Record<string, string>,
  number: (value: number) => string,
): (text: string) => string {
  const match = matcherOf(Object.keys(texts));
  const known = new Map<string, string>();
  const value = (name: string, text: string, depth: number): string => {
    if (/^\d{1,3}(?:,\d{3})+$/.test(text)) return number(Number(text.replaceAll(",", "")));
    if (wordPlaces.test(name))
      return text
        .split(/, | and /)
        .map((word) => words[word] ?? word)
        .join(", ");
    // A list of things, each after its kind.
    if (name === "shown")
      return text
        .split(", ")
        .map((one) => one.replace(/^\S+/, (word) => words[word] ?? word))
        .join(", ");
    if (depth >= deepest || !text.includes(" ")) return text;
    if (name.startsWith("runName")) return say(text, 0, depth + 1) ?? text;
    const whole = say(text, tellingLetters, depth + 1);
    if (whole !== null) return whole;
    // A sentence that goes on in another one has lost its full stop.
    return say(`${text}.`, tellingLetters, depth + 1)?.replace(/[.。]$/, "") ?? text;
  };
  const say = (text: string, letters: number, depth: number): string | null => {
    const found = match(text, letters);
    if (!found || isChance(found, words)) return null;
    const values = Object.entries(found.values).map(
      ([name, one]) => [name, value(name, one, depth)] as const,
    );
    return filled(texts[found.key] ?? found.key, Object.fromEntries(values));
  };
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const said = say(text.trim(), 0, 0) ?? text;
    if (known.size >= remembered) known.clear();
    known.set(text, said);
    return said;
  };
}

/** Whether a template of hardly any letters fits by chance: "{{name}} is {{state}}." where the state is none of ours. */
function isChance({ key, values }: Match, words: Record<string, string>): boolean {
  if (key.replace(/\{\{\w+\}\}/g, "").length > tellingLetters) return false;
  return Object.entries(values).some(([name, value]) => wordPlaces.test(name) && !(value in words));
}

/** Places that hold single words of ours. */
const wordPlaces = /^(?:abilities|ability|beyond|kind|role|state|status|to)\d?$/;
