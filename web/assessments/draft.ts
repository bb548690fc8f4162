// An assessment as the form holds it, and as it is sent.
import type { ResultOf, VariablesOf } from "gql.tada";
import { t } from "../i18n.ts";
import type { assessmentQuery, choicesQuery, startAssessment } from "./queries.ts";

export type CandidateDraft = {
  /** Tells cards of the same model apart. */
  key: number;
  model: string;
  systemPrompt: string;
  knowledgeBases: string[];
  temperature: number | null;
  maxTokens: number | null;
};
export type GraderDraft = { key: number; kind: string; word: string };
export type JudgeDraft = {
  key: number;
  model: string;
  mode: string | null;
  criteria: string;
  prompt: string;
};
export type SampleKind = "all" | "first" | "random" | "stratified";
export const samples: { value: SampleKind; label: string }[] = [
  { value: "random", label: t("drawn at random") },
  { value: "stratified", label: t("in the proportions of a column") },
  { value: "first", label: t("the first ones") },
  { value: "all", label: t("all") },
];

/** How rows were chosen; a seed only where chance had a part. */
export function sampleText({ kind, seed }: { kind: string; seed: number }): string {
  const label = samples.find(({ value }) => value === kind)?.label ?? kind;
  return kind === "random" || kind === "stratified"
    ? t("{{kind}}, seed {{seed}}", { kind: label, seed })
    : label;
}

export type Draft = {
  name: string;
  datasetId: string | null;
  split: string | null;
  sampleKind: SampleKind;
  size: number | null;
  seed: number;
  by: string | null;
  question: string;
  reference: string | null;
  graders: GraderDraft[];
  judges: JudgeDraft[];
  candidates: CandidateDraft[];
  maxTokens: number | null;
  concurrency: number | null;
};
export type Input = VariablesOf<typeof startAssessment>["input"];

let keys = 0;
/** A key that no other card of the page has. */
export const newKey = (): number => ++keys;

export const candidateDraft = (model: string): CandidateDraft => ({
  key: newKey(),
  model,
  systemPrompt: "",
  knowledgeBases: [],
  temperature: null,
  maxTokens: null,
});
export const judgeDraft = (model: string): JudgeDraft => ({
  key: newKey(),
  model,
  mode: null,
  criteria: "",
  prompt: "",
});
export const graderDraft = (kind: string, word = ""): GraderDraft => ({ key: newKey(), kind, word });

/** A grader's line of the command line as its card: rules only, judges are cards of their own. */
export function graderOfLine(line: string): GraderDraft {
  const colon = line.indexOf(":");
  return colon === -1 ? graderDraft(line) : graderDraft(line.slice(0, colon), line.slice(colon + 1));
}

/** A grader's line as on the command line. */
export const lineOf = ({ kind, word }: GraderDraft): string => (word === "" ? kind : `${kind}:${word}`);

const saidOr = (text: string): string | null => text.trim() || null;

/** Judges as they are sent; one candidate has nobody to be compared with. */
export function judgesOf(judges: readonly JudgeDraft[], candidates: number) {
  return judges.map(({ model, mode, criteria, prompt }) => ({
    model,
    mode: candidates > 1 ? mode : null,
    criteria: saidOr(criteria),
    prompt: saidOr(prompt),
  }));
}

type Copied = Extract<NonNullable<ResultOf<typeof assessmentQuery>["node"]>, { __typename: "Assessment" }>;
type Choices = ResultOf<typeof choicesQuery>;

/** The form of another assessment, under a name of its own; what is gone since is left out. */
export function draftOf(from: Copied, { models, knowledgeBases }: Choices): Draft {
  const { sample } = from;
  const modelNames = new Map(models.nodes.map(({ id, name }) => [id, name]));
  const baseNames = new Map(knowledgeBases.nodes.map(({ id, name }) => [id, name]));
  const kind = (["all", "first", "random", "stratified"] as const).find((one) => one === sample.kind);
  return {
    name: "",
    datasetId: from.datasetId,
    split: from.split,
    sampleKind: kind ?? "all",
    size: sample.size,
    seed: sample.seed,
    by: sample.by,
    question: from.question,
    reference: from.reference,
    graders: from.graders.filter((line) => !line.startsWith("judge:")).map(graderOfLine),
    judges: from.judges.map(({ model, mode, criteria, prompt }) => ({
      ...judgeDraft(model),
      mode,
      criteria: criteria ?? "",
      prompt: prompt ?? "",
    })),
    candidates: from.candidates.flatMap(({ modelId, systemPrompt, knowledgeBases: bases, parameters }) => {
      const name = modelNames.get(modelId);
      if (name === undefined) return [];
      const { temperature, maxTokens } = parameters;
      const known = bases.flatMap((id) => baseNames.get(id) ?? []);
      return [
        {
          ...candidateDraft(name),
          systemPrompt: systemPrompt ?? "",
          knowledgeBases: known,
          ...{ temperature, maxTokens },
        },
      ];
    }),
    maxTokens: from.maxTokens,
    concurrency: from.concurrency,
  };
}

/** What is sent: what nobody said is left to the server. */
export function inputOf(draft: Draft, versionId: string, split: string | null): Input {
  const { sampleKind: kind, size, seed, by } = draft;
  return {
    name: draft.name.trim(),
    dataset: versionId,
    split,
    question: saidOr(draft.question),
    reference: draft.reference,
    graders: draft.graders.map(lineOf),
    judges: judgesOf(draft.judges, draft.candidates.length),
    candidates: draft.candidates.map(({ key: _, systemPrompt, ...rest }) => ({
      ...rest,
      systemPrompt: saidOr(systemPrompt),
    })),
    sample: kind === "all" ? { kind } : { kind, size, seed, by: kind === "stratified" ? by : null },
    maxTokens: draft.maxTokens,
    concurrency: draft.concurrency,
  };
}
