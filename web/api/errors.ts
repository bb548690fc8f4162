// One shape for everything that can go wrong between the page and the server.
import { said } from "../said.ts";

/** What a failure says: what happened, why, and what to do next. */
export type Problem = {
  code: string;
  message: string;
  hint?: string | null;
  field?: string | null;
  value?: string | null;
};

/** A Problem as something that can be thrown. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** What happened and the mend, in the page's language, for where there is one line for both. */
export const sentencesOf = ({ message, hint }: Problem): string =>
  [message, hint].flatMap((text) => (text ? [said(text)] : [])).join(" ");

/** Turns anything thrown into a Problem without losing its text. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof ProblemError) return thrown.problem;
  if (thrown instanceof Error) return { code: "UNEXPECTED", message: thrown.message };
  return { code: "UNEXPECTED", message: String(thrown) };
}
