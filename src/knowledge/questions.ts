// Labelled questions of a knowledge base: kept one by one or from a file, replaced by their words, forgotten.
import { and, eq, inArray, or } from "drizzle-orm";
import { documents, labelledQuestions, type RelevantPassage } from "../../schema/tables/knowledge.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { type Page, type PageRequest, readPage, type Store } from "../store/store.ts";
import type { Bases } from "./bases.ts";
import { type RefusedLine, readQuestionFile } from "./question-file.ts";

export type LabelledQuestionRow = typeof labelledQuestions.$inferSelect;

type QuestionInput = {
  text: string;
  relevant: readonly {
    documentId: string;
    start?: number | null | undefined;
    end?: number | null | undefined;
    grade?: number | null | undefined;
  }[];
};

/** The part of the front door about labelled questions. */
export function createQuestions({ store, bases, clock }: { store: Store; bases: Bases; clock: Clock }) {
  const { db } = store;

  /** Ids of documents by their names, and by their ids. */
  async function documentIds(baseId: string, names: readonly string[]): Promise<Map<string, string>> {
    const ids = new Map<string, string>();
    const ofBase = eq(documents.knowledgeBaseId, baseId);
    for (let at = 0; at < names.length; at += NAMES_AT_ONCE) {
      const some = names.slice(at, at + NAMES_AT_ONCE);
      const rows = await db
        .select({ id: documents.id, name: documents.name })
        .from(documents)
        .where(and(ofBase, or(inArray(documents.name, some), inArray(documents.id, some))));
      for (const { id, name } of rows) ids.set(id, id).set(name, id);
    }
    return ids;
  }

  const self = {
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
        if (relevant.length === 0) throw wrongRelevance("relevant", text, "names nothing that answers it");
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

    /**
     * Keeps the questions of a CSV or JSONL file, see readQuestionFile; lines that are wrong, or name documents that
     * are not there, are left out and said.
     * @throws EspalierError KNOWLEDGE_BASE_NOT_FOUND, QUESTIONS_TOO_MANY
     */
    async importQuestions(
      projectId: string,
      knowledgeBase: string,
      text: string,
    ): Promise<{ questions: LabelledQuestionRow[]; refused: RefusedLine[] }> {
      const base = await bases.get(projectId, knowledgeBase);
      const file = readQuestionFile(text.slice(0, limits.questionFileChars));
      const refused = [...file.refused];
      const names = [...new Set(file.questions.flatMap((one) => one.documents.map(({ name }) => name)))];
      const ids = await documentIds(base.id, names);
      const known: QuestionInput[] = [];
      for (const { line, text: question, documents: named } of file.questions) {
        const lost = named.find(({ name }) => !ids.has(name));
        if (lost) refused.push({ line, message: `there is no document "${lost.name.slice(0, 120)}"` });
        else if (question.length > limits.questionChars)
          refused.push({ line, message: `the question has more than ${limits.questionChars} characters` });
        else
          known.push({
            text: question,
            relevant: named.map(({ name, grade }) => ({ documentId: ids.get(name) ?? "", grade })),
          });
      }
      const questions = known.length === 0 ? [] : await self.labelQuestions(projectId, base.id, known);
      return { questions, refused: refused.toSorted((a, b) => a.line - b.line) };
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

    /** Oldest first. */
    pageOfQuestions: (baseId: string, page: PageRequest): Promise<Page<LabelledQuestionRow>> => {
      const where = eq(labelledQuestions.knowledgeBaseId, baseId);
      return readPage(db, labelledQuestions, { where, keys: ["id"], order: "ascending" }, page);
    },
  };
  return self;
}

/** Names looked up in one query. */
const NAMES_AT_ONCE = 500;

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
  if (!known.has(documentId))
    throw wrongRelevance("documentId", documentId, "is no document of the knowledge base");
  if (!Number.isInteger(grade) || grade < 1 || grade > 4)
    throw wrongRelevance("grade", String(grade), "is not 1 to 4");
  const isRange = start === null ? end === null : end !== null && start >= 0 && end > start;
  if (!isRange) throw wrongRelevance("start", `${start} to ${end}`, "is no part of a text");
  return { documentId, start, end, grade };
}

/** What cannot be a judgement, or a way of asking. */
export function wrongRelevance(field: string, value: string, why: string): EspalierError {
  return new EspalierError("RELEVANCE_INVALID", `${field}: ${value.slice(0, 100)} ${why}.`, {
    field,
    value: value.slice(0, 100),
    hint: "Name documents of this knowledge base, and where it matters the part from `start` to `end`.",
  });
}
