// Finds which of an assessment's rows stand in what a model was trained on, or in passages that it may look up. The
// assessment is indexed and the source goes past it twice, so that memory is the assessment's and time the source's.
import { createRareWords, createRuns, type RareWords, type Runs } from "./grams.ts";
import {
  LEAST_GRAMS,
  LEAST_WITHIN,
  LEAST_WORDS,
  MEANING_PER_ROW,
  NEAR_FROM,
  SHORT_FROM,
  SHORT_GRAMS,
  SHOWN_CHARS,
  WORDS_PER_GRAM,
} from "./measures.ts";
import { alike, numbersOf, shareOf, standsIn, wordsOf } from "./words.ts";

/** A row of an assessment: its question in each way that it is put, and the right answer where there is one. */
export type AskedRow = { row: number; questions: readonly string[]; answer: string | null };
/** A row that a model was trained on, or a passage as an answer without question. `number` is its place, from 0. */
export type Entry = { number: number; question: string; answer: string };
export type Level = "exact" | "near" | "meaning";
export type Found = {
  row: number;
  level: Level;
  /** From 0 to 1: 1 where exact, else the share of runs of words, or of characters, in common, or of words found. */
  similarity: number;
  hasQuestion: boolean;
  hasAnswer: boolean | null;
  entry: Entry;
};
/** A row that was not found, with the rows that share most of its rare words for their length: to be compared by meaning. */
export type Unfound = {
  row: number;
  /** The question without wording that all share. */
  telling: string;
  numbers: string[];
  candidates: { entry: Entry; telling: string; numbers: string[]; hasAnswer: boolean | null }[];
};
export type Finding = { found: Found[]; unfound: Unfound[] };

type Text = {
  /** Its row's place among the asked. */
  at: number;
  isAnswer: boolean;
  words: readonly string[];
  /** Numbers of its different runs of words. */
  grams: readonly number[];
  numbers: readonly string[];
  /** Known after the first pass: its words without shared wording, and how many of its runs tell. */
  telling: string[];
  tellingGrams: number;
  /** How many of its different words are rare in the source. */
  rareWords: number;
};
/** An entry's words: all of them, and those of its parts; a text without a question is its own question. */
type Words = { words: readonly string[]; question: readonly string[]; answer: readonly string[] };
type Candidate = Omit<Words, "words"> & { entry: Entry; weight: number };

/** Characters of a text that are compared. */
const COMPARED_CHARS = 100_000;

const cut = (text: string): string => (text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text);
const shown = ({ number, question, answer }: Entry): Entry => ({
  number,
  question: cut(question),
  answer: cut(answer),
});
const compared = (text: string): string[] => wordsOf(text.slice(0, COMPARED_CHARS));

/**
 * Indexes the rows of an assessment. Of a source first `survey` is told each entry, then `compare` each again, then
 * `finish` says what was found. `passages` are looked through for answers without their question too.
 */
