// The answers of an assessment: each candidate is asked about each row, and no answer that is kept is asked or paid for
// again.
import { and, eq, gt, isNotNull, isNull } from "drizzle-orm";
import { answers, candidates, scores } from "../../schema/tables/assessments.ts";
import { createBatch } from "../kit/batch.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import type { ModelRef } from "../models/models.ts";
import { ask } from "./asking.ts";
import type { CandidateRow } from "./assessments.ts";
import { type Grade, takesTime } from "./graders/graders.ts";
import { parseTemplate } from "./graders/template.ts";
import { inLanes } from "./lanes.ts";
import { questionOf, withPictures } from "./rows.ts";
import { candidatesOf, type Work, type WorkDeps } from "./work.ts";

type Candidate = { row: CandidateRow; model: ModelRef };
type Job = { candidate: Candidate; row: number };
/** An answer as it comes, before it has an id. */
type Said = Omit<typeof answers.$inferInsert, "id" | "assessmentId" | "createdAt"> & {
  text: string | null;
  reference: string | null;
};

type Graded = { said: Said; grades: { grader: number; grade: Grade }[] };

/** Answers of so many milliseconds are kept by one commit. */
const GATHER_MS = 20;
/** Answers kept at once while they are taken over from another assessment. */
const COPIED = 100;

/** How many answers there will be. */
export const answersWanted = ({ rows, candidates: all }: Work): number => rows.length * all.length;

/**
 * Asks what is missing, and again what failed; or takes the answers of an earlier assessment over, and asks nobody.
 * @throws what `inLanes` throws, MODEL_NOT_FOUND, MODEL_NOT_USABLE, ANSWERS_GONE
 */
export async function answerRows(deps: WorkDeps, work: Work): Promise<{ answered: number; failed: number }> {
  const { assessment, ctx } = work;
  const keep = createKeeper(deps, work);
  await forgetFailed(deps, assessment.id);
  if (assessment.answersFrom !== null) {
    await takeOver(deps, work, assessment.answersFrom, keep);
    const taken = await placesKept(deps, assessment.id);
    for (let at = 0; at < taken.size; at++) work.step();
    return { answered: taken.size, failed: 0 };
  }
  const have = await placesKept(deps, assessment.id);
  for (let at = 0; at < have.size; at++) work.step();
  const question = parseTemplate(assessment.question);
  const all: Candidate[] = [];
  for (const row of work.candidates)
    all.push({ row, model: await deps.models.resolve(ctx.run.projectId, row.modelId) });
  // Row by row, so that all candidates come forward alike.
  const jobs = work.rows.flatMap((row) =>
    all.flatMap((candidate) => (have.has(`${candidate.row.id} ${row}`) ? [] : [{ candidate, row }])),
  );
  const { done, failed } = await inLanes<Job>({
    jobs,
    modelOf: ({ candidate }) => candidate.model,
    concurrency: assessment.concurrency,
    signal: ctx.signal,
    work: async ({ candidate, row: number }) => {
      const { row: own, model } = candidate;
      const row = await work.readRow(number);
      const { messages, reference } = questionOf(row, work.version, {
        question,
        reference: assessment.reference,
        systemPrompt: own.systemPrompt,
      });
      const sampling = { ...samplingOf(work, candidate), seed: 1 };
      const asked = {
        messages: () => withPictures(messages, row),
        knowledgeBases: own.knowledgeBases,
        sampling,
      };
      const { failure, ...said } = await ask(deps.answer, model, asked, work.caller, ctx.signal);
      if (said.error) ctx.log(`${own.name}, row ${number}: ${said.error.message}`, "error");
      ctx.crashPoint("answered");
      const kept = keep({ ...said, sent: messages, reference, candidateId: own.id, row: number }).then(() => {
        ctx.crashPoint("kept");
        work.step();
      });
      return { failure, kept };
    },
  });
  return { answered: have.size + done - failed, failed };
}

