// The text of documents: read once from the file by the reading process, kept packed, and given to whoever cuts or
// shows it.
import { eq } from "drizzle-orm";
import { documents, documentTexts } from "../../schema/tables/knowledge.ts";
import { EspalierError } from "../kit/errors.ts";
import type { Store, Tx } from "../store/store.ts";
import type { ParsedDocument } from "./documents/document.ts";

export type DocumentRow = typeof documents.$inferSelect;
/** Reads a file in a process of its own. @throws EspalierError DOCUMENT_… naming why the file is refused */
export type ReadDocument = (path: string, name: string, signal: AbortSignal) => Promise<ParsedDocument>;
export type Read = { parsed: ParsedDocument; packed: Buffer };

/** The text as it is kept; null when this content was not read yet. */
export async function keptText(
  { db }: Pick<Store, "db">,
  { id, sha256 }: Pick<DocumentRow, "id" | "sha256">,
): Promise<Read | null> {
  const row = await db.query.documentTexts.findFirst({ where: eq(documentTexts.documentId, id) });
  if (row?.sha256 !== sha256) return null;
  // This program wrote it in this form; what was damaged does not unpack.
  const parsed: ParsedDocument = JSON.parse(Buffer.from(await Bun.zstdDecompress(row.packed)).toString());
  return { parsed, packed: row.packed };
}

/** The text, from what is kept or else from the file. @throws EspalierError DOCUMENT_…, BLOB_MISSING */
export async function readText(
  store: Store,
  readDocument: ReadDocument,
  document: DocumentRow,
  signal: AbortSignal,
): Promise<Read> {
  const kept = await keptText(store, document);
  if (kept) return kept;
  const { sha256, name } = document;
  if (!(await store.blobs.has(sha256)))
    throw new EspalierError("BLOB_MISSING", `The file of ${name} is not in the data folder any more.`, {
      field: "document",
      value: name.slice(0, 200),
      hint: "Add the file again.",
      status: 500,
    });
  const parsed = await readDocument(store.blobs.path(sha256), name, signal);
  return { parsed, packed: Buffer.from(await Bun.zstdCompress(JSON.stringify(parsed))) };
}

/** Keeps a text, and what the reading found out, with its document. */
export async function keepText(tx: Tx, { id, sha256 }: DocumentRow, { parsed, packed }: Read): Promise<void> {
  const text = { documentId: id, sha256, packed };
  await tx
    .insert(documentTexts)
    .values(text)
    .onConflictDoUpdate({ target: documentTexts.documentId, set: text });
  const { kind, title, pages, warnings } = parsed;
  await tx.update(documents).set({ kind, title, pages, warnings }).where(eq(documents.id, id));
}
