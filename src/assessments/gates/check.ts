// Whether a model passes a gate, with the figure and the assessment that say so, or what is missing and the mend.
import type { gates } from "../../../schema/tables/gates.ts";
import type { ModelRef, Models } from "../../models/models.ts";
import type { AssessmentRow } from "../assessments.ts";
import { gradersOf, graderTitle } from "../graders/graders.ts";
import { type Evidence, type EvidenceDeps, evidenceOf, type ReportReader } from "./evidence.ts";
import { type Figure, figureSentence, type GateRule, gateRuleSchema, shortfallOf } from "./rule.ts";

export type GateRow = typeof gates.$inferSelect;

/** A gate before it has an id, as the preview looks at it, or as it is kept. */
export type GateDraft = Pick<
  GateRow,
  "projectId" | "assessmentId" | "assessmentName" | "rule" | "deploymentId"
>;

/**
 * passed and failed have a figure; unassessed: no such assessment; partial: one that is not whole; assessment-gone and
 * model-gone: what the gate names was deleted. All but passed hold the model.
 */
export type GateState = "passed" | "failed" | "unassessed" | "partial" | "assessment-gone" | "model-gone";
export type GateFinding = {
  state: GateState;
  sentence: string;
  /** The mend; null where it passes. */
  hint: string | null;
  figure: Figure | null;
  /** The assessment that gave the figure, or that is not whole. */
  assessment: AssessmentRow | null;
  /** Whose answers were looked at, by name. */
  candidate: string | null;
};

export type CheckDeps = EvidenceDeps & { models: Models };

/**
 * Ids under which a model may have been assessed, in the order in which they speak for it: first as itself, then as what
 * it serves or what serves it. A complete model is not the customized one that it was merged from.
 */
async function subjectsOf(models: Models, projectId: string, ref: ModelRef): Promise<string[][]> {
  const aliases = await models.listAliases(projectId);
  const served = (liveId: string): string[] => [
    liveId,
    ...aliases.filter(({ deploymentId }) => deploymentId === liveId).map(({ id }) => id),
  ];
  if (ref.deploymentId !== null) return [served(ref.deploymentId), [ref.modelId]];
  const lives = await models.listDeployments(projectId);
  return [
    [ref.modelId],
    lives.filter(({ modelId }) => modelId === ref.modelId).flatMap(({ id }) => served(id)),
  ];
}

/** What a rule compares with: what has the alias or id now, else the live model that the alias named last. */
export async function comparedWith(
  models: Models,
  { projectId, deploymentId }: Pick<GateDraft, "projectId" | "deploymentId">,
  than: string,
): Promise<ModelRef | null> {
  const found = await models.find(projectId, than);
  if (found) return found;
  return deploymentId === null ? null : models.find(projectId, deploymentId);
}

/** Looks at one gate for one model. */
export async function checkGate(
  deps: CheckDeps,
  gate: GateDraft,
  ref: ModelRef,
  report: ReportReader,
): Promise<GateFinding> {
  const rule = gateRuleSchema.parse(gate.rule);
  const none = { figure: null, assessment: null, candidate: null };
  const pattern = await deps.assessments.find(gate.assessmentId);
  if (pattern?.projectId !== gate.projectId)
    return {
      ...none,
      state: "assessment-gone",
      sentence: `The assessment ${gate.assessmentName} was deleted, so nothing can pass.`,
      hint: "Bring it back from the trash, or remove the gate and make another.",
    };
  const than = rule.kind === "not-worse" ? await comparedWith(deps.models, gate, rule.than) : null;
  if (rule.kind === "not-worse" && than === null)
    return {
      ...none,
      state: "model-gone",
      sentence: `There is no model ${rule.than} any more to compare with.`,
      hint: "Register a model under that name, or remove the gate and make another.",
    };
  const others = than && (await subjectsOf(deps.models, gate.projectId, than));
  let partial: Evidence | null = null;
  for (const subjects of await subjectsOf(deps.models, gate.projectId, ref))
    for (const against of others ?? [null]) {
      const found = await evidenceOf(deps, { pattern, rule, subjects, others: against, report });
      if (found?.isWhole) return ofFigure(rule, found, found.figure);
      partial ??= found;
    }
  if (partial) return ofPartial(partial);
  return ofNothing(ref, than, pattern);
}

function ofFigure(rule: GateRule, evidence: Evidence, figure: Figure): GateFinding {
  const { assessment, candidate, other } = evidence;
  const labels = gradersOf(assessment).map(graderTitle);
  const mean = labels.length === 1 ? labels.join() : `mean(${labels.join(", ")})`;
  const isGood = shortfallOf(rule, figure) === null;
  return {
    state: isGood ? "passed" : "failed",
    sentence: figureSentence(rule, figure, {
      candidate: candidate.name,
      other: other?.name ?? null,
      by: rule.grader ?? mean,
      assessment: assessment.name,
    }),
    hint: isGood ? null : "Train or choose a better model; the assessment shows on which rows it fails.",
    figure,
    assessment,
    candidate: candidate.name,
  };
}

function ofPartial(evidence: Evidence): GateFinding {
  const { assessment, candidate } = evidence;
  const { scored, rows } = evidence.isWhole ? { scored: 0, rows: 0 } : evidence;
  const isComplete = scored === rows;
  return {
    state: "partial",
    sentence: isComplete
      ? `The assessment ${assessment.name} is not over yet.`
      : `In ${assessment.name} only ${scored} of ${rows} rows are scored for ${candidate.name}; all are needed.`,
    hint: isComplete
      ? "Wait for its end."
      : `Ask what is missing: espalier assessment resume ${assessment.name}; an answer that no grader can score keeps it so.`,
    figure: null,
    assessment,
    candidate: candidate.name,
  };
}

function ofNothing(ref: ModelRef, than: ModelRef | null, pattern: AssessmentRow): GateFinding {
  return {
    state: "unassessed",
    sentence:
      than === null
        ? `${ref.name} is not assessed yet as in ${pattern.name}.`
        : `${ref.name} and ${than.name} are not assessed together yet as in ${pattern.name}.`,
    hint: `Assess with the same settings: espalier gate check ${ref.name} --assess --wait`,
    figure: null,
    assessment: null,
    candidate: null,
  };
}
