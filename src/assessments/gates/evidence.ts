// Which assessment speaks for a model at a gate: the newest whole one that asks the same, with the figure that it gives.
import { and, desc, eq, exists, inArray, sql } from "drizzle-orm";
import { z } from "zod";
import { assessments, candidates } from "../../../schema/tables/assessments.ts";
import { isEnded } from "../../runs/runs.ts";
import type { Store } from "../../store/store.ts";
import type { AssessmentRow, Assessments, CandidateRow, Report } from "../assessments.ts";
import { comparePaired, roundsFor } from "../statistics/statistics.ts";
import { type Figure, type GateRule, shortfallOf } from "./rule.ts";

export type EvidenceDeps = { store: Store; assessments: Assessments };

/** What an assessment says of a model: a figure, or how far it is from whole. */
export type Evidence = { assessment: AssessmentRow; candidate: CandidateRow; other: CandidateRow | null } & (
  | { isWhole: true; figure: Figure }
  | { isWhole: false; scored: number; rows: number }
);

/** Reads reports, each once: several gates of one model ask for the same. */
export type ReportReader = (row: AssessmentRow) => Promise<Report>;

/** Newest ones that are looked at: older than these there is nothing that still speaks for a model. */
const LOOKED_AT = 20;

/**
 * The newest whole assessment that asks what `pattern` asks (the same rows of the same dataset version, question, right
 * answers, graders, length and temperature), of a candidate that is one of `subjects` by model id and is given what a
 * candidate of `pattern` is given; for a comparison with one of `others` in it too. Where there is none, the newest that
 * is not whole; null where there is none at all. Of several candidates of the model, the one that falls short counts.
 */
export async function evidenceOf(
  deps: EvidenceDeps,
  wish: {
    pattern: AssessmentRow;
    rule: GateRule;
    subjects: readonly string[];
    others: readonly string[] | null;
    report: ReportReader;
  },
): Promise<Evidence | null> {
  const { pattern, rule, subjects, others, report } = wish;
  const given = new Set((await deps.assessments.candidatesOf(pattern.id)).map(givenOf));
  let partial: Evidence | null = null;
  for (const assessment of await alike(deps.store, pattern, subjects)) {
    const all = (await deps.assessments.candidatesOf(assessment.id)).filter((one) => given.has(givenOf(one)));
    const own = all.filter(({ modelId }) => subjects.includes(modelId));
    const against = others === null ? [null] : all.filter(({ modelId }) => others.includes(modelId));
    const pairs = own.flatMap((candidate) => against.map((other) => ({ candidate, other })));
    if (pairs.length === 0) continue;
    const run = await deps.assessments.runOf(assessment.id);
    const isOver = run !== null && isEnded(run);
    const found = await report(assessment);
    const said: Evidence[] = [];
    for (const pair of pairs) said.push(await measured(deps, { assessment, rule, report: found, ...pair }));
    const lacking = said.find(({ isWhole }) => !isWhole);
    if (isOver && !lacking) {
      const worst = said.find((one) => one.isWhole && shortfallOf(rule, one.figure) !== null);
      return worst ?? said[0] ?? null;
    }
    const [first] = said;
    partial ??= lacking ?? (first ? asPartial(first) : null);
  }
  return partial;
}

/** One that is whole, of an assessment that still goes on for others. */
function asPartial({ assessment, candidate, other }: Evidence): Evidence {
  const rows = assessment.rows?.length ?? 0;
  return { assessment, candidate, other, isWhole: false, scored: rows, rows };
}

/** Assessments that ask what the pattern asks, newest first; the pattern itself among them. */
async function alike(
  { db }: Store,
  pattern: AssessmentRow,
  subjects: readonly string[],
): Promise<AssessmentRow[]> {
  // Which rows they are is known once its run has chosen them.
  if (pattern.rows === null || subjects.length === 0) return [];
  const reference = sql`${assessments.reference} IS ${pattern.reference}`;
  const asksOne = db
    .select({ id: candidates.id })
    .from(candidates)
    .where(and(eq(candidates.assessmentId, assessments.id), inArray(candidates.modelId, [...subjects])));
  return db
    .select()
    .from(assessments)
    .where(
      and(
        eq(assessments.projectId, pattern.projectId),
        eq(assessments.datasetVersionId, pattern.datasetVersionId),
        eq(assessments.rows, pattern.rows),
        eq(assessments.question, pattern.question),
        reference,
        eq(assessments.graders, pattern.graders),
        eq(assessments.maxTokens, pattern.maxTokens),
        eq(assessments.temperature, pattern.temperature),
        exists(asksOne),
      ),
    )
    .orderBy(desc(assessments.id))
    .limit(LOOKED_AT);
}

