// What can be done with knowledge bases, what they answer, and how a file would be cut.
import { rm } from "node:fs/promises";
import { EspalierError } from "../../kit/errors.ts";
import type {
  DocumentRow,
  KnowledgeBaseRow,
  Passage as PassageShape,
  RankerScore as RankerScoreShape,
  Retrieved as RetrievedShape,
} from "../../knowledge/knowledge.ts";
import type { RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import { resultUnion } from "./common.ts";
import { RetrievalRanker } from "./enums.ts";
import { KnowledgeBase, KnowledgeDocument } from "./knowledge.ts";
import { DeleteResult } from "./live.ts";
import { Run } from "./runs.ts";

const RankerScore = builder.objectRef<RankerScoreShape>("RankerScore").implement({
  description: "What one ranker says of a passage.",
  extensions: needs("read"),
  fields: (t) => ({
    ranker: t.exposeString("ranker", {
      description: "words (BM25), meaning (cosine similarity) or reranker.",
    }),
    rank: t.exposeInt("rank", {
      nullable: true,
      description: "Its place, from 1; null beyond the depth that this ranker looked to.",
    }),
    score: t.exposeFloat("score", { description: "On the ranker's own scale; larger is better." }),
  }),
});

const Passage = builder.objectRef<PassageShape>("Passage").implement({
  description: "A piece of a document that answers a question.",
  extensions: needs("read"),
  fields: (t) => ({
    chunkId: t.exposeID("chunkId", { description: "The chunk that was found." }),
    knowledgeBaseId: t.id({ description: "Where it was found.", resolve: (p) => p.knowledgeBase.id }),
    documentId: t.id({ description: "The document.", resolve: (p) => p.document.id }),
    document: t.string({ description: "Name of the document.", resolve: (p) => p.document.name }),
    title: t.string({
      nullable: true,
      description: "Title of the document.",
      resolve: (p) => p.document.title,
    }),
    text: t.exposeString("text", {
      description: "Its text, joined with its neighbours' where these were asked for.",
    }),
    headings: t.exposeStringList("headings", { description: "The headings that it stands under." }),
    pageFrom: t.exposeInt("pageFrom", { nullable: true, description: "First page that it touches." }),
    pageTo: t.exposeInt("pageTo", { nullable: true, description: "Last page that it touches." }),
    start: t.exposeInt("start", { description: "Where it begins in the document's text, in characters." }),
    end: t.exposeInt("end", { description: "Where it ends." }),
    tokens: t.exposeInt("tokens", { description: "Tokens as the embedder counts them." }),
    score: t.exposeFloat("score", {
      description:
        "What orders passages: the reranker's score, else 0 to 1 from the ranks; 1 is first for all.",
    }),
    rankers: t.field({
      type: [RankerScore],
      description: "What each ranker says.",
      resolve: ({ rankers }) => rankers,
    }),
  }),
});

const RetrieveResult = builder.objectRef<RetrievedShape>("Retrieved").implement({
  description: "The answer to a question.",
  extensions: needs("read"),
  fields: (t) => ({
    passages: t.field({ type: [Passage], description: "Best first.", resolve: ({ passages }) => passages }),
    nothingFound: t.exposeString("nothingFound", {
      nullable: true,
      description: "Why there are no passages; null where there are some.",
    }),
    warnings: t.exposeStringList("warnings", {
      description: "What was not as it should be, e.g. an embedder that does not answer.",
    }),
    tookMs: t.field({
      type: "JSON",
      description: "Milliseconds: embed, search, rerank, total.",
      resolve: ({ tookMs }) => tookMs,
    }),
  }),
});

const ChunkingInput = builder.inputType("ChunkingInput", {
  description: "How documents are cut.",
  fields: (t) => ({
    maxTokens: t.int({ description: "Most tokens of a chunk, as the embedder counts them." }),
    overlapTokens: t.int({ description: "Tokens that a chunk repeats of the one before it." }),
  }),
});
export const RetrievalInput = builder.inputType("RetrievalInput", {
  description: "How a knowledge base is asked.",
  fields: (t) => ({
    ranker: t.field({ type: RetrievalRanker, description: "What finds passages." }),
    k: t.int({ description: "Most passages of an answer." }),
    threshold: t.float({ description: "Passages less similar to the question are left out; 0 keeps all." }),
    neighbours: t.int({ description: "Chunks on each side joined to each passage." }),
    reranker: t.string({ description: "Id or name of a reranker; empty for none." }),
  }),
});
const FilterInput = builder.inputType("RetrievalFilterInput", {
  description: "Where to look.",
  fields: (t) => ({
    documentIds: t.idList({ description: "Only these documents." }),
    formats: t.stringList({ description: "Only documents of these formats: pdf, html …" }),
    pageFrom: t.int({ description: "Only from this page on." }),
    pageTo: t.int({ description: "Only up to this page." }),
  }),
});
const RetrieveInput = builder.inputType("RetrieveInput", {
  description: "A question to knowledge bases.",
  fields: (t) => ({
    knowledgeBases: t.idList({ required: true, description: "Their names or ids." }),
    question: t.string({ required: true, description: "What to look for." }),
    settings: t.field({ type: RetrievalInput, description: "What differs from the knowledge base's own." }),
    filter: t.field({ type: FilterInput, description: "Where to look; everywhere when unsaid." }),
  }),
});
const CreateInput = builder.inputType("CreateKnowledgeBaseInput", {
  description: "A knowledge base to make.",
  fields: (t) => ({
    name: t.string({ required: true, description: "Its name." }),
    embedder: t.id({ description: "Id or name of its embedder; the first of `embedders` when unsaid." }),
    chunking: t.field({ type: ChunkingInput, description: "How its documents are cut." }),
    retrieval: t.field({ type: RetrievalInput, description: "How it is asked." }),
  }),
});
const UpdateInput = builder.inputType("UpdateKnowledgeBaseInput", {
  description: "What changes of a knowledge base.",
  fields: (t) => ({
    id: t.id({ required: true, description: "Its id or name." }),
    name: t.string({ description: "Its new name." }),
    embedder: t.id({ description: "Another embedder: its documents are indexed anew in the background." }),
    chunking: t.field({ type: ChunkingInput, description: "Another cutting: the same." }),
    retrieval: t.field({ type: RetrievalInput, description: "How it is asked from now on." }),
  }),
});
const DocumentFileInput = builder.inputType("DocumentFileInput", {
  description: "A file to add.",
  fields: (t) => ({
    name: t.string({
      required: true,
      description: "Path within the folder it came from, or the file's name.",
    }),
    uploadId: t.id({ description: "A finished upload." }),
    file: t.field({ type: "File", description: "The file itself instead, in a multipart request." }),
  }),
});
const AddInput = builder.inputType("AddDocumentsInput", {
  description: "Files for a knowledge base.",
  fields: (t) => ({
    knowledgeBase: t.id({ required: true, description: "Its id or name." }),
    files: t.field({ type: [DocumentFileInput], required: true, description: "The files." }),
  }),
});
const PreviewInput = builder.inputType("PreviewChunksInput", {
  description: "A file or text to be cut for a look.",
  fields: (t) => ({
    file: t.field({ type: "File", description: "The file, in a multipart request." }),
    text: t.string({ description: "A text instead; read as Markdown." }),
    embedder: t.id({ description: "The embedder that counts tokens; the first one when unsaid." }),
    chunking: t.field({ type: ChunkingInput, description: "How to cut." }),
  }),
});

type Preview = Awaited<
  ReturnType<(typeof builder)["$inferSchemaTypes"]["Context"]["knowledge"]["previewChunks"]>
>;
const PreviewChunk = builder.objectRef<Preview["chunks"][number]>("PreviewChunk").implement({
  description: "A chunk as it would be made.",
  extensions: needs("read"),
  fields: (t) => ({
    text: t.exposeString("text", { description: "Its text." }),
    headings: t.stringList({
      description: "The headings that it stands under.",
      resolve: ({ headings }) => [...headings],
    }),
    pageFrom: t.exposeInt("pageFrom", { nullable: true, description: "First page that it touches." }),
    tokens: t.exposeInt("tokens", { description: "Tokens as the embedder counts them." }),
    start: t.exposeInt("start", { description: "Where it begins in the text, in characters." }),
    end: t.exposeInt("end", { description: "Where it ends." }),
  }),
});
const ChunkPreview = builder.objectRef<Preview>("ChunkPreview").implement({
  description: "How a file would be cut.",
  extensions: needs("read"),
  fields: (t) => ({
    title: t.string({ description: "Its title.", resolve: ({ parsed }) => parsed.title }),
    format: t.string({ description: "What it is by its content.", resolve: ({ parsed }) => parsed.kind }),
    warnings: t.stringList({
      description: "What was left out or guessed.",
      resolve: ({ parsed }) => parsed.warnings,
    }),
    total: t.int({ description: "All chunks that it would have.", resolve: ({ chunks }) => chunks.length }),
    chunks: t.field({
      type: [PreviewChunk],
      description: "The first hundred of them.",
      resolve: ({ chunks }) => chunks.slice(0, 100),
    }),
  }),
});

builder.queryFields((t) => ({
  retrieve: t.field({
    type: RetrieveResult,
    description:
      "The passages of knowledge bases that answer a question best, with the score of each ranker.",
    extensions: needs("read"),
    args: {
      input: t.arg({ type: RetrieveInput, required: true, description: "What to look for, and where." }),
    },
    resolve: (_, { input }, { knowledge, principal }) => {
      const { formats, ...filter } = input.filter ?? {};
      return knowledge.retrieve({
        ...input,
        projectId: principal.projectId,
        filter: { ...filter, kinds: formats ?? null },
      });
    },
  }),
  previewChunks: t.field({
    type: ChunkPreview,
    description: "A file or text as a knowledge base would cut it; nothing is kept.",
    extensions: needs("read"),
    args: { input: t.arg({ type: PreviewInput, required: true, description: "What to cut, and how." }) },
    resolve: async (_, { input }, { knowledge, store, principal }) => {
      const { file, text, ...how } = input;
      const content = file ?? (text == null ? null : new Blob([text]));
      if (!content)
        throw new EspalierError("FILE_MISSING", "There is nothing to cut.", {
          field: "file",
          hint: "Send a file, or a text.",
        });
      const path = store.blobs.tempPath();
      try {
        await Bun.write(path, content);
        const name = file instanceof File ? file.name : "text.md";
        return await knowledge.previewChunks({
          projectId: principal.projectId,
          file: { path, name },
          ...how,
        });
      } finally {
        await rm(path, { force: true });
      }
    },
  }),
}));

type BaseAndRun = { base: KnowledgeBaseRow; run: RunRow | null };
const baseFields = resultUnion<BaseAndRun>("KnowledgeBase", "The knowledge base as it now is.", (t) => ({
  knowledgeBase: t.field({
    type: KnowledgeBase,
    description: "The knowledge base.",
    resolve: ({ base }) => base,
  }),
  run: t.field({
    type: Run,
    nullable: true,
    description: "The run that builds another index; null where none is needed.",
    resolve: ({ run }) => run,
  }),
}));
type AddedShape = { name: string; document: DocumentRow; wasThere: boolean };
const AddedDocument = builder.objectRef<AddedShape>("AddedDocument").implement({
  description: "What became of one file.",
  extensions: needs("read"),
  fields: (t) => ({
    name: t.exposeString("name", { description: "Name of the file as it was given." }),
    document: t.field({
      type: KnowledgeDocument,
      description: "The document that holds its content.",
      resolve: ({ document }) => document,
    }),
    wasThere: t.exposeBoolean("wasThere", {
      description: "Whether the same content was there already, maybe under another name.",
    }),
  }),
});
const AddResult = resultUnion<{ added: AddedShape[]; run: RunRow | null }>(
  "AddDocuments",
  "The documents, and the run that reads them.",
  (t) => ({
    items: t.field({
      type: [AddedDocument],
      description: "One for each file, in order.",
      resolve: ({ added }) => added,
    }),
    run: t.field({
      type: Run,
      nullable: true,
      description: "The run that reads what is new; null where nothing is.",
      resolve: ({ run }) => run,
    }),
  }),
);
const DocumentResult = resultUnion<{ document: DocumentRow; run: RunRow }>(
  "Document",
  "The document as it now is.",
  (t) => ({
    document: t.field({
      type: KnowledgeDocument,
      description: "The document.",
      resolve: ({ document }) => document,
    }),
    run: t.field({ type: Run, description: "The run that reads it.", resolve: ({ run }) => run }),
  }),
);

builder.mutationFields((t) => ({
  createKnowledgeBase: t.field({
    type: baseFields.union,
    description: "Makes an empty knowledge base.",
    extensions: needs("write"),
    args: { input: t.arg({ type: CreateInput, required: true, description: "What to make." }) },
    resolve: (_, { input }, { knowledge, principal }) =>
      baseFields.run(async () => ({
        base: await knowledge.create({ ...input, projectId: principal.projectId }),
        run: null,
      })),
  }),
  updateKnowledgeBase: t.field({
    type: baseFields.union,
    description:
      "Changes a knowledge base. Another embedder or cutting is built in the background while the old index answers.",
    extensions: needs("write"),
    args: { input: t.arg({ type: UpdateInput, required: true, description: "What changes." }) },
    resolve: (_, { input }, { knowledge, principal }) =>
      baseFields.run(() => knowledge.update({ ...input, projectId: principal.projectId })),
  }),
  addDocuments: t.field({
    type: AddResult.union,
    description:
      "Adds files to a knowledge base; they are read in the background. The same bytes are added once.",
    extensions: needs("write"),
    args: { input: t.arg({ type: AddInput, required: true, description: "What to add." }) },
    resolve: (_, { input }, { knowledge, uploads, principal }) =>
      AddResult.run(() =>
        knowledge.addDocuments({
          projectId: principal.projectId,
          knowledgeBase: input.knowledgeBase,
          files: input.files.map(({ name, uploadId, file }) => ({
            name,
            ...(file ? { file } : { claim: () => uploads.claim([uploadId ?? ""], principal) }),
          })),
        }),
      ),
  }),
  retryDocument: t.field({
    type: DocumentResult.union,
    description: "Reads a failed document again.",
    extensions: needs("write"),
    args: { id: t.arg.id({ required: true, description: "The document." }) },
    resolve: (_, { id }, { knowledge, principal }) =>
      DocumentResult.run(() => knowledge.retryDocument(principal.projectId, id)),
  }),
  deleteDocument: t.field({
    type: DeleteResult.union,
    description:
      "Takes a document out of its knowledge base into the trash, also in the middle of its reading.",
    extensions: needs("write"),
    args: { id: t.arg.id({ required: true, description: "The document." }) },
    resolve: (_, { id }, { knowledge, principal }) =>
      DeleteResult.run(() => knowledge.deleteDocument(principal.projectId, id)),
  }),
  deleteKnowledgeBase: t.field({
    type: DeleteResult.union,
    description: "Deletes a knowledge base into the trash; one with documents only with `confirm`.",
    extensions: needs("write"),
    args: {
      id: t.arg.id({ required: true, description: "Its id or name." }),
      confirm: t.arg.boolean({ description: "Also delete its documents." }),
    },
    resolve: (_, { id, confirm }, { knowledge, principal }) =>
      DeleteResult.run(() => knowledge.remove(principal.projectId, id, confirm ?? false)),
  }),
}));
