// Fills an index: chunks of several documents are embedded together, then written in bounded transactions, each
// document's last chunk with the mark that the index holds it whole.
import { eq } from "drizzle-orm";
import { documents, indexedDocuments } from "../../schema/tables/knowledge.ts";
import type { Embedder } from "../inference/inference.ts";
import { limits } from "../kit/limits.ts";
import type { Store, Tx } from "../store/store.ts";
import type { IndexRow } from "./bases.ts";
import type { Chunk } from "./chunking.ts";
import {
  chunksOf,
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

export type Cut = { document: DocumentRow; chunks: readonly Chunk[] };
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
  /** In the transaction after which the index holds a document whole. */
  onWhole: (tx: Tx, document: DocumentRow) => Promise<void>;
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
  for (const { document, chunks } of cuts) {
    const held = await chunksOf(store.db, index.number, document.id);
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
    const own = new Map<string, boolean>();
    for (const { document } of [...some, ...whole]) {
      if (own.has(document.id)) continue;
      const now = await tx.query.documents.findFirst({ where: eq(documents.id, document.id) });
      own.set(document.id, now !== undefined && now.sha256 === document.sha256 && isOwn(document, now));
    }
    for (const [documentId, group] of Map.groupBy(some, ({ document }) => document.id))
      if (own.get(documentId)) await insertChunks(tx, index.number, documentId, group);
    for (const { document, chunks } of whole) {
      if (!own.get(document.id)) continue;
      const mark = { indexNumber: index.number, documentId: document.id, sha256: document.sha256 };
      const row = { ...mark, chunkCount: chunks.length };
      await tx
        .insert(indexedDocuments)
        .values(row)
        .onConflictDoUpdate({
          target: [indexedDocuments.indexNumber, indexedDocuments.documentId],
          set: row,
        });
      await onWhole(tx, document);
    }
  }, "knowledge.fill");
}
