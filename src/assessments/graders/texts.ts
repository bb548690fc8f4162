// Makes texts comparable: letters without case, and the normalisation that answers of SQuAD go through.

/** What Unicode calls punctuation, and the other signs of Python's `string.punctuation`, which SQuAD uses. */
const PUNCTUATION = /[\p{P}$+<=>^`|~]/gu;
const ARTICLES = new Set(["a", "an", "the"]);

/**
 * The text without case, for comparison only: as Unicode's default case folding, so that ß is ss and a final
 * sigma a sigma; of no language in particular, so that the Turkish dotless ı stays apart from i. Composed at
 * the end, because a letter and its accent may come as one character or as two.
 */
export function foldCase(text: string): string {
  // By way of upper case, which alone turns ß to SS; ı would become I there, and then i.
  return text
    .toLowerCase()
    .replace(/[^ı]+/gu, (run) => run.toUpperCase().toLowerCase())
    .replaceAll("ς", "σ")
    .normalize("NFC");
}

/**
 * The text as SQuAD compares answers: without case, punctuation, articles and superfluous spaces; with
 * Unicode's compatible forms made one before (NFKC), which the original leaves out. Where nothing but
 * articles is there they stay: the answer "A" to a question with choices is no article.
 * After `normalize_answer` of the official evaluation script, Rajpurkar et al., "SQuAD: 100,000+ Questions
 * for Machine Comprehension of Text", EMNLP 2016, https://arxiv.org/abs/1606.05250.
 */
export function normaliseAnswer(text: string): string {
  const words = foldCase(text.normalize("NFKC"))
    .replace(PUNCTUATION, "")
    .split(/\s+/u)
    .filter((word) => word !== "");
  const telling = words.filter((word) => !ARTICLES.has(word));
  return (telling.length > 0 ? telling : words).join(" ");
}
