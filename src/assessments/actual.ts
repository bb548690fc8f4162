// What an assessment took, to stand beside what it was expected to take.
import { and, eq, isNull, sql } from "drizzle-orm";
import { answers, type Effort, judgements } from "../../schema/tables/assessments.ts";
import type { Runs } from "../runs/runs.ts";
import type { Store } from "../store/store.ts";
import type { AssessmentRow } from "./assessments.ts";

type Paid = { replies: number; priced: number; costUsd: number };

/** Time of its runs and price of its replies; null until its latest run ended. */
export async function actualOf(
  { store, runs }: { store: Store; runs: Runs },
  { id, answersFrom }: Pick<AssessmentRow, "id" | "answersFrom">,
): Promise<Effort | null> {
  const seconds = await runs.secondsOf(id, "assess");
  if (seconds === null) return null;
  const paid = [await paidFor(store, judgements, id)];
  // Answers that were taken over were paid for elsewhere.
  if (answersFrom === null) paid.push(await paidFor(store, answers, id));
  const sum = (of: (one: Paid) => number): number => paid.reduce((all, one) => all + of(one), 0);
  const replies = sum((one) => one.replies);
  const isPriced = replies > 0 && replies === sum((one) => one.priced);
  return { seconds, costUsd: isPriced ? sum((one) => one.costUsd) : null };
}

async function paidFor({ db }: Store, table: typeof answers | typeof judgements, id: string): Promise<Paid> {
  const [paid] = await db
    .select({
      replies: sql<number>`count(*)`,
      priced: sql<number>`count(${table.costUsd})`,
      costUsd: sql<number>`total(${table.costUsd})`,
    })
    .from(table)
    .where(and(eq(table.assessmentId, id), isNull(table.error)));
  return paid ?? { replies: 0, priced: 0, costUsd: 0 };
}
