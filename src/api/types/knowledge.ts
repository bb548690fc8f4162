// Knowledge bases, their documents with state and text, and the chunks that answer.
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import {
  type Block,
  type ChunkRow,
  chunkId,
  type DocumentRow,
  type KnowledgeBaseRow,
} from "../../knowledge/knowledge.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { NodeInterface, UserErrorInfo } from "./common.ts";
import { connectionOf, pageArgs, pageCost, paged } from "./connections.ts";
import { DocumentState, RetrievalRanker } from "./enums.ts";
import { storedError } from "./live.ts";
import { Run } from "./runs.ts";

export const KnowledgeBase = builder.objectRef<KnowledgeBaseRow>("KnowledgeBase");
export const KnowledgeDocument = builder.objectRef<DocumentRow>("Document");
const DocumentChunk = builder.objectRef<ChunkRow>("DocumentChunk");

type EmbedderShape = {
  id: string;
  name: string;
  dimensions: number | null;
  maxTokens: number | null;
  unrelatedBelow?: number | undefined;
};
const EmbedderType = builder.objectRef<EmbedderShape>("Embedder").implement({
  description: "What turns texts into vectors.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its id." }),
    name: t.exposeString("name", { description: "Its name." }),
    dimensions: t.exposeInt("dimensions", {
      nullable: true,
      description: "Numbers in a vector; null for a third-party model that was not asked yet.",
    }),
    maxTokens: t.exposeInt("maxTokens", {
      nullable: true,
      description: "Longest text that it sees, in its own tokens; null when it is gone.",
    }),
    threshold: t.float({
      description:
        "Least similarity that is proposed for it: where texts begin to have to do with each other.",
      resolve: ({ unrelatedBelow }) => unrelatedBelow ?? 0,
    }),
  }),
});

const ChunkingType = builder.objectRef<{ maxTokens: number; overlapTokens: number }>("Chunking").implement({
  description: "How documents are cut.",
  extensions: needs("read"),
  fields: (t) => ({
    maxTokens: t.exposeInt("maxTokens", { description: "Most tokens of a chunk." }),
    overlapTokens: t.exposeInt("overlapTokens", {
      description: "Tokens that a chunk repeats of the one before it.",
    }),
  }),
});

type Retrieval = ReturnType<Context["knowledge"]["settingsOf"]>;
export const RetrievalType = builder.objectRef<Retrieval>("RetrievalSettings").implement({
  description: "How a knowledge base is asked, unless the asker says otherwise.",
  extensions: needs("read"),
  fields: (t) => ({
    ranker: t.field({
      type: RetrievalRanker,
      description: "What finds passages.",
      resolve: ({ ranker }) => ranker,
    }),
    k: t.exposeInt("k", { description: "Most passages of an answer." }),
    threshold: t.exposeFloat("threshold", {
      description: "Passages less similar to the question are left out; 0 keeps all.",
    }),
    neighbours: t.exposeInt("neighbours", { description: "Chunks on each side joined to each passage." }),
    reranker: t.exposeString("reranker", {
      nullable: true,
      description: "Id of the reranker, if any.",
    }),
  }),
});

type Counts = { total: number; ready: number; failed: number; pending: number };
const DocumentCounts = builder.objectRef<Counts>("DocumentCounts").implement({
  description: "How many documents stand how.",
  extensions: needs("read"),
  fields: (t) => ({
    total: t.exposeInt("total", { description: "All." }),
    ready: t.exposeInt("ready", { description: "Those that answer." }),
    failed: t.exposeInt("failed", { description: "Those that could not be read." }),
    pending: t.exposeInt("pending", { description: "Those that wait or are being read." }),
  }),
});

/** One count for all fields of a row; rows are read anew for each query. */
const counted = new WeakMap<KnowledgeBaseRow, ReturnType<Context["knowledge"]["counts"]>>();
async function countsOf(
  base: KnowledgeBaseRow,
  { knowledge }: Context,
): Promise<Counts & { chunks: number }> {
  const known = counted.get(base) ?? knowledge.counts(base);
  counted.set(base, known);
  const { documents, chunks } = await known;
  const total = Object.values(documents).reduce((sum, count) => sum + count, 0);
  const { ready = 0, failed = 0 } = documents;
  return { total, ready, failed, pending: total - ready - failed, chunks };
}

const documentArgs = builder.args((t) => ({
  state: t.field({ type: DocumentState, description: "Only documents that stand so." }),
  search: t.string({ description: "Only documents whose name contains this." }),
}));

