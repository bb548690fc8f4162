// Which rows of an assessment are looked at: those on which candidates disagree, one is better than another, or a text stands.
import { sql } from "drizzle-orm";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { Reader } from "../store/store.ts";
import type { AnswerColumns, Matrix } from "./matrix.ts";

export type ShownKind = "all" | "disagree" | "wrong" | "better" | "worse" | "failed" | "unscored";
/** What is said of rows; all of it holds for each row that is shown. */
export type RowFilter = {
  show: ShownKind;
  /** Id of the candidate that `show` speaks of; any when null. */
  candidate: string | null;
  /** Id of whom it is better or worse than; any other when null. */
  than: string | null;
  /** Place of the grader whose scores count; the mean of all when null. */
  grader: number | null;
  /** Stands in the question, the right answer or an answer, whatever the case of A to Z. */
  search: string | null;
};

/** What one candidate has for one row: null is unscored. */
type Cell = { isFailed: boolean; score: number | null };
type Row = (Cell | undefined)[];

/**
 * The filter as it is used.
 * @throws EspalierError ASSESSMENT_FILTER_INVALID for a candidate, grader or text that cannot be
 */
export function checkFilter(
  filter: RowFilter,
  candidates: readonly { id: string }[],
  graders: number,
): RowFilter {
  for (const field of ["candidate", "than"] as const) {
    const value = filter[field];
    if (value !== null && !candidates.some(({ id }) => id === value))
      throw invalid(field, value, "it is none of the assessment's candidates", "Name one by its id.");
  }
  const { grader, search } = filter;
  if (grader !== null && !(Number.isInteger(grader) && grader >= 0 && grader < graders))
    throw invalid(
      "grader",
      String(grader),
      `there are ${graders}, counted from 0`,
      "Leave it out for the mean of all.",
    );
  if (search !== null && search.length > limits.searchChars)
    throw invalid(
      "search",
      search,
      `the limit searchChars is ${limits.searchChars}`,
      "Search for fewer words.",
    );
  return { ...filter, search: search?.trim() || null };
}

function invalid(field: string, value: string, why: string, hint: string): EspalierError {
  return new EspalierError(
    "ASSESSMENT_FILTER_INVALID",
    `Rows cannot be filtered by ${field} "${value.slice(0, 120)}": ${why}.`,
    { field, value: value.slice(0, 120), hint },
  );
}

/** Numbers of the rows that it lets through, ascending. */
export function matchingRows(matrix: Matrix, filter: RowFilter): number[] {
  const byRow = new Map<number, Row>();
  matrix.columns.forEach((own, place) => {
    own.rows.forEach((row, at) => {
      const cells = byRow.get(row) ?? [];
      byRow.set(row, cells);
      cells[place] = { isFailed: own.failed[at] ?? false, score: scoreAt(own, at, row, filter.grader) };
    });
  });
  const place = (id: string | null) => matrix.columns.findIndex(({ candidate }) => candidate.id === id);
  const [own, than] = [place(filter.candidate), place(filter.than)];
  const holds = (row: Row): boolean => isShown(row, filter.show, own, than);
  return [...byRow.keys()].filter((row) => holds(byRow.get(row) ?? [])).sort((a, b) => a - b);
}

function scoreAt(own: AnswerColumns, at: number, row: number, grader: number | null): number | null {
  if (own.failed[at]) return null;
  return (grader === null ? own.scoreByRow.get(row) : own.values[grader]?.[at]) ?? null;
}

/** `own` and `than` are places, -1 for any. */
function isShown(row: Row, show: ShownKind, own: number, than: number): boolean {
  const asked = (own === -1 ? row : [row[own]]).filter((cell) => cell !== undefined);
  switch (show) {
    case "all":
      return own === -1 || asked.length > 0;
    case "disagree":
      // One that is unscored disagrees with one that is not.
      return new Set(row.flatMap((cell) => (cell ? [cell.score] : []))).size > 1;
    case "wrong":
      return asked.some(({ score }) => (score ?? 0) < 1);
    case "failed":
      return asked.some(({ isFailed }) => isFailed);
    case "unscored":
      return asked.some(({ isFailed, score }) => !isFailed && score === null);
    case "better":
    case "worse":
      return row.some((one, a) =>
        row.some((other, b) => {
          if (a === b || !one || !other || one.score === null || other.score === null) return false;
          if ((own !== -1 && a !== own) || (than !== -1 && b !== than)) return false;
          return show === "better" ? one.score > other.score : one.score < other.score;
        }),
      );
  }
}

/** Numbers of the rows in whose question, right answer or answers the text stands. */
export async function rowsThatHold(db: Reader, assessmentId: string, search: string): Promise<Set<number>> {
  // LIKE knows the two cases of A to Z alone; the rest is looked for as written, in lower and in upper case.
  const patterns = new Set([search, search.toLowerCase(), search.toUpperCase()].map(patternOf));
  const like = (text: ReturnType<typeof sql>) =>
    sql.join(
      [...patterns].map((pattern) => sql`${text} LIKE ${pattern} ESCAPE '\\'`),
      sql` OR `,
    );
  const found = await db.all<{ row: number }>(sql`SELECT DISTINCT a.row AS row FROM answers a
    WHERE a.assessment_id = ${assessmentId} AND (${like(sql`a.text`)} OR ${like(sql`a.reference`)}
      OR ${like(sql`json_extract(a.sent, '$[#-1].content')`)})`);
  return new Set(found.map(({ row }) => row));
}

const patternOf = (text: string): string => `%${text.replaceAll(/[\\%_]/g, "\\$&")}%`;
