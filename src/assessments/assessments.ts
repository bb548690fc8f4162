// Front door of assessments: which models answer a dataset's rows, how well, and what can be said of it.
import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import { answers, assessments, candidates, scores } from "../../schema/tables/assessments.ts";
import { trash } from "../../schema/tables/trash.ts";
import type { Datasets } from "../datasets/datasets.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { numberedName } from "../kit/names.ts";
import type { Knowledge } from "../knowledge/knowledge.ts";
import type { Models } from "../models/models.ts";
import { isEnded, type RunRow, type Runs } from "../runs/runs.ts";
import {
  keepInTrash,
  type Page,
  type PageRequest,
  putBack,
  type Reader,
  readPage,
  type Store,
  takeFromTrash,
  takeOut,
} from "../store/store.ts";
import { type Answer, type AssessSpec, assessHandler, candidatesOf } from "./answering.ts";
import { csvAnswer, csvHead, jsonlAnswer } from "./export.ts";
import { type Factorial, type FactorialWish, factorialCandidates, factorialOf } from "./factorial.ts";
import { type GraderSpec, graderLabel, graderSpecSchema } from "./graders/graders.ts";
import { type AssessmentWish, type CheckedCandidate, checkWish } from "./input.ts";
import { type Report, reportOf } from "./report.ts";
import { createSuites } from "./suites.ts";

export type AssessmentRow = typeof assessments.$inferSelect;
export type CandidateRow = typeof candidates.$inferSelect;
export type AnswerRow = typeof answers.$inferSelect;
export type ScoreRow = typeof scores.$inferSelect;
export type { Factorial, FactorialCell, FactorialWish } from "./factorial.ts";
export type { AssessmentWish, CandidateWish } from "./input.ts";
export type { CandidateTotal, GraderTotal, PairTotal, Report, Verdict } from "./report.ts";
export type { SuitePoint, SuiteReport, SuiteRunRow } from "./suite-report.ts";
export type { SuiteEntryRow, SuiteRow } from "./suites.ts";

export type AssessmentsDeps = {
  store: Store;
  runs: Runs;
  datasets: Datasets;
  models: Models;
  knowledge: Knowledge;
  /** One reply of any model, as chat gives it. */
  answer: Answer;
  clock: Clock;
};
type Changed = { id: string; name: string };
type Tx = Parameters<Runs["createRun"]>[0];
type By = { projectId: string; userId: string | null; keyId: string | null; createdBy: string };
export type Assessments = ReturnType<typeof createAssessments>;

/** Answers read at once while they are written to a file. */
const EXPORT_PAGE = 200;

