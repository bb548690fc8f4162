// What people ask of an assessment, checked before anything is asked of a model.
import type { CandidateParameters, SampleWish } from "../../schema/tables/assessments.ts";
import type { DatasetVersionRow } from "../datasets/datasets.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { checkName } from "../kit/names.ts";
import type { KnowledgeBaseRow } from "../knowledge/knowledge.ts";
import type { ModelRef } from "../models/models.ts";
import { type GraderSpec, graderSpecSchema, needsReference, parseGrader } from "./graders/graders.ts";
import { checkTemplate, parseTemplate, type SpecialName } from "./graders/template.ts";
import { namesOf } from "./rows.ts";

type Said<T> = T | null | undefined;
export type CandidateWish = {
  /** Name, alias or id. */
  model: string;
  systemPrompt?: Said<string>;
  /** Names or ids. */
  knowledgeBases?: Said<readonly string[]>;
  temperature?: Said<number>;
  topP?: Said<number>;
  maxTokens?: Said<number>;
};
export type JudgeWish = {
  /** Name, alias or id. */
  model: string;
  /** direct or pairwise; pairwise where there are two candidates and more when unsaid. */
  mode?: Said<string>;
  criteria?: Said<string>;
  /** Template with {{column}}, {{ResponseA}}, {{ResponseB}} and {{CandidateSystemPrompt}}. */
  prompt?: Said<string>;
};
type SampleSaid = { kind?: Said<string>; size?: Said<number>; seed?: Said<number>; by?: Said<string> };
export type AssessmentWish = {
  name: string;
  /** Name, `name@2`, or a version's id. */
  dataset: string;
  /** train, validation or test; test where the dataset has one when unsaid, else all rows. */
  split?: string | null | undefined;
  sample?: SampleSaid | null | undefined;
  /** The question, with {{column}}; `{{prompt}}` when unsaid. */
  question?: string | null | undefined;
  /** The column with the right answer; `completion` when unsaid and there is one. */
  reference?: string | null | undefined;
  /** As on the command line: exact, contains, regex:RE … */
  graders: readonly string[];
  /** Models that say how good the answers are. */
  judges?: readonly JudgeWish[] | null | undefined;
  /** Graders as another assessment keeps them, before those of the lines. */
  kept?: readonly GraderSpec[];
  candidates: readonly CandidateWish[];
  maxTokens?: number | null | undefined;
  temperature?: number | null | undefined;
  /** Replies of one provider that are waited for at once. */
  concurrency?: number | null | undefined;
};
export type CheckedCandidate = {
  model: ModelRef;
  systemPrompt: string | null;
  parameters: CandidateParameters;
  knowledgeBases: KnowledgeBaseRow[];
};
export type Checked = {
  name: string;
  split: string | null;
  sample: SampleWish;
  question: string;
  reference: string | null;
  graders: GraderSpec[];
  maxTokens: number;
  temperature: number;
  concurrency: number | null;
};

const MODES = ["direct", "pairwise"] as const;
const SPLITS = ["train", "validation", "test"] as const;
const SAMPLES = ["all", "first", "random", "stratified"] as const;
/** Rows of a sample whose size nobody said. */
const SAMPLE_ROWS = 100;
const MAX_TOKENS = 256;

function invalid(field: string, value: string, why: string, hint: string): EspalierError {
  return new EspalierError("ASSESSMENT_INVALID", `${field} cannot be "${value.slice(0, 120)}": ${why}.`, {
    field,
    value: value.slice(0, 120),
    hint,
  });
}

function inRange(field: string, value: number, least: number, most: number, isWhole = true): number {
  if ((!isWhole || Number.isInteger(value)) && value >= least && value <= most) return value;
  const kind = isWhole ? "a whole number" : "a number";
  throw invalid(
    field,
    String(value),
    `it is ${kind} from ${least} to ${most}`,
    "Give a value inside the range.",
  );
}

/**
 * The wish as it is kept.
 * @throws EspalierError NAME_INVALID, ASSESSMENT_INVALID, GRADER_INVALID, TEMPLATE_INVALID, MAPPED_COLUMN_MISSING
 */
