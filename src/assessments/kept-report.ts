// The report of an assessment, worked out once: it stays in the database until anything that it is made from changes,
// which triggers see to, so that a page opens at once, also after a restart.
import { and, eq } from "drizzle-orm";
import { assessmentReports } from "../../schema/tables/assessments.ts";
import { version } from "../kit/version.ts";
import type { Store } from "../store/store.ts";
import type { Report } from "./report.ts";
import type { Reporter } from "./reporter.ts";

type Deps = { store: Store; reporter: Reporter };

/** What an assessment found so far. @throws EspalierError REPORT_BUSY, REPORT_DIED, REPORT_FAILED, ASSESSMENT_NOT_FOUND */
export async function keptReport({ store, reporter }: Deps, assessmentId: string): Promise<Report> {
  const kept = await store.db.query.assessmentReports.findFirst({
    where: eq(assessmentReports.assessmentId, assessmentId),
  });
  // Its shape is that of this same version of the program, which wrote it.
  if (kept?.report && kept.madeBy === version) return JSON.parse(kept.report) as Report;
  const report = await reporter.ask("report", assessmentId, {});
  // Nothing was answered yet.
  if (!kept) return report;
  await store.write(
    (tx) =>
      tx
        .update(assessmentReports)
        .set({ report: JSON.stringify(report), madeBy: version })
        // It was read after this revision was there: if that still stands, nothing came between.
        .where(
          and(
            eq(assessmentReports.assessmentId, assessmentId),
            eq(assessmentReports.revision, kept.revision),
          ),
        ),
    "assessment.report",
  );
  return report;
}
