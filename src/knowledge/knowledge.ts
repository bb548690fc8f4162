// Front door of knowledge: documents read, cut, embedded and indexed in the background, and the passages that answer a
// question.
import type { Embedders, Reranker } from "../inference/inference.ts";
import type { Clock } from "../kit/clock.ts";
import type { Log } from "../kit/log.ts";
import type { Runs } from "../runs/runs.ts";
import type { Store } from "../store/store.ts";
import { createBases, type KnowledgeBaseRow } from "./bases.ts";
import type { Chunk } from "./chunking.ts";
import type { ParsedDocument } from "./documents/document.ts";
import { createDocumentReader, unpack } from "./documents/reader.ts";
import { createEvaluation } from "./evaluation.ts";
import { sweepIndexes } from "./indexes.ts";
import { registerIndexing } from "./indexing.ts";
import { createIntake } from "./intake.ts";
import { createQuestions } from "./questions.ts";
import { createRemoval } from "./removal.ts";
import { createRetrieval } from "./retrieval.ts";
import { createSearcher } from "./searcher.ts";
import { checkChunking, checkRetrieval } from "./settings.ts";

export type { KnowledgeBaseRow } from "./bases.ts";
export type { Block, ParsedDocument } from "./documents/document.ts";
export { runDocumentReader } from "./documents/reader.ts";
export type { EvaluationResult, EvaluationRow, FoundRank, QuestionScore } from "./evaluation.ts";
export { joinPassages, lookupsOf } from "./follow-up.ts";
export {
  type AnswerEvent,
  type Citation,
  citationsOf,
  groundedMessages,
} from "./grounding.ts";
export { type ChunkRow, readChunks } from "./indexes.ts";
export type { Mean } from "./measures.ts";
export type { RefusedLine } from "./question-file.ts";
export type { LabelledQuestionRow } from "./questions.ts";
export { chunkId, type Passage, type RankerScore, type Retrieved, type RetrieveInput } from "./retrieval.ts";
export { runSearcherChild } from "./searcher.ts";
export type { DocumentRow } from "./texts.ts";

type ChildDeps = { command: readonly string[]; env: Record<string, string> };
export type KnowledgeDeps = {
  store: Store;
  runs: Runs;
  embedders: Embedders;
  /** By name; null when there is none. */
  findReranker: (projectId: string, name: string) => Promise<Reranker | null>;
  clock: Clock;
  log: Log;
  /** How the process that reads documents, and the one that searches, are started. */
  reader: ChildDeps;
  searcher: ChildDeps;
};
export type Knowledge = ReturnType<typeof createKnowledge>;

/** Builds the front door and registers its kinds of runs. */
export function createKnowledge(deps: KnowledgeDeps) {
  const { store, runs, embedders, clock, log } = deps;
  const bases = createBases({ store, runs, embedders, findReranker: deps.findReranker, clock });
  const reader = createDocumentReader(deps.reader);
  const searcher = createSearcher({ ...deps.searcher, dataDir: store.dataDir });
  let isClosed = false;
  let sweeping: Promise<void> = Promise.resolve();
  let isSweepDue = false;

  /** One sweep at a time; what falls due during one is done by the next. */
  function sweepSoon(): void {
    if (isSweepDue || isClosed) return;
    isSweepDue = true;
    sweeping = sweeping
      .then(() => {
        isSweepDue = false;
        return isClosed ? undefined : sweepIndexes(store, () => isClosed);
      })
      .catch((error: unknown) => log.warn("what knowledge bases no longer need was not cleared", { error }));
  }

  registerIndexing({ store, runs, bases, log, reader, clock, sweepSoon });
  const intake = createIntake({ store, runs, bases, clock });
  const retrieval = createRetrieval({ store, bases, searcher, log, findReranker: deps.findReranker });

  const { retrieve } = retrieval;
  const evaluation = createEvaluation({ store, runs, bases, clock, retrieve });

  return {
    ...bases,
    ...intake,
    ...retrieval,
    ...evaluation,
    ...createQuestions({ store, bases, clock }),
    ...createRemoval({ store, runs, bases, clock, sweepSoon }),
    /** How a knowledge base is asked. */
    settingsOf: (base: KnowledgeBaseRow) => checkRetrieval(base.retrieval),

    /**
     * A file, or plain text, cut as a knowledge base would cut it; nothing is kept.
     * @throws EspalierError DOCUMENT_…, SETTING_INVALID, EMBEDDER_NOT_FOUND
     */
    async previewChunks(input: {
      projectId: string;
      /** Path of the file and its name. */
      file: { path: string; name: string };
      embedder?: string | null | undefined;
      chunking?: object | null | undefined;
    }): Promise<{ parsed: ParsedDocument; chunks: Chunk[] }> {
      const { projectId, file } = input;
      const known = await bases.embedders(projectId);
      const embedder = await bases.embedderOf(projectId, input.embedder ?? known[0]?.id ?? "");
      const chunking = checkChunking(input.chunking ?? {}, embedder.maxTokens);
      const { counting } = embedder;
      const { read, chunks } = await reader.read(file.path, file.name, { chunking, counting });
      return { parsed: await unpack(read.packed), chunks };
    },

    /** At start: clears what a stopped server had not. */
    recover: sweepSoon,

    async close(): Promise<void> {
      isClosed = true;
      await Promise.all([reader.close(), searcher.close(), sweeping]);
    },
  };
}