/** What a candidate is given beside the question: another system prompt, or documents, make another test. */
function givenOf({ systemPrompt, knowledgeBases, parameters }: CandidateRow): string {
  const { temperature, topP, maxTokens } = parameters;
  return JSON.stringify([systemPrompt, knowledgeBases.toSorted(), temperature, topP, maxTokens]);
}

type Measure = {
  assessment: AssessmentRow;
  rule: GateRule;
  report: Report;
  candidate: CandidateRow;
  other: CandidateRow | null;
};

/** The figure of a candidate, where every row has a score of it and of the other. */
async function measured(deps: EvidenceDeps, measure: Measure): Promise<Evidence> {
  const { assessment, report, rule, candidate, other } = measure;
  const rows = assessment.rows?.length ?? 0;
  const counts = [candidate, ...(other ? [other] : [])].map((one) => scoredRows(report, one, rule.grader));
  const scored = Math.min(...counts);
  const said = { assessment, candidate, other };
  const figure = rows > 0 && scored === rows ? await figureOf(deps, measure) : null;
  return figure ? { ...said, isWhole: true, figure } : { ...said, isWhole: false, scored, rows };
}

const totalOf = (report: Report, { id }: CandidateRow) =>
  report.candidates.find(({ candidate }) => candidate.id === id);

function intervalOf(report: Report, candidate: CandidateRow, grader: string | null) {
  const total = totalOf(report, candidate);
  if (grader === null) return total?.interval ?? null;
  return total?.graders.find(({ label }) => label === grader)?.interval ?? null;
}

/** Rows with a score; a row that failed has none. */
const scoredRows = (report: Report, candidate: CandidateRow, grader: string | null): number =>
  intervalOf(report, candidate, grader)?.n ?? 0;

async function figureOf(deps: EvidenceDeps, measure: Measure): Promise<Figure | null> {
  const { report, rule, candidate, other } = measure;
  if (other === null) {
    const interval = intervalOf(report, candidate, rule.grader);
    return interval && { value: interval.mean, low: interval.low, high: interval.high, n: interval.n };
  }
  // The same candidate on both sides differs from itself nowhere.
  if (other.id === candidate.id)
    return { value: 0, low: 0, high: 0, n: scoredRows(report, candidate, rule.grader) };
  const labels = totalOf(report, candidate)?.graders.map(({ label }) => label) ?? [];
  if (rule.grader !== null && labels.length > 1)
    return graderFigure(deps.store, candidate, other, labels.indexOf(rule.grader));
  const pair = report.pairs.find(
    ({ first, second }) =>
      (first.id === candidate.id && second.id === other.id) ||
      (first.id === other.id && second.id === candidate.id),
  );
  if (!pair) return null;
  const { difference, low, high, n } = pair;
  return pair.first.id === candidate.id
    ? { value: difference, low, high, n }
    : { value: -difference, low: -high, high: -low, n };
}

const valueRow = z.object({ row: z.number(), value: z.number() });

/** The difference by one grader of several, which a report does not hold. */
async function graderFigure(
  { db }: Store,
  candidate: CandidateRow,
  other: CandidateRow,
  grader: number,
): Promise<Figure | null> {
  const valuesOf = async ({ id }: CandidateRow): Promise<Map<number, number>> => {
    const rows = await db.all(sql`SELECT a.row AS row, s.value AS value FROM answers a
      JOIN scores s ON s.answer_id = a.id AND s.grader = ${grader}
      WHERE a.candidate_id = ${id} AND a.error IS NULL AND s.value IS NOT NULL ORDER BY a.row`);
    return new Map(
      z
        .array(valueRow)
        .parse(rows)
        .map(({ row, value }) => [row, value]),
    );
  };
  const [own, theirs] = [await valuesOf(candidate), await valuesOf(other)];
  const both = [...own.keys()].filter((row) => theirs.has(row));
  const compared = comparePaired(
    both.map((row) => own.get(row) ?? 0),
    both.map((row) => theirs.get(row) ?? 0),
    1,
    // As in a report: its work stays the same, however many rows there are.
    roundsFor(both.length),
  );
  return compared && { value: compared.difference, low: compared.low, high: compared.high, n: compared.n };
}
