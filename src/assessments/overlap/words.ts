// The words of a text as they are compared: without case, punctuation and the way it is laid out.
import { foldCase } from "../graders/texts.ts";

/**
 * A letter of a script that is written without spaces; a word; a sign that means something (+ = € ✓), and the signs of
 * arithmetic between two numbers or before one. What else is punctuation is no word.
 */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[[\p{L}\p{M}\p{N}]--[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]]+|[\p{Sm}\p{Sc}\p{So}]|(?<=\d\s*)[\-*\/%](?=\s*\d)|(?<![\p{L}\p{N}])-(?=\d)/gv;
const PLAIN_WORD = /[a-z0-9]+|[+<=>|~$]|(?<=\d\s*)[-*/%](?=\s*\d)|(?<![a-z0-9])-(?=\d)/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII, control characters too
const ASCII = /^[\x00-\x7f]*$/;

/** The words of a text, in order. Texts with equal words count as the same text. */
export function wordsOf(text: string): string[] {
  if (ASCII.test(text)) return text.toLowerCase().match(PLAIN_WORD) ?? [];
  return foldCase(text.normalize("NFKC")).match(WORD) ?? [];
}

const DIGIT = /\p{Nd}/u;
/** The different words of a text that hold a figure. */
export const numbersOf = (words: readonly string[]): string[] => [
  ...new Set(words.filter((word) => DIGIT.test(word))),
];

/** Whether `part` stands in `whole`, word after word. */
export function standsIn(part: readonly string[], whole: readonly string[]): boolean {
  if (part.length === 0) return false;
  for (let from = 0; from + part.length <= whole.length; from++) {
    let at = 0;
    while (at < part.length && part[at] === whole[from + at]) at++;
    if (at === part.length) return true;
  }
  return false;
}

function piecesOf(words: readonly string[]): Set<string> {
  const text = ` ${words.join(" ")} `;
  const pieces = new Set<string>();
  for (let at = 0; at + 3 <= text.length; at++) pieces.add(text.slice(at, at + 3));
  return pieces;
}

/** Jaccard's similarity of the texts' runs of three characters, from 0 to 1: for texts too short for runs of words. */
export function alike(a: readonly string[], b: readonly string[]): number {
  const [one, other] = [piecesOf(a), piecesOf(b)];
  let both = 0;
  for (const piece of one) if (other.has(piece)) both++;
  return both / (one.size + other.size - both);
}

/** Share of a's runs of three words that stand in b too; 0 for fewer than three words. */
export function shareOf(a: readonly string[], b: readonly string[]): number {
  const runs = (words: readonly string[]): Set<string> =>
    new Set(words.slice(2).map((word, at) => `${words[at]} ${words[at + 1]} ${word}`));
  const own = runs(a);
  const there = runs(b);
  let both = 0;
  for (const run of own) if (there.has(run)) both++;
  return own.size === 0 ? 0 : both / own.size;
}
