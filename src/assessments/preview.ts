// What an assessment would ask, row by row, and what that would take; nothing is asked.
import { EspalierError, messageOf } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { Forecast } from "./forecast.ts";
import type { AssessmentWish } from "./input.ts";
import { picturesOf, type RowPicture } from "./pictures.ts";
import { forecastOfPlan, measuredOf, type Plan, type PlanDeps, type Told, tellingOf } from "./plan.ts";
import { type Row, withPictures } from "./rows.ts";

export type PreviewWish = Omit<AssessmentWish, "name"> & {
  name?: string | null | undefined;
  /** Numbers of the rows to show; the first chosen ones when unsaid. */
  rows?: readonly number[] | null | undefined;
};
export type PreviewedRow = {
  row: number;
  reference: string | null;
  /** What is wrong with this row, such as a picture that cannot be read; null where nothing is. */
  problem: string | null;
  pictures: RowPicture[];
  candidates: Told[];
  /** What each judge would be told, with a word in the place of each answer. */
  judges: Told[];
};
export type Preview = {
  /** Rows that would be asked about. */
  rowCount: number;
  rows: PreviewedRow[];
  forecast: Forecast;
};

/** The rows with what would be said to whom, and the forecast. */
export async function previewOf(
  deps: PlanDeps,
  plan: Plan,
  wished: readonly number[] | null,
): Promise<Preview> {
  const { version, datasetName, checked, asked } = plan;
  const { split, sample } = checked;
  const wish = { split, sample, dataset: datasetName };
  const chosen = await deps.choose(version, wish);
  const { ask, told } = tellingOf(plan);
  const shown = (wished ?? chosen).slice(0, limits.assessmentPreviewRows);
  const beyond = shown.find((row) => !(Number.isInteger(row) && row >= 0 && row < version.rowCount));
  if (beyond !== undefined)
    throw new EspalierError("ROW_NOT_FOUND", `${datasetName} has no row ${beyond}.`, {
      field: "rows",
      value: String(beyond),
      hint: `Its rows are 0 to ${version.rowCount - 1}.`,
    });
  const spread = measuredOf(chosen);
  const wanted = [...new Set([...shown, ...spread])].sort((a, b) => a - b);
  const read = await deps.datasets.rowsAt(version.id, wanted);
  const rowOf = new Map(read.map(({ index, value }) => [index, value as Row]));
  const rows: PreviewedRow[] = [];
  for (const number of shown) {
    const row = rowOf.get(number);
    if (!row) continue;
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

  const measured = spread.flatMap((number): Row[] => {
    const row = rowOf.get(number);
    return row ? [row] : [];
  });
  const forecast = await forecastOfPlan(deps, plan, chosen.length, measured);
  return { rowCount: chosen.length, rows, forecast };
}

function problemOf(all: readonly Told[], row: Row): string | null {
  try {
    for (const { sent } of all) withPictures(sent, row);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}
