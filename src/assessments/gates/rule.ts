// What a gate asks of a model, and whether figures of an assessment meet it.
import { z } from "zod";

const share = z.number().min(0).max(1);

/** A rule as a row keeps it. Scores are from 0 to 1, and so is what one may be worse by: 0.02 is two points. */
export const gateRuleSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("score"),
    /** The grader as a line says it; null for the mean over all of the assessment's. */
    grader: z.string().nullable(),
    atLeast: share,
    lowerBoundAtLeast: share.nullable(),
  }),
  z.strictObject({
    kind: z.literal("not-worse"),
    grader: z.string().nullable(),
    /** The name of an alias, which may come to name another model, or the id of a model. */
    than: z.string(),
    byAtMost: share,
  }),
]);
export type GateRule = z.infer<typeof gateRuleSchema>;

/** A score, or how much more one model scores than another, with its 95 % interval, on n rows. */
export type Figure = { value: number; low: number; high: number; n: number };

/** What is wrong with a figure, or null. */
export type Shortfall = "score" | "lower-bound" | "worse" | null;

/** Differences of scores carry rounding in their last digits: 0.3 - 0.32 is not less than -0.02. */
const ROUNDING = 1e-9;

const isAtLeast = (value: number, wanted: number): boolean => value >= wanted - ROUNDING;

/**
 * Whether a figure meets a rule. For `score` it is the model's score; for `not-worse` it is the model's mean less that of
 * the other on the same rows, and the lower end of its interval must not be below what it may be worse by
 * (non-inferiority: Piaggio et al., JAMA 2012).
 */
export function shortfallOf(rule: GateRule, { value, low }: Figure): Shortfall {
  if (rule.kind === "not-worse") return isAtLeast(low, -rule.byAtMost) ? null : "worse";
  if (!isAtLeast(value, rule.atLeast)) return "score";
  const { lowerBoundAtLeast } = rule;
  return lowerBoundAtLeast === null || isAtLeast(low, lowerBoundAtLeast) ? null : "lower-bound";
}

/** Two digits, or up to four where there are more: 0.8 as 0.80, and 0.7996 not as what it falls short of. */
const digits = (value: number): string => value.toFixed(4).replace(/(\.\d\d\d*?)0+$/, "$1");
const signed = (value: number): string => `${value < 0 ? "−" : "+"}${digits(Math.abs(value))}`;

/** The figure as people read it: `0.62 [0.51, 0.72]`, with more digits where two would hide what it falls short by. */
export function figureText(rule: GateRule, { value, low, high, n }: Figure): string {
  const round = (one: number): number => Number(one.toFixed(2));
  const rounded = { value: round(value), low: round(low), high: round(high), n };
  const isTold = shortfallOf(rule, rounded) === shortfallOf(rule, { value, low, high, n });
  const say = (one: number): string => {
    const shown = isTold ? round(one) : one;
    return rule.kind === "score" ? digits(shown) : signed(shown);
  };
  return `${say(value)} [${say(low)}, ${say(high)}]`;
}

/** The rule in a sentence; `than` is the name of what is compared with. */
export function ruleSentence(rule: GateRule, than: string): string {
  const { grader } = rule;
  if (rule.kind === "not-worse") {
    const by = digits(rule.byAtMost);
    const whole = { sentence: `The score is not worse than that of ${than} by more than ${by}.` };
    const single = {
      sentence: `The score by ${grader} is not worse than that of ${than} by more than ${by}.`,
    };
    return (grader === null ? whole : single).sentence;
  }
  const least = digits(rule.atLeast);
  if (rule.lowerBoundAtLeast === null) {
    const whole = { sentence: `The score is at least ${least}.` };
    const single = { sentence: `The score by ${grader} is at least ${least}.` };
    return (grader === null ? whole : single).sentence;
  }
  const low = digits(rule.lowerBoundAtLeast);
  const whole = { sentence: `The score is at least ${least}, and its lower bound at least ${low}.` };
  const single = {
    sentence: `The score by ${grader} is at least ${least}, and its lower bound at least ${low}.`,
  };
  return (grader === null ? whole : single).sentence;
}

/** Who was measured by what: the names that a sentence about a figure needs. */
export type Measured = {
  /** The candidate's name. */
  candidate: string;
  /** The other candidate's; null where nothing is compared. */
  other: string | null;
  /** The grader, or `mean(exact, json)`. */
  by: string;
  assessment: string;
};

/** What came of a figure in a sentence. */
export function figureSentence(rule: GateRule, figure: Figure, measured: Measured): string {
  const { candidate, other, by, assessment } = measured;
  const said = figureText(rule, figure);
  const { n } = figure;
  const shortfall = shortfallOf(rule, figure);
  if (rule.kind === "not-worse") {
    const least = signed(-rule.byAtMost);
    const good = {
      sentence: `${candidate} differs from ${other} by ${said} (${by}, ${n} rows of ${assessment}), which passes.`,
    };
    const bad = {
      sentence: `${candidate} differs from ${other} by ${said} (${by}, ${n} rows of ${assessment}); its lower bound has to be ${least} or more.`,
    };
    return (shortfall === null ? good : bad).sentence;
  }
  if (shortfall === null)
    return { sentence: `${candidate} scores ${said} (${by}, ${n} rows of ${assessment}), which passes.` }
      .sentence;
  if (shortfall === "score")
    return {
      sentence: `${candidate} scores ${said} (${by}, ${n} rows of ${assessment}); it takes ${digits(rule.atLeast)} or more.`,
    }.sentence;
  return {
    sentence: `${candidate} scores ${said} (${by}, ${n} rows of ${assessment}); its lower bound has to be ${digits(rule.lowerBoundAtLeast ?? 0)} or more.`,
  }.sentence;
}
