// Retrieval: what the rankers of one or several knowledge bases find, joined by rank, filtered, and made into passages.
import { and, asc, between, eq, inArray } from "drizzle-orm";
import { chunks, documents, indexedDocuments } from "../../schema/tables/knowledge.ts";
import type { Embedder, Reranker } from "../inference/inference.ts";
import { monotonicMs } from "../kit/clock.ts";
import { EspalierError, isEspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { Log } from "../kit/log.ts";
import type { Store } from "../store/store.ts";
import type { Bases, IndexRow, KnowledgeBaseRow } from "./bases.ts";
import { fuse } from "./fusion.ts";
import { normalised } from "./indexes.ts";
import type { Found, SearchFilter } from "./search.ts";
import type { Searcher } from "./searcher.ts";
import { checkRetrieval, type RetrievalSettings } from "./settings.ts";
import { wordQuery } from "./words.ts";

export type RetrieveInput = {
  projectId: string;
  /** Names or ids. */
  knowledgeBases: readonly string[];
  question: string;
  /** What differs from the settings of the knowledge base. */
  settings?: object | null | undefined;
  filter?: { [K in keyof SearchFilter]: SearchFilter[K] | null } | null | undefined;
  signal?: AbortSignal | undefined;
};
/** What one ranker says of a passage; `rank` is null where the passage lies beyond the depth that it looked to. */
export type RankerScore = { ranker: "words" | "meaning" | "reranker"; rank: number | null; score: number };
export type Passage = {
  chunkId: string;
  knowledgeBase: { id: string; name: string };
  document: { id: string; name: string; title: string | null };
  /** The chunk's text, with that of its neighbours where these were asked for. */
  text: string;
  headings: string[];
  pageFrom: number | null;
  pageTo: number | null;
  /** Characters of the document's text. */
  start: number;
  end: number;
  tokens: number;
  /** 0 to 1; of the reranker where one was asked, else of the fused ranks: 1 is first for every ranker. */
  score: number;
  rankers: RankerScore[];
};
export type Retrieved = {
  passages: Passage[];
  /** Why there are no passages, as a sentence; null where there are some. */
  nothingFound: string | null;
  /** What was not as it should be, e.g. an embedder that does not answer. */
  warnings: string[];
  tookMs: { embed: number; search: number; rerank: number; total: number };
};

export type RetrievalDeps = {
  store: Store;
  bases: Bases;
  searcher: Searcher;
  log: Log;
  /** By name; null when there is none. */
  findReranker: (projectId: string, name: string) => Promise<Reranker | null>;
};

type Candidate = { base: KnowledgeBaseRow; settings: RetrievalSettings; found: Found; score: number };

export const chunkId = (number: number): string => `chk_${number}`;
/** The number of a chunk's id; null for what is none. */
export function chunkNumber(id: string): number | null {
  const digits = /^chk_(\d{1,15})$/.exec(id)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** The part of the front door that answers questions. */
export function createRetrieval(deps: RetrievalDeps) {
  const { store, bases, searcher, log } = deps;

  /** The question's vector in each index; an embedder is asked once, however many indexes it made. */
  async function vectorsOf(
    projectId: string,
    question: string,
    indexes: readonly IndexRow[],
    warnings: string[],
    signal?: AbortSignal,
  ): Promise<Map<string, Float32Array>> {
    const vectors = new Map<string, Float32Array>();
    for (const id of new Set(indexes.map(({ embedder }) => embedder))) {
      try {
        const embedder: Embedder = await bases.embedderOf(projectId, id);
        const [vector] = await embedder.embed([question], "query", signal);
        if (vector) vectors.set(id, normalised(vector));
      } catch (error) {
        signal?.throwIfAborted();
        if (!isEspalierError(error)) throw error;
        log.warn("a question could not be embedded", { embedder: id, error });
        warnings.push(`Only words were looked for, not meaning: ${error.message}`);
      }
    }
    return vectors;
  }

  /** What one knowledge base finds, best first. */
  async function candidatesOf(
    base: KnowledgeBaseRow,
    index: IndexRow,
    vector: Float32Array | undefined,
    { question, settings: said, filter, signal }: RetrieveInput,
  ): Promise<Candidate[]> {
    const settings = checkRetrieval(base.retrieval, said ?? {});
    const vectorUsed = settings.ranker === "words" ? undefined : vector;
    // Without an embedder, words are better than nothing.
    const isByWords = settings.ranker !== "meaning" || vectorUsed === undefined;
    const request = {
      index: index.number,
      words: isByWords ? wordQuery(question) : null,
      vector: vectorUsed ?? null,
      depth: limits.searchDepth,
      filter: checkFilter(filter),
    };
    const found = await searcher.search(request, signal);
    return fuse(found)
      .filter(({ found: { meaning } }) => meaning === null || meaning.similarity >= settings.threshold)
      .map((one) => ({ base, settings, ...one }));
  }

  async function rerank(
    projectId: string,
    { question, signal }: RetrieveInput,
    passages: Passage[],
    name: string,
    warnings: string[],
  ): Promise<Passage[]> {
    const reranker = await deps.findReranker(projectId, name);
    if (!reranker) {
      warnings.push(`There is no reranker "${name}": the order is that of the rankers.`);
      return passages;
    }
    try {
      const scores = await reranker.rerank(
        question,
        passages.map(({ text }) => text),
        signal,
      );
      return passages
        .map((passage, at) => ({ ...passage, score: scores[at] ?? 0 }))
        .toSorted((a, b) => b.score - a.score)
        .map((passage, at) => ({
          ...passage,
          rankers: [...passage.rankers, { ranker: "reranker", rank: at + 1, score: passage.score }],
        }));
    } catch (error) {
      signal?.throwIfAborted();
      if (!isEspalierError(error)) throw error;
      warnings.push(`The reranker ${name} did not answer: ${error.message}`);
      return passages;
    }
  }

  return {
    /**
     * The passages that answer a question best.
     * @throws EspalierError KNOWLEDGE_BASE_NOT_FOUND, QUESTION_EMPTY, SETTING_INVALID, FILTER_INVALID, SEARCH_…
     */
    async retrieve(input: RetrieveInput): Promise<Retrieved> {
      const { projectId, signal } = input;
      const question = input.question.trim();
      if (question === "")
        throw new EspalierError("QUESTION_EMPTY", "There is no question.", {
          field: "question",
          hint: "Say what to look for.",
        });
      const from = monotonicMs();
      const warnings: string[] = [];
      const asked = await Promise.all(
        [...new Set(input.knowledgeBases)].map(async (name) => {
          const base = await bases.get(projectId, name);
          const settings = checkRetrieval(base.retrieval, input.settings ?? {});
          return { base, settings, index: await bases.indexOf(base) };
        }),
      );
      const byMeaning = asked.filter(({ settings }) => settings.ranker !== "words");
      const indexes = byMeaning.map(({ index }) => index);
      const vectors = await vectorsOf(projectId, question, indexes, warnings, signal);
      const embeddedAt = monotonicMs();
      const lists = await Promise.all(
        asked.map(({ base, index }) =>
          candidatesOf(base, index, vectors.get(index.embedder), { ...input, question }),
        ),
      );
      const candidates = lists.flat().toSorted((a, b) => b.score - a.score);
      const first = asked[0]?.settings ?? checkRetrieval({}, input.settings ?? {});
      const name = first.reranker;
      // A reranker orders all that was found; without one there is no use in reading more than is shown.
      const wanted = name === null ? first.k : limits.searchDepth;
      let passages = await passagesOf(store, candidates, wanted);
      const searchedAt = monotonicMs();
      if (name !== null && passages.length > 0)
        passages = await rerank(projectId, { ...input, question }, passages, name, warnings);
      const shown = passages.slice(0, first.k);
      const joined = first.neighbours === 0 ? shown : await withNeighbours(store, shown, first.neighbours);
      const to = monotonicMs();
      return {
        passages: joined,
        nothingFound: joined.length > 0 ? null : whyNothing(lists.flat().length > 0, first.threshold),
        warnings,
        tookMs: {
          embed: embeddedAt - from,
          search: searchedAt - embeddedAt,
          rerank: to - searchedAt,
          total: to - from,
        },
      };
    },
  };
}

/** The first of the candidates that are to be shown, read from the database: what is not whole or gone is left out. */
async function passagesOf(
  store: Store,
  candidates: readonly Candidate[],
  wanted: number,
): Promise<Passage[]> {
  const passages: Passage[] = [];
  for (let at = 0; at < candidates.length && passages.length < wanted; at += wanted) {
    const some = candidates.slice(at, at + wanted);
    const rows = await store.db
      .select({ chunk: chunks, document: documents })
      .from(chunks)
      .innerJoin(documents, eq(documents.id, chunks.documentId))
      .innerJoin(
        indexedDocuments,
        and(
          eq(indexedDocuments.indexNumber, chunks.indexNumber),
          eq(indexedDocuments.documentId, documents.id),
          eq(indexedDocuments.sha256, documents.sha256),
        ),
      )
      .where(
        inArray(
          chunks.number,
          some.map(({ found }) => found.number),
        ),
      );
    const rowOf = new Map(rows.map((row) => [row.chunk.number, row]));
    for (const { base, found, score } of some) {
      const row = rowOf.get(found.number);
      if (!row) continue;
      const { chunk, document } = row;
      passages.push({
        chunkId: chunkId(chunk.number),
        knowledgeBase: { id: base.id, name: base.name },
        document: { id: document.id, name: document.name, title: document.title },
        text: chunk.text,
        headings: chunk.headings,
        pageFrom: chunk.pageFrom,
        pageTo: chunk.pageTo,
        start: chunk.start,
        end: chunk.end,
        tokens: chunk.tokens,
        score,
        rankers: scoresOf(found),
      });
    }
  }
  return passages.slice(0, wanted);
}

function scoresOf({ words, meaning }: Found): RankerScore[] {
  return [
    ...(words ? [{ ranker: "words" as const, rank: words.rank, score: words.score }] : []),
    ...(meaning ? [{ ranker: "meaning" as const, rank: meaning.rank, score: meaning.similarity }] : []),
  ];
}

/** Passages with the text around them; one that lies within another's is left out. */
async function withNeighbours(store: Store, passages: readonly Passage[], each: number): Promise<Passage[]> {
  const joined: Passage[] = [];
  for (const passage of passages) {
    const isInside = joined.some(
      (other) =>
        other.document.id === passage.document.id && other.start <= passage.start && passage.end <= other.end,
    );
    if (isInside) continue;
    const number = chunkNumber(passage.chunkId) ?? 0;
    const own = await store.db.query.chunks.findFirst({ where: eq(chunks.number, number) });
    if (!own) continue;
    const around = await store.db.query.chunks.findMany({
      where: and(
        eq(chunks.indexNumber, own.indexNumber),
        eq(chunks.documentId, own.documentId),
        between(chunks.ordinal, own.ordinal - each, own.ordinal + each),
      ),
      orderBy: [asc(chunks.ordinal)],
    });
    const first = around[0] ?? own;
    const last = around.at(-1) ?? own;
    joined.push({
      ...passage,
      text: textOfRun(around),
      start: first.start,
      end: last.end,
      pageFrom: first.pageFrom,
      pageTo: last.pageTo,
      tokens: around.reduce((sum, { tokens }) => sum + tokens, 0),
    });
  }
  return joined;
}

/** Chunks that follow each other as one text: what a chunk repeats of the one before is said once. */
function textOfRun(run: readonly (typeof chunks.$inferSelect)[]): string {
  let text = "";
  let end = -1;
  for (const chunk of run) {
    // A table's header stands before the text of a chunk without being a part of its range.
    const own = chunk.text.slice(Math.max(0, chunk.text.length - (chunk.end - chunk.start)));
    const repeated = end === -1 ? 0 : Math.max(0, end - chunk.start);
    text += end === -1 ? chunk.text : repeated > 0 ? own.slice(repeated) : `\n\n${chunk.text}`;
    end = chunk.end;
  }
  return text;
}

function whyNothing(isFiltered: boolean, threshold: number): string {
  if (isFiltered) return "What was found is not indexed whole yet: ask again when its documents are ready.";
  return threshold > 0
    ? `Nothing found: no passage is as similar to the question as the threshold of ${threshold} asks for.`
    : "Nothing found: no passage has anything to do with the question.";
}

/** @throws EspalierError FILTER_INVALID */
function checkFilter(filter: RetrieveInput["filter"]): SearchFilter {
  if (!filter) return {};
  const { documentIds, kinds, pageFrom, pageTo } = filter;
  if ((documentIds?.length ?? 0) > limits.searchDocuments)
    throw new EspalierError(
      "FILTER_INVALID",
      `documentIds names ${documentIds?.length} documents, ${limits.searchDocuments} are allowed.`,
      { field: "documentIds", hint: "Name fewer, or search them all." },
    );
  return {
    ...(documentIds ? { documentIds } : {}),
    ...(kinds ? { kinds } : {}),
    ...(pageFrom == null ? {} : { pageFrom }),
    ...(pageTo == null ? {} : { pageTo }),
  };
}
