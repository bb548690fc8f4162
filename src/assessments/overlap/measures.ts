// What counts as the same, as nearly the same, and as alike in meaning; with where the figures come from.

/**
 * Words of a run. Runs of three survive small edits: one word changed of twenty leaves 15 of 18. Longer ones are usual
 * for whole documents (13 in GPT-3, Brown et al. 2020, appendix C; 8 in PaLM, Chowdhery et al. 2022, section 8) and
 * miss edited questions, which are short. Whatever shares 70 % of its runs of 8 with one row, as PaLM asks, shares as
 * much of its runs of 3.
 */
export const WORDS_PER_GRAM = 3;
/**
 * Share of a question's telling runs of words that stand in one row from which on it is nearly the same. This and what
 * follows was chosen by one half of the sources of bench/overlap.ts and measured on the other; docs/decisions/0015 has
 * both.
 */
export const NEAR_FROM = 0.5;
/** Telling runs from which on words tell anything: six words, two of whose four runs survive a change at an end. */
export const LEAST_GRAMS = 4;
/**
 * Telling runs that a question needs to be nearly the same as a row of training by half of them: nine words. One word
 * changed in a shorter one leaves too few, and "What is the capital of" makes half of them: these are compared by
 * characters, and by words only whole.
 */
export const SHORT_GRAMS = 7;
/** Similarity of short questions, by runs of three characters (Jaccard), from which on they are nearly the same. */
export const SHORT_FROM = 0.7;
/**
 * Words that a question of training needs to be looked for, whole, within a longer one that was asked: with a greeting
 * or in HTML a short question has few of its runs left.
 */
export const LEAST_WITHIN = 4;
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
 * Cosine of the built-in embedder from which on two questions are alike in meaning. So high that few others reach it,
 * and few questions in other words either (docs/decisions/0015): a hint to look at, and nothing found is no proof. Yang
 * et al. 2023 (Rethinking benchmark and contamination for language models with rephrased samples) find the same of
 * embeddings alone.
 */
export const MEANING_FROM = 0.85;
/** Rows that a question is compared with by meaning: those that share most of its rare words for their length. */
export const MEANING_PER_ROW = 4;
/** Longest text of a row that is kept to be shown, and compared by meaning. */
export const SHOWN_CHARS = 2_000;
