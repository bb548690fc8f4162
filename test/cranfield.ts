// Cranfield as a knowledge base: 1,400 abstracts put in by the command line, 225 questions asked of each ranker. For the
// test that holds the quality and the benchmark that prints it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { processorSeconds, spentSince } from "../bench/processor.ts";
import {
  type Judgements,
  MEASURES,
  type Mean,
  type Measured,
  meanOf,
  measure,
} from "../src/knowledge/measures.ts";
import type { World } from "./world.ts";

const DATA = join(import.meta.dir, "../../shared/data");
export const hasCranfield = existsSync(join(DATA, "cran.all.1400.xml"));

export type Question = { text: string; relevant: Judgements };

const fieldOf = (record: string, name: string): string =>
  (new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(record)?.[1] ?? "").trim();

/** Abstracts by number, with the title that begins each; the few that are empty are left out. */
export function readAbstracts(): Map<string, string> {
  const xml = readFileSync(join(DATA, "cran.all.1400.xml"), "utf8");
  const records = xml.split("<doc>").slice(1);
  const texts = records.map((record): [string, string] => [
    fieldOf(record, "docno"),
    fieldOf(record, "text"),
  ]);
  return new Map(texts.filter(([, text]) => text !== ""));
}

/** Questions with what is relevant to each; they join the judgements by their position, not by their numbers. */
export function readQuestions(): Question[] {
  const xml = readFileSync(join(DATA, "cran.qry.xml"), "utf8");
  const relevant = new Map<number, Map<string, number>>();
  for (const line of readFileSync(join(DATA, "cranqrel.trec.txt"), "utf8").trim().split("\n")) {
    const [question = "", , document = "", grade = ""] = line.trim().split(/\s+/);
    if (Number(grade) < 1) continue;
    const known = relevant.get(Number(question)) ?? new Map<string, number>();
    // Binary, as the published figures of this collection are.
    relevant.set(Number(question), known.set(document, 1));
  }
  return xml
    .split("<top>")
    .slice(1)
    .map((record, at) => ({
      text: fieldOf(record, "title").replace(/\s+/g, " "),
      relevant: relevant.get(at + 1) ?? new Map(),
    }))
    .filter((one) => one.relevant.size > 0);
}

/** Writes each abstract into a file of its own, as somebody's folder would hold them. */
export function writeAbstracts(folder: string, most = Number.POSITIVE_INFINITY): number {
  mkdirSync(folder, { recursive: true });
  const abstracts = [...readAbstracts()].slice(0, most);
  for (const [number, text] of abstracts) writeFileSync(join(folder, `${number}.txt`), text);
  return abstracts.length;
}

const answer = z.object({ retrieve: z.object({ passages: z.array(z.object({ document: z.string() })) }) });

export type Scores = Record<(typeof MEASURES)[number], Mean> & { perQuestion: number[] };

/** Asks every question; documents are ranked by their best chunk. Measures are of the first ten. */
export async function askAll(
  world: World,
  base: string,
  ranker: string,
  questions: Question[],
): Promise<Scores> {
  const measured: Measured[] = [];
  for (const { text, relevant } of questions) {
    const { retrieve } = answer.parse(
      await world.graphql(
        `query ($input: RetrieveInput!) { retrieve(input: $input) { passages { document } } }`,
        { input: { knowledgeBases: [base], question: text, settings: { ranker, k: 50 } } },
      ),
    );
    const ranking = retrieve.passages.map(({ document }) => document.replace(/\.txt$/, ""));
    measured.push(measure(ranking, relevant, 10));
  }
  const [recall, reciprocalRank, ndcg] = MEASURES.map((name) => meanOf(measured.map((one) => one[name])));
  const none = { mean: 0, low: 0, high: 0 };
  return {
    recall: recall ?? none,
    reciprocalRank: reciprocalRank ?? none,
    ndcg: ndcg ?? none,
    perQuestion: measured.map(({ ndcg: one }) => one),
  };
}

/** Makes a knowledge base of the abstracts by the command line: abstracts a second, and processor time of each. */
export async function indexCranfield(world: World, command: readonly string[], name: string, most?: number) {
  const folder = join(world.folder, "abstracts");
  const count = writeAbstracts(folder, most);
  const run = async (...args: string[]): Promise<unknown> => {
    const child = Bun.spawn([...command, ...args, "--json"], {
      env: { ...process.env, ESPALIER_URL: world.server.url, ESPALIER_KEY: world.key("admin") },
      stdout: "pipe",
      stderr: "inherit",
    });
    const text = await new Response(child.stdout).text();
    if ((await child.exited) !== 0) throw new Error(`${args[1]} failed: ${text.slice(0, 2000)}`);
    return JSON.parse(text);
  };
  await run("kb", "create", "--name", name);
  // Loading the embedder is not what is measured.
  await world.graphql(`{ previewChunks(input: { text: "warm" }) { total } }`);
  const before = processorSeconds();
  const from = performance.now();
  await run("kb", "add", name, folder, "--wait");
  const seconds = (performance.now() - from) / 1000;
  return { count, seconds, perSecond: count / seconds, processorMs: spentSince(before, count) };
}
