// Grading over a real process, for tests; only similarity is made by a small embedder of letters instead of a model.
import { join } from "node:path";
import { type Embedder, estimateTokens } from "../inference/inference.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { type Grade, parseGrader } from "./graders/graders.ts";
import { createGrading, type GradedCase, type Grading } from "./grading.ts";

const MAIN = join(import.meta.dir, "../main.ts");
export const caller = { projectId: "p", userId: null, keyId: null, source: "assessment" as const };
/** Each letter of a to z is a direction; it fails at texts that say so. */
const letters: Embedder = {
  id: "letters:1",
  name: "letters",
  dimensions: 26,
  maxTokens: 20,
  counting: "estimated",
  countTokens: async (texts) => texts.map(estimateTokens),
  embed: async (texts) =>
    texts.map((text) => {
      if (text.includes("broken")) throw new Error("the embedder is down");
      const vector = new Float32Array(26);
      for (const [letter] of text.toLowerCase().matchAll(/[a-z]/g)) {
        const at = letter.charCodeAt(0) - 97;
        vector[at] = (vector[at] ?? 0) + (letter === "z" ? -1 : 1);
      }
      return vector;
    }),
};
/** Grading of its own, with other bounds where some are named. */
export const openGrading = (bounds: Partial<Record<keyof typeof limits, number>> = {}) =>
  createGrading({
    embedders: {
      list: async () => [letters],
      find: async (_, wanted) => [letters].find(({ id, name }) => [id, name].includes(wanted)) ?? null,
    },
    usage: { record: async () => undefined },
    process: {
      command: [process.execPath, MAIN, "answer-grader"],
      env: {},
      limits: { ...limits, ...bounds },
    },
  });

export const caseOf = (answer: string, reference: string | null): GradedCase => ({
  answer,
  reference,
  row: { topic: "geography" },
});

/** What graders of one process say, by the line that names them; the reference is Paris when unsaid. */
export function gradesBy(grading: Grading) {
  const grades = (line: string, answers: readonly string[], reference: string | null = "Paris") =>
    grading.grade(
      parseGrader(line),
      answers.map((answer) => caseOf(answer, reference)),
      caller,
    );
  const gradeOf = async (
    line: string,
    answer = "Paris",
    reference: string | null = "Paris",
  ): Promise<Grade> => (await grades(line, [answer], reference))[0] ?? { score: null, why: "none was given" };
  return {
    grades,
    gradeOf,
    /** Why there is no score, or which one there is. */
    async whyOf(line: string, answer?: string): Promise<string> {
      const grade = await gradeOf(line, answer);
      return grade.score === null ? grade.why : `scored ${grade.score} ${grade.detail}`;
    },
    /** How a grader is refused. @throws Error where it is taken */
    async refusalOf(line: string): Promise<EspalierError> {
      const error = await grading.check("p", [parseGrader(line)]).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (error instanceof EspalierError) return error;
      throw new Error(`${line} was taken: ${error}`);
    },
  };
}
