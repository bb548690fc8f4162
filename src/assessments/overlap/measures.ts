// What counts as the same, as nearly the same, and as alike in meaning; with where the figures come from.

/**
 * Words of a run. Runs of three survive small edits: one word changed of twenty leaves 15 of 18. Longer ones are usual
 * for whole documents (13 in GPT-3, Brown et al. 2020, appendix C; 8 in PaLM, Chowdhery et al. 2022, section 8) and
 * miss edited questions, which are short. Whatever shares 70 % of its runs of 8 with one row, as PaLM asks, shares as
 * much of its runs of 3.
 */
export const WORDS_PER_GRAM = 3;
/**
 * Share of a question's telling runs of words that stand in one row from which on it is nearly the same. On sentences
 * of this project's documents (finding.test.ts) 0.5 finds 99 % of those with a word in 20, or in 10, changed and takes
 * 1 % of others for one; 0.6 finds 90 and 87 % and takes 0.3 %.
 */
export const NEAR_FROM = 0.5;
/** Telling runs that a question needs for this; those with fewer are compared by characters. */
export const LEAST_GRAMS = 4;
/** Similarity of short questions, by runs of three characters (Jaccard), from which on they are nearly the same. */
export const SHORT_FROM = 0.7;
/** Words below which a question is only compared whole. */
export const LEAST_WORDS = 3;
/**
 * A run of words that stands in more of a source's different rows than this, and in two questions, is wording that all
 * share, such as an instruction, and tells nothing of a row. GPT-3 ignores runs that stand in more than 10 documents
 * for the same reason; of many rows it is 2 %, so that twenty copies of one row are no shared wording.
 */
export const sharedFrom = (rows: number): number => Math.max(10, Math.floor(rows * 0.02));
/** So is one that stands in more than half of the questions, from so many questions on. */
export const SHARED_QUESTIONS = 3;
/**
 * Cosine of the built-in embedder from which on two questions are alike in meaning. Of 15 questions put in other words
 * 12 reach it (0.63 to 0.98), of 8 in the same words that ask for something else 2 (0.53 to 0.94: "open" and "close"),
 * of others none (at most 0.49). So it is a hint to look at, weaker than words; Yang et al. 2023 (Rethinking benchmark
 * and contamination for language models with rephrased samples) find the same of embeddings alone.
 */
export const MEANING_FROM = 0.85;
/** Rows that a question is compared with by meaning: those that share most of its telling words. */
export const MEANING_PER_ROW = 4;
/** Longest text of a row that is kept to be shown, and compared by meaning. */
export const SHOWN_CHARS = 2_000;
