// The search tables of one index: words in FTS5 and vectors in vec0, made with it, filled in bounded writes, dropped
// when it has retired.
import { and, asc, eq, gt, gte, inArray, notExists, sql } from "drizzle-orm";
import {
  chunks,
  documents,
  indexedDocuments,
  knowledgeBases,
  knowledgeIndexes,
} from "../../schema/tables/knowledge.ts";
import { sha256 } from "../kit/hash.ts";
import { limits } from "../kit/limits.ts";
import type { Reader, Store, Tx } from "../store/store.ts";
import type { Chunk } from "./chunking.ts";
import { searchable } from "./words.ts";

export type ChunkRow = typeof chunks.$inferSelect;
export type Embedded = { chunk: Chunk; vector: Float32Array };
type Placed = Embedded & { documentId: string };

/** Names of an index's own tables. */
export const tablesOf = (index: number) => ({
  words: sql.identifier(`chunk_words_${index}`),
  vectors: sql.identifier(`chunk_vectors_${index}`),
});

/** What the embedder sees of a chunk, and what is looked up by words: headings that it does not say itself, its text. */
export function embeddedText({ headings, text }: Pick<Chunk, "headings" | "text">): string {
  const above = headings.filter((heading) => !text.includes(heading));
  return above.length === 0 ? text : `${above.join(" › ")}\n${text}`;
}

/** Names what was embedded; by it a vector is found again. */
export const embeddedHash = (chunk: Chunk): string => sha256(embeddedText(chunk)).slice(0, 32);

/** A vector of length 1, so that distances order as cosines do; zeros stay zeros. */
export function normalised(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const length = Math.sqrt(squares);
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** Makes the tables of an index in the transaction that makes its row. */
export async function createTables(tx: Tx, index: number, dimensions: number): Promise<void> {
  const { words, vectors } = tablesOf(index);
  await tx.run(
    sql`CREATE VIRTUAL TABLE ${words} USING fts5(words, content='', contentless_delete=1, tokenize='porter unicode61 remove_diacritics 2')`,
  );
  await tx.run(
    sql`CREATE VIRTUAL TABLE ${vectors} USING vec0(embedding float[${sql.raw(String(dimensions))}])`,
  );
}

/** Adds chunks, each document's in order; at most limits.chunksPerWrite of them. */
export async function insertChunks(tx: Tx, index: number, some: readonly Placed[]): Promise<void> {
  if (some.length === 0) return;
  const { words, vectors } = tablesOf(index);
  const rows = await tx
    .insert(chunks)
    .values(
      some.map(({ chunk, documentId }) => ({
        ...chunk,
        headings: [...chunk.headings],
        indexNumber: index,
        documentId,
        embedded: embeddedHash(chunk),
      })),
    )
    .returning({ number: chunks.number, documentId: chunks.documentId, ordinal: chunks.ordinal });
  const placeOf = (documentId: string, ordinal: number): string => `${documentId} ${ordinal}`;
  const numbers = new Map(rows.map((row) => [placeOf(row.documentId, row.ordinal), row.number]));
  const numberOf = ({ documentId, chunk }: Placed): number => {
    const number = numbers.get(placeOf(documentId, chunk.ordinal));
    if (number === undefined) throw new Error("insert returned no row");
    return number;
  };
  await tx.run(
    sql`INSERT INTO ${words} (rowid, words) VALUES ${sql.join(
      some.map((one) => sql`(${numberOf(one)}, ${searchable(embeddedText(one.chunk))})`),
      sql`, `,
    )}`,
  );
  // vec0 takes its row numbers as integers only, which numbers of JavaScript are not.
  await tx.run(
    sql`INSERT INTO ${vectors} (rowid, embedding) VALUES ${sql.join(
      some.map((one) => sql`(${BigInt(numberOf(one))}, ${bytesOf(one.vector)})`),
      sql`, `,
    )}`,
  );
}

/** A vector as vec0 takes and gives it. */
export function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

/** Bytes of a row in a buffer of their own, because they may lie at any place of a larger one. */
export function ownBuffer(bytes: ArrayBuffer | Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).slice().buffer;
}

