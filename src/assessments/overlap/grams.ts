// What is known of the asked texts while a source goes past: their runs of words, and their rare words.
import { SHARED_QUESTIONS, sharedFrom, WORDS_PER_GRAM } from "./measures.ts";

export type Runs = ReturnType<typeof createRuns>;
export type RareWords = ReturnType<typeof createRareWords>;

/** More words than texts have, and few enough that two numbers below it make one that a double holds. */
const WORDS = 2 ** 26;

/** Sums for numbered texts, emptied by beginning anew rather than by clearing. */
function createSums() {
  let sums = new Float64Array(1024);
  let counts = new Int32Array(1024);
  let touched: number[] = [];
  return {
    add(text: number, weight: number): void {
      if (text >= sums.length) {
        const wider = new Float64Array(text * 2);
        wider.set(sums);
        sums = wider;
        const more = new Int32Array(text * 2);
        more.set(counts);
        counts = more;
      }
      if (counts[text] === 0) touched.push(text);
      counts[text] = (counts[text] ?? 0) + 1;
      sums[text] = (sums[text] ?? 0) + weight;
    },
    /** Says each text with its sum and count, and forgets them. */
    drain(say: (text: number, sum: number, count: number) => void): void {
      const all = touched;
      touched = [];
      for (const text of all) {
        const [sum, count] = [sums[text] ?? 0, counts[text] ?? 0];
        sums[text] = 0;
        counts[text] = 0;
        say(text, sum, count);
      }
    },
  };
}

/** Runs of WORDS_PER_GRAM words of the asked texts, by number. */
export function createRuns() {
  const ids = new Map<string, number>();
  const pairs = new Map<number, number>();
  const grams = new Map<number, number>();
  /** By run: texts, questions in which it stands, entries of the source in which it stands, the last one of these. */
  const postings: number[][] = [];
  const inQuestions: number[] = [];
  const counts: number[] = [];
  const lastEntry: number[] = [];
  const shared: boolean[] = [];
  const sums = createSums();
  let entry = 0;

  const numbered = (map: Map<number, number>, key: number): number => {
    const known = map.get(key);
    if (known !== undefined) return known;
    map.set(key, map.size);
    return map.size - 1;
  };
  /** Says each run that is known, and the place of its first word. */
  function known(words: readonly string[], say: (gram: number, at: number) => void): void {
    let first: number | undefined;
    let second: number | undefined;
    for (let at = 0; at < words.length; at++) {
      const third = ids.get(words[at] ?? "");
      if (first !== undefined && second !== undefined && third !== undefined) {
        const pair = pairs.get(first * WORDS + second);
        const gram = pair === undefined ? undefined : grams.get(pair * WORDS + third);
        if (gram !== undefined) say(gram, at - 2);
      }
      first = second;
      second = third;
    }
  }
  /** Says each different run that is known. */
  function different(words: readonly string[], say: (gram: number) => void): void {
    entry++;
    known(words, (gram) => {
      if (lastEntry[gram] === entry) return;
      lastEntry[gram] = entry;
      say(gram);
    });
  }

  return {
    /** Takes in a text of the assessment; the numbers of its different runs. */
    add(words: readonly string[], text: number, isNewQuestion: boolean): number[] {
      const own = new Set<number>();
      const numbers = words.map((word) => {
        const id = ids.get(word) ?? ids.size;
        ids.set(word, id);
        return id;
      });
      for (let at = 0; at + WORDS_PER_GRAM <= numbers.length; at++) {
        const pair = numbered(pairs, (numbers[at] ?? 0) * WORDS + (numbers[at + 1] ?? 0));
        own.add(numbered(grams, pair * WORDS + (numbers[at + 2] ?? 0)));
      }
      for (const gram of own) {
        postings[gram] ??= [];
        postings[gram].push(text);
        inQuestions[gram] = (inQuestions[gram] ?? 0) + (isNewQuestion ? 1 : 0);
        counts[gram] ??= 0;
        lastEntry[gram] ??= 0;
      }
      return [...own];
    },
    /** Counts the runs of one entry of the source. */
    count: (words: readonly string[]): void =>
      different(words, (gram) => {
        counts[gram] = (counts[gram] ?? 0) + 1;
      }),
    /** Decides which runs are wording that all share. */
    share(entries: number, questions: number): void {
      const most = sharedFrom(entries);
      for (let gram = 0; gram < postings.length; gram++) {
        const asked = inQuestions[gram] ?? 0;
        shared[gram] =
          (asked >= 2 && (counts[gram] ?? 0) > most) || (asked >= SHARED_QUESTIONS && asked * 2 > questions);
      }
    },
    isShared: (gram: number): boolean => shared[gram] ?? false,
    /** The words that stand in no shared run. */
    telling(words: readonly string[]): string[] {
      const covered = new Set<number>();
      known(words, (gram, at) => {
        if (shared[gram]) for (let n = 0; n < WORDS_PER_GRAM; n++) covered.add(at + n);
      });
      return covered.size === 0 ? [...words] : words.filter((_, at) => !covered.has(at));
    },
    /** Says how many telling runs of each asked text stand in the words. */
    hits(words: readonly string[], say: (text: number, hits: number) => void): void {
      different(words, (gram) => {
        if (!shared[gram]) for (const text of postings[gram] ?? []) sums.add(text, 1);
      });
      sums.drain(say);
    },
  };
}

/** Share of the asked texts, and least number of them, in which a word may stand to tell one from another. */
const RARE_SHARE = 0.02;
const RARE_LEAST = 20;

/** Words that tell an asked text from others, each weighed by how rare it is in the source (log of inverse frequency). */
export function createRareWords(texts: readonly (readonly string[])[]) {
  const postings = new Map<string, { texts: number[]; count: number; weight: number; last: number }>();
  texts.forEach((words, number) => {
    for (const word of new Set(words)) {
      const known = postings.get(word) ?? { texts: [], count: 0, weight: 0, last: -1 };
      known.texts.push(number);
      postings.set(word, known);
    }
  });
  const most = Math.max(RARE_LEAST, texts.length * RARE_SHARE);
  for (const [word, { texts: with_ }] of postings) if (with_.length > most) postings.delete(word);
  const sums = createSums();
  let entry = 0;

  return {
    /** Counts the words of one entry of the source. */
    count(words: readonly string[]): void {
      entry++;
      for (const word of words) {
        const known = postings.get(word);
        if (!known || known.last === entry) continue;
        known.last = entry;
        known.count++;
      }
    },
    /** Between the passes; what a tenth of the source has is no rare word. */
    weigh(entries: number): void {
      for (const [word, known] of postings) {
        known.weight = Math.log((entries + 1) / (known.count + 1));
        if (known.count > Math.max(10, entries / 10)) postings.delete(word);
      }
    },
    /** How many different rare words these hold; after `weigh`. */
    countOf: (words: readonly string[]): number => new Set(words.filter((word) => postings.has(word))).size,
    /** Says which asked texts share rare words with these: what they weigh, and how many they are. */
    sharing(words: readonly string[], say: (text: number, weight: number, count: number) => void): void {
      entry++;
      for (const word of words) {
        const known = postings.get(word);
        if (!known || known.last === entry) continue;
        known.last = entry;
        for (const text of known.texts) sums.add(text, known.weight);
      }
      sums.drain(say);
    },
  };
}
