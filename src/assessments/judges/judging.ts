// Judges: which answers they see, what they said of them, and what that is worth as scores.
import { and, eq, inArray, isNotNull, isNull } from "drizzle-orm";
import { answers, judgements, scores } from "../../../schema/tables/assessments.ts";
import type { GenerationRequest } from "../../inference/inference.ts";
import { createBatch } from "../../kit/batch.ts";
import { newId } from "../../kit/ids.ts";
import { limits } from "../../kit/limits.ts";
import type { ModelRef } from "../../models/models.ts";
import type { Tx } from "../../store/store.ts";
import { ask } from "../asking.ts";
import type { GraderSpec } from "../graders/graders.ts";
import { inLanes } from "../lanes.ts";
import { textsOf, valuesOf, withPictures } from "../rows.ts";
import type { Work, WorkDeps } from "../work.ts";
import { judgeMessages } from "./prompt.ts";
import { type Judgement, scoresOf } from "./scores.ts";
import { type JudgeMode, readVerdict, VERDICT_SCHEMAS } from "./verdict.ts";

export type JudgeSpec = Extract<GraderSpec, { kind: "judge" }>;
type Judge = { grader: number; spec: JudgeSpec; mode: JudgeMode; model: ModelRef };
/** An answer that is to be judged, without its text. */
type Known = { id: string; candidateId: string };
type Job = { judge: Judge; row: number; first: string; second: string | null };

/** Judgements of so many milliseconds are kept by one commit. */
const GATHER_MS = 20;

/** What a judge does: of two and more it compares unless told otherwise; one has nobody to be compared with. */
export const modeOf = ({ mode = "pairwise" }: JudgeSpec, candidates: number): JudgeMode =>
  candidates > 1 ? mode : "direct";

/** Judgements of one row by a judge, when every candidate answered. */
export const judgementsOf = (mode: JudgeMode, candidates: number): number =>
  mode === "direct" ? candidates : candidates * (candidates - 1);

/**
 * Has judges say what they have not said yet, and again where they failed; what they said stays.
 * Returns how many judgements failed. @throws what `inLanes` throws, MODEL_NOT_FOUND, MODEL_NOT_USABLE
 */
export async function judgeRows(deps: WorkDeps, work: Work): Promise<number> {
  const judges = await judgesOf(deps, work);
  if (judges.length === 0) return 0;
  const { store } = deps;
  const { assessment, ctx } = work;
  await store.write(async (tx) => {
    const failed = and(eq(judgements.assessmentId, assessment.id), isNotNull(judgements.error));
    await tx.delete(judgements).where(failed);
  }, "assessment.judgeAgain");
  const keep = createBatch<typeof judgements.$inferInsert>(
    (all) => store.write((tx) => keepJudgements(tx, judges, all), "assessment.judge"),
    GATHER_MS,
  );
  const jobs = await jobsOf(deps, work, judges);
  const { failed } = await inLanes<Job>({
    jobs,
    modelOf: ({ judge }) => judge.model,
    concurrency: assessment.concurrency,
    signal: ctx.signal,
    work: async (job) => {
      const { failure, judgement } = await judgeOne(deps, work, job);
      ctx.crashPoint("judged");
      const kept = keep(judgement).then(() => {
        ctx.crashPoint("judgement-kept");
        work.step();
      });
      return { failure, kept };
    },
  });
  return failed;
}

async function judgesOf({ models }: WorkDeps, { graders, candidates, ctx }: Work): Promise<Judge[]> {
  const judges: Judge[] = [];
  for (const [grader, spec] of graders.entries()) {
    if (spec.kind !== "judge") continue;
    const model = await models.resolve(ctx.run.projectId, spec.modelId ?? spec.model);
    judges.push({ grader, spec, mode: modeOf(spec, candidates.length), model });
  }
  return judges;
}

/** What is left to be judged, row by row. */
async function jobsOf({ store }: WorkDeps, work: Work, judges: readonly Judge[]): Promise<Job[]> {
  const { assessment, candidates } = work;
  const place = new Map(candidates.map((one) => [one.id, one.place]));
  const found = await store.db
    .select({ id: answers.id, candidateId: answers.candidateId, row: answers.row })
    .from(answers)
    .where(and(eq(answers.assessmentId, assessment.id), isNull(answers.error)))
    .orderBy(answers.row);
  const said = await store.db
    .select({ grader: judgements.grader, answerId: judgements.answerId, otherId: judgements.otherId })
    .from(judgements)
    .where(eq(judgements.assessmentId, assessment.id));
  const have = new Set(said.map((one) => `${one.grader} ${one.answerId} ${one.otherId}`));
  const byPlace = (a: Known, b: Known): number =>
    (place.get(a.candidateId) ?? 0) - (place.get(b.candidateId) ?? 0);
  const jobs: Job[] = [];
  for (const [row, all] of Map.groupBy(found, (one) => one.row)) {
    const known = all.toSorted(byPlace);
    for (const judge of judges)
      for (const [first, second] of shownBy(judge.mode, known)) {
        if (have.has(`${judge.grader} ${first} ${second ?? ""}`)) work.step();
        else jobs.push({ judge, row, first, second });
      }
  }
  return jobs;
}