export function checkWish(wish: AssessmentWish, version: DatasetVersionRow): Checked {
  const name = checkName(wish.name);
  const names = namesOf(version);
  const isTrainable = names.includes("prompt") && names.includes("completion");
  const question = wish.question ?? (isTrainable ? "{{prompt}}" : "");
  if (question.trim() === "" || question.length > limits.assessmentQuestionChars)
    throw invalid(
      "question",
      question,
      question.trim() === ""
        ? "there is nothing to ask"
        : `the limit is ${limits.assessmentQuestionChars} characters`,
      "Write what is asked, with columns in double braces.",
    );
  checkWords("question", question, names, ["CandidateSystemPrompt"]);
  const reference = wish.reference ?? (isTrainable ? "completion" : null);
  if (reference !== null && !names.includes(reference))
    throw new EspalierError("MAPPED_COLUMN_MISSING", `There is no column "${reference.slice(0, 120)}".`, {
      field: "reference",
      value: reference.slice(0, 120),
      hint: `It has these columns: ${names.join(", ")}.`,
    });
  const { length: count } = wish.candidates;
  const graders = checkGraders(wish, { names, hasReference: reference !== null, candidates: count });
  return {
    name,
    split: splitOf(wish.split ?? null, version),
    sample: sampleOf(wish.sample ?? {}, names),
    question,
    reference,
    graders,
    maxTokens: inRange("maxTokens", wish.maxTokens ?? MAX_TOKENS, 1, limits.assessmentMaxTokens),
    temperature: inRange("temperature", wish.temperature ?? 0, 0, 2, false),
    concurrency:
      typeof wish.concurrency === "number"
        ? inRange("concurrency", wish.concurrency, 1, limits.assessmentConcurrency)
        : null,
  };
}

/**
 * How answers are scored: graders as on the command line, and judges.
 * @throws EspalierError ASSESSMENT_INVALID, GRADER_INVALID, TEMPLATE_INVALID
 */
export function checkGraders(
  wish: Pick<AssessmentWish, "graders" | "judges" | "kept">,
  to: { names: readonly string[]; hasReference: boolean; candidates: number },
): GraderSpec[] {
  const { graders = [], judges } = wish;
  const all = [
    ...(wish.kept ?? []),
    ...graders.map(parseGrader),
    ...(judges ?? []).map((one) => checkJudge(one, to.names, to.candidates)),
  ];
  if (all.length < 1 || all.length > limits.assessmentGraders)
    throw invalid(
      "graders",
      String(all.length),
      `there are 1 to ${limits.assessmentGraders}, judges among them`,
      "Name one, such as exact, or a judge.",
    );
  if (to.candidates < 2 && all.some((one) => one.kind === "people" && one.mode === "pairwise"))
    throw invalid(
      "graders",
      "people:pairwise",
      "one candidate has nobody to be compared with",
      "Choose direct.",
    );
  const needy = all.find(needsReference);
  if (needy && !to.hasReference)
    throw invalid(
      "reference",
      "",
      `${needy.kind} compares with a right answer`,
      "Name the column that holds it.",
    );
  return all;
}

function checkJudge(
  { model, mode: said, criteria, prompt }: JudgeWish,
  names: readonly string[],
  candidates: number,
): GraderSpec {
  const mode = said === null || said === undefined ? undefined : MODES.find((one) => one === said);
  if (mode === undefined && said !== null && said !== undefined)
    throw invalid("judge.mode", said, "there is no such mode", `Choose one of ${MODES.join(", ")}.`);
  if (mode === "pairwise" && candidates < 2)
    throw invalid("judge.mode", "pairwise", "one candidate has nobody to be compared with", "Choose direct.");
  for (const [field, text] of [
    ["judge.criteria", criteria],
    ["judge.prompt", prompt],
  ] as const)
    if (text && text.length > limits.judgePromptChars)
      throw invalid(field, text, `the limit is ${limits.judgePromptChars} characters`, "Shorten it.");
  if (prompt?.trim()) checkJudgePrompt(prompt, names, mode ?? (candidates > 1 ? "pairwise" : "direct"));
  return graderSpecSchema.parse({
    ...parseGrader(`judge:${model}`),
    ...(mode ? { mode } : {}),
    ...(criteria?.trim() ? { criteria: criteria.trim() } : {}),
    ...(prompt?.trim() ? { prompt } : {}),
  });
}