export function createFinder(asked: readonly AskedRow[], kind: "trained" | "passages") {
  const { texts, equal, ofRow, runs, words: rare } = indexOf(asked, kind === "passages");
  const answers = asked.map(({ answer }) => (answer === null ? null : compared(answer)));
  const best = new Map<number, Found>();
  const likely: Candidate[][] = asked.map(() => []);
  /** The least weight that still gets among the likely ones of a row. */
  const bar = new Float64Array(asked.length);
  const seen = new Set<number | bigint>();
  let isSurveyed = false;

  function settle(): void {
    if (isSurveyed) return;
    isSurveyed = true;
    runs.share(seen.size, asked.length);
    rare.weigh(seen.size);
    for (const text of texts) {
      text.telling = runs.telling(text.words);
      text.tellingGrams = text.grams.filter((gram) => !runs.isShared(gram)).length;
      text.rareWords = rare.countOf(text.words);
    }
  }

  /** Keeps what says most: with the answer before without, exact before near, then the more alike. */
  function keep(at: number, found: Found): void {
    const known = best.get(at);
    const worth = ({ level, hasQuestion, hasAnswer, similarity }: Found): number =>
      (hasQuestion && hasAnswer !== false ? 8 : 0) +
      (level === "exact" ? 4 : 0) +
      (hasQuestion ? 2 : 0) +
      similarity;
    if (known && worth(found) <= worth(known)) return;
    best.set(at, { ...found, entry: shown(found.entry) });
    bar[at] = Number.POSITIVE_INFINITY;
  }

  /** Shares of asked questions, and of asked answers, that stand in an entry: by row. */
  function near(entry: Entry, { words, question, answer }: Words) {
    const questions = new Map<number, number>();
    const said = new Map<number, number>();
    let whole: Set<string> | undefined;
    const holds = (numbers: readonly string[]): boolean => {
      if (numbers.length === 0) return true;
      whole ??= new Set(words);
      return numbers.every((number) => whole?.has(number));
    };
    /** Among those with which a row shares most rare words for their length. */
    const remember = (at: number, weight: number): void => {
      const most = likely[at];
      // Equal questions are compared by meaning once.
      if (!most || most.some((one) => one.question.join(" ") === question.join(" "))) return;
      most.push({ entry: shown(entry), question, answer, weight });
      most.sort((a, b) => b.weight - a.weight);
      most.length = Math.min(most.length, MEANING_PER_ROW);
      if (most.length === MEANING_PER_ROW) bar[at] = most.at(-1)?.weight ?? 0;
    };
    const note = (text: Text, share: number): void => {
      const into = text.isAnswer ? said : questions;
      into.set(text.at, Math.max(into.get(text.at) ?? 0, share));
    };
    runs.hits(words, (number, hits) => {
      const text = texts[number];
      if (!text || !holds(text.numbers)) return;
      const share = hits / text.tellingGrams;
      const from = kind === "trained" && text.tellingGrams < SHORT_GRAMS ? 1 : NEAR_FROM;
      if (text.tellingGrams >= LEAST_GRAMS && share >= from) note(text, share);
      else if (kind === "trained" && question.length >= LEAST_WITHIN && standsIn(question, text.words))
        note(text, question.length / text.words.length);
    });
    if (kind === "passages") return { questions, said };
    // A long question shares rare words with any other by chance.
    const breadth = Math.sqrt(question.length);
    rare.sharing(question, (number, weight, count) => {
      const text = texts[number];
      if (!text) return;
      const density = weight / breadth;
      if (density > (bar[text.at] ?? 0)) remember(text.at, density);
      if (text.tellingGrams >= SHORT_GRAMS || text.telling.length < LEAST_WORDS) return;
      if (count * 2 < text.rareWords || !holds(text.numbers)) return;
      const other = runs.telling(question);
      if (other.length > 3 * text.telling.length) return;
      const similarity = alike(text.telling, other);
      if (similarity >= SHORT_FROM) note(text, similarity);
    });
    return { questions, said };
  }

  return {
    /** First pass: how common each run of words is. Equal entries count once. */
    survey({ question, answer }: Entry): void {
      const words = [...compared(question), ...compared(answer)];
      const hash = Bun.hash(words.join(" "));
      if (seen.has(hash)) return;
      seen.add(hash);
      runs.count(words);
      rare.count(words);
    },

    /** Second pass. */
    compare(entry: Entry): void {
      settle();
      const answer = compared(entry.answer);
      const isText = entry.question.trim() === "";
      const question = isText ? answer : compared(entry.question);
      const words = isText ? answer : [...question, ...answer];
      const row = (at: number): number => asked[at]?.row ?? 0;
      const right = (at: number): boolean | null => {
        const own = answers[at] ?? null;
        if (own === null) return null;
        // Beside its question in a passage an answer of one word is one too.
        return hasAnswer(own, answer) || (kind === "passages" && standsIn(own, answer));
      };
      if (kind === "trained")
        for (const at of equal.get(question.join(" ")) ?? [])
          keep(at, {
            ...{ row: row(at), level: "exact", similarity: 1 },
            ...{ hasQuestion: true, hasAnswer: right(at), entry },
          });
      const { questions, said } = near(entry, { words, question, answer });
      for (const at of new Set([...questions.keys(), ...said.keys()])) {
        const share = questions.get(at);
        const similarity = share ?? said.get(at) ?? 0;
        const isWhole =
          kind === "passages" &&
          similarity === 1 &&
          ofRow(at, share === undefined).some((part) => standsIn(part, words));
        keep(at, {
          ...{ row: row(at), level: isWhole ? "exact" : "near", similarity },
          ...{ hasQuestion: share !== undefined, hasAnswer: said.has(at) || right(at), entry },
        });
      }
    },

    finish(): Finding {
      settle();
      const unfound = asked.flatMap(({ row }, at): Unfound[] => {
        const candidates = likely[at] ?? [];
        const text = texts.find((one) => one.at === at && !one.isAnswer);
        if (best.has(at) || candidates.length === 0 || !text || text.telling.length < LEAST_WORDS) return [];
        const right = answers[at] ?? null;
        return [
          {
            row,
            telling: text.telling.join(" "),
            numbers: [...text.numbers],
            candidates: candidates.map(({ entry, question, answer }) => ({
              entry,
              telling: runs.telling(question).join(" "),
              numbers: numbersOf(question),
              hasAnswer: right === null ? null : hasAnswer(right, answer),
            })),
          },
        ];
      });
      return { found: [...best.values()].toSorted((a, b) => a.row - b.row), unfound };
    },
  };
}

