// What an assessment is about to ask whom, of which rows: told to a preview, and forecast before anything is paid.
import type { Effort } from "../../schema/tables/assessments.ts";
import type { DatasetVersionRow } from "../datasets/datasets.ts";
import { limits } from "../kit/limits.ts";
import type { ModelRef } from "../models/models.ts";
import type { AssessmentRow } from "./assessments.ts";
import { effortOf, type Forecast, type ForecastAsk, forecastOf } from "./forecast.ts";
import { type GraderSpec, graderLabel } from "./graders/graders.ts";
import { parseTemplate } from "./graders/template.ts";
import type { CheckedCandidate } from "./input.ts";
import { type JudgeSpec, judgementsOf, modeOf } from "./judges/judging.ts";
import { judgeMessages } from "./judges/prompt.ts";
import { type Question, questionOf, type Row, textsOf, valuesOf } from "./rows.ts";
import type { WorkDeps } from "./work.ts";

export type PlanDeps = Pick<WorkDeps, "store" | "datasets" | "models" | "choose">;
type PlannedCandidate = Pick<CheckedCandidate, "systemPrompt" | "parameters"> & {
  name: string;
  /** Null where its answers are there already, and only judges are asked. */
  model: ModelRef | null;
};
export type Plan = {
  projectId: string;
  version: DatasetVersionRow;
  datasetName: string;
  checked: Pick<AssessmentRow, "split" | "sample" | "question" | "reference" | "maxTokens" | "concurrency">;
  asked: readonly PlannedCandidate[];
  graders: readonly GraderSpec[];
  /** Mean length of the answers that are there already. */
  answerTokens?: number;
};
export type Told = { name: string; sent: Question["messages"] };

/** Rows whose length says how long the others are. */
const MEASURED = 20;

const judgesOf = ({ graders }: Plan): JudgeSpec[] =>
  graders.flatMap((spec) => (spec.kind === "judge" ? [spec] : []));

/** What candidates and judges are told of a row; a word stands in the place of each answer. */
export function tellingOf(plan: Plan) {
  const { version, checked, asked } = plan;
  const question = parseTemplate(checked.question);
  const judges = judgesOf(plan);
  const ask = (row: Row, { systemPrompt }: PlannedCandidate): Question =>
    questionOf(row, version, { question, reference: checked.reference, systemPrompt });
  const told = (row: Row): Told[] => {
    const [one, other] = asked;
    if (!one) return [];
    return judges.map((spec) => {
      const mode = modeOf(spec, asked.length);
      const judged = (candidate: PlannedCandidate, letter: string) => ({
        answerId: letter,
        ...ask(row, candidate),
        sent: ask(row, candidate).messages,
        text: `(answer ${letter})`,
        systemPrompt: candidate.systemPrompt,
      });
      const sent = judgeMessages({
        mode,
        criteria: spec.criteria ?? null,
        prompt: spec.prompt ?? null,
        first: judged(one, "A"),
        second: mode === "pairwise" && other ? judged(other, "B") : null,
        reference: ask(row, one).reference,
        values: textsOf(valuesOf(row, version)),
      });
      return { name: graderLabel(spec), sent };
    });
  };
  return { ask, told };
}

/** Some of the chosen rows, evenly apart: they stand for all. */
export function measuredOf(chosen: readonly number[]): number[] {
  const step = Math.max(1, Math.floor(chosen.length / MEASURED));
  return Array.from(
    { length: Math.min(MEASURED, Math.ceil(chosen.length / step)) },
    (_, at) => chosen[at * step] ?? 0,
  );
}

/** What asking about so many rows takes, from the length of what some of them say. */
export async function forecastOfPlan(
  deps: PlanDeps,
  plan: Plan,
  rowCount: number,
  measured: readonly Row[],
): Promise<Forecast> {
  const { projectId, checked, asked } = plan;
  const { ask, told } = tellingOf(plan);
  const meanChars = (lengthOf: (row: Row) => number): number =>
    measured.reduce((sum, row) => sum + lengthOf(row), 0) / Math.max(1, measured.length);
  const charsOf = (sent: readonly { content: string }[]): number =>
    sent.reduce((sum, { content }) => sum + content.length, 0);
  const asks: ForecastAsk[] = asked.flatMap((candidate) =>
    candidate.model === null
      ? []
      : {
          name: candidate.name,
          model: candidate.model,
          calls: rowCount,
          chars: meanChars((row) => charsOf(ask(row, candidate).messages)),
          maxTokens: candidate.parameters.maxTokens ?? checked.maxTokens,
          stage: "answer",
        },
  );
  for (const [at, spec] of judgesOf(plan).entries()) {
    const mode = modeOf(spec, asked.length);
    asks.push({
      name: graderLabel(spec),
      model: await deps.models.resolve(projectId, spec.modelId ?? spec.model),
      calls: rowCount * judgementsOf(mode, asked.length),
      chars: meanChars((row) => charsOf(told(row)[at]?.sent ?? [])),
      maxTokens: limits.judgeMaxTokens,
      stage: "judge",
      sees: { answers: mode === "pairwise" ? 2 : 1, tokens: plan.answerTokens ?? checked.maxTokens },
    });
  }
  return forecastOf(deps, projectId, asks, checked.concurrency);
}

/**
 * What is kept beside an assessment that starts, to be held against what it takes. Null where that fails, or the rows
 * are not chosen before the signal: no start waits long for it, and none fails by it. `rows` are those that were chosen before.
 */
export async function expectedOf(
  deps: PlanDeps,
  plan: Plan,
  rows: readonly number[] | null,
  signal: AbortSignal,
): Promise<Effort | null> {
  const { version, datasetName, checked, asked } = plan;
  if (asked.every(({ model }) => model === null) && judgesOf(plan).length === 0) return null;
  try {
    const { split, sample } = checked;
    const wish = { split, sample, dataset: datasetName };
    const chosen = rows ?? (await deps.choose(version, wish, signal));
    const numbers = measuredOf(chosen);
    const read = await deps.datasets.rowsAt(version.id, numbers);
    const measured = read.map(({ value }) => value as Row);
    return effortOf(await forecastOfPlan(deps, plan, chosen.length, measured));
  } catch {
    return null;
  }
}
