// A matrix by hand, for what is worked out from one.
import type { AnswerColumns, Matrix } from "./matrix.ts";

/** Candidates with their scores by row: null is unscored, undefined failed. */
export function matrixOf(scores: Record<string, readonly (number | null | undefined)[]>): Matrix {
  const columns = Object.entries(scores).map(([id, values], place): AnswerColumns => {
    const of = (value: number): number[] => values.map(() => value);
    return {
      candidate: {
        ...{ id, place, name: `model ${id}`, modelId: `base_${id}`, assessmentId: "asm_1" },
        ...{ systemPrompt: null, knowledgeBases: [], parameters: {} },
      },
      rows: values.map((_, row) => row),
      failed: values.map((value) => value === undefined),
      ...{ latencyMs: of(1), inputTokens: of(1), outputTokens: of(1), costUsd: of(0) },
      values: [values.map((value) => value ?? null)],
      scoreByRow: new Map(
        values.flatMap((value, row) => (typeof value === "number" ? [[row, value] as const] : [])),
      ),
    };
  });
  return { graders: [{ kind: "exact" }], columns, judged: [], rated: [] };
}
