// How well several ways of asking find what answers the labelled questions of a knowledge base.
import { and, asc, eq } from "drizzle-orm";
import { z } from "zod";
import {
  labelledQuestions,
  type RelevantPassage,
  retrievalEvaluations,
} from "../../schema/tables/knowledge.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import type { RunHandler, RunRow, Runs } from "../runs/runs.ts";
import { type Page, type PageRequest, readPage, type Store } from "../store/store.ts";
import type { Bases } from "./bases.ts";
import { MEASURES, type Mean, type Measured, meanOf, measure } from "./measures.ts";
import { wrongRelevance } from "./questions.ts";
import type { Passage, Retrieved, RetrieveInput } from "./retrieval.ts";
import { checkRetrieval, type RetrievalSettings } from "./settings.ts";

export type EvaluationRow = typeof retrievalEvaluations.$inferSelect;
/** One rank of what was found: a document, and whether it answers the question. */
export type FoundRank = { documentId: string; document: string; chunkId: string; isRelevant: boolean };
/** How one question was answered, with its words as they were then. */
export type QuestionScore = Measured & { id: string; text: string; found: FoundRank[] };
/** Measures of one way of asking: means with 95 % intervals, and question by question. */
export type EvaluationResult = {
  settings: RetrievalSettings;
  recall: Mean;
  reciprocalRank: Mean;
  ndcg: Mean;
  /** What it has more than the first way, question by question (paired), with 95 % intervals; null for the first. */
  difference: Record<(typeof MEASURES)[number], Mean> | null;
  questions: QuestionScore[];
};

type EvaluationDeps = {
  store: Store;
  runs: Runs;
  bases: Bases;
  clock: Clock;
  retrieve: (input: RetrieveInput) => Promise<Retrieved>;
};

const meanShape = z.object({ mean: z.number(), low: z.number(), high: z.number() });
const resultsShape = z.array(
  z.object({
    settings: z.unknown(),
    recall: meanShape,
    reciprocalRank: meanShape,
    ndcg: meanShape,
    difference: z
      .object({ recall: meanShape, reciprocalRank: meanShape, ndcg: meanShape })
      .nullable()
      .default(null),
    // What was measured before these were kept has nDCG only.
    questions: z.array(
      z.object({
        id: z.string(),
        text: z.string().default(""),
        recall: z.number().default(0),
        reciprocalRank: z.number().default(0),
        ndcg: z.number(),
        found: z
          .array(
            z.object({
              documentId: z.string(),
              document: z.string(),
              chunkId: z.string(),
              isRelevant: z.boolean(),
            }),
          )
          .default([]),
      }),
    ),
  }),
);
const specShape = z.object({ evaluationId: z.string() });