function checkJudgePrompt(prompt: string, names: readonly string[], mode: (typeof MODES)[number]): void {
  const answers = mode === "pairwise" ? (["ResponseA", "ResponseB"] as const) : (["ResponseA"] as const);
  checkWords("judge.prompt", prompt, names, [...answers, "CandidateSystemPrompt"]);
  const { variables } = parseTemplate(prompt);
  const missing = answers.find((one) => !variables.includes(one));
  if (missing !== undefined)
    throw invalid(
      "judge.prompt",
      prompt,
      `${missing} is not named in it, so the judge would not see the answer`,
      "Name it in double braces where the answer should stand.",
    );
}

function checkWords(
  field: string,
  text: string,
  names: readonly string[],
  special: readonly SpecialName[],
): void {
  const [problem] = checkTemplate(text, names, special);
  if (problem === undefined) return;
  throw new EspalierError("TEMPLATE_INVALID", problem.message, {
    field,
    value: text.slice(0, 120),
    hint: problem.hint,
  });
}

/** What a candidate is sampled with beside the assessment's own. @throws EspalierError ASSESSMENT_INVALID */
export function checkSampling({ temperature, topP, maxTokens }: CandidateWish): CandidateParameters {
  return {
    ...(typeof temperature === "number"
      ? { temperature: inRange("candidates.temperature", temperature, 0, 2, false) }
      : {}),
    ...(typeof topP === "number" ? { topP: inRange("candidates.topP", topP, 0.01, 1, false) } : {}),
    ...(typeof maxTokens === "number"
      ? { maxTokens: inRange("candidates.maxTokens", maxTokens, 1, limits.assessmentMaxTokens) }
      : {}),
  };
}

function splitOf(said: string | null, { splits, statistics }: DatasetVersionRow): string | null {
  if (said === null) return statistics.hasOwnSplits && splits.test > 0 ? "test" : null;
  const split = SPLITS.find((one) => one === said);
  if (!split) throw invalid("split", said, "there is no such split", `Choose one of ${SPLITS.join(", ")}.`);
  if (!statistics.hasOwnSplits)
    throw invalid("split", said, "the dataset has no column split", "Leave it out to take the rows of all.");
  if (splits[split] > 0) return split;
  const held = SPLITS.filter((one) => splits[one] > 0).map((one) => `${one} (${splits[one]})`);
  throw invalid("split", said, "it has no rows", `Rows are in ${held.join(", ")}.`);
}

function sampleOf(said: SampleSaid, names: readonly string[]): SampleWish {
  const wanted = said.kind ?? (said.size ? "random" : "all");
  const kind = SAMPLES.find((one) => one === wanted);
  if (!kind)
    throw invalid("sample", wanted, "there is no such sample", `Choose one of ${SAMPLES.join(", ")}.`);
  const by = kind === "stratified" ? (said.by ?? null) : null;
  if (kind === "stratified" && (by === null || !names.includes(by)))
    throw invalid("sample.by", by ?? "", "there is no such column", `Name one of ${names.join(", ")}.`);
  const size =
    kind === "all" ? null : inRange("sample.size", said.size ?? SAMPLE_ROWS, 1, limits.assessmentRows);
  return { kind, size, seed: inRange("sample.seed", said.seed ?? 1, 0, 2 ** 31 - 1), by };
}

/** The candidates with their names. */
export const named = <Candidate extends CheckedCandidate>(all: readonly Candidate[]) =>
  all.map((one, place) => ({ ...one, name: nameOf(one.model.name, one.knowledgeBases, place, all) }));

/** A candidate by its model, with what it answers from; numbered where another candidate is called the same. */
function nameOf(
  model: string,
  bases: readonly { name: string }[],
  place: number,
  all: readonly CheckedCandidate[],
): string {
  const called = (one: string, with_: readonly { name: string }[]): string =>
    [one, ...with_.map(({ name }) => name)].join(" + ");
  const own = called(model, bases);
  const before = all
    .slice(0, place)
    .filter((one) => called(one.model.name, one.knowledgeBases) === own).length;
  return before === 0 ? own : `${own} (${before + 1})`;
}
