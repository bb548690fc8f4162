// An assessment as the form holds it, and as it is sent.
import type { VariablesOf } from "gql.tada";
import type { startAssessment } from "./queries.ts";

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

/** A grader's line as on the command line. */
const lineOf = ({ kind, word }: GraderDraft): string => (word === "" ? kind : `${kind}:${word}`);

const saidOr = (text: string): string | null => text.trim() || null;

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
    judges: draft.judges.map(({ model, mode, criteria, prompt }) => ({
      model,
      mode: draft.candidates.length > 1 ? mode : null,
      criteria: saidOr(criteria),
      prompt: saidOr(prompt),
    })),
    candidates: draft.candidates.map(({ key: _, systemPrompt, ...rest }) => ({
      ...rest,
      systemPrompt: saidOr(systemPrompt),
    })),
    sample: kind === "all" ? { kind } : { kind, size, seed, by: kind === "stratified" ? by : null },
    maxTokens: draft.maxTokens,
    concurrency: draft.concurrency,
  };
}
