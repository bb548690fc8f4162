// Text and questions as the word index takes them: safe whatever was typed, and in scripts without spaces too.
import { limits } from "../kit/limits.ts";

/** Scripts that write words without spaces between them. */
const DENSE =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}";
const DENSE_LETTERS = new RegExp(`[${DENSE}]`, "gu");
const HAS_DENSE = new RegExp(`[${DENSE}]`, "u");
const TERM = new RegExp(`[${DENSE}]+|[^\\P{L}${DENSE}]+|[\\p{N}]+`, "gu");
const WORD = /[\p{L}\p{N}\p{M}]+/gu;

/** Words that almost every text has: they cost time and say nothing. Those that mean something in another language stay. */
const STOP_WORDS = new Set(
  `a about above after again against all am an and any are as at be because been before being below between both but by
  can could did do does doing down during each few for from further had has have having he her here hers him his how i if
  in into is it its itself just me more most my no nor not of off on once only or other our out over own same she should
  so some such than that the their them then there these they this those through to too under until up very was we were
  what when where which while who whom why will with would you your yours
  aber alle als also am an auch auf aus bei bis bist da das dass dein dem den der des dies diese doch dort du
  durch ein eine einem einen einer eines er es euer für hatte ich ihr im in ist ja kann kein mein mich mir nach
  nicht noch nur ob oder ohne sein sich sie sind so über um und uns unser unter vom von vor was weil wenn wer wie
  wird wo zu zum zur`.split(/\s+/),
);

/** A text for the word index: letters of scripts without spaces stand alone. */
export function searchable(text: string): string {
  return text.replace(DENSE_LETTERS, " $& ");
}

/**
 * A question as a query of FTS5: any of its words, each quoted, so that nothing in it is an operator. Words without
 * meaning are left out unless there are no others. Null where there is no word at all.
 */
export function wordQuery(question: string): string | null {
  const terms = new Set<string>();
  for (const [word] of question.slice(0, limits.questionChars).toLowerCase().matchAll(WORD)) {
    if (!HAS_DENSE.test(word)) terms.add(word);
    else for (const [part] of word.matchAll(TERM)) for (const term of phrasesOf(part)) terms.add(term);
  }
  const telling = [...terms].filter((term) => !STOP_WORDS.has(term));
  const used = (telling.length > 0 ? telling : [...terms]).slice(0, limits.searchTerms);
  return used.length === 0 ? null : used.map((term) => `"${term}"`).join(" OR ");
}

/** Neighbouring letters in pairs, as phrases: 知识库 as 知 识 and 识 库. A single letter, or a word with spaces, as it is. */
function phrasesOf(part: string): string[] {
  const letters = [...part];
  if (!HAS_DENSE.test(part) || letters.length < 2) return [part];
  return letters.slice(1).map((letter, at) => `${letters[at]} ${letter}`);
}