/** The part of the front door that measures; registers its kind of run. */
export function createEvaluation({ store, runs, bases, clock, retrieve }: EvaluationDeps) {
  const { db } = store;
  runs.registerHandler("evaluate-retrieval", handler());

  /** Asks all questions in each way; the same questions, index and settings give the same measures. */
  function handler(): RunHandler {
    return async ({ run, signal, progress }) => {
      const { evaluationId } = specShape.parse(run.spec);
      const evaluation = await db.query.retrievalEvaluations.findFirst({
        where: eq(retrievalEvaluations.id, evaluationId),
      });
      if (!evaluation) return { result: null };
      const { knowledgeBaseId, k, settings } = evaluation;
      const questions = await db.query.labelledQuestions.findMany({
        where: eq(labelledQuestions.knowledgeBaseId, knowledgeBaseId),
        orderBy: [asc(labelledQuestions.id)],
      });
      const results: EvaluationResult[] = [];
      let done = 0;
      for (const one of settings) {
        const said = checkRetrieval({}, Object(one));
        const measured: QuestionScore[] = [];
        for (const { id, text, relevant } of questions) {
          signal.throwIfAborted();
          const asked = { ...said, k: Math.min(limits.searchResults, k * PASSAGES_PER_RANK) };
          const { projectId } = run;
          const input = {
            projectId,
            knowledgeBases: [knowledgeBaseId],
            question: text,
            settings: asked,
            signal,
          };
          const { passages } = await retrieve(input);
          const keys = passages.map(keyIn(relevant));
          const judged = judgementsOf(relevant);
          measured.push({ id, text, ...measure(keys, judged, k), found: ranksOf(passages, keys, judged, k) });
          progress({ step: ++done, total: settings.length * questions.length });
        }
        const [recall, reciprocalRank, ndcg] = MEASURES.map((name) => meanOf(measured.map((m) => m[name])));
        if (!recall || !reciprocalRank || !ndcg) throw new Error("a measure is missing");
        const difference = results[0] ? differenceTo(results[0].questions, measured) : null;
        results.push({ settings: said, recall, reciprocalRank, ndcg, difference, questions: measured });
      }
      return {
        result: { id: evaluationId, questions: questions.length },
        commit: async (tx) => {
          await tx
            .update(retrievalEvaluations)
            .set({ results })
            .where(eq(retrievalEvaluations.id, evaluationId));
        },
      };
    };
  }

  return {
    /**
     * Measures several ways of asking on all labelled questions, in the background.
     * @throws EspalierError KNOWLEDGE_BASE_NOT_FOUND, SETTING_INVALID, QUESTIONS_MISSING
     */
    async startEvaluation(input: {
      projectId: string;
      knowledgeBase: string;
      k?: number | null | undefined;
      settings: readonly object[];
    }): Promise<{ evaluation: EvaluationRow; run: RunRow }> {
      const { projectId } = input;
      const base = await bases.get(projectId, input.knowledgeBase);
      const k = input.k ?? 10;
      if (!Number.isInteger(k) || k < 1 || k > limits.searchResults / 2)
        throw wrongRelevance("k", String(k), `is not between 1 and ${limits.searchResults / 2}`);
      const count = input.settings.length;
      if (count < 1 || count > limits.evaluatedSettings)
        throw wrongRelevance(
          "settings",
          String(count),
          `are not 1 to ${limits.evaluatedSettings} ways of asking`,
        );
      const settings = input.settings.map((one) => checkRetrieval(base.retrieval, one));
      if ((await db.$count(labelledQuestions, eq(labelledQuestions.knowledgeBaseId, base.id))) === 0)
        throw new EspalierError("QUESTIONS_MISSING", `${base.name} has no labelled questions.`, {
          field: "knowledgeBase",
          value: base.name,
          hint: "Label some questions with the documents that answer them first.",
          status: 409,
        });
      return store.write(async (tx) => {
        const id = newId("retrievalEvaluation");
        const run = await runs.createRun(tx, {
          projectId,
          kind: "evaluate-retrieval",
          executor: "server",
          name: `Measure ${base.name}`,
          subjectId: base.id,
          spec: { evaluationId: id },
        });
        const row = { id, knowledgeBaseId: base.id, k, settings, results: null, runId: run.id };
        const evaluation = { ...row, createdAt: clock() };
        await tx.insert(retrievalEvaluations).values(evaluation);
        return { evaluation, run };
      }, "knowledge.evaluate");
    },

    /** What a finished evaluation found; null before. */
    resultsOf({ results, settings }: EvaluationRow): EvaluationResult[] | null {
      const parsed = resultsShape.nullable().parse(results ?? null);
      return parsed?.map((one, at) => ({ ...one, settings: checkRetrieval(settings[at]) })) ?? null;
    },
    /** Null where the knowledge base has no such evaluation. */
    findEvaluation: async (baseId: string, id: string): Promise<EvaluationRow | null> =>
      (await db.query.retrievalEvaluations.findFirst({
        where: and(eq(retrievalEvaluations.id, id), eq(retrievalEvaluations.knowledgeBaseId, baseId)),
      })) ?? null,
    /** Newest first. */
    pageOfEvaluations: (baseId: string, page: PageRequest): Promise<Page<EvaluationRow>> => {
      const where = eq(retrievalEvaluations.knowledgeBaseId, baseId);
      return readPage(db, retrievalEvaluations, { where, keys: ["id"], order: "descending" }, page);
    },
  };
}

/** Several passages of one document count as one rank. */
const PASSAGES_PER_RANK = 4;

/** The mean of what each question gained: both ways were asked the same questions in the same order. */
function differenceTo(
  first: readonly Measured[],
  other: readonly Measured[],
): NonNullable<EvaluationResult["difference"]> {
  const of = (name: (typeof MEASURES)[number]): Mean =>
    meanOf(other.map((one, at) => one[name] - (first[at]?.[name] ?? 0)));
  return { recall: of("recall"), reciprocalRank: of("reciprocalRank"), ndcg: of("ndcg") };
}

/** The first k ranks as they were measured. */
function ranksOf(
  passages: readonly Passage[],
  keys: readonly string[],
  judged: ReadonlyMap<string, number>,
  k: number,
): FoundRank[] {
  const first = passages.filter((_, at) => keys.indexOf(keys[at] ?? "") === at).slice(0, k);
  return first.map((passage) => ({
    documentId: passage.document.id,
    document: passage.document.name,
    chunkId: passage.chunkId,
    isRelevant: judged.has(keys[passages.indexOf(passage)] ?? ""),
  }));
}

/** What a passage counts as: the first judgement that it meets, or its document. */
function keyIn(relevant: readonly RelevantPassage[]): (passage: Passage) => string {
  return ({ document, start, end }) => {
    const met = relevant.findIndex(
      (one) =>
        one.documentId === document.id &&
        (one.start ?? 0) < end &&
        start < (one.end ?? Number.POSITIVE_INFINITY),
    );
    return met === -1 ? document.id : `judged ${met}`;
  };
}

const judgementsOf = (relevant: readonly RelevantPassage[]): Map<string, number> =>
  new Map(relevant.map(({ grade }, at) => [`judged ${at}`, grade]));
