// ROUGE of one answer, as the package rouge-score gives it without stemming.
import { overlapOf } from "./ngrams.ts";

export type RougeKind = "rouge-1" | "rouge-2" | "rouge-l";

/** Most comparisons of two words; a hundred million take some 0.2 s. */
const MOST_STEPS = 100_000_000;

/** The words that ROUGE counts: runs of a to z and 0 to 9, without case. Other letters part words. */
export function rougeWords(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

/**
 * The F-measure, from 0 to 1, of the words (`rouge-1`), pairs of words (`rouge-2`) or the longest common subsequence of
 * words (`rouge-l`) that both have; null where a common subsequence of so many words would take too long to find.
 * Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004; Google's rouge-score 0.1.2 for what counts as a word.
 */
export function rouge(
  kind: RougeKind,
  answer: readonly string[],
  reference: readonly string[],
): number | null {
  if (kind !== "rouge-l") {
    const overlap = overlapOf(answer, reference, kind === "rouge-1" ? 1 : 2, " ");
    return fMeasure(overlap.shared, overlap.answer, overlap.reference);
  }
  if (answer.length * reference.length > MOST_STEPS) return null;
  return fMeasure(longestCommon(answer, reference), answer.length, reference.length);
}

function fMeasure(shared: number, answer: number, reference: number): number {
  return shared === 0 ? 0 : (2 * shared) / (answer + reference);
}

/** Length of the longest common subsequence: row by row of the usual table. */
function longestCommon(left: readonly string[], right: readonly string[]): number {
  const numbers = new Map<string, number>();
  const numbered = (words: readonly string[]): Uint32Array =>
    Uint32Array.from(words, (word) => {
      const number = numbers.get(word) ?? numbers.size;
      numbers.set(word, number);
      return number;
    });
  const [rows, columns] = [numbered(left), numbered(right)];
  const row = new Uint32Array(columns.length + 1);
  for (const word of rows) {
    let diagonal = 0;
    for (let at = 1; at <= columns.length; at++) {
      const above = row[at] ?? 0;
      row[at] = columns[at - 1] === word ? diagonal + 1 : Math.max(above, row[at - 1] ?? 0);
      diagonal = above;
    }
  }
  return row[columns.length] ?? 0;
}
