// Front door of the assessments' statistics: intervals, paired tests, corrections, power, ranking, agreement.
export { type Agreement, cohensKappa, type Kappa, type Label, rawAgreement } from "./agreement.ts";
export { bootstrapMean, type Interval, meanOf, roundsFor } from "./bootstrap.ts";
export { bradleyTerry, type Strength } from "./bradley-terry.ts";
export { minimumDetectableEffect, rowsFor } from "./detectable.ts";
export {
  type Effects,
  factorialEffects,
  type TestedEffect,
  type TestedEffects,
  testedFactorial,
} from "./factorial.ts";
export { holm } from "./holm.ts";
export { type ScoreInterval, scoreInterval, wilson } from "./intervals.ts";
export { type MacroMean, type Moments, macroDifference, macroInterval, macroMean } from "./macro.ts";
export { type Comparison, comparePaired } from "./pairs.ts";
