// Retrieval on Cranfield: how fast 1,400 abstracts are indexed by `kb add`, what processor time each takes where, and recall@10, MRR@10 and nDCG@10 of each
// ranker with 95 % bootstrap intervals, as JSON. Needs the folder shared/data beside the repository.
import { loadavg } from "node:os";
import { join } from "node:path";
import { askAll, indexCranfield, readQuestions } from "../test/cranfield.ts";
import { startWorld } from "../test/world.ts";

const main = [process.execPath, join(import.meta.dir, "../src/main.ts")];
const world = await startWorld();
try {
  const indexed = await indexCranfield(world, main, "cranfield");
  const questions = readQuestions();
  const table: Record<string, object> = {};
  for (const ranker of ["WORDS", "MEANING", "HYBRID"]) {
    const from = performance.now();
    const { perQuestion: _, ...scores } = await askAll(world, "cranfield", ranker, questions);
    const rounded = Object.entries(scores).map(([name, { mean, low, high }]) => [
      name,
      [mean, low, high].map((value) => Number(value.toFixed(4))),
    ]);
    const msEach = (performance.now() - from) / questions.length;
    table[ranker.toLowerCase()] = { ...Object.fromEntries(rounded), msEach: Number(msEach.toFixed(1)) };
  }
  console.log(JSON.stringify({ questions: questions.length, load: loadavg()[0], indexed, table }, null, 1));
} finally {
  await world.close();
}
