// Gates: what models must pass before they go live, what each says of a model, and where it was overridden.
import type { HeldBack } from "../../../schema/tables/gates.ts";
import { askerOf } from "../../accounts/accounts.ts";
import type {
  GateCheck as GateCheckShape,
  GateOverrideRow,
  GatePreview as GatePreviewShape,
  GateResult as GateResultShape,
  GateRow,
} from "../../assessments/assessments.ts";
import { limits } from "../../kit/limits.ts";
import { builder, needs } from "../builder.ts";
import { AssessmentResult } from "./assessment-verbs.ts";
import { Assessment } from "./assessments.ts";
import { resultUnion } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { DeleteResult } from "./live.ts";
import { LiveModel } from "./refs.ts";

const Gate = builder.objectRef<GateRow>("Gate").implement({
  description: "What a model must pass before it is deployed or registered.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its id." }),
    name: t.exposeString("name", { description: "Its name." }),
    rule: t.string({
      description: "What must hold, in a sentence.",
      resolve: (gate, _, { gates }) => gates.sentence(gate),
    }),
    assessment: t.field({
      type: Assessment,
      nullable: true,
      description: "Whose rows, question and graders are the test; null once it was deleted.",
      resolve: async ({ assessmentId, projectId }, _, { assessments }) => {
        const found = await assessments.find(assessmentId);
        return found?.projectId === projectId ? found : null;
      },
    }),
    assessmentName: t.exposeString("assessmentName", {
      description: "The assessment's name when the gate was made.",
    }),
    createdBy: t.exposeString("createdBy", { description: "Who made it, by name." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When." }),
  }),
});

type Finding = Omit<GateResultShape, "gate"> & { gate: GateRow | null; model: string };
const Result = builder.objectRef<Finding>("GateResult").implement({
  description: "What a gate says of a model now.",
  extensions: needs("read"),
  fields: (t) => ({
    gate: t.field({
      type: Gate,
      nullable: true,
      description: "The gate; null for one that is not made yet.",
      resolve: ({ gate }) => gate,
    }),
    model: t.exposeString("model", { description: "The model's name." }),
    passes: t.boolean({ description: "Whether it passes.", resolve: ({ state }) => state === "passed" }),
    state: t.exposeString("state", {
      description: "passed, failed, unassessed, partial, assessment-gone or model-gone.",
    }),
    sentence: t.exposeString("sentence", { description: "What was found, with its figures." }),
    hint: t.exposeString("hint", { nullable: true, description: "What to do next; null where it passes." }),
    figure: t.float({
      nullable: true,
      description: "The score, or how much more it scores than the other.",
      resolve: ({ figure }) => figure?.value ?? null,
    }),
    low: t.float({
      nullable: true,
      description: "Lower end of the figure's 95 % interval.",
      resolve: ({ figure }) => figure?.low ?? null,
    }),
    high: t.float({
      nullable: true,
      description: "Upper end.",
      resolve: ({ figure }) => figure?.high ?? null,
    }),
    n: t.int({
      nullable: true,
      description: "On how many rows.",
      resolve: ({ figure }) => figure?.n ?? null,
    }),
    candidate: t.exposeString("candidate", {
      nullable: true,
      description: "Whose answers were looked at, by the name in the assessment.",
    }),
    assessment: t.field({
      type: Assessment,
      nullable: true,
      description: "The assessment that gave the figure, or that is not whole.",
      resolve: ({ assessment }) => assessment,
    }),
  }),
});

const Check = builder.objectRef<GateCheckShape>("GateCheck").implement({
  description: "What all gates of the project say of a model.",
  extensions: needs("read"),
  fields: (t) => ({
    model: t.string({ description: "The model's name.", resolve: ({ model }) => model.name }),
    passes: t.exposeBoolean("passes", { description: "Whether it passes all of them." }),
    results: t.field({
      type: [Result],
      description: `Each gate, oldest first: at most ${limits.gates}.`,
      resolve: ({ model, results }) => results.map((one) => ({ ...one, model: model.name })),
    }),
  }),
});

const Preview = builder.objectRef<GatePreviewShape[]>("GatePreview").implement({
  description: "What a gate would say if it were made now.",
  extensions: needs("read"),
  fields: (t) => ({
    results: t.field({
      type: [Result],
      description: "Each candidate of its assessment that is there still.",
      resolve: (found) => found.map(({ model, finding }) => ({ ...finding, gate: null, model })),
    }),
  }),
});

const Held = builder.objectRef<HeldBack>("HeldBack").implement({
  description: "A gate that held a model which went live all the same.",
  extensions: needs("read"),
  fields: (t) => ({
    gate: t.exposeString("gate", { description: "The gate's name at the time." }),
    sentence: t.exposeString("sentence", { description: "What it said then, with its figures." }),
  }),
});

