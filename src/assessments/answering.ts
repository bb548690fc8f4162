// The run of an assessment: rows are chosen once, each candidate is asked about each, and no answer that is kept is asked
// or paid for again.
import { and, eq, isNotNull } from "drizzle-orm";
import { z } from "zod";
import { answers, assessments, candidates, scores } from "../../schema/tables/assessments.ts";
import { type Datasets, type DatasetVersionRow, splitOfRow } from "../datasets/datasets.ts";
import type { GenerationEvent, GenerationRequest } from "../inference/inference.ts";
import { type Clock, monotonicMs } from "../kit/clock.ts";
import { EspalierError, isEspalierError, messageOf } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { uniform } from "../kit/random.ts";
import type { Citation } from "../knowledge/knowledge.ts";
import type { ModelRef, Models } from "../models/models.ts";
import type { HandlerContext, RunHandler } from "../runs/runs.ts";
import type { Store } from "../store/store.ts";
import type { Caller } from "../usage/usage.ts";
import type { AssessmentRow, CandidateRow } from "./assessments.ts";
import { type GraderSpec, graderSpecSchema } from "./graders/graders.ts";
import { sampleRows } from "./graders/sample.ts";
import { parseTemplate, type Template } from "./graders/template.ts";
import type { Grading } from "./grading.ts";
import { questionOf } from "./rows.ts";

type AnswerEvent = GenerationEvent | { type: "citations"; citations: Citation[] };
/** One reply of any model, from knowledge bases where some are named; what it took is recorded for the caller. */
export type Answer = (
  model: ModelRef,
  request: GenerationRequest,
  caller: Caller,
  knowledgeBases: readonly string[],
  signal?: AbortSignal,
) => AsyncGenerator<AnswerEvent, void, void>;

export type AnsweringDeps = {
  store: Store;
  datasets: Datasets;
  models: Models;
  answer: Answer;
  grading: Grading;
  clock: Clock;
};

const assessSpec = z.object({
  assessmentId: z.string(),
  /** How many are compared, for the dashboard: single, pair or several. */
  mode: z.enum(["single", "pair", "several"]),
  caller: z.object({ userId: z.string().nullable(), keyId: z.string().nullable() }),
});
export type AssessSpec = z.infer<typeof assessSpec>;

type Row = Record<string, unknown>;
type Candidate = { row: CandidateRow; model: ModelRef };
type Job = { candidate: Candidate; row: number };
type Work = {
  assessment: AssessmentRow;
  version: DatasetVersionRow;
  graders: GraderSpec[];
  question: Template;
  caller: Caller;
};

/** Rows read at once while they are chosen. */
const PAGE = 500;

/** Asks what is missing, and again what failed. What was answered before a failure, a cancel or a crash stays. */
export function assessHandler(deps: AnsweringDeps): RunHandler {
  const { store, datasets, models } = deps;
  return async (ctx) => {
    const { run, signal } = ctx;
    const { assessmentId, caller } = assessSpec.parse(run.spec);
    const assessment = await store.db.query.assessments.findFirst({
      where: eq(assessments.id, assessmentId),
    });
    const version = assessment && (await datasets.findVersion(assessment.datasetVersionId));
    if (!assessment || !version) throw gone(assessment?.datasetName);
    const chosen = assessment.rows ?? (await chooseRows(deps, assessment, version, signal));
    ctx.crashPoint("chosen");
    const asked = await candidatesOf(store, assessmentId);
    const resolved: Candidate[] = [];
    for (const row of asked) resolved.push({ row, model: await models.resolve(run.projectId, row.modelId) });
    await forgetFailed(store, assessmentId);
    const have = new Set(
      (
        await store.db
          .select({ candidateId: answers.candidateId, row: answers.row })
          .from(answers)
          .where(eq(answers.assessmentId, assessmentId))
      ).map((one) => `${one.candidateId} ${one.row}`),
    );
    const total = chosen.length * resolved.length;
    let done = have.size;
    let failed = 0;
    let firstFailure: unknown;
    ctx.progress({ step: done, total });
    const work: Work = {
      assessment,
      version,
      graders: assessment.graders.map((one) => graderSpecSchema.parse(one)),
      question: parseTemplate(assessment.question),
      caller: { projectId: run.projectId, ...caller, source: "assessment" },
    };
    const lanes: Promise<void>[] = [];
    for (const [endpoint, jobs] of byEndpoint(resolved, chosen, have)) {
      const wide = endpoint === ENGINE ? limits.assessmentEngineAnswers : limits.assessmentProviderAnswers;
      const lane = async (): Promise<void> => {
        for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
          signal.throwIfAborted();
          const failure = await answerOne(deps, ctx, work, job);
          done += 1;
          if (failure !== null) {
            failed += 1;
            firstFailure ??= failure;
          }
          ctx.progress({ step: done, total });
        }
      };
      for (let at = 0; at < Math.min(wide, jobs.length); at++) lanes.push(lane());
    }
    // Replies under way are paid for: all are waited for before one's failure ends the run.
    const ends = await Promise.allSettled(lanes);
    signal.throwIfAborted();
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    if (failed > 0 && failed === total) throw firstFailure;
    return { result: { answers: total - failed, failed } };
  };
}

