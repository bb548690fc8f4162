// Base and tuned model, each without and with documents, on the same rows: what the training, what the documents and what
// both together bring, in score, time and cost.
import { EspalierError } from "../kit/errors.ts";
import type { ModelRef, Models } from "../models/models.ts";
import type { Store } from "../store/store.ts";
import type { AssessmentRow, CandidateRow } from "./assessments.ts";
import type { AssessmentWish, CandidateWish } from "./input.ts";
import { type ScoredRow, scoredRows } from "./scored-rows.ts";
import {
  bootstrapMean,
  type Effects,
  factorialEffects,
  type Interval,
  meanOf,
  roundsFor,
  type ScoreInterval,
  scoreInterval,
  type TestedEffect,
  type TestedEffects,
  testedFactorial,
} from "./statistics/statistics.ts";

export type FactorialWish = Omit<AssessmentWish, "candidates"> & {
  /** The tuned model: customized, complete, or one of these served. A base stands for the one customized model it has. */
  model: string;
  /** What it is compared with; the base that it was made from when unsaid. */
  base?: string | null | undefined;
  /** Names or ids. */
  knowledgeBases: readonly string[];
  /** Said to all four. */
  systemPrompt?: string | null | undefined;
};
export type FactorialCell = {
  candidate: CandidateRow;
  isTuned: boolean;
  hasDocuments: boolean;
  /** Over the rows that all four have a score for; null while there is none. */
  interval: ScoreInterval | null;
  latencyMs: (Interval & { mean: number }) | null;
  /** US dollars of an answer, on average; null where one has no price. */
  costUsd: number | null;
};
export type Factorial = {
  /** Base, base with documents, tuned, tuned with documents. */
  cells: FactorialCell[];
  /** Rows that all four have a score for. */
  n: number;
  /** First is the training, second the documents; null while no row is scored for all. */
  score: TestedEffects | null;
  /** Milliseconds of an answer. */
  latencyMs: Effects | null;
  /** US dollars of an answer; null where one has no price. */
  costUsd: Effects | null;
  /** Why a part of the effects may be something else. */
  warnings: string[];
  /** In English, for programs and the command line; pages say it in their own language from the figures. */
  english: string;
};

type Four<T> = { none: T; first: T; second: T; both: T };
/** A model behind a candidate: which weights, made from which base. */
type Source = { modelId: string; baseId: string; isTuned: boolean; precision: string | null };

const SEED = 1;
const ALPHA = 0.05;

function invalid(value: string, message: string, hint: string): EspalierError {
  return new EspalierError("FACTORIAL_INVALID", message, {
    field: "model",
    value: value.slice(0, 120),
    hint,
  });
}

/** The weights behind a usable name or id, and the base that they come from; null for what is not of this server. */
async function sourceOf(models: Models, ref: ModelRef): Promise<Source | null> {
  const { modelId, precision } = ref;
  const customized = await models.findCustomized(modelId);
  const made = customized ?? (await models.findComplete(modelId));
  if (made) return { modelId, baseId: made.baseId, isTuned: true, precision };
  const base = await models.findBase(modelId);
  return base ? { modelId, baseId: base.id, isTuned: false, precision } : null;
}

/**
 * The four candidates of a wish.
 * @throws EspalierError MODEL_NOT_FOUND, MODEL_NOT_USABLE, FACTORIAL_INVALID where the model is not tuned, is not made from
 * the base named, or no knowledge base is named
 */