KnowledgeBase.implement({
  description: "Documents that answer questions.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name, unique among the project's knowledge bases." }),
    status: t.string({
      description: "ready, or indexing while documents are read or another index is built.",
      resolve: async (base, _, context) => {
        const isBuilding = (await context.knowledge.building(base.id)) !== null;
        return isBuilding || (await countsOf(base, context)).pending > 0 ? "indexing" : "ready";
      },
    }),
    embedder: t.field({
      type: EmbedderType,
      description: "What embedded the index that answers.",
      resolve: async (base, _, { knowledge }) => {
        const { embedder, dimensions } = await knowledge.indexOf(base);
        const known = (await knowledge.embedders(base.projectId)).find(({ id }) => id === embedder);
        return known ?? { id: embedder, name: embedder, dimensions, maxTokens: null };
      },
    }),
    chunking: t.field({
      type: ChunkingType,
      description: "How the documents of the index that answers were cut.",
      resolve: async (base, _, { knowledge }) => (await knowledge.indexOf(base)).chunking,
    }),
    retrieval: t.field({
      type: RetrievalType,
      description: "How it is asked.",
      resolve: (base, _, { knowledge }) => knowledge.settingsOf(base),
    }),
    counts: t.field({
      type: DocumentCounts,
      description: "Its documents by state.",
      resolve: (base, _, context) => countsOf(base, context),
    }),
    chunkCount: t.int({
      description: "Chunks in the index that answers.",
      resolve: async (base, _, context) => (await countsOf(base, context)).chunks,
    }),
    documents: t.field({
      type: connectionOf("Document", KnowledgeDocument),
      description: "Its documents by name.",
      args: { ...pageArgs, ...documentArgs },
      complexity: pageCost,
      resolve: ({ id }, { state, search, ...page }, { knowledge }) =>
        knowledge.pageOfDocuments(id, { ...page, state: state ?? null, search: search ?? null }),
    }),
    run: t.field({
      type: Run,
      nullable: true,
      description: "The latest run that read documents into it or built an index.",
      resolve: ({ id }, _, { runs }) => runs.latestOf(id),
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made." }),
  }),
});

type PlacedBlock = Block & { index: number; start: number; end: number };
const DocumentBlock = builder.objectRef<PlacedBlock>("DocumentBlock").implement({
  description: "A piece of a document's text as its structure has it.",
  extensions: needs("read"),
  fields: (t) => ({
    index: t.exposeInt("index", { description: "Its place in the document, from 0." }),
    kind: t.exposeString("kind", { description: "heading, paragraph, list, table or code." }),
    text: t.exposeString("text", {
      description: "Its text; a list has one item a line, a table is rows of GitHub's Markdown.",
    }),
    level: t.int({ nullable: true, description: "Of a heading, 1 to 6.", resolve: (b) => b.level ?? null }),
    page: t.int({
      nullable: true,
      description: "Page, slide or sheet, from 1, where the file has such.",
      resolve: (b) => b.page ?? null,
    }),
    start: t.exposeInt("start", { description: "Where it begins in the document's text, in characters." }),
    end: t.exposeInt("end", { description: "Where it ends." }),
  }),
});
type BlockPageShape = { blocks: PlacedBlock[]; total: number };
const BlockPage = builder.objectRef<BlockPageShape>("DocumentBlockPage").implement({
  description: "Some blocks of a document.",
  extensions: needs("read"),
  fields: (t) => ({
    blocks: t.field({ type: [DocumentBlock], description: "The blocks.", resolve: ({ blocks }) => blocks }),
    total: t.exposeInt("total", { description: "All blocks of the document." }),
  }),
});

DocumentChunk.implement({
  description: "A piece of a document as it was embedded.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.id({
      description: "Its id within the index it belongs to.",
      resolve: ({ number }) => chunkId(number),
    }),
    ordinal: t.exposeInt("ordinal", { description: "Its place in the document, from 0." }),
    text: t.exposeString("text", { description: "Its text." }),
    headings: t.exposeStringList("headings", { description: "The headings that it stands under." }),
    pageFrom: t.exposeInt("pageFrom", { nullable: true, description: "First page that it touches." }),
    pageTo: t.exposeInt("pageTo", { nullable: true, description: "Last page that it touches." }),
    start: t.exposeInt("start", { description: "Where it begins in the document's text, in characters." }),
    end: t.exposeInt("end", { description: "Where it ends." }),
    tokens: t.exposeInt("tokens", { description: "Tokens as the embedder counts them." }),
  }),
});

