// Documents of a knowledge base: added once by content, retried, listed, and their text by passage.
import { join } from "node:path";
import { and, eq, inArray, like, or } from "drizzle-orm";
import { chunks, documents, indexedDocuments, knowledgeBases } from "../../schema/tables/knowledge.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { RunRow, Runs } from "../runs/runs.ts";
import { type Page, type PageRequest, readPage, type Store, type Tx } from "../store/store.ts";
import type { Bases, KnowledgeBaseRow } from "./bases.ts";
import { BLOCK_GAP, type Block } from "./documents/document.ts";
import type { ChunkRow } from "./indexes.ts";
import { chunkNumber } from "./retrieval.ts";
import { type DocumentRow, keptText } from "./texts.ts";

export type AddDocumentsInput = {
  projectId: string;
  /** Name or id. */
  knowledgeBase: string;
  files: readonly ({
    /** Path within the folder it came from, or the file's own name. */
    name: string;
  } & (
    | { file: Blob }
    /** Takes over the one uploaded file; called when nothing else speaks against it. */
    | { claim: () => Promise<string> }
  ))[];
};
/** `document` is the one that holds the file's content: an older one, of another name even, where that was there. */
export type Added = { name: string; document: DocumentRow; wasThere: boolean };

type IntakeDeps = { store: Store; runs: Runs; bases: Bases; clock: Clock };
type Stored = { name: string; sha256: string; sizeBytes: number };

