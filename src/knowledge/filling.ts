// Fills an index: chunks of several documents are embedded together, then written in bounded transactions, each
// document's last chunk with the mark that the index holds it whole.
import { inArray, sql } from "drizzle-orm";
import { documents, indexedDocuments } from "../../schema/tables/knowledge.ts";
import type { Embedder } from "../inference/inference.ts";
import { limits } from "../kit/limits.ts";
import type { Store, Tx } from "../store/store.ts";
import type { IndexRow } from "./bases.ts";
import type { Chunk } from "./chunking.ts";
import {
  chunksOf,
  documentsIn,
  type Embedded,
  embeddedHash,
  embeddedText,
  heldAlready,
  insertChunks,
  knownVectors,
  normalised,
  removeChunks,
} from "./indexes.ts";
import type { DocumentRow } from "./texts.ts";

/** A document, and the chunks that the index shall hold of it. */
type Cut = { document: DocumentRow; chunks: readonly Chunk[] };
type Item = { document: DocumentRow; chunk: Chunk };
type FillDeps = {
  store: Store;
  index: IndexRow;
  embedder: Embedder;
  signal: AbortSignal;
  /** Whether the index is still the one to fill; asked in the transaction that writes. */
  isWanted: (tx: Tx) => Promise<boolean>;
  /** Whether the document is still the run's; one that is gone or was replaced meanwhile is left out. */
  isOwn: (document: DocumentRow, now: DocumentRow) => boolean;
  /** In the transaction after which the index holds documents whole. */
  onWhole: (tx: Tx, documents: readonly DocumentRow[]) => Promise<void>;
  /** A point between two transactions, for tests and for progress: chunks written of how many. */
  onWritten: (written: number, total: number) => void;
};

/** Thrown where the index is no longer the one to fill. */
export class IndexReplaced extends Error {}

/** Writes the chunks of some documents that the index does not hold yet. @throws IndexReplaced, and what embedding throws */
export async function fillIndex(deps: FillDeps, cuts: readonly Cut[]): Promise<void> {
  const { store, index, signal } = deps;
  const items: Item[] = [];
  const missing = new Map<string, number>();
  const begun = await documentsIn(
    store.db,
    index.number,
    cuts.map(({ document }) => document.id),
  );
  for (const { document, chunks } of cuts) {
    const held = begun.has(document.id) ? await chunksOf(store.db, index.number, document.id) : [];
    const kept = heldAlready(held, chunks);
    if (kept < held.length) await removeChunks(store, index.number, document.id, kept);
    for (const chunk of chunks.slice(kept)) items.push({ document, chunk });
    missing.set(document.id, chunks.length - kept);
  }
  const total = items.length;
  const wholeAlready = cuts.filter(({ document }) => missing.get(document.id) === 0);
  if (wholeAlready.length > 0) await writeSome(deps, [], wholeAlready);
  let written = 0;
  for (let from = 0; from < total; from += limits.chunksPerEmbedding) {
    signal.throwIfAborted();
    const embedded = await embedItems(deps, items.slice(from, from + limits.chunksPerEmbedding));
    for (let at = 0; at < embedded.length; at += limits.chunksPerWrite) {
      const some = embedded.slice(at, at + limits.chunksPerWrite);
      for (const { document } of some) missing.set(document.id, (missing.get(document.id) ?? 0) - 1);
      const touched = new Set(some.map(({ document }) => document.id));
      const whole = cuts.filter(({ document: { id } }) => touched.has(id) && missing.get(id) === 0);
      await writeSome(deps, some, whole);
      written += some.length;
      deps.onWritten(written, total);
    }
  }
}

async function embedItems(
  { store, index, embedder, signal }: FillDeps,
  items: readonly Item[],
): Promise<(Item & Embedded)[]> {
  const textOf = new Map(items.map(({ chunk }) => [embeddedHash(chunk), embeddedText(chunk)]));
  const vectors = await knownVectors(store.db, index, [...textOf.keys()]);
  const unknown = [...textOf].filter(([hash]) => !vectors.has(hash));
  if (unknown.length > 0) {
    const made = await embedder.embed(
      unknown.map(([, text]) => text),
      "passage",
      signal,
    );
    unknown.forEach(([hash], at) => {
      const vector = made[at];
      if (vector) vectors.set(hash, normalised(vector));
    });
  }
  return items.map((item) => {
    const vector = vectors.get(embeddedHash(item.chunk));
    if (vector?.length !== index.dimensions)
      throw new Error(
        `${embedder.name} gave ${vector?.length ?? "no"} dimensions instead of ${index.dimensions}`,
      );
    return { ...item, vector };
  });
}

async function writeSome(
  { store, index, isWanted, isOwn, onWhole }: FillDeps,
  some: readonly (Item & Embedded)[],
  whole: readonly Cut[],
): Promise<void> {
  await store.write(async (tx) => {
    if (!(await isWanted(tx))) throw new IndexReplaced();
    const now = new Map(
      (
        await tx.query.documents.findMany({
          where: inArray(documents.id, [...new Set([...some, ...whole].map(({ document }) => document.id))]),
        })
      ).map((row) => [row.id, row]),
    );
    const isStillOwn = ({ document }: { document: DocumentRow }): boolean => {
      const row = now.get(document.id);
      return row !== undefined && row.sha256 === document.sha256 && isOwn(document, row);
    };
    await insertChunks(
      tx,
      index.number,
      some.filter(isStillOwn).map(({ document, ...one }) => ({ ...one, documentId: document.id })),
    );
    const done = whole.filter(isStillOwn);
    if (done.length === 0) return;
    await tx
      .insert(indexedDocuments)
      .values(
        done.map(({ document, chunks }) => ({
          indexNumber: index.number,
          documentId: document.id,
          sha256: document.sha256,
          chunkCount: chunks.length,
        })),
      )
      .onConflictDoUpdate({
        target: [indexedDocuments.indexNumber, indexedDocuments.documentId],
        set: { sha256: sql`excluded.sha256`, chunkCount: sql`excluded.chunk_count` },
      });
    await onWhole(
      tx,
      done.map(({ document }) => document),
    );
  }, "knowledge.fill");
}
