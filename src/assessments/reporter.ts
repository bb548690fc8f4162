// The reporting process: a child of this program with a read-only connection of its own. A report over 60,000 answers takes
// longer than a server may stand still, and libSQL answers on the thread that asks.
import { sql } from "drizzle-orm";
import { answerParent, createAskedChild } from "../kit/asked-child.ts";
import type { ChildCommand } from "../kit/child.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { openReader, type Reader } from "../store/store.ts";
import { type CommonRow, type ComparedPair, comparisonOf } from "./comparison.ts";
import { matchingRows, type RowFilter, rowsThatHold } from "./filter.ts";
import { type Matrix, readMatrix } from "./matrix.ts";
import { type Report, reportOf } from "./report.ts";
import { type Slice, type SliceGroup, slicesOf } from "./slices.ts";

/** What it is asked, each about one assessment. */
type Questions = {
  report: Record<never, never>;
  rows: { filter: RowFilter };
  slices: { groups: SliceGroup[]; compared: readonly [string, string] | null };
  compare: { other: string; pairs: (readonly [string, string])[]; common: CommonRow[] };
};
type Answers = { report: Report; rows: number[]; slices: Slice[]; compare: ComparedPair[] };
type Kind = keyof Questions;
type Request = { [K in Kind]: { kind: K; assessmentId: string } & Questions[K] }[Kind];

export type Reporter = {
  /** @throws EspalierError REPORT_BUSY, REPORT_DIED, REPORT_FAILED, ASSESSMENT_NOT_FOUND */
  ask<K extends Kind>(kind: K, assessmentId: string, question: Questions[K]): Promise<Answers[K]>;
  close(): Promise<void>;
};

/** Starts the process at the first question, ends it when it was idle for long, and replaces it when it died. */
export function createReporter(program: ChildCommand, dataDir: string): Reporter {
  const child = createAskedChild<Request, Answers[Kind]>({
    program,
    open: dataDir,
    most: limits.reportsWaiting,
    busy: (waiting) =>
      new EspalierError(
        "REPORT_BUSY",
        `${waiting} reports are waited for already, the limit reportsWaiting is ${limits.reportsWaiting}.`,
        { status: 429, hint: "Ask again in a moment." },
      ),
    silentMs: limits.reportMs,
    idleMs: limits.reportIdleMs,
    died: (how) =>
      new EspalierError("REPORT_DIED", `The process that works out reports ended (${how}).`, {
        status: 503,
        hint: "Ask again: the next report starts another.",
      }),
  });
  return {
    ask: async <K extends Kind>(kind: K, assessmentId: string, question: Questions[K]) =>
      // The child answers a question of a kind with that kind's answer: it is this same program.
      (await child.ask({ kind, assessmentId, ...question } as Request)) as Answers[K],
    close: child.close,
  };
}

/** Assessments whose numbers it holds: 6 × 10,000 answers take about 30 MB. */
const HELD = 4;

/** The body of `espalier assessment-reporter`: answers its parent, and ends with it. */
export function runReporterChild(): Promise<never> {
  return answerParent<Request, Answers[Kind]>("assessment-reporter", "REPORT_FAILED", (dataDir) =>
    createAnswering(openReader(dataDir)),
  );
}

/** What is read and worked out stays until anything is written to the database: that is exact, and asked in no time. */
function createAnswering(db: Reader): (request: Request) => Promise<Answers[Kind]> {
  let seen = -1;
  const held = new Map<string, { matrix: Matrix; report?: Report }>();

  async function holdingOf(assessmentId: string) {
    const [version] = await db.all<{ data_version: number }>(sql`PRAGMA data_version`);
    if (version?.data_version !== seen) held.clear();
    seen = version?.data_version ?? -1;
    const known = held.get(assessmentId);
    if (known) return known;
    const matrix = await readMatrix(db, assessmentId);
    if (!matrix)
      throw new EspalierError("ASSESSMENT_NOT_FOUND", "The assessment was deleted.", {
        field: "id",
        value: assessmentId,
        hint: "Bring it back from the trash.",
        status: 404,
      });
    const made: { matrix: Matrix; report?: Report } = { matrix };
    held.set(assessmentId, made);
    for (const old of [...held.keys()].slice(0, -HELD)) held.delete(old);
    return made;
  }

  return async (request) => {
    const { assessmentId } = request;
    const holding = await holdingOf(assessmentId);
    const { matrix } = holding;
    switch (request.kind) {
      case "report":
        holding.report ??= reportOf(matrix);
        return holding.report;
      case "rows": {
        const { search } = request.filter;
        const rows = matchingRows(matrix, request.filter);
        if (search === null) return rows;
        const having = await rowsThatHold(db, assessmentId, search);
        return rows.filter((row) => having.has(row));
      }
      case "slices":
        return slicesOf(matrix, request.groups, request.compared);
      case "compare": {
        const { matrix: other } = await holdingOf(request.other);
        return comparisonOf(matrix, other, request.pairs, request.common);
      }
    }
  };
}