/** The part of the front door about documents. */
export function createIntake({ store, runs, bases, clock }: IntakeDeps) {
  const { db } = store;

  /** Moves a file into the blob folder. */
  async function keepFile(given: AddDocumentsInput["files"][number]): Promise<Stored> {
    const { name } = given;
    if ("file" in given) return { name, ...(await store.blobs.putBytes(await given.file.bytes())) };
    const incoming = await given.claim();
    const { folder, names } = await store.incoming.find(incoming);
    const [fileName] = names;
    if (fileName === undefined) throw new Error(`the upload of ${name} was taken without a file`);
    const blob = await store.blobs.putFile(join(folder, fileName));
    await store.incoming.remove(incoming);
    return { name, ...blob };
  }

  /** Adds files that are in the blob folder already. */
  async function addAll(tx: Tx, base: KnowledgeBaseRow, files: readonly Stored[]): Promise<Added[]> {
    const there = await tx.query.documents.findMany({
      where: and(
        eq(documents.knowledgeBaseId, base.id),
        or(
          inArray(
            documents.sha256,
            files.map(({ sha256 }) => sha256),
          ),
          inArray(
            documents.name,
            files.map(({ name }) => name),
          ),
        ),
      ),
    });
    const added: Added[] = [];
    for (const file of files) {
      const one = await addOne(tx, base, file, there);
      added.push(one);
      // What comes later in the same call meets it too.
      const at = there.findIndex(({ id }) => id === one.document.id);
      if (at === -1) there.push(one.document);
      else there[at] = one.document;
    }
    return added;
  }

  async function addOne(
    tx: Tx,
    base: KnowledgeBaseRow,
    file: Stored,
    there: readonly DocumentRow[],
  ): Promise<Added> {
    const { name, sha256, sizeBytes } = file;
    const same = there.filter((one) => one.sha256 === sha256 || one.name === name);
    const known = same.find((one) => one.sha256 === sha256 && one.state !== "failed");
    if (known) return { name, document: known, wasThere: true };
    const at = clock();
    const fresh = { sha256, sizeBytes, state: "queued", error: null, runId: "", updatedAt: at };
    // The same name again is the next version of the document; a failed one is tried again under its new name.
    const old = same.find((one) => one.name === name) ?? same[0];
    if (old) {
      const [document] = await tx
        .update(documents)
        .set({ ...fresh, name })
        .where(eq(documents.id, old.id))
        .returning();
      if (document) return { name, document, wasThere: false };
    }
    const [document] = await tx
      .insert(documents)
      .values({ id: newId("document"), knowledgeBaseId: base.id, name, ...fresh, createdAt: at })
      .returning();
    if (!document) throw new Error("insert returned no row");
    return { name, document, wasThere: false };
  }

  const self = {
    /**
     * Adds files; one run reads all that are not there yet, null where all are.
     * @throws EspalierError KNOWLEDGE_BASE_NOT_FOUND, DOCUMENT_NAME_INVALID, DOCUMENTS_TOO_MANY, UPLOAD_…
     */
    async addDocuments(input: AddDocumentsInput): Promise<{ added: Added[]; run: RunRow | null }> {
      const base = await bases.get(input.projectId, input.knowledgeBase);
      if (input.files.length === 0)
        throw new EspalierError("FILE_MISSING", "There is no file to add.", {
          field: "files",
          hint: "Name finished uploads.",
        });
      if (input.files.length > limits.documentsPerCall)
        throw tooMany(
          `${input.files.length} files came at once`,
          "documentsPerCall",
          limits.documentsPerCall,
        );
      for (const { name } of input.files) checkName(name);
      const held = await db.$count(documents, eq(documents.knowledgeBaseId, base.id));
      if (held + input.files.length > limits.documentsPerBase)
        throw tooMany(`${base.name} holds ${held} documents`, "documentsPerBase", limits.documentsPerBase);
      const stored: Stored[] = [];
      for (let at = 0; at < input.files.length; at += FILES_AT_ONCE)
        stored.push(...(await Promise.all(input.files.slice(at, at + FILES_AT_ONCE).map(keepFile))));
      return store.write(async (tx) => {
        const added = await addAll(tx, base, stored);
        const fresh = added.filter(({ wasThere }) => !wasThere).map(({ document }) => document.id);
        if (fresh.length === 0) return { added, run: null };
        const run = await startReading(runs, tx, base, fresh.length);
        await tx.update(documents).set({ runId: run.id }).where(inArray(documents.id, fresh));
        return { added: added.map((one) => withRun(one, run.id)), run };
      }, "knowledge.add");
    },

    /** Reads a failed document again. @throws EspalierError DOCUMENT_NOT_FOUND, DOCUMENT_NOT_RETRYABLE */
    async retryDocument(projectId: string, id: string): Promise<{ document: DocumentRow; run: RunRow }> {
      const { base, document } = await self.getDocument(projectId, id);
      return store.write(async (tx) => {
        const run = await startReading(runs, tx, base, 1);
        const [fresh] = await tx
          .update(documents)
          .set({ state: "queued", error: null, runId: run.id, updatedAt: clock() })
          .where(and(eq(documents.id, document.id), eq(documents.state, "failed")))
          .returning();
        if (fresh) return { document: fresh, run };
        throw new EspalierError("DOCUMENT_NOT_RETRYABLE", `${document.name} is ${document.state}.`, {
          field: "id",
          value: document.state,
          hint: "Only failed documents can be retried.",
          status: 409,
        });
      }, "knowledge.retry");
    },

    findDocument: async (id: string): Promise<DocumentRow | null> =>
      (await db.query.documents.findFirst({ where: eq(documents.id, id) })) ?? null,

    /** @throws EspalierError DOCUMENT_NOT_FOUND */
    async getDocument(
      projectId: string,
      id: string,
    ): Promise<{ base: KnowledgeBaseRow; document: DocumentRow }> {
      const document = await self.findDocument(id);
      const base = document && (await bases.find(projectId, document.knowledgeBaseId));
      if (base) return { base, document };
      throw documentNotFound(id);
    },

    /** By name. */
    pageOfDocuments(
      baseId: string,
      { state, search, ...page }: PageRequest & { state?: string | null; search?: string | null },
    ): Promise<Page<DocumentRow>> {
      const where = and(
        eq(documents.knowledgeBaseId, baseId),
        state ? eq(documents.state, state) : undefined,
        search ? like(documents.name, `%${search.slice(0, 200).replace(/[%_]/g, "")}%`) : undefined,
      );
      return readPage(db, documents, { where, keys: ["name"], order: "ascending" }, page);
    },

    /** Chunks that the answering index holds of a document; null while it does not hold it whole. */
    async chunkCount({ id, sha256, knowledgeBaseId }: DocumentRow): Promise<number | null> {
      const [row] = await db
        .select({ count: indexedDocuments.chunkCount })
        .from(indexedDocuments)
        .innerJoin(knowledgeBases, eq(knowledgeBases.indexNumber, indexedDocuments.indexNumber))
        .where(
          and(
            eq(knowledgeBases.id, knowledgeBaseId),
            eq(indexedDocuments.documentId, id),
            eq(indexedDocuments.sha256, sha256),
          ),
        );
      return row?.count ?? null;
    },

    /** A document's blocks with their places in its text; null until it was read. */
    async blocks(
      document: DocumentRow,
    ): Promise<(Block & { index: number; start: number; end: number })[] | null> {
      const kept = await keptText(store, document);
      let start = 0;
      const blocks = kept?.blocks.map((block, index) => {
        const placed = { ...block, index, start, end: start + block.text.length };
        start = placed.end + BLOCK_GAP.length;
        return placed;
      });
      return blocks ?? null;
    },

    /** A chunk by its id, with the document it belongs to; null where it is gone, e.g. with an old index. */
    async findChunk(
      projectId: string,
      id: string,
    ): Promise<{ chunk: ChunkRow; document: DocumentRow } | null> {
      const number = chunkNumber(id);
      const chunk =
        number === null ? undefined : await db.query.chunks.findFirst({ where: eq(chunks.number, number) });
      const document = chunk && (await self.findDocument(chunk.documentId));
      if (!chunk || !document || !(await bases.find(projectId, document.knowledgeBaseId))) return null;
      return { chunk, document };
    },

    /** Chunks of a document in the index that answers, in order. */
    async pageOfChunks(document: DocumentRow, page: PageRequest): Promise<Page<ChunkRow>> {
      const base = await db.query.knowledgeBases.findFirst({
        where: eq(knowledgeBases.id, document.knowledgeBaseId),
      });
      const where = and(eq(chunks.indexNumber, base?.indexNumber ?? 0), eq(chunks.documentId, document.id));
      return readPage(db, chunks, { where, keys: ["ordinal"], order: "ascending" }, page);
    },
  };
  return self;
}

