// What an assessment will take, from what the same models took before: tokens, money and time.
import { and, desc, eq, isNull } from "drizzle-orm";
import {
  answers,
  assessments,
  candidates,
  type Effort,
  judgements,
} from "../../schema/tables/assessments.ts";
import type { ModelRef, Models } from "../models/models.ts";
import type { Store } from "../store/store.ts";
import { endpointOf, widthOf } from "./lanes.ts";

/** One candidate or judge: how often it is asked, and what that takes. */
export type ForecastPart = {
  name: string;
  calls: number;
  /** Tokens of all calls, from the length of what is sent to some rows. */
  inputTokens: number;
  outputTokens: number;
  /** Whether `outputTokens` is the most there can be, because the model never answered here before. */
  isMost: boolean;
  /** US dollars; null where the model has no price. */
  costUsd: number | null;
  /** Median of what a call took before; null where it never answered here. */
  latencyMs: number | null;
};
export type Forecast = {
  parts: ForecastPart[];
  /** US dollars of those that have a price. */
  costUsd: number;
  /** Until the last answer is judged; null where somebody's speed is not known. */
  seconds: number | null;
};
export type ForecastAsk = {
  name: string;
  model: ModelRef;
  calls: number;
  /** Mean length of what is sent, in characters. */
  chars: number;
  maxTokens: number;
  stage: "answer" | "judge";
  /** Answers that a judge sees in one call, and their length in tokens where no candidate of this forecast gives it. */
  sees?: { answers: number; tokens: number };
};

/** Characters of a token, about: texts in English have four (OpenAI's rule of thumb), others fewer. */
const CHARS_OF_TOKEN = 4;
/** Calls that a forecast looks at, those of the latest assessments first; and how many of these. */
const LATEST = 200;
const LATEST_ASSESSMENTS = 20;

/** What these calls will take; candidates come before judges, who read what they say. */
export async function forecastOf(
  { store, models }: { store: Store; models: Models },
  projectId: string,
  asks: readonly ForecastAsk[],
  concurrency: number | null,
): Promise<Forecast> {
  const parts: ForecastPart[] = [];
  const busyMs = { answer: new Map<string, number>(), judge: new Map<string, number>() };
  const answered = { calls: 0, tokens: 0 };
  let isKnown = true;
  const history = await Promise.all(
    asks.map(({ model, stage }) => historyOf(store, projectId, model, stage)),
  );
  for (const [at, { name, model, calls, chars, maxTokens, stage, sees }] of asks.entries()) {
    const before = history[at] ?? null;
    const length = answered.calls > 0 ? answered.tokens / answered.calls : (sees?.tokens ?? 0);
    const inputTokens = Math.round((chars / CHARS_OF_TOKEN + (sees?.answers ?? 0) * length) * calls);
    const outputTokens = Math.round((before ? before.outputTokens : maxTokens) * calls);
    const costUsd = await models.priceOf(model.modelId, inputTokens, outputTokens);
    if (stage === "answer") {
      answered.calls += calls;
      answered.tokens += outputTokens;
    }
    const latencyMs = before?.latencyMs ?? null;
    parts.push({ name, calls, inputTokens, outputTokens, isMost: before === null, costUsd, latencyMs });
    if (latencyMs === null) isKnown = false;
    const endpoint = endpointOf(model);
    const wide = Math.max(1, Math.min(widthOf(endpoint, concurrency), calls));
    const own = busyMs[stage];
    own.set(endpoint, (own.get(endpoint) ?? 0) + ((latencyMs ?? 0) * calls) / wide);
  }
  // Judges begin when the answers are there; endpoints go on side by side.
  const ms = Math.max(0, ...busyMs.answer.values()) + Math.max(0, ...busyMs.judge.values());
  return {
    parts,
    costUsd: parts.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0),
    seconds: isKnown ? ms / 1000 : null,
  };
}

/** A forecast as it is kept: in money only where everybody has a price, as what was paid is summed; null where it says nothing. */
export function effortOf({ parts, seconds, costUsd }: Forecast): Effort | null {
  const isPriced = parts.every((part) => part.costUsd !== null);
  return seconds === null && !isPriced ? null : { seconds, costUsd: isPriced ? costUsd : null };
}

/** Medians of a model's latest answers or judgements in this project; null where there are none. */
async function historyOf(
  { db }: Store,
  projectId: string,
  model: ModelRef,
  stage: "answer" | "judge",
): Promise<{ outputTokens: number; latencyMs: number } | null> {
  const found: { outputTokens: number; latencyMs: number }[] = [];
  // One after the other, each by its own index: all of them in their order would be sorted first.
  if (stage === "answer") {
    const asked = await db
      .select({ id: candidates.id })
      .from(candidates)
      .innerJoin(assessments, eq(assessments.id, candidates.assessmentId))
      .where(and(eq(assessments.projectId, projectId), eq(candidates.modelId, model.id)))
      .orderBy(desc(candidates.id))
      .limit(LATEST_ASSESSMENTS);
    for (const { id } of asked) {
      if (found.length >= LATEST) break;
      const some = await db
        .select({ outputTokens: answers.outputTokens, latencyMs: answers.latencyMs })
        .from(answers)
        .where(and(eq(answers.candidateId, id), isNull(answers.error)))
        .orderBy(desc(answers.row))
        .limit(LATEST - found.length);
      found.push(...some);
    }
  } else
    for (const { id, grader } of await judgedBy(db, projectId, model)) {
      if (found.length >= LATEST) break;
      const some = await db
        .select({ outputTokens: judgements.outputTokens, latencyMs: judgements.latencyMs })
        .from(judgements)
        .where(and(eq(judgements.assessmentId, id), eq(judgements.grader, grader), isNull(judgements.error)))
        .orderBy(desc(judgements.row))
        .limit(LATEST - found.length);
      found.push(...some);
    }
  if (found.length === 0) return null;
  return {
    outputTokens: medianOf(found.map(({ outputTokens }) => outputTokens)),
    latencyMs: medianOf(found.map(({ latencyMs }) => latencyMs)),
  };
}

/** The latest assessments with a model among their judges, and its place among their graders. */
async function judgedBy(
  db: Store["db"],
  projectId: string,
  model: ModelRef,
): Promise<{ id: string; grader: number }[]> {
  const latest = await db
    .select({ id: assessments.id, graders: assessments.graders })
    .from(assessments)
    .where(eq(assessments.projectId, projectId))
    .orderBy(desc(assessments.id))
    .limit(LATEST_ASSESSMENTS);
  return latest.flatMap(({ id, graders }) =>
    graders.flatMap((spec, grader) =>
      JSON.stringify(spec).includes(`"${model.id}"`) ? [{ id, grader }] : [],
    ),
  );
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
}
