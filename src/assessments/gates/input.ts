// What people ask of a gate, checked before it is kept.
import { EspalierError } from "../../kit/errors.ts";
import type { GateRule } from "./rule.ts";

export type GateWish = {
  /** Name or id of an assessment. */
  assessment: string;
  /** As a line says it; the mean over all of the assessment's graders when unsaid. */
  grader?: string | null | undefined;
  /** From 0 to 1. */
  atLeast?: number | null | undefined;
  lowerBoundAtLeast?: number | null | undefined;
  /** Name or id of an alias or live model; instead of `atLeast`. */
  notWorseThan?: string | null | undefined;
  /** From 0 to 1: 0.02 is two points; 0 when unsaid. */
  byAtMost?: number | null | undefined;
};

function invalid(field: string, value: unknown, message: string, hint: string): EspalierError {
  return new EspalierError("GATE_INVALID", message, { field, value: String(value).slice(0, 120), hint });
}

function share(field: string, value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw invalid(
    field,
    value,
    `${field} cannot be ${value}: it is a number from 0 to 1.`,
    "Say 80 percent as 0.8, and two points as 0.02.",
  );
}

/** The rule of a wish, with what it compares with as it was named. @throws EspalierError GATE_INVALID */
export function checkRule(wish: GateWish, labels: readonly string[]): GateRule {
  const grader = wish.grader ?? null;
  if (grader !== null && !labels.includes(grader))
    throw invalid(
      "grader",
      grader,
      `The assessment is not scored by "${grader.slice(0, 120)}".`,
      `Its graders are ${labels.join(", ")}.`,
    );
  const { atLeast, lowerBoundAtLeast = null, notWorseThan, byAtMost } = wish;
  const isScore = typeof atLeast === "number";
  const isComparison = typeof notWorseThan === "string";
  if (isScore === isComparison)
    throw invalid(
      isScore ? "notWorseThan" : "atLeast",
      isScore ? notWorseThan : "",
      isScore
        ? "A gate asks for a score or for a comparison, not for both."
        : "A gate has to ask for something.",
      "Say atLeast for a score, or notWorseThan for a comparison.",
    );
  if (isComparison) {
    if (lowerBoundAtLeast !== null)
      throw invalid(
        "lowerBoundAtLeast",
        lowerBoundAtLeast,
        "A lower bound belongs to a score, not to a comparison.",
        "Say with byAtMost how much worse it may be; the lower bound of the difference is held against that.",
      );
    return { kind: "not-worse", grader, than: notWorseThan, byAtMost: share("byAtMost", byAtMost ?? 0) };
  }
  if (typeof byAtMost === "number")
    throw invalid("byAtMost", byAtMost, "byAtMost belongs to a comparison.", "Say notWorseThan with it.");
  const least = share("atLeast", atLeast ?? Number.NaN);
  const lower = lowerBoundAtLeast === null ? null : share("lowerBoundAtLeast", lowerBoundAtLeast);
  return { kind: "score", grader, atLeast: least, lowerBoundAtLeast: lower };
}
