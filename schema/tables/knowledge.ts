// Knowledge bases: documents, their text, and the chunks of each index. The words and vectors of an index are virtual
// tables of its own, made on demand by src/knowledge/indexes.ts.
import { blob, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { at, id, json } from "./columns.ts";

export const knowledgeBases = sqliteTable(
  "knowledge_bases",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    name: text("name").notNull(),
    /** Number of the index that answers. */
    indexNumber: integer("index_number").notNull(),
    /** How it is asked unless the asker says otherwise: ranker, k, threshold, neighbours, reranker. */
    retrieval: json<unknown>("retrieval").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [uniqueIndex("knowledge_bases_name").on(t.projectId, t.name)],
);

/** One way of cutting and embedding the documents of a knowledge base; a change of either makes the next one. */
export const knowledgeIndexes = sqliteTable(
  "knowledge_indexes",
  {
    /** Never used again, so that what was found in one index is never taken for a part of another. */
    number: integer("number").primaryKey({ autoIncrement: true }),
    knowledgeBaseId: text("knowledge_base_id").notNull(),
    /** building | current | retired */
    state: text("state").notNull(),
    embedder: text("embedder").notNull(),
    dimensions: integer("dimensions").notNull(),
    /** Target and overlap of chunks, in tokens. */
    chunking: json<unknown>("chunking").notNull(),
    /** The run that builds it; null for the first one, which begins empty. */
    runId: text("run_id"),
    createdAt: at("created_at").notNull(),
  },
  (t) => [index("knowledge_indexes_base").on(t.knowledgeBaseId)],
);

export const documents = sqliteTable(
  "documents",
  {
    id: id(),
    knowledgeBaseId: text("knowledge_base_id")
      .notNull()
      .references(() => knowledgeBases.id, { onDelete: "cascade" }),
    /** Path relative to the folder that was given, or the file's own name. */
    name: text("name").notNull(),
    /** SHA-256 of the file in the blob folder. */
    sha256: text("sha256").notNull(),
    sizeBytes: integer("size_bytes").notNull(),
    /** queued | parsing | indexing | ready | failed */
    state: text("state").notNull(),
    error: json<unknown>("error"),
    /** The run that reads it, or that read it last. */
    runId: text("run_id").notNull(),
    /** What the reading found; null before. */
    kind: text("kind"),
    title: text("title"),
    pages: integer("pages"),
    warnings: json<string[]>("warnings"),
    createdAt: at("created_at").notNull(),
    updatedAt: at("updated_at").notNull(),
  },
  (t) => [
    uniqueIndex("documents_name").on(t.knowledgeBaseId, t.name),
    index("documents_content").on(t.knowledgeBaseId, t.sha256),
    index("documents_run").on(t.runId),
  ],
);

/** What the reading of a document made of it, so that another index need not read the file again. */
export const documentTexts = sqliteTable("document_texts", {
  documentId: text("document_id")
    .primaryKey()
    .references(() => documents.id, { onDelete: "cascade" }),
  /** SHA-256 of the file that was read. */
  sha256: text("sha256").notNull(),
  /** The parsed document as JSON, packed by zstd. */
  packed: blob("packed", { mode: "buffer" }).notNull(),
});

export const chunks = sqliteTable(
  "chunks",
  {
    /** Also its row in the words and vectors of its index. */
    number: integer("number").primaryKey({ autoIncrement: true }),
    indexNumber: integer("index_number").notNull(),
    documentId: text("document_id").notNull(),
    /** 0, 1, 2 … within the document. */
    ordinal: integer("ordinal").notNull(),
    text: text("text").notNull(),
    headings: json<string[]>("headings").notNull(),
    pageFrom: integer("page_from"),
    pageTo: integer("page_to"),
    /** Characters of the document's text, from `start` up to and without `end`. */
    start: integer("start").notNull(),
    end: integer("end").notNull(),
    tokens: integer("tokens").notNull(),
    /** Hash of what was embedded: the same text is embedded once. */
    embedded: text("embedded").notNull(),
  },
  (t) => [
    uniqueIndex("chunks_place").on(t.indexNumber, t.documentId, t.ordinal),
    index("chunks_document").on(t.documentId),
    index("chunks_embedded").on(t.embedded, t.indexNumber),
  ],
);

/** Documents that an index holds whole; what it holds of others is not shown. */
export const indexedDocuments = sqliteTable(
  "indexed_documents",
  {
    indexNumber: integer("index_number").notNull(),
    documentId: text("document_id")
      .notNull()
      .references(() => documents.id, { onDelete: "cascade" }),
    /** SHA-256 of the file whose text it is. */
    sha256: text("sha256").notNull(),
    chunkCount: integer("chunk_count").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.indexNumber, t.documentId] }),
    index("indexed_documents_document").on(t.documentId),
  ],
);

/** What answers a question: a document, or a part of its text. */
export type RelevantPassage = { documentId: string; start: number | null; end: number | null; grade: number };

/** Questions whose answers are known, to measure how well a knowledge base finds them. */
export const labelledQuestions = sqliteTable(
  "labelled_questions",
  {
    id: id(),
    knowledgeBaseId: text("knowledge_base_id")
      .notNull()
      .references(() => knowledgeBases.id, { onDelete: "cascade" }),
    text: text("text").notNull(),
    relevant: json<RelevantPassage[]>("relevant").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [uniqueIndex("labelled_questions_text").on(t.knowledgeBaseId, t.text)],
);

/** Several ways of asking the same labelled questions, side by side. */
export const retrievalEvaluations = sqliteTable(
  "retrieval_evaluations",
  {
    id: id(),
    knowledgeBaseId: text("knowledge_base_id")
      .notNull()
      .references(() => knowledgeBases.id, { onDelete: "cascade" }),
    /** Ranks that count. */
    k: integer("k").notNull(),
    settings: json<unknown[]>("settings").notNull(),
    /** Measures of each of the settings; null until the run has succeeded. */
    results: json<unknown[]>("results"),
    runId: text("run_id").notNull(),
    createdAt: at("created_at").notNull(),
  },
  (t) => [index("retrieval_evaluations_base").on(t.knowledgeBaseId)],
);