const ENGINE = "engine";

/** Who is compared, in the order of the form. */
export const candidatesOf = (store: Store, assessmentId: string): Promise<CandidateRow[]> =>
  store.db.query.candidates.findMany({
    where: eq(candidates.assessmentId, assessmentId),
    orderBy: (t, { asc }) => [asc(t.place)],
  });

/** What is left to ask, by who answers: row by row, so that all candidates come forward alike. */
function byEndpoint(
  all: readonly Candidate[],
  rows: readonly number[],
  have: ReadonlySet<string>,
): Map<string, Job[]> {
  const jobs = new Map<string, Job[]>();
  for (const row of rows)
    for (const candidate of all) {
      if (have.has(`${candidate.row.id} ${row}`)) continue;
      const { model } = candidate;
      const endpoint = model.precision === null ? (model.name.split("/")[0] ?? model.name) : ENGINE;
      const queue = jobs.get(endpoint) ?? [];
      queue.push({ candidate, row });
      jobs.set(endpoint, queue);
    }
  return jobs;
}

async function forgetFailed(store: Store, assessmentId: string): Promise<void> {
  await store.write(async (tx) => {
    await tx.delete(answers).where(and(eq(answers.assessmentId, assessmentId), isNotNull(answers.error)));
  }, "assessment.again");
}

/** Chooses the rows and keeps their numbers: later runs ask about the same ones. */
async function chooseRows(
  { store, datasets }: AnsweringDeps,
  assessment: AssessmentRow,
  version: DatasetVersionRow,
  signal: AbortSignal,
): Promise<number[]> {
  const { split, sample } = assessment;
  const numbers: number[] = [];
  const strata: string[] = [];
  for (let offset: number | null = 0; offset !== null; ) {
    signal.throwIfAborted();
    const page = await datasets.rows(version.id, { offset, limit: PAGE });
    for (const { index, value } of page.rows) {
      const row = value as Row;
      if (split !== null && splitOfRow(row as Parameters<typeof splitOfRow>[0]) !== split) continue;
      numbers.push(index);
      if (sample.by !== null) strata.push(JSON.stringify(row[sample.by] ?? null));
    }
    offset = page.nextOffset;
  }
  const wish = { kind: sample.kind, size: sample.size ?? numbers.length, seed: sample.seed };
  const places = sampleRows(numbers.length, wish, uniform, sample.by === null ? undefined : strata);
  const rows = places.map((place) => numbers[place] ?? 0);
  if (rows.length === 0)
    throw new EspalierError("NO_ROWS", `${assessment.datasetName} has no row to ask about.`, {
      field: "split",
      value: split ?? "",
      hint: "Choose another split.",
    });
  if (rows.length > limits.assessmentRows)
    throw new EspalierError(
      "ROWS_TOO_MANY",
      `${rows.length} rows were chosen; the limit assessmentRows is ${limits.assessmentRows}.`,
      { field: "sample", value: String(rows.length), hint: "Take a sample of them." },
    );
  await store.write(
    (tx) => tx.update(assessments).set({ rows }).where(eq(assessments.id, assessment.id)),
    "assessment.choose",
  );
  return rows;
}

