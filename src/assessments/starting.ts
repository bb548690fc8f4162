// Assessments come to be: checked, previewed, started, gone on with, and scored again.
import { and, count, eq, isNull, sql } from "drizzle-orm";
import { z } from "zod";
import { answers, assessments, candidates, type Effort } from "../../schema/tables/assessments.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { checkName } from "../kit/names.ts";
import { isEnded, type RunRow } from "../runs/runs.ts";
import type { Reader, Tx } from "../store/store.ts";
import type { AssessmentRow, AssessmentsDeps } from "./assessments.ts";
import { createChooser, datasetGone } from "./choosing.ts";
import { type FactorialWish, factorialCandidates } from "./factorial.ts";
import { type GraderSpec, gradersOf } from "./graders/graders.ts";
import {
  type AssessmentWish,
  type Checked,
  type CheckedCandidate,
  checkGraders,
  checkSampling,
  checkWish,
  type JudgeWish,
  named,
} from "./input.ts";
import { expectedOf, type Plan } from "./plan.ts";
import { type Preview, type PreviewWish, previewOf } from "./preview.ts";
import { namesOf } from "./rows.ts";
import { type AssessSpec, assessHandler } from "./run.ts";
import { candidatesOf, type WorkDeps } from "./work.ts";

type By = { projectId: string; userId: string | null; keyId: string | null; createdBy: string };
type Started = { assessment: AssessmentRow; run: RunRow };
type Get = (projectId: string, nameOrId: string) => Promise<AssessmentRow>;

