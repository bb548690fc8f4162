// The run that compares an assessment's rows with what its candidates were trained on or may look up. It keeps nothing
// before its end, so that a restart begins it anew.
import { and, desc, eq, isNotNull, ne } from "drizzle-orm";
import { z } from "zod";
import { assessments } from "../../../schema/tables/assessments.ts";
import { type OverlapMeasures, overlapChecks, overlaps } from "../../../schema/tables/overlaps.ts";
import type { DatasetVersionRow } from "../../datasets/datasets.ts";
import type { Embedders } from "../../inference/inference.ts";
import type { ChildCommand } from "../../kit/child.ts";
import type { Clock } from "../../kit/clock.ts";
import { EspalierError } from "../../kit/errors.ts";
import { newId } from "../../kit/ids.ts";
import { limits } from "../../kit/limits.ts";
import { isEnded, type RunHandler, type RunRow, type Runs } from "../../runs/runs.ts";
import { type Page, type PageRequest, readPage, type Tx } from "../../store/store.ts";
import type { AssessmentRow } from "../assessments.ts";
import { parseTemplate } from "../graders/template.ts";
import { promptOf, questionOf } from "../rows.ts";
import { candidatesOf } from "../work.ts";
import { type Compared, compareInChild, type Source } from "./finder.ts";
import type { AskedRow, Found } from "./finding.ts";
import { alikeInMeaning } from "./meaning.ts";
import { MEANING_FROM, MEANING_PER_ROW, NEAR_FROM, SHORT_FROM, WORDS_PER_GRAM } from "./measures.ts";
import { type CandidateSources, type SourcesDeps, sourcesOf } from "./sources.ts";
import { type OverlapTotals, totalsOf } from "./totals.ts";

export type OverlapCheckRow = typeof overlapChecks.$inferSelect;
export type OverlapRow = typeof overlaps.$inferSelect;
export type OverlapsDeps = SourcesDeps & {
  runs: Runs;
  embedders: Embedders;
  clock: Clock;
  /** How the process that compares is started. */
  finder: ChildCommand;
};
export type Overlaps = ReturnType<typeof createOverlaps>;

const specShape = z.object({ assessmentId: z.string(), checkId: z.string() });
const PAGE = 500;
/** Rows written by one statement. */
const WRITE = 200;

/** The part of the front door that checks; registers its kind of run, and checks what was just assessed. */
export function createOverlaps(deps: OverlapsDeps) {
  const { store, runs } = deps;
  const { db } = store;
  runs.registerHandler("check-overlap", checkHandler(deps));
  runs.registerHooks("check-overlap", {
    retried: async (tx, old, fresh) => {
      await tx.update(overlapChecks).set({ runId: fresh.id }).where(eq(overlapChecks.runId, old.id));
    },
  });
  runs.registerHooks("assess", {
    async ended(tx, run) {
      if (run.status !== "succeeded") return;
      const row = await tx.query.assessments.findFirst({ where: eq(assessments.id, run.subjectId ?? "") });
      if (!row?.rows || row.rows.length > limits.overlapAutomaticRows) return;
      for (const candidate of await candidatesOf(store, row.id)) {
        const { trained, lookedUp } = await sourcesOf(deps, row.projectId, candidate);
        if (trained.length + lookedUp.length > 0) return void (await queue(tx, row));
      }
    },
  });

  async function queue(tx: Tx, { id: assessmentId, projectId, name }: AssessmentRow): Promise<RunRow> {
    const checkId = newId("overlapCheck");
    const run = await runs.createRun(tx, {
      projectId,
      kind: "check-overlap",
      executor: "server",
      name: `Check training rows of ${name}`,
      subjectId: assessmentId,
      spec: { assessmentId, checkId } satisfies z.infer<typeof specShape>,
    });
    const unknown = { rows: null, compared: null, measures: null, checkedAt: null };
    await tx.insert(overlapChecks).values({ id: checkId, assessmentId, runId: run.id, ...unknown });
    return run;
  }

  const self = {
    /**
     * Queues a comparison of the rows with what the candidates were trained on or may look up.
     * @throws EspalierError ASSESSMENT_NOT_CHOSEN while no rows are chosen, IN_USE while one goes on
     */
    async start(row: AssessmentRow): Promise<{ assessment: AssessmentRow; run: RunRow }> {
      if (row.rows === null)
        throw new EspalierError("ASSESSMENT_NOT_CHOSEN", `The rows of ${row.name} are not chosen yet.`, {
          field: "id",
          value: row.name,
          hint: "Wait until its run has begun to ask.",
          status: 409,
        });
      return store.write(async (tx) => {
        const under = (await runs.unfinished(tx)).find(
          ({ kind, subjectId }) => kind === "check-overlap" && subjectId === row.id,
        );
        if (under)
          throw new EspalierError("IN_USE", `"${row.name}" is being checked: its run is ${under.status}.`, {
            field: "id",
            value: under.id,
            hint: `Wait for it, or cancel it: espalier run cancel ${under.id}`,
            status: 409,
          });
        return { assessment: row, run: await queue(tx, row) };
      }, "overlap.start");
    },
    /** The newest comparison that has ended well; null where there is none. */
    latest: async (assessmentId: string): Promise<OverlapCheckRow | null> =>
      (await db.query.overlapChecks.findFirst({
        where: and(eq(overlapChecks.assessmentId, assessmentId), isNotNull(overlapChecks.checkedAt)),
        orderBy: [desc(overlapChecks.id)],
      })) ?? null,
    /** The newest run that compares. */
    runOf: (assessmentId: string): Promise<RunRow | null> => runs.latestOf(assessmentId, "check-overlap"),
    /** What was found, by row. */
    page: (checkId: string, page: PageRequest): Promise<Page<OverlapRow>> =>
      readPage(
        db,
        overlaps,
        {
          where: eq(overlaps.checkId, checkId),
          keys: ["row", "candidateId", "how"],
          order: "ascending",
        },
        page,
      ),
    /** Scores with and without the rows that were seen in training. */
    totals: (row: AssessmentRow, check: OverlapCheckRow): Promise<OverlapTotals> =>
      totalsOf(store, row, check),
    /** Forgets all about an assessment that is gone for good. */
    async forget(tx: Tx, assessmentId: string): Promise<void> {
      await tx.delete(overlapChecks).where(eq(overlapChecks.assessmentId, assessmentId));
    },
    isUnderWay: async (assessmentId: string): Promise<boolean> => {
      const run = await self.runOf(assessmentId);
      return run !== null && !isEnded(run);
    },
  };
  return self;
}