/** What is answered already, by candidate and row. */
async function placesKept({ store }: WorkDeps, assessmentId: string): Promise<Set<string>> {
  const kept = await store.db
    .select({ candidateId: answers.candidateId, row: answers.row })
    .from(answers)
    .where(eq(answers.assessmentId, assessmentId));
  return new Set(kept.map((one) => `${one.candidateId} ${one.row}`));
}

function samplingOf({ assessment }: Work, { row }: Candidate) {
  const { maxTokens, temperature } = assessment;
  return { maxTokens, temperature, ...row.parameters };
}

/** Grades answers by what needs no model, and keeps them with that; those that come together in one commit. */
function createKeeper({ store, grading, clock }: WorkDeps, work: Work) {
  const { assessment, graders, ctx } = work;
  const write = createBatch<Graded>(async (all) => {
    const rows = all.map(({ said }) => ({
      ...said,
      id: newId("answer", clock()),
      assessmentId: assessment.id,
      createdAt: clock(),
    }));
    const graded = all.flatMap(({ grades }, at) =>
      grades.map(({ grader, grade }) => ({
        answerId: rows[at]?.id ?? "",
        grader,
        value: grade.score,
        detail: grade.score === null ? grade.why : grade.detail,
      })),
    );
    await store.write(async (tx) => {
      const wanted = await tx.query.candidates.findMany({
        columns: { id: true },
        where: eq(candidates.assessmentId, assessment.id),
      });
      const known = new Set(wanted.map(({ id }) => id));
      const due = rows.filter(({ candidateId }) => known.has(candidateId));
      // The assessment was deleted for good.
      if (due.length === 0) return;
      // An attempt that lost its lease may have been faster.
      const kept = await tx.insert(answers).values(due).onConflictDoNothing().returning({ id: answers.id });
      const fresh = new Set(kept.map(({ id }) => id));
      const own = graded.filter(({ answerId }) => fresh.has(answerId));
      if (own.length > 0) await tx.insert(scores).values(own);
    }, "assessment.keep");
  }, GATHER_MS);
  const places = graders.flatMap((spec, grader) => (takesTime(spec) ? [] : [grader]));
  const specs = graders.filter((spec) => !takesTime(spec));
  return async (said: Said): Promise<void> => {
    const { text: answer, reference, row } = said;
    const one = answer === null ? null : { answer, reference, row: await work.readRow(row) };
    const found = one ? await grading.gradeBy(specs, one, work.caller, ctx.signal) : [];
    const grades = found.map((grade, at) => ({ grader: places[at] ?? 0, grade }));
    await write({ said, grades });
  };
}

/** Takes over what another assessment's candidates answered, each by its place; what is there stays. */
async function takeOver(
  { store }: WorkDeps,
  work: Work,
  from: string,
  keep: (said: Said) => Promise<void>,
): Promise<void> {
  const wanted = new Set(work.rows);
  const sources = await candidatesOf(store, from);
  if (sources.length === 0)
    throw new EspalierError("ANSWERS_GONE", "The assessment whose answers are scored was deleted for good.", {
      hint: "Start another assessment to ask again.",
      status: 409,
    });
  for (const candidate of work.candidates) {
    const source = sources.find(({ place }) => place === candidate.place);
    if (!source) continue;
    for (let after = ""; ; ) {
      work.ctx.signal.throwIfAborted();
      const page = await store.db.query.answers.findMany({
        where: and(eq(answers.candidateId, source.id), isNull(answers.error), gt(answers.id, after)),
        orderBy: (t, { asc }) => [asc(t.id)],
        limit: COPIED,
      });
      const due = page.filter(({ row }) => wanted.has(row));
      await Promise.all(
        due.map(({ id: _id, assessmentId: _from, createdAt: _at, ...said }) =>
          keep({ ...said, candidateId: candidate.id }),
        ),
      );
      work.ctx.crashPoint("taken");
      const last = page.at(-1);
      if (!last) break;
      after = last.id;
    }
  }
}

async function forgetFailed({ store }: WorkDeps, assessmentId: string): Promise<void> {
  await store.write(async (tx) => {
    await tx.delete(answers).where(and(eq(answers.assessmentId, assessmentId), isNotNull(answers.error)));
  }, "assessment.again");
}
