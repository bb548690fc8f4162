// Quality of retrieval on Cranfield, held at every change: words and meaning together find more than either alone. A
// sample asks every third question; --long asks all. Needs shared/data beside the repository.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { askAll, hasCranfield, indexCranfield, readQuestions, type Scores } from "./cranfield.ts";
import { startWorld, type World } from "./world.ts";

const amount = process.env.ESPALIER_TESTS ?? "sample";
const built = process.env.ESPALIER_BIN;
const command = built ? [built] : [process.execPath, join(import.meta.dir, "../src/main.ts")];
const canRun = hasCranfield && amount !== "quick";
if (!hasCranfield) console.log("skipped: there is no shared/data/cran.all.1400.xml beside the repository");

let world: World;
let scores: Record<string, Scores>;
beforeAll(async () => {
  if (!canRun) return;
  world = await startWorld();
  const indexed = await indexCranfield(world, command, "cranfield");
  expect(indexed.count).toBe(1_398);
  const all = readQuestions();
  const questions = amount === "long" ? all : all.filter((_, at) => at % 3 === 0);
  const asked: [string, Scores][] = [];
  for (const ranker of ["WORDS", "MEANING", "HYBRID"])
    asked.push([ranker, await askAll(world, "cranfield", ranker, questions)]);
  scores = Object.fromEntries(asked);
  console.log(
    `${indexed.perSecond.toFixed(1)} abstracts/s; nDCG@10 of ${questions.length} questions:`,
    asked.map(([ranker, { ndcg }]) => `${ranker.toLowerCase()} ${ndcg.mean.toFixed(4)}`).join(", "),
  );
}, 600_000);
afterAll(() => world?.close());

test.if(canRun)("hybrid nDCG@10 is at least 0.41, and no worse than the better single ranker", () => {
  const { WORDS, MEANING, HYBRID } = scores;
  const hybrid = HYBRID?.ndcg.mean ?? 0;
  const single = Math.max(WORDS?.ndcg.mean ?? 1, MEANING?.ndcg.mean ?? 1);
  expect(hybrid).toBeGreaterThanOrEqual(single);
  // A third of the questions has an interval of its own: the sample is held to what all of them reach less that.
  expect(hybrid).toBeGreaterThanOrEqual(amount === "long" ? 0.41 : 0.38);
});