export async function factorialCandidates(
  models: Models,
  projectId: string,
  wish: Pick<FactorialWish, "model" | "base" | "knowledgeBases" | "systemPrompt">,
): Promise<CandidateWish[]> {
  const { knowledgeBases, systemPrompt } = wish;
  if (knowledgeBases.length === 0)
    throw new EspalierError("FACTORIAL_INVALID", "No knowledge base is named.", {
      field: "knowledgeBases",
      hint: "Name one: half of the candidates answer from it.",
    });
  const tuned = await tunedOf(models, projectId, await models.resolve(projectId, wish.model));
  const source = await sourceOf(models, tuned);
  if (!source?.isTuned)
    throw invalid(tuned.name, `${tuned.name} is no tuned model of this server.`, "Name a customized model.");
  const base = await models.resolve(projectId, wish.base ?? source.baseId);
  const from = await sourceOf(models, base);
  if (from?.isTuned !== false || from.baseId !== source.baseId)
    throw new EspalierError("FACTORIAL_INVALID", `${tuned.name} was not made from ${base.name}.`, {
      field: "base",
      value: base.name,
      hint: "Leave it out: the base that the model was made from is taken.",
    });
  return [base, tuned].flatMap(({ id }) => [
    { model: id, systemPrompt, knowledgeBases: [] },
    { model: id, systemPrompt, knowledgeBases },
  ]);
}

/** A tuned model itself; of a base the one model that was made from it. */
async function tunedOf(models: Models, projectId: string, named: ModelRef): Promise<ModelRef> {
  const base = await models.findBase(named.modelId);
  if (!base) return named;
  const made = (await models.listCustomized(projectId)).filter(({ baseId }) => baseId === base.id);
  const [only] = made;
  if (only && made.length === 1) return models.resolve(projectId, only.id);
  const names = made.slice(0, 5).map(({ name }) => name);
  throw invalid(
    named.name,
    made.length === 0
      ? `No customized model was made from ${named.name}.`
      : `${made.length} customized models were made from ${named.name}.`,
    made.length === 0 ? "Train it first." : `Name one of them: ${names.join(", ")}.`,
  );
}

/**
 * What an assessment says of training and documents, where its candidates hold the four: a base and a model made from it,
 * both with the same system prompt, and both again with the same knowledge bases. Null where they do not, or one of the
 * models is gone, whose lineage nobody knows then.
 */
export async function factorialOf(
  store: Store,
  models: Models,
  assessment: AssessmentRow,
  candidates: readonly CandidateRow[],
): Promise<Factorial | null> {
  if (candidates.length < 4) return null;
  const sources = new Map<string, Source>();
  for (const { modelId } of candidates) {
    if (sources.has(modelId)) continue;
    const ref = await models.find(assessment.projectId, modelId);
    const source = ref && (await sourceOf(models, ref));
    if (source) sources.set(modelId, source);
  }
  const four = fourOf(candidates, sources);
  if (!four) return null;
  const rows = await rowsOf(store, assessment, four);
  const column = <T>(of: (answer: ScoredRow) => T): Four<T[]> => ({
    none: rows.map(({ none }) => of(none)),
    first: rows.map(({ first }) => of(first)),
    second: rows.map(({ second }) => of(second)),
    both: rows.map(({ both }) => of(both)),
  });
  const rounds = roundsFor(rows.length);
  const hasPrices = rows.every((row) => Object.values(row).every(({ costUsd }) => costUsd !== null));
  const times = column(({ latencyMs }) => latencyMs);
  const costs = column(({ costUsd }) => costUsd ?? 0);
  const scores = column(({ score: of }) => of);
  const score = testedFactorial(scores, SEED, rounds);
  const cell = (name: keyof Four<unknown>): FactorialCell => ({
    candidate: four[name],
    isTuned: name === "first" || name === "both",
    hasDocuments: name === "second" || name === "both",
    interval: scoreInterval(scores[name], SEED, rounds),
    latencyMs:
      rows.length > 0 ? { mean: meanOf(times[name]), ...bootstrapMean(times[name], SEED, rounds) } : null,
    costUsd: hasPrices && rows.length > 0 ? meanOf(costs[name]) : null,
  });
  return {
    cells: [cell("none"), cell("second"), cell("first"), cell("both")],
    n: rows.length,
    score,
    latencyMs: factorialEffects(times, SEED, rounds),
    costUsd: hasPrices ? factorialEffects(costs, SEED, rounds) : null,
    warnings: warningsOf(four, sources),
    english: sentenceOf(score),
  };
}

