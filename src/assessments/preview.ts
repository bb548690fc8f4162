// What an assessment would ask, row by row, and what that would take; nothing is asked.
import type { SentTurn } from "../../schema/tables/assessments.ts";
import type { DatasetVersionRow } from "../datasets/datasets.ts";
import { EspalierError, messageOf } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { chooseRows, createRowReader } from "./choosing.ts";
import { type Forecast, type ForecastAsk, forecastOf } from "./forecast.ts";
import { type GraderSpec, graderLabel } from "./graders/graders.ts";
import { parseTemplate } from "./graders/template.ts";
import type { AssessmentWish, Checked, CheckedCandidate } from "./input.ts";
import { judgementsOf, modeOf } from "./judges/judging.ts";
import { judgeMessages } from "./judges/prompt.ts";
import { picturesOf, type RowPicture } from "./pictures.ts";
import { questionOf, type Row, textsOf, valuesOf, withPictures } from "./rows.ts";
import type { WorkDeps } from "./work.ts";

export type PreviewWish = Omit<AssessmentWish, "name"> & {
  name?: string | null | undefined;
  /** Numbers of the rows to show; the first chosen ones when unsaid. */
  rows?: readonly number[] | null | undefined;
};
export type PreviewedCandidate = { name: string; sent: SentTurn[] };
export type PreviewedRow = {
  row: number;
  reference: string | null;
  /** What is wrong with this row, such as a picture that cannot be read; null where nothing is. */
  problem: string | null;
  pictures: RowPicture[];
  candidates: PreviewedCandidate[];
  /** What each judge would be told, with a word in the place of each answer. */
  judges: PreviewedCandidate[];
};
export type Preview = {
  /** Rows that would be asked about. */
  rowCount: number;
  rows: PreviewedRow[];
  forecast: Forecast;
};
type Found = {
  projectId: string;
  version: DatasetVersionRow;
  datasetName: string;
  checked: Checked;
  asked: readonly (CheckedCandidate & { name: string })[];
  graders: readonly GraderSpec[];
  rows: readonly number[] | null;
};

/** Rows whose length says how long the others are. */
const MEASURED = 20;
/** Length of an answer that a judge is to see, in characters of each token. */
const CHARS_OF_TOKEN = 4;

/** The rows with what would be said to whom, and the forecast. */
export async function previewOf(deps: WorkDeps, found: Found): Promise<Preview> {
  const { version, datasetName, checked, asked, graders } = found;
  const { split, sample, reference, concurrency } = checked;
  const wish = { split, sample, dataset: datasetName };
  const chosen = await chooseRows(deps.datasets, version, wish);
  const question = parseTemplate(checked.question);
  const judges = graders.flatMap((spec) => (spec.kind === "judge" ? [spec] : []));
  const ask = (row: Row, { systemPrompt }: CheckedCandidate) =>
    questionOf(row, version, { question, reference, systemPrompt });

  const told = (row: Row): PreviewedCandidate[] => {
    const [one, other] = asked;
    if (!one) return [];
    return judges.map((spec) => {
      const mode = modeOf(spec, asked.length);
      const judged = (candidate: CheckedCandidate, letter: string) => ({
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

  const shown = (found.rows ?? chosen).slice(0, limits.assessmentPreviewRows);
  const beyond = shown.find((row) => !(Number.isInteger(row) && row >= 0 && row < version.rowCount));
  if (beyond !== undefined)
    throw new EspalierError("ROW_NOT_FOUND", `${datasetName} has no row ${beyond}.`, {
      field: "rows",
      value: String(beyond),
      hint: `Its rows are 0 to ${version.rowCount - 1}.`,
    });
  const step = Math.max(1, Math.floor(chosen.length / MEASURED));
  const spread = Array.from(
    { length: Math.min(MEASURED, Math.ceil(chosen.length / step)) },
    (_, at) => chosen[at * step] ?? 0,
  );
  const read = [...new Set([...shown, ...spread])].sort((a, b) => a - b);
  const readRow = createRowReader(deps.datasets, version, datasetName, read);
  const rows: PreviewedRow[] = [];
  for (const number of shown) {
    const row = await readRow(number);
    const all = asked.map((candidate) => ({ name: candidate.name, sent: ask(row, candidate).messages }));
    const right = asked[0] ? ask(row, asked[0]).reference : null;
    rows.push({
      row: number,
      reference: right,
      problem: problemOf(all, row),
      pictures: picturesOf(
        { datasetVersionId: version.id, row: number },
        all.map(({ sent }) => sent),
      ),
      candidates: all,
      judges: told(row),
    });
  }

  const measured: Row[] = [];
  for (const number of spread) measured.push(await readRow(number));
  const meanChars = (lengthOf: (row: Row) => number): number =>
    measured.reduce((sum, row) => sum + lengthOf(row), 0) / Math.max(1, measured.length);
  const charsOf = (sent: readonly { content: string }[]): number =>
    sent.reduce((sum, { content }) => sum + content.length, 0);
  const asks: ForecastAsk[] = asked.map((candidate) => ({
    name: candidate.name,
    model: candidate.model,
    calls: chosen.length,
    chars: meanChars((row) => charsOf(ask(row, candidate).messages)),
    maxTokens: candidate.parameters.maxTokens ?? checked.maxTokens,
    stage: "answer",
  }));
  for (const [at, spec] of judges.entries()) {
    const mode = modeOf(spec, asked.length);
    const answers = (mode === "pairwise" ? 2 : 1) * checked.maxTokens * CHARS_OF_TOKEN;
    asks.push({
      name: graderLabel(spec),
      model: await deps.models.resolve(found.projectId, spec.modelId ?? spec.model),
      calls: chosen.length * judgementsOf(mode, asked.length),
      chars: meanChars((row) => charsOf(told(row)[at]?.sent ?? [])) + answers,
      maxTokens: limits.judgeMaxTokens,
      stage: "judge",
    });
  }
  const forecast = await forecastOf(deps, found.projectId, asks, concurrency);
  return { rowCount: chosen.length, rows, forecast };
}

function problemOf(all: readonly PreviewedCandidate[], row: Row): string | null {
  try {
    for (const { sent } of all) withPictures(sent, row);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}
