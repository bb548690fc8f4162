// The answers of an assessment as a file: CSV that no spreadsheet computes, or JSONL.
import type { AnswerRow, CandidateRow, ScoreRow } from "./assessments.ts";

export type ExportedAnswer = { answer: AnswerRow; candidate: CandidateRow; scores: readonly ScoreRow[] };

const HEAD = ["row", "candidate", "question", "reference", "answer", "error"];
const TAIL = ["latencyMs", "inputTokens", "outputTokens", "costUsd"];

/** The first line of the CSV. */
export const csvHead = (graders: readonly string[]): string => csvLine([...HEAD, ...graders, ...TAIL]);

/** One line for one answer, its scores in the order of the graders. */
export function csvAnswer({ answer, candidate, scores }: ExportedAnswer, graders: number): string {
  const values = Array.from(
    { length: graders },
    (_, at) => scores.find(({ grader }) => grader === at)?.value ?? "",
  );
  return csvLine([
    answer.row,
    candidate.name,
    answer.sent.at(-1)?.content ?? "",
    answer.reference ?? "",
    answer.text ?? "",
    answer.error?.message ?? "",
    ...values,
    answer.latencyMs,
    answer.inputTokens,
    answer.outputTokens,
    answer.costUsd ?? "",
  ]);
}

/** One line of JSON for one answer. */
export function jsonlAnswer(
  { answer, candidate, scores }: ExportedAnswer,
  graders: readonly string[],
): string {
  const { row, sent, reference, text, error, citations, finishReason } = answer;
  const { latencyMs, inputTokens, outputTokens, costUsd } = answer;
  const scored = graders.map((grader, at) => {
    const one = scores.find((score) => score.grader === at);
    return { grader, value: one?.value ?? null, detail: one?.detail ?? null };
  });
  const usage = { latencyMs, inputTokens, outputTokens, costUsd };
  const said = { sent, reference, answer: text, error, citations, finishReason };
  return `${JSON.stringify({ row, candidate: candidate.name, ...said, scores: scored, ...usage })}\n`;
}

function csvLine(cells: readonly (string | number)[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

/** A cell; one that a spreadsheet would compute begins with an apostrophe (OWASP, CSV injection). */
function csvCell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const inert = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