/** The verbs that make runs, and how those are done. */
export function createStarting(given: AssessmentsDeps & Pick<WorkDeps, "report">, get: Get) {
  const deps = { ...given, choose: createChooser(given.datasets) };
  const { store, runs, datasets, models, knowledge, grading, clock } = deps;
  const { db } = store;
  runs.registerHandler("assess", assessHandler(deps));

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
      checked.push({
        model,
        systemPrompt: one.systemPrompt?.trim() || null,
        knowledgeBases: bases,
        parameters: checkSampling(one),
      });
    }
    return checked;
  }

  /** The graders with who the judges among them are now. */
  async function withJudges(projectId: string, graders: readonly GraderSpec[]): Promise<GraderSpec[]> {
    const found: GraderSpec[] = [];
    for (const spec of graders)
      found.push(
        spec.kind === "judge"
          ? { ...spec, modelId: (await models.resolve(projectId, spec.modelId ?? spec.model)).id }
          : spec,
      );
    return found;
  }

  /** What is asked of whom, checked. */
  async function check(
    wish: AssessmentWish & { projectId: string },
  ): Promise<{ plan: Plan & { checked: Checked }; asked: CheckedCandidate[] }> {
    const { projectId } = wish;
    const version = await datasets.resolveVersion(projectId, wish.dataset);
    const dataset = await datasets.get(version.datasetId);
    const checked = checkWish(wish, version);
    const asked = await checkCandidates(projectId, wish);
    await grading.check(projectId, checked.graders);
    const graders = await withJudges(projectId, checked.graders);
    const datasetName = `${dataset.name}@${version.number}`;
    return { plan: { projectId, version, datasetName, checked, asked: named(asked), graders }, asked };
  }

  /** What a start keeps of what it will take. `rows` are those that were chosen before. */
  const expected = (
    plan: Plan,
    rows: readonly number[] | null = null,
    signal = AbortSignal.timeout(limits.assessmentForecastMs),
  ): Promise<Effort | null> => expectedOf(deps, plan, rows, signal);

  const createRun = (tx: Tx, row: AssessmentRow, by: AssessSpec["caller"], count: number) =>
    runs.createRun(tx, {
      projectId: row.projectId,
      kind: "assess",
      executor: "server",
      name: `Assess ${row.name}`,
      subjectId: row.id,
      spec: { assessmentId: row.id, mode: modeOf(count, gradersOf(row)), caller: by } satisfies AssessSpec,
    });

  /** Makes an assessment with its candidates and the run that asks them. @throws EspalierError NAME_TAKEN */
  async function put(tx: Tx, row: AssessmentRow, asked: readonly CheckedCandidate[]): Promise<RunRow> {
    await refuseTaken(tx, row.projectId, row.name);
    await tx.insert(assessments).values(row);
    await tx.insert(candidates).values(
      named(asked).map(({ name, model, systemPrompt, knowledgeBases, parameters }, place) => ({
        id: newId("candidate"),
        assessmentId: row.id,
        place,
        name,
        modelId: model.id,
        systemPrompt,
        knowledgeBases: knowledgeBases.map(({ id }) => id),
        parameters,
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
    async start(wish: AssessmentWish & By): Promise<Started> {
      const { projectId, userId, keyId, createdBy } = wish;
      const { plan, asked } = await check(wish);
      const { version, datasetName, checked } = plan;
      await refuseTaken(db, projectId, checked.name);
      const row: AssessmentRow = {
        ...checked,
        graders: [...plan.graders],
        id: newId("assessment"),
        projectId,
        datasetVersionId: version.id,
        datasetName,
        rows: null,
        answersFrom: null,
        forecast: await expected(plan),
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
    startFactorial: async (wish: FactorialWish & By): Promise<Started> =>
      self.start({ ...wish, candidates: await factorialCandidates(models, wish.projectId, wish) }),

    /**
     * What would be asked, of some rows, and what that would take; nothing is asked.
     * @throws EspalierError as `start`, NO_ROWS, ROWS_TOO_MANY
     */
    async preview(wish: PreviewWish & { projectId: string }): Promise<Preview> {
      // Whoever looks may not have thought of a name yet.
      const { plan } = await check({ ...wish, name: wish.name?.trim() || "preview" });
      return previewOf(deps, plan, wish.rows ?? null);
    },

    /**
     * Scores the answers of an assessment anew, as an assessment of its own: no candidate is asked again.
     * @throws EspalierError ASSESSMENT_NOT_FOUND, IN_USE while its run goes on, NAME_INVALID, NAME_TAKEN, NO_ANSWERS,
     * DATASET_GONE, MODEL_NOT_FOUND, ASSESSMENT_INVALID, GRADER_INVALID, TEMPLATE_INVALID
     */
    async scoreAgain(
      input: By & {
        id: string;
        name: string;
        graders: readonly string[];
        judges?: readonly JudgeWish[] | null | undefined;
      },
    ): Promise<Started> {
      const { projectId, userId, keyId, createdBy } = input;
      const source = await get(projectId, input.id);
      const running = await runs.latestOf(source.id, "assess");
      if (running && !isEnded(running)) throw inUse(source, running);
      const asked = await candidatesOf(store, source.id);
      const [good] = await db
        .select({ answers: count(), answerTokens: sql<number>`avg(${answers.outputTokens})` })
        .from(answers)
        .where(and(eq(answers.assessmentId, source.id), isNull(answers.error)));
      if (!good || good.answers === 0)
        throw new EspalierError("NO_ANSWERS", `${source.name} has no answers to score.`, {
          field: "id",
          value: source.name,
          hint: "Ask what is missing first.",
          status: 409,
        });
      const version = await datasets.findVersion(source.datasetVersionId);
      if (!version) throw datasetGone(source.datasetName);
      const wanted = checkGraders(input, {
        names: namesOf(version),
        hasReference: source.reference !== null,
        candidates: asked.length,
      });
      await grading.check(projectId, wanted);
      const name = checkName(input.name);
      const graders = await withJudges(projectId, wanted);
      await refuseTaken(db, projectId, name);
      // Nobody but the judges is asked.
      const known = asked.map((one) => ({ ...one, model: null }));
      const plan = {
        projectId,
        version,
        datasetName: source.datasetName,
        checked: source,
        asked: known,
        graders,
        answerTokens: good.answerTokens,
      };
      const row: AssessmentRow = {
        ...source,
        id: newId("assessment"),
        name,
        graders,
        forecast: await expected(plan, source.rows),
        // Of answers that were taken over themselves, the source may be gone sooner.
        answersFrom: source.id,
        userId,
        keyId,
        createdBy,
        createdAt: clock(),
      };
      return store.write(async (tx) => {
        await refuseTaken(tx, projectId, name);
        await tx.insert(assessments).values(row);
        await tx
          .insert(candidates)
          .values(asked.map((one) => ({ ...one, id: newId("candidate"), assessmentId: row.id })));
        return { assessment: row, run: await createRun(tx, row, { userId, keyId }, asked.length) };
      }, "assessment.scoreAgain");
    },

    /**
     * Asks what has no answer, because a run failed or was cancelled, or the model failed at it.
     * @throws EspalierError ASSESSMENT_NOT_FOUND, IN_USE while its run goes on, ASSESSMENT_COMPLETE
     */
    async resume(input: By & { id: string }): Promise<Started> {
      const row = await get(input.projectId, input.id);
      const run = await runs.latestOf(row.id, "assess");
      if (run && !isEnded(run)) throw inUse(row, run);
      const asked = await candidatesOf(store, row.id);
      if (run && isWhole(run))
        throw new EspalierError("ASSESSMENT_COMPLETE", `Every row of ${row.name} is answered and scored.`, {
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
  };
  return { verbs: self, checkCandidates, put, expected };
}

function modeOf(count: number, graders: readonly GraderSpec[]): AssessSpec["mode"] {
  const size = count > 2 ? "several" : count === 2 ? "pair" : "single";
  return graders.some(({ kind }) => kind === "judge") ? `${size}-judge` : size;
}

const ended = z.object({ failed: z.number(), unjudged: z.number() });

/** Whether a run left nothing to be asked or judged. */
function isWhole({ status, result }: RunRow): boolean {
  const found = ended.safeParse(result);
  return status === "succeeded" && found.success && found.data.failed + found.data.unjudged === 0;
}

export function inUse({ name }: AssessmentRow, run: RunRow): EspalierError {
  return new EspalierError("IN_USE", `"${name}" is being answered: its run is ${run.status}.`, {
    field: "id",
    value: run.id,
    hint: `Wait for it, or cancel it: espalier run cancel ${run.id}`,
    status: 409,
  });
}