KnowledgeDocument.implement({
  description: "A file in a knowledge base.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", { description: "Path within the folder it came from, or the file's name." }),
    state: t.field({ type: DocumentState, description: "Where it stands.", resolve: ({ state }) => state }),
    error: t.field({
      type: UserErrorInfo,
      nullable: true,
      description: "Why it could not be read.",
      resolve: ({ error }) => storedError(error),
    }),
    format: t.exposeString("kind", {
      nullable: true,
      description: "What it is by its content: text, markdown, html, pdf …; null before it was read.",
    }),
    title: t.exposeString("title", { nullable: true, description: "Its title, as it says itself." }),
    pages: t.exposeInt("pages", {
      nullable: true,
      description: "Pages, slides or sheets, where it has such.",
    }),
    warnings: t.stringList({
      description: "What was left out or guessed when it was read: a list, for there are few.",
      resolve: ({ warnings }) => warnings ?? [],
    }),
    sizeBytes: t.exposeFloat("sizeBytes", { description: "Bytes of the file." }),
    hash: t.exposeString("sha256", { description: "SHA-256 of the file." }),
    chunkCount: t.int({
      nullable: true,
      description: "Chunks in the index that answers; null while it is not whole in it.",
      resolve: (document, _, { knowledge }) => knowledge.chunkCount(document),
    }),
    chunks: t.field({
      type: connectionOf("DocumentChunk", DocumentChunk),
      description: "Its chunks in the index that answers, in order.",
      ...paged,
      resolve: (document, page, { knowledge }) => knowledge.pageOfChunks(document, page),
    }),
    chunk: t.field({
      type: DocumentChunk,
      nullable: true,
      description: "One of its chunks; null where it is gone, e.g. with an older index.",
      args: { id: t.arg.id({ required: true, description: "The chunk, as a citation names it." }) },
      resolve: async ({ id }, args, { knowledge, principal }) => {
        const found = await knowledge.findChunk(principal.projectId, args.id);
        return found?.document.id === id ? found.chunk : null;
      },
    }),
    blocks: t.field({
      type: BlockPage,
      nullable: true,
      description: "Its text as it was read, by blocks; null before it was read.",
      args: {
        offset: t.arg.int({ description: "First block, from 0." }),
        at: t.arg.int({ description: "Begin shortly before this character of the text instead." }),
        limit: t.arg.int({ required: true, defaultValue: 100, description: "At most so many." }),
      },
      resolve: (document, { offset, at, limit }, context) =>
        blocksOf(document, { offset: offset ?? null, at: at ?? null, limit }, context),
    }),
    knowledgeBase: t.field({
      type: KnowledgeBase,
      description: "The knowledge base that it belongs to.",
      resolve: ({ knowledgeBaseId }, _, { knowledge, principal }) =>
        knowledge.get(principal.projectId, knowledgeBaseId),
    }),
    run: t.field({
      type: Run,
      nullable: true,
      description: "The run that reads it, or read it last; its log says what happened.",
      resolve: ({ runId }, _, { runs }) => runs.find(runId),
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was added." }),
    updatedAt: t.expose("updatedAt", { type: "DateTime", description: "When its state last changed." }),
  }),
});

/** Blocks shown before the one that was asked for, so that it does not begin the page. */
const BEFORE = 5;

async function blocksOf(
  document: DocumentRow,
  { offset, at, limit }: { offset: number | null; at: number | null; limit: number },
  { knowledge }: Context,
): Promise<BlockPageShape | null> {
  const blocks = await knowledge.blocks(document);
  if (!blocks) return null;
  const holding = at === null ? -1 : blocks.findIndex(({ end }) => end > at);
  const from = Math.max(0, holding === -1 ? (offset ?? 0) : holding - BEFORE);
  const count = Math.max(1, Math.min(limit, limits.documentBlockPage));
  return { blocks: blocks.slice(from, from + count), total: blocks.length };
}

builder.queryFields((t) => ({
  knowledgeBases: t.field({
    type: connectionOf("KnowledgeBase", KnowledgeBase),
    description: "Knowledge bases, newest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { knowledge, principal }) => knowledge.page(principal.projectId, page),
  }),
  knowledgeBase: t.field({
    type: KnowledgeBase,
    nullable: true,
    description: "The knowledge base of this name or id; null when there is none.",
    extensions: needs("read"),
    args: { name: t.arg.string({ required: true, description: "Its name or id." }) },
    resolve: (_, { name }, { knowledge, principal }) => knowledge.find(principal.projectId, name),
  }),
  document: t.field({
    type: KnowledgeDocument,
    nullable: true,
    description: "A document by its id; null when there is none.",
    extensions: needs("read"),
    args: { id: t.arg.id({ required: true, description: "The document." }) },
    resolve: async (_, { id }, { knowledge, principal }) => {
      const found = await knowledge.getDocument(principal.projectId, id).catch((error: unknown) => {
        if (error instanceof EspalierError && error.status === 404) return null;
        throw error;
      });
      return found?.document ?? null;
    },
  }),
  embedders: t.field({
    type: [EmbedderType],
    description: "What can embed a knowledge base; the first one is proposed. A list, for there are few.",
    extensions: needs("read"),
    resolve: (_, _args, { knowledge, principal }) => knowledge.embedders(principal.projectId),
  }),
}));