/** Which of some documents an index holds anything of. */
export async function documentsIn(db: Reader, index: number, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db
    .selectDistinct({ id: chunks.documentId })
    .from(chunks)
    .where(and(eq(chunks.indexNumber, index), inArray(chunks.documentId, [...ids])));
  return new Set(rows.map(({ id }) => id));
}

/** What an index already holds of a document, in order. */
export const chunksOf = (db: Reader, index: number, documentId: string): Promise<ChunkRow[]> =>
  db.query.chunks.findMany({
    where: and(eq(chunks.indexNumber, index), eq(chunks.documentId, documentId)),
    orderBy: [asc(chunks.ordinal)],
  });

/** How many of the first chunks are held already, word by word: a work that was cut off goes on behind them. */
export function heldAlready(held: readonly ChunkRow[], wanted: readonly Chunk[]): number {
  const differs = held.findIndex((row, at) => {
    const chunk = wanted[at];
    return !chunk || row.embedded !== embeddedHash(chunk) || !isSamePlace(row, chunk);
  });
  return differs === -1 ? held.length : differs;
}

function isSamePlace(row: ChunkRow, chunk: Chunk): boolean {
  return (
    row.ordinal === chunk.ordinal &&
    row.start === chunk.start &&
    row.end === chunk.end &&
    row.pageFrom === chunk.pageFrom &&
    row.pageTo === chunk.pageTo
  );
}

/** Removes chunks of a document from an ordinal on, a bounded number at a time. Returns how many went. */
export async function removeChunks(
  store: Store,
  index: number,
  documentId: string,
  from: number,
): Promise<number> {
  const where = and(
    eq(chunks.indexNumber, index),
    eq(chunks.documentId, documentId),
    gte(chunks.ordinal, from),
  );
  let removed = 0;
  for (;;) {
    const count = await store.write(async (tx) => {
      const some = await tx
        .select({ number: chunks.number })
        .from(chunks)
        .where(where)
        .limit(limits.chunksPerSweep);
      await removeNumbers(
        tx,
        index,
        some.map(({ number }) => number),
      );
      return some.length;
    }, "knowledge.remove");
    removed += count;
    if (count < limits.chunksPerSweep) return removed;
  }
}

async function removeNumbers(tx: Tx, index: number, numbers: readonly number[]): Promise<void> {
  if (numbers.length === 0) return;
  const { words, vectors } = tablesOf(index);
  const list = sql`(SELECT value FROM json_each(${JSON.stringify(numbers)}))`;
  await tx.run(sql`DELETE FROM ${words} WHERE rowid IN ${list}`);
  for (const number of numbers) await tx.run(sql`DELETE FROM ${vectors} WHERE rowid = ${BigInt(number)}`);
  await tx.delete(chunks).where(inArray(chunks.number, [...numbers]));
}

type Held = { embedded: string; number: number; index: number };

/**
 * Vectors that this knowledge base already has for texts, made by the same embedder: a change of the cutting does not
 * embed again what stayed as it was.
 */