const Override = builder.objectRef<GateOverrideRow>("GateOverride").implement({
  description: "A model that somebody let go live though a gate held it; kept for ever.",
  extensions: needs("read"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "Its id." }),
    name: t.exposeString("name", { description: "The live model's name at the time." }),
    modelId: t.exposeID("modelId", { description: "The base, customized or complete model." }),
    liveId: t.exposeID("deploymentId", { description: "The live model." }),
    action: t.exposeString("action", { description: "deploy or register." }),
    alias: t.exposeString("alias", {
      nullable: true,
      description: "The alias that it was registered under.",
    }),
    held: t.field({ type: [Held], description: "The gates that held it.", resolve: ({ held }) => held }),
    reason: t.exposeString("reason", { description: "Why it went live all the same." }),
    createdBy: t.exposeString("createdBy", { description: "Who decided that, by name." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When." }),
  }),
});
const overrides = connectionOf("GateOverride", Override);

builder.objectField(LiveModel, "gateOverrides", (t) =>
  t.field({
    type: overrides,
    description: "Where it was let through though a gate held it, newest first.",
    ...paged,
    resolve: ({ id, projectId }, page, { gates }) => gates.pageOfOverrides(projectId, page, id),
  }),
);

const RuleInput = builder.inputType("GateRuleInput", {
  description: "What must hold: a score, or that a model is not worse than another.",
  fields: (t) => ({
    assessment: t.string({
      required: true,
      description: "Name or id of the assessment whose rows, question and graders are the test.",
    }),
    grader: t.string({ description: "One of its graders; the mean over all when unsaid." }),
    atLeast: t.float({ description: "The least score, from 0 to 1." }),
    lowerBoundAtLeast: t.float({ description: "The least lower end of the score's 95 % interval." }),
    notWorseThan: t.string({ description: "An alias or live model to compare with, instead of `atLeast`." }),
    byAtMost: t.float({
      description:
        "How much worse it may be at the lower end of the 95 % interval: 0.02 is two points; 0 when unsaid.",
    }),
  }),
});

builder.queryFields((t) => ({
  gates: t.field({
    type: connectionOf("Gate", Gate),
    description: "The gates of the project, oldest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { gates, principal }) => gates.page(principal.projectId, page),
  }),
  gateCheck: t.field({
    type: Check,
    nullable: true,
    description:
      "What the gates say of a model that may be deployed, or of a live model that may be registered; null when there is none of that name.",
    extensions: needs("read"),
    complexity: 20,
    args: { model: t.arg.string({ required: true, description: "Name, alias or id." }) },
    resolve: async (_, { model }, { gates, models, principal }) => {
      const found = await models.find(principal.projectId, model);
      return found && gates.check(principal.projectId, found);
    },
  }),
  gatePreview: t.field({
    type: Preview,
    description: "What a gate would say of the candidates of its assessment if it were made now.",
    extensions: needs("read"),
    complexity: 20,
    args: { rule: t.arg({ type: RuleInput, required: true, description: "What must hold." }) },
    resolve: (_, { rule }, { gates, principal }) => gates.preview(principal.projectId, rule),
  }),
  gateOverrides: t.field({
    type: overrides,
    description: "Models that went live though a gate held them, newest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { gates, principal }) => gates.pageOfOverrides(principal.projectId, page),
  }),
}));

const GateResultUnion = resultUnion<{ gate: GateRow }>("CreateGate", "The gate.", (t) => ({
  gate: t.field({ type: Gate, description: "The gate.", resolve: ({ gate }) => gate }),
}));
const gateArg = "Its name or id.";

builder.mutationFields((t) => ({
  createGate: t.field({
    type: GateResultUnion.union,
    description:
      "From now on nothing is deployed or registered that does not pass it, unless it is overridden.",
    extensions: needs("gates"),
    args: {
      name: t.arg.string({ required: true, description: "Its name." }),
      rule: t.arg({ type: RuleInput, required: true, description: "What must hold." }),
    },
    resolve: (_, { name, rule }, { gates, principal }) =>
      GateResultUnion.run(async () => ({
        gate: await gates.create({ ...rule, name, ...askerOf(principal), createdBy: principal.name }),
      })),
  }),
  deleteGate: t.field({
    type: DeleteResult.union,
    description: "Removes a gate for good: it holds nothing any more.",
    extensions: needs("gates"),
    args: { gate: t.arg.id({ required: true, description: gateArg }) },
    resolve: (_, { gate }, { gates, principal }) =>
      DeleteResult.run(() => gates.remove(principal.projectId, gate)),
  }),
  assessForGate: t.field({
    type: AssessmentResult.union,
    description:
      "Assesses a model with the settings of a gate's assessment, together with what the gate compares with.",
    extensions: needs("chat"),
    args: {
      gate: t.arg.id({ required: true, description: gateArg }),
      model: t.arg.string({ required: true, description: "Name, alias or id of the model." }),
    },
    resolve: (_, { gate, model }, { gates, principal }) =>
      AssessmentResult.run(() =>
        gates.assess({ gate, model, ...askerOf(principal), createdBy: principal.name }),
      ),
  }),
}));
