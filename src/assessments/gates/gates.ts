// Front door of gates: what models must pass before they go live, whether they do, and who let one through that did not.
import { and, eq, inArray } from "drizzle-orm";
import { gateOverrides, gates, type HeldBack } from "../../../schema/tables/gates.ts";
import type { Clock } from "../../kit/clock.ts";
import { EspalierError } from "../../kit/errors.ts";
import { newId } from "../../kit/ids.ts";
import { limits } from "../../kit/limits.ts";
import { checkName, numberedName } from "../../kit/names.ts";
import type { ModelRef, Models } from "../../models/models.ts";
import type { RunRow } from "../../runs/runs.ts";
import type { Admission, Admitting } from "../../serving/serving.ts";
import { type Page, type PageRequest, type Reader, readPage, type Store } from "../../store/store.ts";
import type { AssessmentRow, Assessments, Report } from "../assessments.ts";
import { gradersOf } from "../graders/graders.ts";
import {
  type CheckDeps,
  checkGate,
  comparedWith,
  type GateDraft,
  type GateFinding,
  type GateRow,
} from "./check.ts";
import { checkRule, type GateWish } from "./input.ts";
import { gateRuleSchema, ruleSentence } from "./rule.ts";

export type { GateFinding, GateRow } from "./check.ts";
export type { GateWish } from "./input.ts";
export type GateOverrideRow = typeof gateOverrides.$inferSelect;
/** What a gate says of a model. */
export type GateResult = GateFinding & { gate: GateRow };
export type GateCheck = { model: ModelRef; passes: boolean; results: GateResult[] };
/** What a rule that is not kept yet says of the candidates of its assessment. */
export type GatePreview = { model: string; finding: GateFinding };

export type GatesDeps = { store: Store; models: Models; assessments: Assessments; clock: Clock };
type By = { projectId: string; userId: string | null; keyId: string | null; createdBy: string };
export type Gates = ReturnType<typeof createGates>;

