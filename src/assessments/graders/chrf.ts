// chrF of one answer, as sacrebleu.sentence_chrf gives it without options.
import { overlapOf, wordsOf } from "./ngrams.ts";

const LONGEST_RUN = 6;
/** How many times recall weighs precision: β = 2. */
const BETA_SQUARED = 4;

/**
 * From 0 to 1, where sacrebleu has 0 to 100: precision and recall of the runs of 1 to 6 characters, white space left out,
 * each averaged over the lengths that both texts have, in one F-score in which recall counts twice. It needs no words,
 * so it serves every language. Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015.
 * A mean of these is not the chrF of a corpus.
 */
export function chrf(answer: string, reference: string): number {
  const said = Array.from(wordsOf(answer).join(""));
  const wanted = Array.from(wordsOf(reference).join(""));
  let precision = 0;
  let recall = 0;
  const order = Math.min(LONGEST_RUN, said.length, wanted.length);
  for (let length = 1; length <= order; length++) {
    const overlap = overlapOf(said, wanted, length, "");
    precision += overlap.shared / overlap.answer / order;
    recall += overlap.shared / overlap.reference / order;
  }
  if (precision + recall === 0) return 0;
  return Math.min(1, ((1 + BETA_SQUARED) * precision * recall) / (BETA_SQUARED * precision + recall));
}
