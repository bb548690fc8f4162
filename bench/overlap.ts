// The check for trained rows, as it is shipped, on texts by which no threshold was chosen: what it finds of rows that were trained
// on and changed a little since, and what it takes of others for one, with Wilson's 95 % intervals, as JSON.
// Use: bun bench/overlap.ts [--half tuning|heldOut] [--most 600] [--show]; needs shared/data beside the repository, and the
// embedder's weights that bin/build leaves in .cache. Thresholds may be chosen by the tuning half only.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { countsOf } from "../src/assessments/overlap/check.ts";
import { createFinder, type Found } from "../src/assessments/overlap/finding.ts";
import { alikeInMeaning } from "../src/assessments/overlap/meaning.ts";
import { MEANING_FROM, NEAR_FROM, SHORT_FROM } from "../src/assessments/overlap/measures.ts";
import { wordsOf } from "../src/assessments/overlap/words.ts";
import { wilson } from "../src/assessments/statistics/statistics.ts";
import { createBuiltInEmbedder, createEmbedders, createEnginePool } from "../src/inference/inference.ts";
import { monotonicMs } from "../src/kit/clock.ts";
import { uniform } from "../src/kit/random.ts";
import { EDITS, type Half, readPairs, readSources, type Sample } from "./overlap-texts.ts";

const { values: options } = parseArgs({
  options: {
    half: { type: "string" },
    /** Texts of each source: half of them are trained on. */
    most: { type: "string", default: "600" },
    /** Prints to stderr what was taken for trained and was not. */
    show: { type: "boolean", default: false },
  },
});

const folder = await mkdtemp(join(tmpdir(), "espalier-overlap-"));
const pool = createEnginePool({
  cacheDir: folder,
  command: [process.execPath, join(import.meta.dir, "../src/inference/engine/child.entry.ts")],
  env: {},
  memoryBudgetBytes: 2 * 1024 ** 3,
  idleMs: 600_000,
  threads: 2,
  clock: monotonicMs,
  log: (line) => console.error(line),
});
const embedders = createEmbedders([createBuiltInEmbedder(pool)], {
  list: async () => [],
  find: async () => null,
});

/** What the product finds of the asked among the trained, by the asked one's place. */
async function find(
  asked: readonly Sample[],
  trained: readonly Sample[],
  byMeaning: boolean,
): Promise<Map<number, Found>> {
  const rows = asked.map(({ text, answer }, row) => ({
    ...{ row, questions: [text] },
    answer: answer === "" ? null : answer,
  }));
  const finder = createFinder(rows, "trained");
  const entries = trained.map(({ text, answer }, number) => ({ number, question: text, answer }));
  for (const entry of entries) finder.survey(entry);
  for (const entry of entries) finder.compare(entry);
  const { found, unfound } = finder.finish();
  const signal = new AbortController().signal;
  const meant = byMeaning
    ? (await alikeInMeaning(embedders, "bench", unfound, { signal, onProgress: () => {} })).found
    : [];
  return new Map([...found, ...meant].map((one) => [one.row, one]));
}

const rounded = (value: number): number => Number(value.toFixed(4));
function shareOf(hits: readonly boolean[]): object {
  const n = hits.length;
  if (n === 0) return { n };
  const yes = hits.filter(Boolean).length;
  const { low, high } = wilson(yes, n);
  return { n, found: yes, share: rounded(yes / n), low: rounded(low), high: rounded(high) };
}

const LENGTHS = { "4 to 8 words": 8, "9 to 20": 20, "21 and more": Number.POSITIVE_INFINITY };
const lengthOf = (text: string): string => {
  const words = wordsOf(text).length;
  return Object.entries(LENGTHS).find(([, most]) => words <= most)?.[0] ?? "";
};

/** Hits by length of the text, over all sources. */
class Tally {
  #hits = new Map<string, boolean[]>();
  add(text: string, hit: boolean): void {
    for (const key of ["all", lengthOf(text)]) {
      const known = this.#hits.get(key) ?? [];
      known.push(hit);
      this.#hits.set(key, known);
    }
  }
  report(): object {
    const keys = ["all", ...Object.keys(LENGTHS)].filter((key) => this.#hits.has(key));
    return Object.fromEntries(keys.map((key) => [key, shareOf(this.#hits.get(key) ?? [])]));
  }
}

async function measure(half: Half): Promise<object> {
  const tallies = new Map<string, Tally>();
  const tally = (name: string): Tally => {
    const known = tallies.get(name) ?? new Tally();
    tallies.set(name, known);
    return known;
  };
  const sources: Record<string, object> = {};
  const filler: Sample[] = [];
  for (const { name, samples } of readSources(Number(options.most)).filter((one) => one.half === half)) {
    const draw = uniform(Bun.hash.crc32(name));
    const trained = samples.filter((_, at) => at % 2 === 0);
    const fresh = samples.filter((_, at) => at % 2 === 1);
    const others = fresh.flatMap(({ text }) => text.toLowerCase().match(/\p{L}{2,}/gu) ?? []);
    filler.push(...trained);
    const ofSource: Record<string, object> = {};
    for (const [edit, change] of Object.entries(EDITS)) {
      const asked = trained.flatMap((one) => {
        const text = change(one.text, draw, others);
        return text === null ? [] : [{ ...one, text, was: one.text }];
      });
      const found = await find(asked, trained, false);
      const hits = asked.map(({ was }, at) => {
        tally(edit).add(was, found.has(at));
        return found.has(at);
      });
      ofSource[edit] = shareOf(hits);
    }
    const found = await find(fresh, trained, true);
    const byWords = fresh.map(({ text }, at) => {
      const one = found.get(at);
      const isByWords = one !== undefined && one.level !== "meaning";
      tally("others, by words").add(text, isByWords);
      tally("others, by words, counted").add(text, isByWords && countsOf(one));
      tally("others, by meaning").add(text, one?.level === "meaning");
      tally("others, by meaning, counted").add(text, one?.level === "meaning" && countsOf(one));
      if (options.show && one)
        console.error(
          [name, one.level, one.similarity.toFixed(2), countsOf(one), text, one.entry.question].join("\t"),
        );
      return isByWords;
    });
    ofSource["others, by words"] = shareOf(byWords);
    ofSource["others, by meaning"] = shareOf(fresh.map((_, at) => found.get(at)?.level === "meaning"));
    sources[name] = ofSource;
  }

  const pairs = readPairs(half);
  const trained = [...pairs.map(({ question }) => ({ text: question, answer: "" })), ...filler];
  for (const kind of ["same", "other"] as const) {
    const found = await find(
      pairs.map((pair) => ({ text: pair[kind], answer: "" })),
      trained,
      true,
    );
    pairs.forEach((pair, at) => {
      const one = found.get(at);
      const name = kind === "same" ? "written pairs, other words" : "written pairs, another question";
      tally(`${name}, by words`).add(pair.question, one !== undefined && one.level !== "meaning");
      tally(`${name}, by either`).add(pair.question, one !== undefined);
      if (options.show)
        console.error(
          [kind, one?.level, one?.similarity.toFixed(2), pair[kind], one?.entry.question].join("\t"),
        );
    });
  }
  return {
    ...Object.fromEntries([...tallies].map(([name, one]) => [name, one.report()])),
    sources,
  };
}

try {
  const halves = (["tuning", "heldOut"] as const).filter((half) => (options.half ?? half) === half);
  const thresholds = { NEAR_FROM, SHORT_FROM, MEANING_FROM };
  const report: Record<string, object> = { thresholds };
  for (const half of halves) report[half] = await measure(half);
  console.log(JSON.stringify(report, null, 1));
} finally {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
}