/** Makes the run that reads documents into a knowledge base. */
export const startReading = (runs: Runs, tx: Tx, base: KnowledgeBaseRow, count: number): Promise<RunRow> =>
  runs.createRun(tx, {
    projectId: base.projectId,
    kind: "index-documents",
    executor: "server",
    name: `Read ${count === 1 ? "a document" : `${count} documents`} into ${base.name}`,
    subjectId: base.id,
    spec: { knowledgeBaseId: base.id },
  });

/** The document as it is once its run is known. */
function withRun(one: Added, runId: string): Added {
  return one.wasThere ? one : { ...one, document: { ...one.document, runId } };
}

/** Files moved into the blob folder side by side: each waits for the disk. */
const FILES_AT_ONCE = 8;

function tooMany(what: string, limit: string, most: number): EspalierError {
  return new EspalierError("DOCUMENTS_TOO_MANY", `${what}; the limit ${limit} is ${most}.`, {
    field: "files",
    hint:
      limit === "documentsPerCall"
        ? "Add them in several calls."
        : "Use another knowledge base for the rest.",
    status: 409,
  });
}

export function documentNotFound(id: string): EspalierError {
  return new EspalierError("DOCUMENT_NOT_FOUND", `There is no document ${id.slice(0, 100)}.`, {
    field: "id",
    value: id.slice(0, 100),
    hint: "Open its knowledge base to see what it holds.",
    status: 404,
  });
}

/** @throws EspalierError DOCUMENT_NAME_INVALID */
function checkName(name: string): void {
  const parts = name.split("/");
  const isPath = parts.every((part) => part !== "" && part !== "." && part !== "..");
  if (isPath && name.length <= limits.documentNameChars && !/[\p{Cc}\p{Cf}\\]/u.test(name)) return;
  const shown = JSON.stringify(name.slice(0, 120));
  throw new EspalierError("DOCUMENT_NAME_INVALID", `${shown} cannot be a document's name.`, {
    field: "name",
    value: shown.slice(1, -1),
    hint: `Give a path within its folder, like reports/2026.pdf, of at most ${limits.documentNameChars} characters.`,
  });
}