/** Who is shown with whom: each alone, or each pair in both orders. */
function shownBy(mode: JudgeMode, all: readonly Known[]): [string, string | null][] {
  if (mode === "direct") return all.map(({ id }) => [id, null]);
  return all.flatMap((one, at) =>
    all.slice(at + 1).flatMap((other): [string, string][] => [
      [one.id, other.id],
      [other.id, one.id],
    ]),
  );
}

async function judgeOne(deps: WorkDeps, work: Work, { judge, row: number, first, second }: Job) {
  const { store, answer, clock } = deps;
  const { grader, spec, mode, model } = judge;
  const { assessment, caller, ctx } = work;
  const row = await work.readRow(number);
  const seen = await store.db.query.answers.findMany({
    where: inArray(answers.id, [first, ...(second === null ? [] : [second])]),
  });
  const judgedOf = (id: string) => {
    const found = seen.find((one) => one.id === id);
    if (!found) throw new Error(`answer ${id} went while it was judged`);
    const { sent, text } = found;
    const system = sent.find(({ role }) => role === "system")?.content ?? null;
    return { answerId: id, sent, text: text ?? "", systemPrompt: system };
  };
  const sent = judgeMessages({
    mode,
    criteria: spec.criteria ?? null,
    prompt: spec.prompt ?? null,
    first: judgedOf(first),
    second: second === null ? null : judgedOf(second),
    reference: seen[0]?.reference ?? null,
    values: textsOf(valuesOf(row, work.version)),
  });
  const shown = model.abilities.includes("vision") ? picturesOf(seen[0]?.sent ?? []) : [];
  const messages = sent.map((turn) =>
    turn.role === "user" && shown.length > 0 ? { ...turn, pictures: shown } : turn,
  );
  const sampling: Omit<GenerationRequest, "messages" | "prompt"> = {
    maxTokens: limits.judgeMaxTokens,
    temperature: 0,
    seed: 1,
    format: { type: "json", schema: VERDICT_SCHEMAS[mode] },
  };
  const asked = { messages: () => withPictures(messages, row), sampling };
  const { failure, text, error, inputTokens, outputTokens, costUsd, latencyMs } = await ask(
    answer,
    model,
    asked,
    caller,
    ctx.signal,
  );
  if (error) ctx.log(`${spec.model} on row ${number}: ${error.message}`, "error");
  const verdict = text === null ? { value: null, reason: null } : readVerdict(mode, text);
  const at = clock();
  const judgement: typeof judgements.$inferInsert = {
    id: newId("judgement", at),
    assessmentId: assessment.id,
    grader,
    row: number,
    answerId: first,
    otherId: second ?? "",
    sent: messages,
    text,
    error,
    ...verdict,
    inputTokens,
    outputTokens,
    costUsd,
    latencyMs,
    createdAt: at,
  };
  return { failure, judgement };
}

const picturesOf = (sent: readonly { pictures?: string[] }[]): string[] =>
  sent.flatMap(({ pictures = [] }) => pictures);

/** Keeps what judges said, and scores the answers that it is about from all that was said of them. */
async function keepJudgements(
  tx: Tx,
  judges: readonly Judge[],
  all: readonly (typeof judgements.$inferInsert)[],
): Promise<void> {
  const named = [
    ...new Set(all.flatMap(({ answerId, otherId }) => [answerId, ...(otherId ? [otherId] : [])])),
  ];
  const there = await tx.select({ id: answers.id }).from(answers).where(inArray(answers.id, named));
  const known = new Set(there.map(({ id }) => id));
  // The assessment was deleted for good meanwhile.
  const due = all.filter(
    ({ answerId, otherId }) => known.has(answerId) && (otherId === "" || known.has(otherId)),
  );
  if (due.length === 0) return;
  await tx
    .insert(judgements)
    .values([...due])
    .onConflictDoNothing();
  for (const { grader, mode } of judges) {
    const rows = [...new Set(due.flatMap((one) => (one.grader === grader ? [one.row] : [])))];
    if (rows.length === 0) continue;
    const { assessmentId } = due[0] ?? {};
    if (assessmentId === undefined) return;
    const said: Judgement[] = await tx
      .select({
        row: judgements.row,
        answerId: judgements.answerId,
        otherId: judgements.otherId,
        value: judgements.value,
        reason: judgements.reason,
      })
      .from(judgements)
      .where(
        and(
          eq(judgements.assessmentId, assessmentId),
          eq(judgements.grader, grader),
          inArray(judgements.row, rows),
          isNull(judgements.error),
        ),
      );
    for (const one of scoresOf(mode, said)) {
      const { value, detail } = one;
      await tx
        .insert(scores)
        .values({ ...one, grader })
        .onConflictDoUpdate({ target: [scores.answerId, scores.grader], set: { value, detail } });
    }
  }
}