type Held = typeof overlaps.$inferInsert;

function checkHandler(deps: OverlapsDeps): RunHandler {
  const { store, datasets, clock } = deps;
  return async (ctx) => {
    const { run, signal } = ctx;
    const { assessmentId, checkId } = specShape.parse(run.spec);
    const assessment = await store.db.query.assessments.findFirst({
      where: eq(assessments.id, assessmentId),
    });
    const version = assessment && (await datasets.findVersion(assessment.datasetVersionId));
    if (!assessment?.rows || !version)
      throw new EspalierError(
        "DATASET_GONE",
        assessment ? `${assessment.datasetName} was deleted since.` : "The assessment was deleted.",
        { hint: "Bring it back from the trash, then run it again.", status: 409 },
      );
    const sources: CandidateSources[] = [];
    for (const candidate of await candidatesOf(store, assessmentId))
      sources.push(await sourcesOf(deps, run.projectId, candidate));
    const different = new Map<string, Source>();
    for (const { trained, lookedUp } of sources)
      for (const { key, source } of [...trained, ...lookedUp]) different.set(key, source);
    const asked = different.size === 0 ? [] : await askedRows(deps, assessment, version, signal);
    ctx.crashPoint("read");
    const measures: OverlapMeasures = {
      wordsPerGram: WORDS_PER_GRAM,
      nearFrom: NEAR_FROM,
      shortFrom: SHORT_FROM,
      meaningFrom: MEANING_FROM,
      embedder: null,
      meaningRows: 0,
      meaningPerRow: MEANING_PER_ROW,
    };
    const results = new Map<string, Compared>();
    for (const [key, source] of different) {
      const done = results.size;
      const at = (part: number): void => ctx.progress({ fraction: (done + part) / different.size });
      const compared = await compareInChild(
        deps.finder,
        { asked, source },
        { signal, onProgress: (fraction) => at(fraction * WORDS_SHARE) },
      );
      ctx.crashPoint("compared");
      const meant = await alikeInMeaning(deps.embedders, run.projectId, compared.unfound, {
        signal,
        onProgress: (fraction) => at(WORDS_SHARE + fraction * (1 - WORDS_SHARE)),
      });
      measures.embedder ??= meant.embedder;
      measures.meaningRows = Math.max(measures.meaningRows, meant.rows);
      results.set(key, { ...compared, found: [...compared.found, ...meant.found] });
    }
    ctx.crashPoint("found");
    const held = sources.flatMap((one) => heldOf(one, results, checkId));
    return {
      result: { rows: assessment.rows.length, found: held.length },
      commit: async (tx) => {
        const [known] = await tx
          .update(overlapChecks)
          .set({
            rows: assessment.rows?.length ?? 0,
            compared: sources.map(({ compared }) => compared),
            measures,
            checkedAt: clock(),
          })
          .where(eq(overlapChecks.id, checkId))
          .returning({ id: overlapChecks.id });
        // The assessment may have been purged meanwhile.
        if (!known) return;
        for (let at = 0; at < held.length; at += WRITE)
          await tx.insert(overlaps).values(held.slice(at, at + WRITE));
        await tx
          .delete(overlapChecks)
          .where(and(eq(overlapChecks.assessmentId, assessmentId), ne(overlapChecks.id, checkId)));
      },
    };
  };
}

