// Front door of assessments: which models answer a dataset's rows, how well, and what can be said of it.
import { and, eq, inArray, or, type SQL, sql } from "drizzle-orm";
import {
  answers,
  assessmentReports,
  assessments,
  candidates,
  type Effort,
  judgements,
  scores,
} from "../../schema/tables/assessments.ts";
import { ratings } from "../../schema/tables/ratings.ts";
import { trash } from "../../schema/tables/trash.ts";
import type { Datasets } from "../datasets/datasets.ts";
import type { ChildCommand } from "../kit/child.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { checkName, numberedName } from "../kit/names.ts";
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
import { actualOf } from "./actual.ts";
import type { Answer } from "./asking.ts";
import { csvAnswer, csvHead, jsonlAnswer } from "./export.ts";
import { type Factorial, factorialOf } from "./factorial.ts";
import { graderLabel, gradersOf, graderTitle } from "./graders/graders.ts";
import type { Grading } from "./grading.ts";
import { type HtmlReport, htmlReport } from "./html.ts";
import type { JudgeSpec } from "./judges/judging.ts";
import { type LostRow, type LostWish, lostRows } from "./lost.ts";
import { createOverlaps, type OverlapsDeps } from "./overlap/check.ts";
import { createRating, peopleOf } from "./people/rating.ts";
import { createPictures } from "./pictures.ts";
import { type AssessedRow, createReading, type RowWish } from "./reading.ts";
import { createReporter } from "./reporter.ts";
import { createStarting, inUse } from "./starting.ts";
import { createSuites } from "./suites.ts";
import { candidatesOf } from "./work.ts";

export type AssessmentRow = typeof assessments.$inferSelect;
export type CandidateRow = typeof candidates.$inferSelect;
export type AnswerRow = typeof answers.$inferSelect;
export type ScoreRow = typeof scores.$inferSelect;
export type JudgementRow = typeof judgements.$inferSelect;
export type { ComparedPair } from "./comparison.ts";
export type { Facet } from "./facets.ts";
export type { Factorial, FactorialCell, FactorialWish } from "./factorial.ts";
export type { ShownKind } from "./filter.ts";
export type { Forecast, ForecastPart } from "./forecast.ts";
export {
  createGates,
  type GateCheck,
  type GateOverrideRow,
  type GatePreview,
  type GateResult,
  type GateRow,
  type Gates,
  type GateWish,
} from "./gates/gates.ts";
export { runGraderChild } from "./graders/child.ts";
export { createGrading } from "./grading.ts";
export { HTML_POLICY } from "./html.ts";
export type { AssessmentWish, CandidateWish, JudgeWish } from "./input.ts";
export type { AgreementTotal, JudgeTotal } from "./judge-totals.ts";
export type { JudgeSpec } from "./judges/judging.ts";
export type { LostRow, LostWish } from "./lost.ts";
export type { OverlapCheckRow, OverlapRow } from "./overlap/check.ts";
export { runOverlapFinder } from "./overlap/finder.ts";
export type { OverlapTotals, Seen, Step } from "./overlap/totals.ts";
export type { PairTotal } from "./pair-totals.ts";
export type { RatingQueue, RatingTask } from "./people/rating.ts";
export { picturesOf, type RowPicture } from "./pictures.ts";
export type { Told } from "./plan.ts";
export type { Preview, PreviewedRow } from "./preview.ts";
export type { AssessedRow, EarlierComparison, RowWish, ScoredAnswer, Slices } from "./reading.ts";
export type { Report } from "./report.ts";
export { runReporterChild } from "./reporter.ts";
export type { Setting } from "./settings.ts";
export type { Slice, SliceDifference } from "./slices.ts";
export type { SuitePoint, SuiteReport, SuiteRunRow } from "./suite-report.ts";
export type { SuiteEntryRow, SuiteRow } from "./suites.ts";
export type { CandidateTotal, GraderTotal } from "./totals.ts";
export type { Verdict } from "./verdict.ts";

export type AssessmentsDeps = OverlapsDeps & {
  /** One reply of any model, as chat gives it. */
  answer: Answer;
  grading: Grading;
  /** How the process that works out reports is started. */
  reporter: ChildCommand;
};
type Changed = { id: string; name: string };
export type Assessments = ReturnType<typeof createAssessments>;

/** Answers read at once while they are written to a file. */
const EXPORT_PAGE = 200;
/** Rows with the answers of all candidates read at once for the same. */
const HTML_PAGE = 50;

