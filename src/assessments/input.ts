// What people ask of an assessment, checked before anything is asked of a model.
import type { SampleWish } from "../../schema/tables/assessments.ts";
import type { DatasetVersionRow } from "../datasets/datasets.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { checkName } from "../kit/names.ts";
import type { KnowledgeBaseRow } from "../knowledge/knowledge.ts";
import type { ModelRef } from "../models/models.ts";
import { type GraderSpec, needsReference, parseGrader } from "./graders/graders.ts";
import { checkTemplate } from "./graders/template.ts";
import { namesOf } from "./rows.ts";

export type CandidateWish = {
  /** Name, alias or id. */
  model: string;
  systemPrompt?: string | null | undefined;
  /** Names or ids. */
  knowledgeBases?: readonly string[] | null | undefined;
};
type Said<T> = T | null | undefined;
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
  candidates: readonly CandidateWish[];
  maxTokens?: number | null | undefined;
  temperature?: number | null | undefined;
};
export type CheckedCandidate = {
  model: ModelRef;
  systemPrompt: string | null;
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
};

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
  const [problem] = checkTemplate(question, names, ["CandidateSystemPrompt"]);
  if (problem !== undefined)
    throw new EspalierError("TEMPLATE_INVALID", problem.message, {
      field: "question",
      value: question.slice(0, 120),
      hint: problem.hint,
    });
  const reference = wish.reference ?? (isTrainable ? "completion" : null);
  if (reference !== null && !names.includes(reference))
    throw new EspalierError("MAPPED_COLUMN_MISSING", `There is no column "${reference.slice(0, 120)}".`, {
      field: "reference",
      value: reference.slice(0, 120),
      hint: `It has these columns: ${names.join(", ")}.`,
    });
  if (wish.graders.length < 1 || wish.graders.length > limits.assessmentGraders)
    throw invalid(
      "graders",
      String(wish.graders.length),
      `there are 1 to ${limits.assessmentGraders}`,
      "Name one, such as exact.",
    );
  const graders = wish.graders.map(parseGrader);
  const [judge] = graders.filter(({ kind }) => kind === "judge");
  if (judge)
    throw invalid("graders", "judge", "judges are not there yet", "Choose a grader that needs no model.");
  const needy = graders.find(needsReference);
  if (needy && reference === null)
    throw invalid(
      "reference",
      "",
      `${needy.kind} compares with a right answer`,
      "Name the column that holds it.",
    );
  return {
    name,
    split: splitOf(wish.split ?? null, version),
    sample: sampleOf(wish.sample ?? {}, names),
    question,
    reference,
    graders,
    maxTokens: inRange("maxTokens", wish.maxTokens ?? MAX_TOKENS, 1, limits.assessmentMaxTokens),
    temperature: inRange("temperature", wish.temperature ?? 0, 0, 2, false),
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