/** Builds the front door, and says how its runs are done. */
export function createAssessments(deps: AssessmentsDeps) {
  const { store, runs, datasets, models, knowledge, clock } = deps;
  const { db } = store;
  runs.registerHandler("assess", assessHandler(deps));

  const gradersOf = (row: Pick<AssessmentRow, "graders">): GraderSpec[] =>
    row.graders.map((one) => graderSpecSchema.parse(one));

  async function refuseTaken(reader: Reader, projectId: string, name: string): Promise<void> {
    const taken = await reader.query.assessments.findFirst({
      where: and(eq(assessments.projectId, projectId), eq(assessments.name, name)),
    });
    if (taken)
      throw new EspalierError("NAME_TAKEN", `There already is an assessment named "${name}".`, {
        field: "name",
        value: name,
        hint: "Choose another name.",
        status: 409,
      });
  }

  /** The candidates, ready to be asked. */
  async function checkCandidates(
    projectId: string,
    wish: Pick<AssessmentWish, "candidates">,
  ): Promise<CheckedCandidate[]> {
    const { length } = wish.candidates;
    if (length < 1 || length > limits.assessmentCandidates)
      throw new EspalierError(
        "ASSESSMENT_INVALID",
        `${length} candidates are named; there are 1 to ${limits.assessmentCandidates}.`,
        { field: "candidates", value: String(length), hint: "Name the models that should answer." },
      );
    const checked: CheckedCandidate[] = [];
    for (const one of wish.candidates) {
      const model = await models.resolve(projectId, one.model);
      const bases = await Promise.all(
        (one.knowledgeBases ?? []).map((name) => knowledge.get(projectId, name)),
      );
      checked.push({ model, systemPrompt: one.systemPrompt?.trim() || null, knowledgeBases: bases });
    }
    return checked;
  }

  const createRun = (tx: Tx, row: AssessmentRow, by: AssessSpec["caller"], count: number) =>
    runs.createRun(tx, {
      projectId: row.projectId,
      kind: "assess",
      executor: "server",
      name: `Assess ${row.name}`,
      subjectId: row.id,
      spec: { assessmentId: row.id, mode: modeOf(count), caller: by } satisfies AssessSpec,
    });

  /** Makes an assessment with its candidates and the run that asks them. @throws EspalierError NAME_TAKEN */
  async function put(tx: Tx, row: AssessmentRow, asked: readonly CheckedCandidate[]): Promise<RunRow> {
    await refuseTaken(tx, row.projectId, row.name);
    await tx.insert(assessments).values(row);
    await tx.insert(candidates).values(
      asked.map(({ model, systemPrompt, knowledgeBases }, place) => ({
        id: newId("candidate"),
        assessmentId: row.id,
        place,
        name: nameOf(model.name, knowledgeBases, place, asked),
        modelId: model.id,
        systemPrompt,
        knowledgeBases: knowledgeBases.map(({ id }) => id),
      })),
    );
    return createRun(tx, row, { userId: row.userId, keyId: row.keyId }, asked.length);
  }

  const self = {
    /**
     * Queues an assessment; its answers are kept as they come.
     * @throws EspalierError NAME_INVALID, NAME_TAKEN, DATASET_NOT_FOUND, MODEL_NOT_FOUND, MODEL_NOT_USABLE, MODEL_CANNOT,
     * KNOWLEDGE_BASE_NOT_FOUND, ASSESSMENT_INVALID, GRADER_INVALID, TEMPLATE_INVALID, MAPPED_COLUMN_MISSING
     */
    async start(wish: AssessmentWish & By): Promise<{ assessment: AssessmentRow; run: RunRow }> {
      const { projectId, userId, keyId, createdBy } = wish;
      const version = await datasets.resolveVersion(projectId, wish.dataset);
      const dataset = await datasets.get(version.datasetId);
      const checked = checkWish(wish, version);
      await refuseTaken(db, projectId, checked.name);
      const asked = await checkCandidates(projectId, wish);
      const row: AssessmentRow = {
        ...checked,
        id: newId("assessment"),
        projectId,
        datasetVersionId: version.id,
        datasetName: `${dataset.name}@${version.number}`,
        rows: null,
        userId,
        keyId,
        createdBy,
        createdAt: clock(),
      };
      return store.write(
        async (tx) => ({ assessment: row, run: await put(tx, row, asked) }),
        "assessment.start",
      );
    },

    /**
     * Queues the assessment of a base and a model made from it, each without and with documents.
     * @throws EspalierError what `start` throws, and FACTORIAL_INVALID where these are not two such models
     */
    async startFactorial(wish: FactorialWish & By): Promise<{ assessment: AssessmentRow; run: RunRow }> {
      return self.start({ ...wish, candidates: await factorialCandidates(models, wish.projectId, wish) });
    },

    /**
     * Asks what has no answer, because a run failed or was cancelled, or the model failed at it.
     * @throws EspalierError ASSESSMENT_NOT_FOUND, IN_USE while its run goes on, ASSESSMENT_COMPLETE
     */
    async resume(input: By & { id: string }): Promise<{ assessment: AssessmentRow; run: RunRow }> {
      const row = await self.get(input.projectId, input.id);
      const run = await runs.latestOf(row.id);
      if (run && !isEnded(run)) throw inUse(row, run);
      const asked = await self.candidatesOf(row.id);
      const good = await db.$count(
        answers,
        and(eq(answers.assessmentId, row.id), sql`${answers.error} IS NULL`),
      );
      if (row.rows !== null && good >= row.rows.length * asked.length)
        throw new EspalierError("ASSESSMENT_COMPLETE", `Every row of ${row.name} is answered.`, {
          field: "id",
          value: row.name,
          hint: "Start another assessment to ask again.",
          status: 409,
        });
      const { userId, keyId } = input;
      return store.write(
        async (tx) => ({ assessment: row, run: await createRun(tx, row, { userId, keyId }, asked.length) }),
        "assessment.resume",
      );
    },

    find: async (id: string): Promise<AssessmentRow | null> =>
      (await db.query.assessments.findFirst({ where: eq(assessments.id, id) })) ?? null,
    /** By name or id; null when there is none. */
    async findNamed(projectId: string, nameOrId: string): Promise<AssessmentRow | null> {
      const own = eq(assessments.projectId, projectId);
      return (
        (await db.query.assessments.findFirst({ where: and(own, eq(assessments.name, nameOrId)) })) ??
        (await db.query.assessments.findFirst({ where: and(own, eq(assessments.id, nameOrId)) })) ??
        null
      );
    },
    /** By name or id. @throws EspalierError ASSESSMENT_NOT_FOUND */
    async get(projectId: string, nameOrId: string): Promise<AssessmentRow> {
      const found = await self.findNamed(projectId, nameOrId);
      if (found) return found;
      throw new EspalierError("ASSESSMENT_NOT_FOUND", `There is no assessment "${nameOrId.slice(0, 120)}".`, {
        field: "id",
        value: nameOrId.slice(0, 120),
        hint: "List the assessments to see their names.",
        status: 404,
      });
    },
    /** Newest first. */
    page: (projectId: string, page: PageRequest): Promise<Page<AssessmentRow>> =>
      readPage(
        db,
        assessments,
        { where: eq(assessments.projectId, projectId), keys: ["id"], order: "descending" },
        page,
      ),
    candidatesOf: (assessmentId: string): Promise<CandidateRow[]> => candidatesOf(store, assessmentId),
    runOf: (assessmentId: string): Promise<RunRow | null> => runs.latestOf(assessmentId),
    /** How its answers are scored, as on the command line. */
    graderLabels: (row: Pick<AssessmentRow, "graders">): string[] => gradersOf(row).map(graderLabel),
    /** What it found so far. */
    report: async (row: AssessmentRow): Promise<Report> =>
      reportOf(store, row, await self.candidatesOf(row.id), gradersOf(row)),
    /** What training, documents and both bring, where its candidates are those of such a comparison; else null. */
    factorial: async (row: AssessmentRow): Promise<Factorial | null> =>
      factorialOf(store, models, row, await self.candidatesOf(row.id)),
    /** Answers by row, then by candidate. */
    pageOfAnswers: (assessmentId: string, page: PageRequest): Promise<Page<AnswerRow>> =>
      readPage(
        db,
        answers,
        { where: eq(answers.assessmentId, assessmentId), keys: ["row", "candidateId"], order: "ascending" },
        page,
      ),
    /** Of several answers, by answer. */
    async scoresOfAll(answerIds: readonly string[]): Promise<Map<string, ScoreRow[]>> {
      const found = await db.query.scores.findMany({ where: inArray(scores.answerId, [...answerIds]) });
      return Map.groupBy(found, ({ answerId }) => answerId);
    },
    /** In the order of the graders. */
    scoresOf: (answerId: string): Promise<ScoreRow[]> =>
      db.query.scores.findMany({
        where: eq(scores.answerId, answerId),
        orderBy: (t, { asc }) => [asc(t.grader)],
      }),

    /** The answers as a file, in parts: by row, then in the order of the candidates' ids. */
    async *exported(row: AssessmentRow, format: "csv" | "jsonl"): AsyncGenerator<string, void, void> {
      const labels = gradersOf(row).map(graderLabel);
      const asked = new Map((await self.candidatesOf(row.id)).map((one) => [one.id, one]));
      if (format === "csv") yield csvHead(labels);
      for (let after: string | null = null; ; ) {
        const page: Page<AnswerRow> = await self.pageOfAnswers(row.id, { first: EXPORT_PAGE, after });
        const scored = await self.scoresOfAll(page.items.map(({ id }) => id));
        let text = "";
        for (const answer of page.items) {
          const candidate = asked.get(answer.candidateId);
          if (!candidate) continue;
          const one = { answer, candidate, scores: scored.get(answer.id) ?? [] };
          text += format === "csv" ? csvAnswer(one, labels.length) : jsonlAnswer(one, labels);
        }
        yield text;
        if (!page.hasNextPage) return;
        after = page.cursors.at(-1) ?? null;
      }
    },

    /** Deletes it into the trash. @throws EspalierError ASSESSMENT_NOT_FOUND, IN_USE while its run goes on */
    async remove(projectId: string, id: string): Promise<Changed> {
      const row = await self.get(projectId, id);
      const run = await runs.latestOf(row.id);
      if (run && !isEnded(run)) throw inUse(row, run);
      const { name } = row;
      await store.write(async (tx) => {
        const taken = await takeOut(tx, assessments, eq(assessments.id, row.id));
        await keepInTrash(tx, { id: row.id, projectId, name, deletedAt: clock() }, taken);
      }, "assessment.remove");
      return { id: row.id, name };
    },
    /** Brings it back, under a number where another has its name by now. @throws EspalierError NOT_IN_TRASH */
    restore: (projectId: string, id: string): Promise<Changed> =>
      store.write(async (tx) => {
        const { name, rows } = await takeFromTrash(tx, projectId, id);
        const known = await tx.query.assessments.findMany({
          columns: { name: true },
          where: eq(assessments.projectId, projectId),
        });
        const free = numberedName(name, new Set(known.map((one) => one.name)));
        for (const { table, row } of rows) await putBack(tx, { table, row: { ...row, name: free } });
        return { id, name: free };
      }, "assessment.restore"),

    /** At start: answers of assessments that are gone for good go. */
    async recover(): Promise<void> {
      const isKept = (id: SQL) =>
        sql`EXISTS (SELECT 1 FROM ${assessments} WHERE ${assessments.id} = ${id}) OR EXISTS (SELECT 1 FROM ${trash} WHERE ${trash.id} = ${id})`;
      const lost = await db.all<{ id: string }>(
        sql`SELECT DISTINCT ${candidates.assessmentId} AS id FROM ${candidates} WHERE NOT (${isKept(sql`${candidates.assessmentId}`)})`,
      );
      for (const { id } of lost)
        await store.write(async (tx) => {
          const own = sql`${scores.answerId} IN (SELECT ${answers.id} FROM ${answers} WHERE ${answers.assessmentId} = ${id})`;
          await tx.delete(scores).where(own);
          await tx.delete(answers).where(eq(answers.assessmentId, id));
          await tx.delete(candidates).where(eq(candidates.assessmentId, id));
        }, "assessment.sweep");
    },
  };
  return { ...self, suites: createSuites({ store, datasets, clock, checkCandidates, put, get: self.get }) };
}

function modeOf(count: number): AssessSpec["mode"] {
  if (count > 2) return "several";
  return count === 2 ? "pair" : "single";
}

/** A candidate by its model, with what it answers from; numbered where another candidate is called the same. */
function nameOf(
  model: string,
  bases: readonly { name: string }[],
  place: number,
  all: readonly CheckedCandidate[],
): string {
  const called = (one: string, with_: readonly { name: string }[]): string =>
    [one, ...with_.map(({ name }) => name)].join(" + ");
  const own = called(model, bases);
  const before = all
    .slice(0, place)
    .filter((one) => called(one.model.name, one.knowledgeBases) === own).length;
  return before === 0 ? own : `${own} (${before + 1})`;
}

function inUse({ name }: AssessmentRow, run: RunRow): EspalierError {
  return new EspalierError("IN_USE", `"${name}" is being answered: its run is ${run.status}.`, {
    field: "id",
    value: run.id,
    hint: `Wait for it, or cancel it: espalier run cancel ${run.id}`,
    status: 409,
  });
}
