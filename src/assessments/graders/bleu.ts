// BLEU of one answer, as sacrebleu.sentence_bleu gives it without options.
import { overlapOf, wordsOf } from "./ngrams.ts";

const LONGEST_RUN = 4;
/** What mteval-v13a parts from words, in its order. */
const PARTED: readonly [RegExp, string][] = [
  [/([{-~[-` -&(-+:-@/])/gu, " $1 "],
  [/([^0-9])([.,])/gu, "$1 $2 "],
  [/([.,])([^0-9])/gu, " $1 $2"],
  [/([0-9])(-)/gu, "$1 $2 "],
];
const ENTITIES: readonly [string, string][] = [
  ["&quot;", '"'],
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&gt;", ">"],
];

/**
 * From 0 to 1, where sacrebleu has 0 to 100: the geometric mean of the shares of runs of 1 to 4 tokens that the reference
 * has too, times the penalty for an answer that is shorter. Tokens by 13a, case kept; a length without any match counts
 * as half, a quarter … of one (exponential smoothing), and lengths that the answer is too short for do not count.
 * Papineni et al., "BLEU", ACL 2002; Chen and Cherry, "A Systematic Comparison of Smoothing Techniques for
 * Sentence-Level BLEU", WMT 2014 (method 3); Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018.
 * A mean of these is not the BLEU of a corpus, which counts the runs of all answers together.
 */
export function bleu(answer: string, reference: string): number {
  const [said, wanted] = [tokens13a(answer), tokens13a(reference)];
  const penalty = said.length < wanted.length ? Math.exp(1 - wanted.length / said.length) : 1;
  let sum = 0;
  let order = 0;
  let smoothing = 1;
  for (let length = 1; length <= Math.min(LONGEST_RUN, said.length); length++) {
    const { answer: total, shared } = overlapOf(said, wanted, length, " ");
    // No word in common: then no longer run is, either.
    if (length === 1 && shared === 0) return 0;
    if (shared === 0) smoothing *= 2;
    sum += Math.log(shared === 0 ? 1 / (smoothing * total) : shared / total);
    order = length;
  }
  return order === 0 ? 0 : Math.min(1, penalty * Math.exp(sum / order));
}

function tokens13a(text: string): string[] {
  let line = text.trimEnd().replaceAll("<skipped>", "").replaceAll("-\n", "").replaceAll("\n", " ");
  for (const [entity, sign] of ENTITIES) line = line.replaceAll(entity, sign);
  line = ` ${line} `;
  for (const [sign, parted] of PARTED) line = line.replace(sign, parted);
  return wordsOf(line);
}