/** Asks, scores and keeps one answer. Returns why it failed, or null. */
async function answerOne(
  { store, datasets, answer, grading, clock }: AnsweringDeps,
  { signal, log, crashPoint }: HandlerContext,
  { assessment, version, graders, question, caller }: Work,
  { candidate: { row: candidate, model }, row: number }: Job,
): Promise<unknown> {
  const { rows } = await datasets.rows(version.id, { offset: number, limit: 1 });
  const [stored] = rows;
  if (!stored) throw gone(assessment.datasetName);
  const { messages, reference } = questionOf(stored.value as Row, version, {
    question,
    reference: assessment.reference,
    systemPrompt: candidate.systemPrompt,
  });
  const { maxTokens, temperature } = assessment;
  const startedAt = monotonicMs();
  let text: string | null = "";
  let error: { code: string; message: string; hint?: string } | null = null;
  let failure: unknown = null;
  let citations: Citation[] | null = null;
  let end: Extract<AnswerEvent, { type: "end" }> | null = null;
  try {
    const request = {
      messages: messages as NonNullable<GenerationRequest["messages"]>,
      maxTokens,
      temperature,
      seed: 1,
    };
    for await (const event of answer(model, request, caller, candidate.knowledgeBases, signal)) {
      if (event.type === "delta") text += event.text;
      else if (event.type === "citations") citations = event.citations;
      else if (event.type === "end") end = event;
    }
    signal.throwIfAborted();
  } catch (thrown) {
    signal.throwIfAborted();
    failure = thrown;
    text = null;
    error = isEspalierError(thrown)
      ? { code: thrown.code, message: thrown.message, ...(thrown.hint ? { hint: thrown.hint } : {}) }
      : { code: "ANSWER_FAILED", message: messageOf(thrown), hint: "Ask again; the server's log has more." };
    log(`${candidate.name}, row ${number}: ${error.message}`, "error");
  }
  const latencyMs = Math.round(monotonicMs() - startedAt);
  crashPoint("answered");
  const graded =
    text === null
      ? []
      : await grading.gradeBy(graders, { answer: text, reference, row: stored.value as Row }, caller, signal);
  const at = clock();
  const id = newId("answer", at);
  await store.write(async (tx) => {
    const isThere = await tx.query.answers.findFirst({
      columns: { id: true },
      where: and(eq(answers.candidateId, candidate.id), eq(answers.row, number)),
    });
    const isWanted = await tx.query.candidates.findFirst({
      columns: { id: true },
      where: eq(candidates.id, candidate.id),
    });
    // An attempt that lost its lease may have been faster, or the assessment was deleted.
    if (isThere || !isWanted) return;
    await tx.insert(answers).values({
      id,
      assessmentId: assessment.id,
      candidateId: candidate.id,
      row: number,
      sent: messages,
      reference,
      text,
      error,
      citations,
      finishReason: end?.finishReason ?? null,
      inputTokens: end?.usage.promptTokens ?? 0,
      outputTokens: end?.usage.completionTokens ?? 0,
      costUsd: end?.costUsd ?? null,
      latencyMs,
      createdAt: at,
    });
    if (graded.length > 0)
      await tx.insert(scores).values(
        graded.map((grade, grader) => ({
          answerId: id,
          grader,
          value: grade.score,
          detail: grade.score === null ? grade.why : grade.detail,
        })),
      );
  }, "assessment.keep");
  crashPoint("kept");
  return failure;
}

function gone(dataset?: string): EspalierError {
  return new EspalierError(
    "DATASET_GONE",
    dataset === undefined ? "The assessment was deleted." : `${dataset} was deleted since.`,
    { hint: "Bring it back from the trash, then run it again.", status: 409 },
  );
}
