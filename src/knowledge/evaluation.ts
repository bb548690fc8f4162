// Labelled questions of a knowledge base, and how well several ways of asking find what answers them.
import { and, asc, eq, inArray } from "drizzle-orm";
import { z } from "zod";
import {
  documents,
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
import type { Passage, Retrieved, RetrieveInput } from "./retrieval.ts";
import { checkRetrieval, type RetrievalSettings } from "./settings.ts";

export type LabelledQuestionRow = typeof labelledQuestions.$inferSelect;
export type EvaluationRow = typeof retrievalEvaluations.$inferSelect;
/** Measures of one way of asking: means with 95 % intervals, and nDCG question by question. */
export type EvaluationResult = {
  settings: RetrievalSettings;
  recall: Mean;
  reciprocalRank: Mean;
  ndcg: Mean;
  questions: { id: string; ndcg: number }[];
};

type QuestionInput = {
  text: string;
  relevant: readonly {
    documentId: string;
    start?: number | null | undefined;
    end?: number | null | undefined;
    grade?: number | null | undefined;
  }[];
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
    questions: z.array(z.object({ id: z.string(), ndcg: z.number() })),
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
        const measured: (Measured & { id: string })[] = [];
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
          measured.push({ id, ...measure(passages.map(keyIn(relevant)), judgementsOf(relevant), k) });
          progress({ step: ++done, total: settings.length * questions.length });
        }
        const [recall, reciprocalRank, ndcg] = MEASURES.map((name) => meanOf(measured.map((m) => m[name])));
        if (!recall || !reciprocalRank || !ndcg) throw new Error("a measure is missing");
        const each = measured.map(({ id, ndcg: own }) => ({ id, ndcg: own }));
        results.push({ settings: said, recall, reciprocalRank, ndcg, questions: each });
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
     * Keeps questions with what answers them; one with the same words is replaced.
     * @throws EspalierError KNOWLEDGE_BASE_NOT_FOUND, QUESTION_EMPTY, RELEVANCE_INVALID, QUESTIONS_TOO_MANY
     */
    async labelQuestions(
      projectId: string,
      knowledgeBase: string,
      questions: readonly QuestionInput[],
    ): Promise<LabelledQuestionRow[]> {
      const base = await bases.get(projectId, knowledgeBase);
      const ids = [
        ...new Set(questions.flatMap(({ relevant }) => relevant.map(({ documentId }) => documentId))),
      ];
      const own = and(eq(documents.knowledgeBaseId, base.id), inArray(documents.id, ids));
      const known = new Set((await db.query.documents.findMany({ where: own })).map(({ id }) => id));
      const rows = questions.map(({ text, relevant }) => ({
        text: checkQuestion(text),
        relevant: relevant.map((one) => checkRelevant(one, known)),
      }));
      for (const { text, relevant } of rows)
        if (relevant.length === 0) throw wrong("relevant", text, "names nothing that answers it");
      return store.write(async (tx) => {
        const kept: LabelledQuestionRow[] = [];
        for (const row of rows) {
          const values = {
            id: newId("labelledQuestion"),
            knowledgeBaseId: base.id,
            ...row,
            createdAt: clock(),
          };
          kept.push(
            ...(await tx
              .insert(labelledQuestions)
              .values(values)
              .onConflictDoUpdate({
                target: [labelledQuestions.knowledgeBaseId, labelledQuestions.text],
                set: { relevant: row.relevant },
              })
              .returning()),
          );
        }
        const count = await tx.$count(labelledQuestions, eq(labelledQuestions.knowledgeBaseId, base.id));
        if (count <= limits.labelledQuestions) return kept;
        throw new EspalierError(
          "QUESTIONS_TOO_MANY",
          `${base.name} would have ${count} labelled questions.`,
          {
            field: "questions",
            value: String(count),
            hint: `The limit labelledQuestions is ${limits.labelledQuestions}.`,
          },
        );
      }, "knowledge.label");
    },

    /** @throws EspalierError QUESTION_NOT_FOUND */
    async deleteQuestion(projectId: string, id: string): Promise<{ id: string; name: string }> {
      const row = await db.query.labelledQuestions.findFirst({ where: eq(labelledQuestions.id, id) });
      if (!row || !(await bases.find(projectId, row.knowledgeBaseId)))
        throw new EspalierError("QUESTION_NOT_FOUND", `There is no labelled question ${id.slice(0, 100)}.`, {
          field: "id",
          value: id.slice(0, 100),
          status: 404,
        });
      await store.write(
        (tx) => tx.delete(labelledQuestions).where(eq(labelledQuestions.id, id)),
        "knowledge.label",
      );
      return { id, name: row.text };
    },

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
        throw wrong("k", String(k), `is not between 1 and ${limits.searchResults / 2}`);
      const count = input.settings.length;
      if (count < 1 || count > limits.evaluatedSettings)
        throw wrong("settings", String(count), `are not 1 to ${limits.evaluatedSettings} ways of asking`);
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
    /** Oldest first. */
    pageOfQuestions: (baseId: string, page: PageRequest): Promise<Page<LabelledQuestionRow>> => {
      const where = eq(labelledQuestions.knowledgeBaseId, baseId);
      return readPage(db, labelledQuestions, { where, keys: ["id"], order: "ascending" }, page);
    },
    /** Newest first. */
    pageOfEvaluations: (baseId: string, page: PageRequest): Promise<Page<EvaluationRow>> => {
      const where = eq(retrievalEvaluations.knowledgeBaseId, baseId);
      return readPage(db, retrievalEvaluations, { where, keys: ["id"], order: "descending" }, page);
    },
  };
}

/** Several passages of one document count as one rank. */
const PASSAGES_PER_RANK = 4;

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

function checkQuestion(text: string): string {
  const said = text.trim();
  if (said !== "" && said.length <= limits.questionChars) return said;
  throw new EspalierError(
    "QUESTION_EMPTY",
    said === "" ? "A question is empty." : "A question is too long.",
    {
      field: "text",
      value: said.slice(0, 80),
      hint: `Write 1 to ${limits.questionChars} characters.`,
    },
  );
}

function checkRelevant(one: QuestionInput["relevant"][number], known: ReadonlySet<string>): RelevantPassage {
  const { documentId, start = null, end = null } = one;
  const grade = one.grade ?? 1;
  if (!known.has(documentId)) throw wrong("documentId", documentId, "is no document of the knowledge base");
  if (!Number.isInteger(grade) || grade < 1 || grade > 4)
    throw wrong("grade", String(grade), "is not 1 to 4");
  const isRange = start === null ? end === null : end !== null && start >= 0 && end > start;
  if (!isRange) throw wrong("start", `${start} to ${end}`, "is no part of a text");
  return { documentId, start, end, grade };
}

function wrong(field: string, value: string, why: string): EspalierError {
  return new EspalierError("RELEVANCE_INVALID", `${field}: ${value.slice(0, 100)} ${why}.`, {
    field,
    value: value.slice(0, 100),
    hint: "Name documents of this knowledge base, and where it matters the part from `start` to `end`.",
  });
}
