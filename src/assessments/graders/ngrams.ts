// Counts runs of tokens in two texts, as BLEU, chrF and ROUGE do.

/** How often runs of one length occur in an answer and a reference, and how many of them both have. */
export type Overlap = { answer: number; reference: number; shared: number };

/** Python's str.split() without an argument: its white space is not quite that of JavaScript's \s. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: four of them are white space to Python
const WHITE_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** The text's words, as Python's str.split() finds them. */
export function wordsOf(text: string): string[] {
  return text.split(WHITE_SPACE).filter((word) => word !== "");
}

/**
 * The runs of `length` tokens that both lists have, each counted as often as in the list that has fewer of it.
 * Tokens are joined by `joint`, which none of them may hold.
 */
export function overlapOf(
  answer: readonly string[],
  reference: readonly string[],
  length: number,
  joint: "" | " ",
): Overlap {
  const left = new Map<string, number>();
  for (const run of runsOf(reference, length, joint)) left.set(run, (left.get(run) ?? 0) + 1);
  let shared = 0;
  for (const run of runsOf(answer, length, joint)) {
    const count = left.get(run) ?? 0;
    if (count === 0) continue;
    shared++;
    left.set(run, count - 1);
  }
  const count = (tokens: readonly string[]): number => Math.max(0, tokens.length - length + 1);
  return { answer: count(answer), reference: count(reference), shared };
}

function* runsOf(tokens: readonly string[], length: number, joint: string): Generator<string> {
  for (let at = 0; at + length <= tokens.length; at++) yield tokens.slice(at, at + length).join(joint);
}