/** Share of the work that comparing by words is, for the progress. */
const WORDS_SHARE = 0.6;

/** The rows as they were asked, and as they stand in the dataset, with what would be right. */
async function askedRows(
  { datasets }: OverlapsDeps,
  { rows, question, reference }: AssessmentRow,
  version: DatasetVersionRow,
  signal: AbortSignal,
): Promise<AskedRow[]> {
  const wanted = new Set(rows);
  const template = parseTemplate(question);
  const asked: AskedRow[] = [];
  for (let offset: number | null = 0; offset !== null; ) {
    signal.throwIfAborted();
    const page = await datasets.rows(version.id, { offset, limit: PAGE });
    for (const { index, value } of page.rows) {
      if (!wanted.has(index)) continue;
      const row = value as Record<string, unknown>;
      const filled = questionOf(row, version, { question: template, reference, systemPrompt: null });
      const said = [filled.messages.at(-1)?.content ?? "", promptOf(row, version) ?? ""];
      asked.push({
        row: index,
        questions: [...new Set(said)].filter((text) => text.trim() !== ""),
        answer: filled.reference,
      });
    }
    offset = page.nextOffset;
  }
  return asked;
}

/** What is kept of what was found for a candidate: of each row the best of all that it was trained on, or may look up. */
function heldOf(
  { compared, trained, lookedUp }: CandidateSources,
  results: ReadonlyMap<string, Compared>,
  checkId: string,
): Held[] {
  const kept = new Map<string, Held>();
  const { candidateId } = compared;
  const keep = (
    how: "trained" | "looked-up",
    found: Found,
    place: Pick<Held, "sourceId" | "source" | "sourceRow">,
  ) => {
    const { row, level, similarity, hasQuestion, entry } = found;
    const one: Held = {
      ...{ checkId, candidateId, row, how, level, similarity, hasQuestion, ...place },
      hasAnswer: found.hasAnswer,
      counts: how === "trained" && countsOf(found),
      foundQuestion: entry.question,
      foundAnswer: entry.answer,
    };
    const before = kept.get(`${how} ${row}`);
    if (!before || worthOf(one) > worthOf(before)) kept.set(`${how} ${row}`, one);
  };
  for (const { key, from } of trained)
    for (const found of results.get(key)?.found ?? [])
      keep("trained", found, {
        ...{ sourceId: from.datasetVersionId, source: from.dataset, sourceRow: found.entry.number },
      });
  for (const { key } of lookedUp) {
    const result = results.get(key);
    const passages = new Map(result?.passages);
    for (const found of result?.found ?? []) {
      const passage = passages.get(found.entry.number);
      if (!passage) continue;
      const { documentId: sourceId, document: source, number: sourceRow } = passage;
      keep("looked-up", found, { sourceId, source, sourceRow });
    }
  }
  return [...kept.values()];
}

/**
 * A row counts as seen in training when its very question was, whatever was answered there; or when nearly its question
 * was (or one alike in meaning) with its answer, or the assessment has no answers. Nearly the same question with another
 * answer is another question more often than not: figures, names or what is asked for differ.
 */
export const countsOf = ({ level, hasAnswer }: Found): boolean => level === "exact" || hasAnswer !== false;

const LEVELS = ["meaning", "near", "exact"];
const worthOf = ({ counts, level, hasQuestion, similarity }: Held): number =>
  (counts ? 16 : 0) + (hasQuestion ? 8 : 0) + 2 * LEVELS.indexOf(level) + similarity;
