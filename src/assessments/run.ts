// The run of an assessment: rows are chosen once, candidates answer them, and judges say what they think of that.
import { eq } from "drizzle-orm";
import { z } from "zod";
import { assessments } from "../../schema/tables/assessments.ts";
import { type EspalierError, isEspalierError, messageOf } from "../kit/errors.ts";
import type { RunHandler } from "../runs/runs.ts";
import { answerRows, answersWanted } from "./answering.ts";
import { createRowReader, datasetGone } from "./choosing.ts";
import { gradersOf } from "./graders/graders.ts";
import { judgementsOf, judgeRows, modeOf } from "./judges/judging.ts";
import { candidatesOf, type Work, type WorkDeps } from "./work.ts";

const assessSpec = z.object({
  assessmentId: z.string(),
  /** How many are compared, and whether a judge compares them, for the dashboard. */
  mode: z.enum(["single", "pair", "several", "single-judge", "pair-judge", "several-judge"]),
  caller: z.object({ userId: z.string().nullable(), keyId: z.string().nullable() }),
});
export type AssessSpec = z.infer<typeof assessSpec>;

/** From so many answers on, the report takes long enough to be worked out before anybody asks. */
const REPORTED_AHEAD = 5_000;

/**
 * Asks and judges what is missing, and again what failed. What was answered or judged before a failure, a cancel or a
 * crash stays.
 */
export function assessHandler(deps: WorkDeps): RunHandler {
  const { store, datasets } = deps;
  return async (ctx) => {
    const { run, signal } = ctx;
    const { assessmentId, caller } = assessSpec.parse(run.spec);
    const assessment = await store.db.query.assessments.findFirst({
      where: eq(assessments.id, assessmentId),
    });
    const version = assessment && (await datasets.findVersion(assessment.datasetVersionId));
    if (!assessment || !version) throw datasetGone(assessment?.datasetName);
    const { split, sample, datasetName: dataset } = assessment;
    let { rows } = assessment;
    if (rows === null) {
      const chosen = [...(await deps.choose(version, { split, sample, dataset }, signal))];
      rows = chosen;
      await store.write(
        (tx) => tx.update(assessments).set({ rows: chosen }).where(eq(assessments.id, assessmentId)),
        "assessment.choose",
      );
    }
    ctx.crashPoint("chosen");
    const candidates = await candidatesOf(store, assessmentId);
    const graders = gradersOf(assessment);
    let done = 0;
    const work: Work = {
      assessment,
      version,
      rows,
      candidates,
      graders,
      caller: { projectId: run.projectId, ...caller, source: "assessment" },
      readRow: createRowReader(datasets, version, dataset, rows),
      ctx,
      step: () => {
        done++;
        ctx.progress({ step: Math.min(done, total), total });
      },
    };
    const total =
      answersWanted(work) +
      graders.reduce((sum, spec) => {
        if (spec.kind !== "judge") return sum;
        const { length } = candidates;
        return sum + rows.length * judgementsOf(modeOf(spec, length), length);
      }, 0);
    ctx.progress({ step: 0, total });
    // What the others answered is judged, though one endpoint was given up; that is said at the end.
    let givenUp: EspalierError | null = null;
    const { answered, failed } = await answerRows(deps, work).catch((error: unknown) => {
      if (!isEspalierError(error) || error.code !== "ENDPOINT_FAILING") throw error;
      givenUp = error;
      return { answered: 0, failed: 0 };
    });
    const unjudged = await judgeRows(deps, work);
    if (givenUp) throw givenUp;
    // Whoever opens it should not wait for that. A report that cannot be worked out now is no failure of the run.
    if (answersWanted(work) >= REPORTED_AHEAD)
      await deps.report(assessment).catch((error: unknown) => ctx.log(messageOf(error), "warning"));
    return { result: { answers: answered, failed, unjudged } };
  };
}
