// A finished assessment put straight into a data folder's tables, for what is about its report and not about its run.
import { sql } from "drizzle-orm";
import { answers, assessments, candidates, scores } from "../schema/tables/assessments.ts";
import { now } from "../src/kit/clock.ts";
import { newId } from "../src/kit/ids.ts";
import type { Store } from "../src/store/store.ts";

export type Assessed = {
  name: string;
  projectId: string;
  datasetVersionId: string;
  datasetName: string;
  question?: string;
  /** Numbers of the rows. */
  rows: number[];
  candidates: { name: string; modelId: string }[];
  graders?: { kind: "exact" | "contains" }[];
  /** What a candidate (by its place) says to a row: its text, or null where it failed; scores by grader. */
  said(
    candidate: number,
    row: number,
  ): { text: string | null; scores: (number | null)[]; asked?: string; reference?: string };
};

/** Answers written in one statement. */
const BATCH = 500;

/** Writes it with all its answers; returns its id. */
export async function putAssessed(store: Store, wish: Assessed): Promise<string> {
  const id = newId("assessment");
  const asked = wish.candidates.map((one, place) => ({ ...one, place, id: newId("candidate") }));
  await store.write(async (tx) => {
    await tx.insert(assessments).values({
      id,
      projectId: wish.projectId,
      name: wish.name,
      datasetVersionId: wish.datasetVersionId,
      datasetName: wish.datasetName,
      split: null,
      sample: { kind: "all", size: null, seed: 1, by: null },
      rows: wish.rows,
      question: wish.question ?? "{{question}}",
      reference: "answer",
      graders: wish.graders ?? [{ kind: "exact" }],
      maxTokens: 64,
      temperature: 0,
      userId: null,
      keyId: null,
      createdBy: "a test",
      createdAt: now(),
    });
    await tx.insert(candidates).values(
      asked.map((one) => ({
        id: one.id,
        assessmentId: id,
        place: one.place,
        name: one.name,
        modelId: one.modelId,
        systemPrompt: one.place === 0 ? null : `Be candidate ${one.place}.`,
        knowledgeBases: [],
      })),
    );
  }, "test.assessed");
  for (let at = 0; at < wish.rows.length; at += BATCH)
    await store.write(async (tx) => {
      const some = wish.rows.slice(at, at + BATCH).flatMap((row) =>
        asked.map((one) => {
          const said = wish.said(one.place, row);
          const system = one.place === 0 ? [] : [{ role: "system", content: `Be candidate ${one.place}.` }];
          const answer = {
            id: newId("answer"),
            assessmentId: id,
            candidateId: one.id,
            row,
            sent: [...system, { role: "user", content: said.asked ?? `Question ${row}` }],
            reference: said.reference ?? null,
            text: said.text,
            error: said.text === null ? { code: "ANSWER_FAILED", message: "It did not answer." } : null,
            citations: null,
            finishReason: said.text === null ? null : "stop",
            inputTokens: 100 + (row % 7),
            outputTokens: 20 + one.place,
            costUsd: 0.0001 * (one.place + 1),
            latencyMs: 200 + ((row * 37 + one.place * 11) % 100),
            createdAt: now(),
          };
          return { answer, graded: said.scores.map((value, grader) => ({ grader, value })) };
        }),
      );
      // JSON in one statement: a placeholder for each of a thousand rows' columns takes seconds to prepare.
      await tx.run(sql`INSERT INTO ${answers} SELECT value ->> 'id', value ->> 'assessmentId', value ->> 'candidateId',
        value ->> 'row', value -> 'sent', value ->> 'reference', value ->> 'text',
        CASE WHEN value ->> 'error' IS NULL THEN NULL ELSE value -> 'error' END, NULL, value ->> 'finishReason',
        value ->> 'inputTokens', value ->> 'outputTokens', value ->> 'costUsd', value ->> 'latencyMs', value ->> 'createdAt'
        FROM json_each(${JSON.stringify(some.map(({ answer }) => answer))})`);
      const graded = some.flatMap((one) =>
        one.graded.map((grade) => ({ ...grade, answerId: one.answer.id })),
      );
      await tx.run(sql`INSERT INTO ${scores} SELECT value ->> 'answerId', value ->> 'grader', value ->> 'value', NULL
        FROM json_each(${JSON.stringify(graded)})`);
    }, "test.assessed");
  return id;
}