/** Builds the front door, and says how its runs are done. */
export function createAssessments(deps: AssessmentsDeps) {
  const { store, runs, datasets, models, knowledge, clock } = deps;
  const { db } = store;
  const reporter = createReporter(deps.reporter, store.dataDir);
  const overlaps = createOverlaps(deps);
  const reading = createReading({ store, datasets, reporter });

  const get = (projectId: string, nameOrId: string): Promise<AssessmentRow> => self.get(projectId, nameOrId);

  const starting = createStarting({ ...deps, report: reading.report }, get);

  const self = {
    ...reading,
    /** What of its rows the candidates were trained on, or may look up. */
    overlaps,
    ...starting.verbs,
    ...createRating(deps),
    ...createPictures(deps),
    close: reporter.close,

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
    runOf: (assessmentId: string): Promise<RunRow | null> => runs.latestOf(assessmentId, "assess"),
    /** What it took; null until its latest run ended. */
    actual: (row: AssessmentRow): Promise<Effort | null> => actualOf(deps, row),
    /** How its answers are scored, as on the command line. */
    graderLabels: (row: Pick<AssessmentRow, "graders">): string[] => gradersOf(row).map(graderLabel),
    /** Rows that a candidate lost, with what would have been right. */
    lost: (row: AssessmentRow, wish: LostWish): AsyncGenerator<LostRow, void, void> =>
      lostRows(store, row, row.graders.length, wish),
    judgesOf: (row: AssessmentRow): JudgeSpec[] =>
      gradersOf(row).flatMap((spec) => (spec.kind === "judge" ? [spec] : [])),
    /** Whether people are among its graders. */
    isRatedByPeople: (row: AssessmentRow): boolean => peopleOf(row, 1).length > 0,
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
    /** What judges said of an answer, alone or against others. */
    judgementsOf: (answerId: string): Promise<JudgementRow[]> =>
      db.query.judgements.findMany({
        where: or(eq(judgements.answerId, answerId), eq(judgements.otherId, answerId)),
        orderBy: (t, { asc }) => [asc(t.grader), asc(t.id)],
      }),
    /** In the order of the graders. */
    scoresOf: (answerId: string): Promise<ScoreRow[]> =>
      db.query.scores.findMany({
        where: eq(scores.answerId, answerId),
        orderBy: (t, { asc }) => [asc(t.grader)],
      }),

    findAnswer: async (candidateId: string, row: number): Promise<AnswerRow | null> =>
      (await db.query.answers.findFirst({
        where: and(eq(answers.candidateId, candidateId), eq(answers.row, row)),
      })) ?? null,

    /** The answers as a file, in parts: by row, then in the order of the candidates' ids. */
    async *exported(row: AssessmentRow, format: "csv" | "jsonl"): AsyncGenerator<string, void, void> {
      const labels = gradersOf(row).map(graderTitle);
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

    /**
     * The report with the rows on which candidates disagree, or that one gets wrong where it is alone, as an HTML file in
     * parts; `by` names a column by whose values it is told, too. What cannot be is thrown before the first part.
     * @throws EspalierError SLICE_INVALID, DATASET_GONE, REPORT_BUSY, REPORT_DIED, REPORT_FAILED
     */
    async exportedHtml(row: AssessmentRow, by: string | null): Promise<AsyncGenerator<string, void, void>> {
      const asked = await self.candidatesOf(row.id);
      const isAlone = asked.length === 1;
      const all = { candidate: null, than: null, grader: null, search: null, slice: null };
      const wish: RowWish = { ...all, show: isAlone ? "wrong" : "disagree" };
      const first = await self.rows(row, wish, { first: HTML_PAGE });
      async function* rows(): AsyncGenerator<AssessedRow, void, void> {
        for (let page = first; ; ) {
          yield* page.items;
          if (!page.hasNextPage) return;
          page = await self.rows(row, wish, { first: HTML_PAGE, after: page.cursors.at(-1) ?? null });
        }
      }
      const words = isAlone ? "Rows without the full score" : "Rows on which the candidates' scores differ";
      return htmlReport({
        assessment: row,
        candidates: asked,
        graders: gradersOf(row).map(graderLabel),
        report: await self.report(row),
        actual: await self.actual(row),
        slices: by === null ? null : await self.slices(row, by, { candidate: null, than: null }),
        shown: { words, count: await first.totalCount() },
        rows: rows(),
        writtenAt: clock(),
      } satisfies HtmlReport);
    },

    /** Deletes it into the trash. @throws EspalierError ASSESSMENT_NOT_FOUND, IN_USE while its run goes on */
    async remove(projectId: string, id: string): Promise<Changed> {
      const row = await self.get(projectId, id);
      const run = await runs.latestOf(row.id, "assess");
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
          await tx.delete(ratings).where(eq(ratings.assessmentId, id));
          await tx.delete(judgements).where(eq(judgements.assessmentId, id));
          await tx.delete(answers).where(eq(answers.assessmentId, id));
          await tx.delete(candidates).where(eq(candidates.assessmentId, id));
          await tx.delete(assessmentReports).where(eq(assessmentReports.assessmentId, id));
          await overlaps.forget(tx, id);
        }, "assessment.sweep");
    },
  };
  const { checkCandidates, expected, put } = starting;
  return { ...self, suites: createSuites({ store, datasets, clock, checkCandidates, expected, put, get }) };
}
