// What every part of an assessment's run works with.
import { eq } from "drizzle-orm";
import { candidates } from "../../schema/tables/assessments.ts";
import type { Datasets, DatasetVersionRow } from "../datasets/datasets.ts";
import type { Clock } from "../kit/clock.ts";
import type { Models } from "../models/models.ts";
import type { HandlerContext } from "../runs/runs.ts";
import type { Store } from "../store/store.ts";
import type { Caller } from "../usage/usage.ts";
import type { Answer } from "./asking.ts";
import type { AssessmentRow, CandidateRow } from "./assessments.ts";
import type { createChooser } from "./choosing.ts";
import type { GraderSpec } from "./graders/graders.ts";
import type { Grading } from "./grading.ts";
import type { Row } from "./rows.ts";

export type WorkDeps = {
  store: Store;
  datasets: Datasets;
  models: Models;
  answer: Answer;
  grading: Grading;
  clock: Clock;
  /** Numbers of the rows that a wish means. */
  choose: ReturnType<typeof createChooser>;
  /** Works out what an assessment found so far, and keeps that. */
  report: (assessment: Pick<AssessmentRow, "id">) => Promise<unknown>;
};
export type Work = {
  assessment: AssessmentRow;
  version: DatasetVersionRow;
  /** Numbers of the rows that are asked about. */
  rows: readonly number[];
  candidates: CandidateRow[];
  graders: GraderSpec[];
  caller: Caller;
  readRow: (row: number) => Promise<Row>;
  ctx: HandlerContext;
  /** Counts a step of the run as done. */
  step: () => void;
};

/** Who is compared, in the order of the form. */
export const candidatesOf = (store: Store, assessmentId: string): Promise<CandidateRow[]> =>
  store.db.query.candidates.findMany({
    where: eq(candidates.assessmentId, assessmentId),
    orderBy: (t, { asc }) => [asc(t.place)],
  });