export async function knownVectors(
  db: Reader,
  { knowledgeBaseId, embedder }: { knowledgeBaseId: string; embedder: string },
  hashes: readonly string[],
): Promise<Map<string, Float32Array>> {
  const known = new Map<string, Float32Array>();
  if (hashes.length === 0) return known;
  const held: Held[] = await db
    .select({
      embedded: chunks.embedded,
      number: sql<number>`max(${chunks.number})`,
      index: chunks.indexNumber,
    })
    .from(chunks)
    .innerJoin(knowledgeIndexes, eq(knowledgeIndexes.number, chunks.indexNumber))
    .where(
      and(
        inArray(chunks.embedded, [...hashes]),
        eq(knowledgeIndexes.knowledgeBaseId, knowledgeBaseId),
        eq(knowledgeIndexes.embedder, embedder),
        inArray(knowledgeIndexes.state, ["current", "building"]),
      ),
    )
    .groupBy(chunks.embedded, chunks.indexNumber);
  for (const [index, group] of Map.groupBy(held, (one) => one.index)) {
    const hashOf = new Map(group.map((one) => [one.number, one.embedded]));
    const rows = await db.all<{ rowid: number; embedding: ArrayBuffer }>(
      // By a join, because vec0 answers IN with a scan of all vectors.
      sql`SELECT v.rowid AS rowid, v.embedding AS embedding FROM json_each(${JSON.stringify([...hashOf.keys()])}) AS j
        CROSS JOIN ${tablesOf(index).vectors} AS v ON v.rowid = j.value`,
    );
    for (const row of rows)
      known.set(hashOf.get(row.rowid) ?? "", new Float32Array(ownBuffer(row.embedding)));
  }
  return known;
}

/** Takes away what no knowledge base or document has any more: whole indexes, then chunks, a bounded number at a time. */
export async function sweepIndexes(store: Store, isStopped: () => boolean): Promise<void> {
  const retired = await store.db.query.knowledgeIndexes.findMany({
    where: eq(knowledgeIndexes.state, "retired"),
  });
  for (const { number } of retired) {
    const { words, vectors } = tablesOf(number);
    await store.write(async (tx) => {
      await tx.run(sql`DROP TABLE IF EXISTS ${words}`);
      await tx.run(sql`DROP TABLE IF EXISTS ${vectors}`);
    }, "knowledge.drop");
    const ofIndex = sql`SELECT ${chunks.number} FROM ${chunks} WHERE ${chunks.indexNumber} = ${number} LIMIT ${limits.chunksPerSweep * 5}`;
    for (let isLeft = true; isLeft; ) {
      if (isStopped()) return;
      isLeft = await store.write(async (tx) => {
        const gone = await tx.delete(chunks).where(sql`${chunks.number} IN (${ofIndex})`);
        if (gone.rowsAffected > 0) return true;
        await tx.delete(knowledgeIndexes).where(eq(knowledgeIndexes.number, number));
        return false;
      }, "knowledge.sweep");
    }
  }
  const lost = await store.db
    .selectDistinct({ index: chunks.indexNumber, documentId: chunks.documentId })
    .from(chunks)
    .where(
      notExists(
        store.db.select({ id: documents.id }).from(documents).where(eq(documents.id, chunks.documentId)),
      ),
    );
  for (const { index, documentId } of lost) {
    if (isStopped()) return;
    await removeChunks(store, index, documentId, 0);
  }
}

/** Chunks read at once where all of an index are wanted. */
const CHUNK_PAGE = 500;

/** Every chunk of the index that answers for a knowledge base, with its document's name; of whole documents only. */
export async function* readChunks(
  db: Reader,
  knowledgeBaseId: string,
): AsyncGenerator<Pick<ChunkRow, "number" | "documentId" | "ordinal" | "text"> & { document: string }> {
  for (let after = 0; ; ) {
    const page = await db
      .select({
        number: chunks.number,
        documentId: chunks.documentId,
        ordinal: chunks.ordinal,
        text: chunks.text,
        document: documents.name,
      })
      .from(chunks)
      .innerJoin(documents, eq(documents.id, chunks.documentId))
      .innerJoin(knowledgeBases, eq(knowledgeBases.indexNumber, chunks.indexNumber))
      .innerJoin(
        indexedDocuments,
        and(
          eq(indexedDocuments.indexNumber, chunks.indexNumber),
          eq(indexedDocuments.documentId, chunks.documentId),
        ),
      )
      .where(and(eq(knowledgeBases.id, knowledgeBaseId), gt(chunks.number, after)))
      .orderBy(asc(chunks.number))
      .limit(CHUNK_PAGE);
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < CHUNK_PAGE) return;
    after = last.number;
  }
}