/** Whether a right answer was learned: the same words, words within a short answer, or most runs of a longer one. */
function hasAnswer(right: readonly string[], answer: readonly string[]): boolean {
  if (right.length === answer.length) {
    if (right.every((word, at) => word === answer[at])) return true;
  } else if ((right.length >= LEAST_WORDS || answer.length <= SHORT_ANSWER) && standsIn(right, answer))
    return true;
  return right.length >= LEAST_GRAMS + WORDS_PER_GRAM - 1 && shareOf(right, answer) >= NEAR_FROM;
}

/** Words of an answer in which one word that is right is taken for the answer. */
const SHORT_ANSWER = 12;

type Index = {
  texts: Text[];
  /** Places of asked rows by a question's words. */
  equal: Map<string, number[]>;
  /** The words of a row's answer, or of its questions. */
  ofRow: (at: number, isAnswer: boolean) => (readonly string[])[];
  runs: Runs;
  words: RareWords;
};

function indexOf(asked: readonly AskedRow[], withAnswers: boolean): Index {
  const texts: Text[] = [];
  const runs = createRuns();
  const equal = new Map<string, number[]>();
  const byRow: { questions: Text[]; answers: Text[] }[] = [];
  const take = (at: number, text: string, isAnswer: boolean): Text => {
    const words = compared(text);
    const isNew = !isAnswer && !equal.has(words.join(" "));
    const taken: Text = {
      ...{ at, isAnswer, words, grams: runs.add(words, texts.length, isNew) },
      ...{ numbers: numbersOf(words), telling: [], tellingGrams: 0, rareWords: 0 },
    };
    texts.push(taken);
    if (isAnswer || words.length === 0) return taken;
    const places = equal.get(words.join(" ")) ?? [];
    equal.set(words.join(" "), places);
    if (places.at(-1) !== at) places.push(at);
    return taken;
  };
  asked.forEach(({ questions, answer }, at) => {
    byRow.push({
      questions: questions.map((question) => take(at, question, false)),
      answers: withAnswers && answer !== null ? [take(at, answer, true)] : [],
    });
  });
  return {
    texts,
    equal,
    ofRow: (at, isAnswer) =>
      (isAnswer ? byRow[at]?.answers : byRow[at]?.questions)?.map(({ words }) => words) ?? [],
    runs,
    words: createRareWords(texts.map(({ words, isAnswer }) => (isAnswer ? [] : words))),
  };
}