export function createGates({ store, models, assessments, clock }: GatesDeps) {
  const { db } = store;
  const deps: CheckDeps = { store, models, assessments };

  /** Reads each report once. */
  function reader(): (row: AssessmentRow) => Promise<Report> {
    const known = new Map<string, Promise<Report>>();
    return (row) => {
      const found = known.get(row.id) ?? assessments.report(row);
      known.set(row.id, found);
      return found;
    };
  }

  const all = (projectId: string, from: Reader = db): Promise<GateRow[]> =>
    from.query.gates.findMany({
      where: eq(gates.projectId, projectId),
      orderBy: (t, { asc }) => [asc(t.id)],
    });

  async function check(projectId: string, model: ModelRef): Promise<GateCheck> {
    const report = reader();
    const results: GateResult[] = [];
    for (const gate of await all(projectId))
      results.push({ ...(await checkGate(deps, gate, model, report)), gate });
    return { model, passes: results.every(({ state }) => state === "passed"), results };
  }

  /** By name or id. @throws EspalierError GATE_NOT_FOUND */
  async function get(projectId: string, nameOrId: string): Promise<GateRow> {
    const own = eq(gates.projectId, projectId);
    const found =
      (await db.query.gates.findFirst({ where: and(own, eq(gates.name, nameOrId)) })) ??
      (await db.query.gates.findFirst({ where: and(own, eq(gates.id, nameOrId)) }));
    if (found) return found;
    throw new EspalierError("GATE_NOT_FOUND", `There is no gate "${nameOrId.slice(0, 120)}".`, {
      field: "gate",
      value: nameOrId.slice(0, 120),
      hint: "List the gates to see their names.",
      status: 404,
    });
  }

  /** The gate that a wish describes, with what it compares with. */
  async function draftOf(projectId: string, wish: GateWish): Promise<GateDraft> {
    const assessment = await assessments.get(projectId, wish.assessment);
    const rule = checkRule(wish, assessments.graderLabels(assessment));
    const draft = { projectId, assessmentId: assessment.id, assessmentName: assessment.name };
    if (rule.kind === "score") return { ...draft, rule, deploymentId: null };
    const than = await models.find(projectId, rule.than);
    if (!than)
      throw new EspalierError("MODEL_NOT_FOUND", `There is no model "${rule.than.slice(0, 120)}".`, {
        field: "notWorseThan",
        value: rule.than.slice(0, 120),
        hint: "Name an alias or a live model.",
        status: 404,
      });
    // Whatever has the alias is meant; another model may get another name.
    const kept = than.kind === "registered" ? than.name : than.id;
    return { ...draft, rule: { ...rule, than: kept }, deploymentId: than.deploymentId };
  }

  return {
    get,
    check,

    /**
     * Makes a gate.
     * @throws EspalierError NAME_INVALID, NAME_TAKEN, ASSESSMENT_NOT_FOUND, MODEL_NOT_FOUND, GATE_INVALID, GATES_TOO_MANY
     */
    async create({ name: wanted, ...wish }: GateWish & By & { name: string }): Promise<GateRow> {
      const name = checkName(wanted);
      const { projectId, userId, keyId, createdBy } = wish;
      const draft = await draftOf(projectId, wish);
      const by = { userId, keyId, createdBy, createdAt: clock() };
      const row: GateRow = { ...draft, id: newId("gate"), name, ...by };
      await store.write(async (tx) => {
        const known = await all(projectId, tx);
        if (known.some((one) => one.name === name))
          throw new EspalierError("NAME_TAKEN", `There already is a gate named "${name}".`, {
            field: "name",
            value: name,
            hint: "Choose another name.",
            status: 409,
          });
        if (known.length >= limits.gates)
          throw new EspalierError(
            "GATES_TOO_MANY",
            `The project has ${known.length} gates; the limit gates is ${limits.gates}.`,
            { field: "name", value: name, hint: "Remove one that is not needed any more.", status: 409 },
          );
        await tx.insert(gates).values(row);
      }, "gate.create");
      return row;
    },

    /** Removes a gate for good; what it held before stays said by overrides. @throws EspalierError GATE_NOT_FOUND */
    async remove(projectId: string, nameOrId: string): Promise<{ id: string; name: string }> {
      const { id, name } = await get(projectId, nameOrId);
      await store.write((tx) => tx.delete(gates).where(eq(gates.id, id)), "gate.remove");
      return { id, name };
    },

    /** Oldest first. */
    page: (projectId: string, page: PageRequest): Promise<Page<GateRow>> =>
      readPage(db, gates, { where: eq(gates.projectId, projectId), keys: ["id"], order: "ascending" }, page),

    /** Its rule in a sentence. */
    async sentence(gate: GateRow): Promise<string> {
      const rule = gateRuleSchema.parse(gate.rule);
      const than = rule.kind === "not-worse" ? await comparedWith(models, gate, rule.than) : null;
      const named = rule.kind === "not-worse" ? (than?.name ?? rule.than) : "";
      return ruleSentence(rule, named);
    },

    /** What a rule would say now of each candidate of its assessment. @throws EspalierError as create does */
    async preview(projectId: string, wish: GateWish): Promise<GatePreview[]> {
      const draft = await draftOf(projectId, wish);
      const report = reader();
      const found: GatePreview[] = [];
      const seen = new Set<string>();
      for (const { modelId, name } of await assessments.candidatesOf(draft.assessmentId)) {
        const model = seen.has(modelId) ? null : await models.find(projectId, modelId);
        seen.add(modelId);
        if (model) found.push({ model: name, finding: await checkGate(deps, draft, model, report) });
      }
      return found;
    },

    /**
     * Starts an assessment of a model with the settings of a gate's, together with what the gate compares with.
     * @throws EspalierError GATE_NOT_FOUND, ASSESSMENT_NOT_FOUND, and what starting an assessment refuses with
     */
    async assess(
      input: By & { gate: string; model: string },
    ): Promise<{ assessment: AssessmentRow; run: RunRow }> {
      const { projectId, userId, keyId, createdBy } = input;
      const gate = await get(projectId, input.gate);
      const pattern = await assessments.get(projectId, gate.assessmentId);
      const rule = gateRuleSchema.parse(gate.rule);
      const model = await models.resolve(projectId, input.model);
      const than = rule.kind === "not-worse" ? await comparedWith(models, gate, rule.than) : null;
      const [given] = await assessments.candidatesOf(pattern.id);
      const asked = [model.id, ...(than && than.id !== model.id ? [than.id] : [])];
      const stem = `${pattern.name} ${model.name}`.replaceAll(/[^\p{L}\p{N} ._:+-]/gu, "-");
      const taken = new Set<string>();
      const short = [...stem].slice(0, limits.nameChars).join("");
      let name = short;
      for (; await assessments.findNamed(projectId, name); name = numberedName(short, taken)) taken.add(name);
      const { split, sample, question, reference, maxTokens, temperature } = pattern;
      const settings = { split, sample, question, reference, maxTokens, temperature };
      return assessments.start({
        ...settings,
        name,
        dataset: pattern.datasetVersionId,
        graders: [],
        kept: gradersOf(pattern),
        candidates: asked.map((one) => ({
          model: one,
          systemPrompt: given?.systemPrompt,
          knowledgeBases: given?.knowledgeBases,
          ...given?.parameters,
        })),
        ...{ projectId, userId, keyId, createdBy },
      });
    },

    /**
     * Lets a model go live, or not. What it returns belongs into the transaction in which that happens: it keeps an
     * override, and refuses where a gate was made meanwhile.
     * @throws EspalierError GATE_HOLDS with the failing figure, GATE_REASON_INVALID
     */
    async admit({ projectId, modelId, action, alias, override }: Admitting): Promise<Admission> {
      const reason = override && reasonOf(override.reason);
      const model = await models.find(projectId, modelId);
      const checked = model ? await check(projectId, model) : null;
      const held = (checked?.results ?? []).filter(({ state }) => state !== "passed");
      if (held.length > 0 && !override) throw refused(held);
      const seen = new Set(checked?.results.map(({ gate }) => gate.id));
      return async (tx, live) => {
        const now = await all(projectId, tx);
        if (now.some(({ id }) => !seen.has(id)))
          throw new EspalierError("GATES_CHANGED", `A gate was made while ${live.name} was looked at.`, {
            field: "modelId",
            value: live.name,
            hint: "Try again.",
            status: 409,
          });
        if (alias !== null) {
          const named = now.filter(({ rule }) => {
            const parsed = gateRuleSchema.parse(rule);
            return parsed.kind === "not-worse" && parsed.than === alias;
          });
          const ids = named.map(({ id }) => id);
          await tx.update(gates).set({ deploymentId: live.id }).where(inArray(gates.id, ids));
        }
        if (held.length === 0 || !override || reason === null) return;
        await tx.insert(gateOverrides).values({
          id: newId("gateOverride"),
          projectId,
          modelId: live.modelId,
          deploymentId: live.id,
          name: live.name,
          action,
          alias,
          held: held.map(({ gate, sentence }): HeldBack => ({ gateId: gate.id, gate: gate.name, sentence })),
          reason,
          ...override.by,
          createdAt: clock(),
        });
      };
    },

    /** What was let through, of one live model where it is named, newest first. */
    pageOfOverrides: (
      projectId: string,
      page: PageRequest,
      deploymentId?: string,
    ): Promise<Page<GateOverrideRow>> =>
      readPage(
        db,
        gateOverrides,
        {
          where: and(
            eq(gateOverrides.projectId, projectId),
            deploymentId === undefined ? undefined : eq(gateOverrides.deploymentId, deploymentId),
          ),
          keys: ["id"],
          order: "descending",
        },
        page,
      ),
  };
}

/** @throws EspalierError GATE_REASON_INVALID */
function reasonOf(said: string): string {
  const reason = said.trim();
  if (reason !== "" && [...reason].length <= limits.gateReasonChars) return reason;
  throw new EspalierError(
    "GATE_REASON_INVALID",
    reason === ""
      ? "Overriding a gate needs a reason."
      : `The reason has ${[...reason].length} characters; the limit gateReasonChars is ${limits.gateReasonChars}.`,
    {
      field: "overrideReason",
      value: reason.slice(0, 120),
      hint: "Say in a sentence why this model goes live all the same.",
    },
  );
}

function refused(held: readonly GateResult[]): EspalierError {
  const [first, ...others] = held;
  const name = first?.gate.name ?? "";
  const sentence = first?.sentence ?? "";
  return new EspalierError(
    "GATE_HOLDS",
    others.length === 0
      ? `The gate ${name} holds. ${sentence}`
      : `The gate ${name} holds, and ${others.length} more. ${sentence}`,
    {
      field: "gate",
      value: name,
      hint: `${first?.hint ?? ""} Owners and admins can override it with a reason.`,
      status: 409,
    },
  );
}