/** Base, tuned, base with documents and tuned with documents among the candidates, the first that fit. */
function fourOf(
  candidates: readonly CandidateRow[],
  sources: ReadonlyMap<string, Source>,
): Four<CandidateRow> | null {
  const basesOf = ({ knowledgeBases }: CandidateRow): string => knowledgeBases.toSorted().join(" ");
  const like = (one: CandidateRow, other: CandidateRow): boolean =>
    one.modelId === other.modelId && one.systemPrompt === other.systemPrompt;
  const bare = candidates.filter(({ knowledgeBases }) => knowledgeBases.length === 0);
  for (const none of bare) {
    const from = sources.get(none.modelId);
    if (!from || from.isTuned) continue;
    for (const first of bare) {
      const made = sources.get(first.modelId);
      if (!made?.isTuned || made.baseId !== from.modelId || first.systemPrompt !== none.systemPrompt)
        continue;
      for (const second of candidates) {
        if (second.knowledgeBases.length === 0 || !like(second, none)) continue;
        const both = candidates.find((one) => like(one, first) && basesOf(one) === basesOf(second));
        if (both) return { none, first, second, both };
      }
    }
  }
  return null;
}

/** Weights that are asked at other precisions differ by more than the training. */
function warningsOf({ none, first }: Four<CandidateRow>, sources: ReadonlyMap<string, Source>): string[] {
  const warnings: string[] = [];
  const [base, tuned] = [sources.get(none.modelId)?.precision, sources.get(first.modelId)?.precision];
  if (base !== tuned)
    warnings.push(
      `${none.name} is asked at ${base}, ${first.name} at ${tuned}: a part of the training's effect may be that.`,
    );
  return warnings;
}

/** The rows that all four answered and every grader scored; a score is the mean over the graders. */
async function rowsOf(
  store: Store,
  assessment: AssessmentRow,
  four: Four<CandidateRow>,
): Promise<Four<ScoredRow>[]> {
  const found = await scoredRows(store, assessment);
  const byRow = Map.groupBy(found, ({ row }) => row);
  const rows: Four<ScoredRow>[] = [];
  for (const answers of byRow.values()) {
    const of = ({ id: own }: CandidateRow): ScoredRow | undefined =>
      answers.find(({ candidateId }) => candidateId === own);
    const [none, first, second, both] = [of(four.none), of(four.first), of(four.second), of(four.both)];
    if (none && first && second && both) rows.push({ none, first, second, both });
  }
  return rows;
}

const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
const said = ({ estimate, low, high }: Interval & { estimate: number }): string =>
  `${signed(estimate)} [${signed(low)}, ${signed(high)}]`;

/** What is told apart from chance, and what is not. */
function sentenceOf(score: TestedEffects | null): string {
  if (!score) return "No row is scored for all four yet.";
  return `${mainSentence(score)} ${jointSentence(score.interaction)} On ${score.n} rows.`;
}

function mainSentence({ first, second, lead }: TestedEffects): string {
  const [training, documents] = [said(first), said(second)];
  const isReal = ({ adjustedP }: TestedEffect): boolean => adjustedP < ALPHA;
  const way = ({ estimate }: TestedEffect, verb: readonly [string, string]): string =>
    verb[estimate > 0 ? 0 : 1];
  if (!isReal(first) && !isReal(second))
    return `Not enough evidence that training (${training}) or documents (${documents}) change the score.`;
  if (!isReal(second))
    return `Training ${way(first, ["helps", "harms"])}: ${training}; for documents there is not enough evidence: ${documents}.`;
  if (!isReal(first))
    return `Documents ${way(second, ["help", "harm"])}: ${documents}; for training there is not enough evidence: ${training}.`;
  if (lead.p < ALPHA)
    return lead.estimate > 0
      ? `Training brings more than documents: ${training} against ${documents}.`
      : `Documents bring more than training: ${documents} against ${training}.`;
  return `Training (${training}) and documents (${documents}) both change the score; which brings more is not told apart.`;
}

function jointSentence(interaction: TestedEffect): string {
  const figure = said(interaction);
  if (interaction.adjustedP >= ALPHA)
    return `Not enough evidence that both together bring more or less than their sum: ${figure}.`;
  return interaction.estimate > 0
    ? `Both together bring more than their sum: ${figure}.`
    : `Both together bring less than their sum: ${figure}.`;
}
