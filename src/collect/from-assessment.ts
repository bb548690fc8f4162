// Rows of an assessment that a candidate lost, as examples or preferences.
import type { AssessmentRow, Assessments, CandidateRow, LostRow } from "../assessments/assessments.ts";
import type { Datasets } from "../datasets/datasets.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { Reason } from "./reasons.ts";
import type { Collected } from "./warnings.ts";

export type AssessmentSource = {
  /** Name or id. */
  name: string;
  /** The candidate that lost: its id, or its name in the assessment. */
  candidate: string;
  /** wrong: scored below 1 or failed; beaten: scored below another. */
  lost: "wrong" | "beaten";
  /** The candidate that has to be better; any other when unsaid. */
  against?: string | null | undefined;
  /** Numbers of rows, in place of all that were lost. */
  rows?: readonly number[] | null | undefined;
  /** What is right: the reference, or the best answer of the others; the reference, where there is one, when unsaid. */
  right?: "reference" | "better" | null | undefined;
};
type Deps = { assessments: Assessments; datasets: Datasets };

/** Rows whose splits are looked up at once. */
const PAGE = 200;

/**
 * The rows, and why for each that makes none.
 * @throws EspalierError ASSESSMENT_NOT_FOUND, CANDIDATE_NOT_FOUND, COLLECT_INVALID
 */
export async function* fromAssessment(
  { assessments, datasets }: Deps,
  projectId: string,
  source: AssessmentSource,
  as: "example" | "preference",
): AsyncGenerator<Collected | Reason, void, void> {
  const assessment = await assessments.get(projectId, source.name);
  const candidates = await assessments.candidatesOf(assessment.id);
  const candidate = candidateNamed(assessment, candidates, source.candidate, "candidate");
  const against = source.against ? candidateNamed(assessment, candidates, source.against, "against") : null;
  const rows = source.rows ?? null;
  if (rows && rows.length > limits.collectedRows)
    throw new EspalierError(
      "COLLECT_INVALID",
      `${rows.length} rows are named; the limit collectedRows is ${limits.collectedRows}.`,
      { field: "assessment.rows", value: String(rows.length), hint: "Name fewer at a time." },
    );
  const wish = { candidateId: candidate.id, kind: source.lost, againstId: against?.id ?? null, rows };
  const right = source.right ?? (assessment.reference === null ? "better" : "reference");
  let page: LostRow[] = [];
  const flush = async function* (): AsyncGenerator<Collected | Reason, void, void> {
    const splits = await datasets.splitsOf(
      assessment.datasetVersionId,
      page.map(({ row }) => row),
    );
    for (const [at, lost] of page.entries()) {
      const made = collectedOf(assessment, candidates, candidate, lost, right, as);
      const split = splits[at] ?? splitOfAssessment(assessment);
      if (typeof made === "string") yield made;
      else
        yield {
          ...made,
          measured: { assessment: assessment.name, dataset: assessment.datasetName, split },
        };
    }
    page = [];
  };
  for await (const lost of assessments.lost(assessment, wish)) {
    page.push(lost);
    if (page.length >= PAGE) yield* flush();
  }
  yield* flush();
}

/** Where the dataset is gone, the split that was asked about still says what its rows were for. */
function splitOfAssessment({ split }: AssessmentRow): "train" | "validation" | "test" | null {
  return split === "train" || split === "validation" || split === "test" ? split : null;
}

function collectedOf(
  assessment: AssessmentRow,
  candidates: readonly CandidateRow[],
  candidate: CandidateRow,
  { row, own, score, better }: LostRow,
  right: "reference" | "better",
  as: "example" | "preference",
): Omit<Collected, "measured"> | Reason {
  const chosen = right === "reference" ? own.reference : (better?.answer.text ?? null);
  if (chosen === null || chosen.trim() === "")
    return right === "reference" ? "NO_REFERENCE" : "NO_BETTER_ANSWER";
  const rejected = as === "preference" ? own.text : null;
  if (as === "preference" && (rejected === null || rejected.trim() === "")) return "NOTHING_TO_REJECT";
  if (rejected !== null && rejected === chosen) return "SAME_ANSWER";
  const winner = candidates.find(({ id }) => id === better?.answer.candidateId);
  return {
    prompt: own.sent,
    chosen,
    rejected,
    isPrivate: false,
    // A reference needs no passages; an answer to be rejected teaches nothing to say.
    isGrounded: right === "better" && (better?.answer.citations ?? null) !== null,
    whence: {
      assessment: assessment.name,
      assessmentId: assessment.id,
      dataset: assessment.datasetName,
      row,
      candidate: candidate.name,
      modelId: candidate.modelId,
      score,
      chosen: right === "reference" ? "reference" : (winner?.name ?? "better"),
    },
  };
}

function candidateNamed(
  assessment: AssessmentRow,
  all: readonly CandidateRow[],
  said: string,
  field: string,
): CandidateRow {
  const found = all.find(({ id }) => id === said) ?? all.find(({ name }) => name === said);
  if (found) return found;
  throw new EspalierError(
    "CANDIDATE_NOT_FOUND",
    `${assessment.name} has no candidate "${said.slice(0, 120)}".`,
    {
      field: `assessment.${field}`,
      value: said.slice(0, 120),
      hint: `Its candidates are ${all.map(({ name }) => name).join(", ")}.`,
      status: 404,
    },
  );
}
