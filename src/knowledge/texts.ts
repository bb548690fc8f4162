// The text of documents: read once from the file by the reading process, kept packed, and given to whoever cuts or
// shows it.
import { eq, inArray, sql } from "drizzle-orm";
import { documents, documentTexts } from "../../schema/tables/knowledge.ts";
import type { Embedder } from "../inference/inference.ts";
import { EspalierError } from "../kit/errors.ts";
import type { Store, Tx } from "../store/store.ts";
import type { IndexRow } from "./bases.ts";
import type { Chunk } from "./chunking.ts";
import type { ParsedDocument } from "./documents/document.ts";
import { type DocumentReader, type ReadFile, unpack } from "./documents/reader.ts";

export type DocumentRow = typeof documents.$inferSelect;
/** A document that was read, with its chunks; `fresh` is what the reading found, null where the text was kept already. */
export type CutDocument = { document: DocumentRow; fresh: ReadFile | null; chunks: readonly Chunk[] };

/** Packed texts of those documents whose present content was read already, by document. */
export async function keptTexts(
  { db }: Pick<Store, "db">,
  some: readonly Pick<DocumentRow, "id" | "sha256">[],
): Promise<Map<string, Buffer>> {
  const rows = await db.query.documentTexts.findMany({
    where: inArray(
      documentTexts.documentId,
      some.map(({ id }) => id),
    ),
  });
  const wanted = new Map(some.map(({ id, sha256 }) => [id, sha256]));
  return new Map(
    rows
      .filter(({ documentId, sha256 }) => wanted.get(documentId) === sha256)
      .map(({ documentId, packed }) => [documentId, packed]),
  );
}

/** The text as it is kept; null when this content was not read yet. */
export async function keptText(
  store: Pick<Store, "db">,
  document: Pick<DocumentRow, "id" | "sha256">,
): Promise<ParsedDocument | null> {
  const packed = (await keptTexts(store, [document])).get(document.id);
  return packed ? unpack(packed) : null;
}

/** A document cut for an index, from the text that is kept or else from the file. @throws EspalierError DOCUMENT_…, BLOB_MISSING */
export async function cutDocument(
  { store, reader }: { store: Store; reader: DocumentReader },
  document: DocumentRow,
  kept: Buffer | undefined,
  { index, embedder }: { index: Pick<IndexRow, "chunking">; embedder: Pick<Embedder, "counting"> },
  signal: AbortSignal,
): Promise<CutDocument> {
  const { sha256, name } = document;
  const cutting = { chunking: index.chunking, counting: embedder.counting };
  if (kept) return { document, fresh: null, chunks: await reader.cut(kept, name, cutting, signal) };
  if (!(await store.blobs.has(sha256)))
    throw new EspalierError("BLOB_MISSING", `The file of ${name} is not in the data folder any more.`, {
      field: "document",
      value: name.slice(0, 200),
      hint: "Add the file again.",
      status: 500,
    });
  const { read, chunks } = await reader.read(store.blobs.path(sha256), name, cutting, signal);
  return { document, fresh: read, chunks };
}

/** Keeps texts, and what the reading found out, with their documents. */
export async function keepTexts(
  tx: Tx,
  some: readonly { document: DocumentRow; fresh: ReadFile }[],
): Promise<void> {
  if (some.length === 0) return;
  await tx
    .insert(documentTexts)
    .values(
      some.map(({ document: { id, sha256 }, fresh }) => ({
        documentId: id,
        sha256,
        packed: Buffer.from(fresh.packed),
      })),
    )
    .onConflictDoUpdate({
      target: documentTexts.documentId,
      set: { sha256: sql`excluded.sha256`, packed: sql`excluded.packed` },
    });
  const facts = some.map(({ document: { id }, fresh: { kind, title, pages, warnings } }) => ({
    id,
    kind,
    title,
    pages,
    warnings,
  }));
  await tx.run(sql`UPDATE ${documents} SET
      kind = j.value ->> 'kind', title = j.value ->> 'title', pages = j.value ->> 'pages', warnings = j.value -> 'warnings'
    FROM json_each(${JSON.stringify(facts)}) AS j WHERE ${eq(documents.id, sql`j.value ->> 'id'`)}`);
}
