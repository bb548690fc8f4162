// Asks one index: the nearest vectors and the best words, each to a depth, on whatever connection it is given.
import { and, eq, gte, inArray, lte, type SQL, sql } from "drizzle-orm";
import { chunks, documents } from "../../schema/tables/knowledge.ts";
import { limits } from "../kit/limits.ts";
import type { Reader } from "../store/store.ts";
import { bytesOf, tablesOf } from "./indexes.ts";
import type { Signs } from "./signs.ts";

export type SearchFilter = {
  documentIds?: readonly string[] | undefined;
  /** Kinds of documents: pdf, html … */
  kinds?: readonly string[] | undefined;
  pageFrom?: number | undefined;
  pageTo?: number | undefined;
};
export type SearchRequest = {
  index: number;
  /** A query of FTS5, or null where only vectors are asked. */
  words: string | null;
  /** Of length 1, or null where only words are asked. */
  vector: Float32Array | null;
  depth: number;
  filter: SearchFilter;
};
/** A chunk found, by its number; `words` is BM25 (larger is better), `similarity` the cosine. */
export type Found = {
  number: number;
  words: { rank: number; score: number } | null;
  meaning: { rank: number | null; similarity: number } | null;
};

type Near = { rowid: number; distance: number };

/**
 * What each ranker finds; chunks that only the words found get their similarity too. With `signs` of the index, which
 * must be fresh, the nearest vectors are looked for among those whose signs are alike.
 */
export async function searchIndex(db: Reader, request: SearchRequest, signs?: Signs): Promise<Found[]> {
  const { index, words, vector, depth, filter } = request;
  const tables = tablesOf(index);
  const allowed = allowedBy(index, filter);
  const within = allowed ? sql`AND rowid IN (${allowed})` : sql``;
  const found = new Map<number, Found>();
  if (vector) {
    const alike = signs && !allowed ? await nearestAlike(db, request, vector, signs) : null;
    const near =
      alike ??
      (await db.all<Near>(
        sql`SELECT rowid, distance FROM ${tables.vectors}
          WHERE embedding MATCH ${bytesOf(vector)} AND k = ${depth} ${within} ORDER BY distance`,
      ));
    near.forEach(({ rowid, distance }, at) => {
      const meaning = { rank: at + 1, similarity: cosineOf(distance) };
      found.set(rowid, { number: rowid, words: null, meaning });
    });
  }
  if (words !== null) {
    const matching = await db.all<{ rowid: number; score: number }>(
      sql`SELECT rowid, -bm25(${tables.words}) AS score FROM ${tables.words}
        WHERE ${tables.words} MATCH ${words} ${within} ORDER BY rank, rowid LIMIT ${depth}`,
    );
    matching.forEach(({ rowid, score }, at) => {
      const known = found.get(rowid) ?? { number: rowid, words: null, meaning: null };
      found.set(rowid, { ...known, words: { rank: at + 1, score } });
    });
  }
  const unknown = [...found.values()].filter((one) => one.meaning === null).map((one) => one.number);
  if (vector && unknown.length > 0)
    for (const { rowid, distance } of await db.all<Near>(distancesOf(index, vector, unknown))) {
      const one = found.get(rowid);
      if (one) found.set(rowid, { ...one, meaning: { rank: null, similarity: cosineOf(distance) } });
    }
  return [...found.values()];
}

/** The nearest of those with the most signs in common; null where so many of these have gone that others may be nearer. */
async function nearestAlike(
  db: Reader,
  { index, depth }: SearchRequest,
  vector: Float32Array,
  signs: Signs,
): Promise<Near[] | null> {
  const count = Math.max(depth, Math.ceil(signs.size * limits.searchCandidateShare));
  const candidates = signs.nearest(vector, count);
  const near = await db.all<Near & { there: number }>(
    sql`SELECT rowid, distance, count(*) OVER () AS there FROM (${distancesOf(index, vector, candidates)})
      ORDER BY distance, rowid LIMIT ${depth}`,
  );
  return (near[0]?.there ?? 0) < candidates.length / 2 ? null : near;
}

/** Distances of those chunks that are there. By a join, because vec0 answers IN with a scan of all vectors. */
function distancesOf(index: number, vector: Float32Array, numbers: readonly number[]): SQL {
  return sql`SELECT v.rowid AS rowid, vec_distance_L2(v.embedding, ${bytesOf(vector)}) AS distance
    FROM json_each(${JSON.stringify(numbers)}) AS j CROSS JOIN ${tablesOf(index).vectors} AS v ON v.rowid = j.value`;
}

/** Of two vectors of length 1 whose ends lie so far apart. */
function cosineOf(distance: number): number {
  return 1 - (distance * distance) / 2;
}

/** Numbers of the chunks that pass a filter, as a subquery; null where nothing is filtered. */
function allowedBy(index: number, { documentIds, kinds, pageFrom, pageTo }: SearchFilter): SQL | null {
  if (!documentIds && !kinds && pageFrom === undefined && pageTo === undefined) return null;
  const where = and(
    eq(chunks.indexNumber, index),
    documentIds ? inArray(chunks.documentId, [...documentIds]) : undefined,
    kinds
      ? sql`${chunks.documentId} IN (SELECT ${documents.id} FROM ${documents} WHERE ${inArray(documents.kind, [...kinds])})`
      : undefined,
    pageFrom === undefined ? undefined : gte(chunks.pageTo, pageFrom),
    pageTo === undefined ? undefined : lte(chunks.pageFrom, pageTo),
  );
  return sql`SELECT ${chunks.number} FROM ${chunks} WHERE ${where}`;
}
