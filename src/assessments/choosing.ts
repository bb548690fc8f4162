// Which rows an assessment asks about: found once, kept by their numbers, and read a page at a time.
import type { SampleWish } from "../../schema/tables/assessments.ts";
import { type Datasets, type DatasetVersionRow, splitOfRow } from "../datasets/datasets.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { uniform } from "../kit/random.ts";
import { sampleRows } from "./graders/sample.ts";
import type { Row } from "./rows.ts";

/** Rows read at once while they are chosen. */
const PAGE = 500;
/** Rows read at once while they are asked about; how many such parts are begun ahead, and how many are held. */
const ASKED_TOGETHER = 32;
const PARTS_AHEAD = 2;
const PARTS_HELD = 16;

/**
 * Numbers of the rows to ask about, ascending.
 * @throws EspalierError NO_ROWS, ROWS_TOO_MANY
 */
async function chooseRows(
  datasets: Datasets,
  version: DatasetVersionRow,
  { split, sample, dataset }: { split: string | null; sample: SampleWish; dataset: string },
): Promise<number[]> {
  const numbers: number[] = [];
  const strata: string[] = [];
  // What every row stands for needs none of them read.
  const isEvery = split === null && sample.by === null;
  if (isEvery) for (let row = 0; row < version.rowCount; row++) numbers.push(row);
  for (let offset: number | null = isEvery ? null : 0; offset !== null; ) {
    const page = await datasets.rows(version.id, { offset, limit: PAGE });
    for (const { index, value } of page.rows) {
      const row = value as Row;
      if (split !== null && splitOfRow(row as Parameters<typeof splitOfRow>[0]) !== split) continue;
      numbers.push(index);
      if (sample.by !== null) strata.push(JSON.stringify(row[sample.by] ?? null));
    }
    offset = page.nextOffset;
  }
  const wish = { kind: sample.kind, size: sample.size ?? numbers.length, seed: sample.seed };
  const places = sampleRows(numbers.length, wish, uniform, sample.by === null ? undefined : strata);
  const rows = places.map((place) => numbers[place] ?? 0);
  if (rows.length === 0)
    throw new EspalierError("NO_ROWS", `${dataset} has no row to ask about.`, {
      field: "split",
      value: split ?? "",
      hint: "Choose another split.",
    });
  if (rows.length > limits.assessmentRows)
    throw new EspalierError(
      "ROWS_TOO_MANY",
      `${rows.length} rows were chosen; the limit assessmentRows is ${limits.assessmentRows}.`,
      { field: "sample", value: String(rows.length), hint: "Take a sample of them." },
    );
  return rows;
}

/** Choices that are remembered: a version never changes, and a form, its start and its run choose alike. */
const CHOICES_HELD = 16;

/**
 * Chooses rows, and remembers the latest choices. Whoever stops waiting leaves the choice to who asks next.
 * @throws EspalierError NO_ROWS, ROWS_TOO_MANY, and the reason of the signal
 */
export function createChooser(datasets: Datasets) {
  const choices = new Map<string, Promise<readonly number[]>>();
  return (
    version: DatasetVersionRow,
    wish: { split: string | null; sample: SampleWish; dataset: string },
    signal?: AbortSignal,
  ): Promise<readonly number[]> => {
    const key = JSON.stringify([version.id, wish.split, wish.sample]);
    let choice = choices.get(key);
    if (!choice) {
      choice = chooseRows(datasets, version, wish);
      choices.set(key, choice);
      choice.catch(() => choices.delete(key));
      for (const old of [...choices.keys()].slice(0, -CHOICES_HELD)) choices.delete(old);
    }
    return signal ? Promise.race([choice, abortOf(signal)]) : choice;
  };
}

const abortOf = (signal: AbortSignal): Promise<never> =>
  new Promise((_, refuse) => {
    const stop = (): void => refuse(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });

/**
 * Reads rows of `wanted` by their numbers, which ascend, and those that come next ahead of being asked for: a lane that
 * waits for the disk would let go what is answered meanwhile. Several candidates that come to the same rows read them once.
 * The reader throws EspalierError DATASET_GONE where a row is not there.
 */
export function createRowReader(
  datasets: Datasets,
  version: DatasetVersionRow,
  dataset: string,
  wanted: readonly number[],
): (row: number) => Promise<Row> {
  const parts = new Map<number, Promise<Map<number, Row>>>();
  const placeOf = new Map(wanted.map((row, place) => [row, place]));
  const readAll = async (numbers: readonly number[]): Promise<Map<number, Row>> => {
    const rows = new Map<number, Row>();
    for (const number of numbers) {
      if (rows.has(number)) continue;
      // Rows that lie far apart bring none along that nobody wants; a page holds fewer rows where they are large.
      const last = numbers.findLast((one) => one < number + ASKED_TOGETHER) ?? number;
      const limit = last - number + 1;
      const page = await datasets.rows(version.id, { offset: number, limit });
      for (const { index, value } of page.rows) if (placeOf.has(index)) rows.set(index, value as Row);
    }
    return rows;
  };
  const begin = (part: number): Promise<Map<number, Row>> => {
    const known = parts.get(part);
    if (known) return known;
    const from = part * ASKED_TOGETHER;
    const reading = readAll(wanted.slice(from, from + ASKED_TOGETHER));
    parts.set(part, reading);
    reading.catch(() => parts.delete(part));
    const [oldest] = parts.keys();
    if (parts.size > PARTS_HELD && oldest !== undefined) parts.delete(oldest);
    return reading;
  };
  return async (number) => {
    const part = Math.floor((placeOf.get(number) ?? 0) / ASKED_TOGETHER);
    const reading = begin(part);
    for (let ahead = part + 1; ahead <= part + PARTS_AHEAD; ahead++)
      if (ahead * ASKED_TOGETHER < wanted.length) void begin(ahead);
    const row = (await reading).get(number);
    if (row) return row;
    throw datasetGone(dataset);
  };
}

/** What an assessment needs was deleted since; without a dataset's name, the assessment itself. */
export function datasetGone(dataset?: string): EspalierError {
  return new EspalierError(
    "DATASET_GONE",
    dataset === undefined ? "The assessment was deleted." : `${dataset} was deleted since.`,
    { hint: "Bring it back from the trash, then run it again.", status: 409 },
  );
}
