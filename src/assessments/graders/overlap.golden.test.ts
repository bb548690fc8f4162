// BLEU, chrF and ROUGE against sacrebleu and rouge-score, where the trainer's Python has both.
import { expect, test } from "bun:test";
import { python, runPython } from "../../../test/python.ts";
import { uniform } from "../../kit/random.ts";
import { bleu } from "./bleu.ts";
import { chrf } from "./chrf.ts";
import { type RougeKind, rouge, rougeWords } from "./rouge.ts";

const next = uniform(20_260_102);
const below = (end: number): number => Math.floor(next() * end);
const WORDS =
  "the cat sat on a mat at 3.5 metres, quite far (very) U.S.A. 1,000 well-known 20-30 don't “quoted” &amp; &quot;x&quot; <skipped> größe naïve 巴黎 是 法国 😀 e\u0301 İstanbul #tag a/b c\\d e_f x^2 ~ {y} [z] 5% $4 … – end- new.\nLine".split(
    " ",
  );
const SPACES = [" ", "  ", "\n", "\t", "\u00a0", "\u3000", "-\n", "\u2028", "\x1c", ""];
/** Words in a row, now and then with other white space between them than one blank. */
const one = (of: readonly string[]): string => of[below(of.length)] ?? "";
const textOf = (count: number): string =>
  Array.from({ length: count }, () => one(WORDS) + (below(6) === 0 ? one(SPACES) : " ")).join("");
/** The text with some of its words gone, changed or moved: what an answer to it may look like. */
const changed = (text: string): string =>
  text
    .split(" ")
    .flatMap((word) => {
      const chance = below(10);
      if (chance === 0) return [];
      if (chance === 1) return [one(WORDS)];
      return chance === 2 ? [word, word] : [word];
    })
    .join(" ");

const pairs: [answer: string, reference: string][] = [
  ["The cat sat on the mat.", "The cat sat on the mat."],
  ["Paris", "Paris"],
  ["Paris.", "It is Paris."],
  ["a", "b"],
  ["...", "???"],
  ["<skipped>", "<skipped>"],
  ["巴黎是法国的首都。", "巴黎是法国首都"],
  ["the the the the the the the", "the cat is on the mat"],
  ["A cat was sitting on the mat 3.5 metres away.", "The cat sat on the mat, at 3.5 metres (quite far)."],
  ...Array.from({ length: 150 }, (): [string, string] => {
    const reference = textOf(1 + below(40));
    return [changed(reference), reference];
  }),
  ...Array.from({ length: 50 }, (): [string, string] => [textOf(1 + below(8)), textOf(1 + below(30))]),
].filter((pair): pair is [string, string] => pair.every((text) => text !== ""));

const probe = Bun.spawnSync([python, "-c", "import sacrebleu, rouge_score"]);
test.skipIf(!probe.success)(
  "as sacrebleu and rouge-score",
  async () => {
    const said = JSON.parse(
      await runPython("../src/assessments/graders/overlap.golden.py", [], { pairs }),
    ) as Record<string, number>[];
    const rouges: RougeKind[] = ["rouge-1", "rouge-2", "rouge-l"];
    const ours = pairs.map(([answer, reference]) => ({
      bleu: bleu(answer, reference),
      chrf: chrf(answer, reference),
      ...Object.fromEntries(
        rouges.map((kind) => [kind, rouge(kind, rougeWords(answer), rougeWords(reference)) ?? Number.NaN]),
      ),
    }));
    expect(said).toHaveLength(pairs.length);
    const off = ours.flatMap((found, at) =>
      Object.entries(found).flatMap(([metric, score]) => {
        const theirs = said[at]?.[metric] ?? Number.NaN;
        // Written so that NaN counts as off.
        return Math.abs(score - theirs) <= 1e-12 ? [] : [[metric, pairs[at], score, theirs]];
      }),
    );
    expect(off).toEqual([]);
    // They are no row of zeros.
    for (const metric of Object.keys(ours[0] ?? {}))
      expect([metric, new Set(said.map((scores) => scores[metric])).size > 100]).toEqual([metric, true]);
  },
  120_000,
);
