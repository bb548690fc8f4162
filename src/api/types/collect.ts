// Collecting: lost answers and judged replies as rows of a dataset, looked at first.
import { z } from "zod";
import { askerOf, opens } from "../../accounts/accounts.ts";
import type { CollectWish, LeftOut, Preview as PreviewShape, Warning } from "../../collect/collect.ts";
import type { DatasetRow } from "../../datasets/datasets.ts";
import { limits } from "../../kit/limits.ts";
import type { RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { scopeMissing } from "../http.ts";
import { resultUnion } from "./common.ts";
import { Dataset } from "./datasets.ts";
import { Run } from "./runs.ts";

const CollectAs = builder.enumType("CollectAs", {
  description: "What collected rows are.",
  values: {
    EXAMPLES: { value: "example", description: "What was asked, and the right reply." },
    PREFERENCES: { value: "preference", description: "The same with a worse reply beside it." },
  } as const,
});
const LostKind = builder.enumType("LostKind", {
  description: "Which rows a candidate lost.",
  values: {
    WRONG: { value: "wrong", description: "It scores below 1, or failed." },
    BEATEN: { value: "beaten", description: "It scores below another candidate." },
  } as const,
});
const RightAnswer = builder.enumType("RightAnswer", {
  description: "What the right reply to a row is.",
  values: {
    REFERENCE: { value: "reference", description: "The right answer that the dataset names." },
    BETTER: { value: "better", description: "The best answer of another candidate, where it scores higher." },
  } as const,
});

const FromAssessment = builder.inputType("CollectAssessmentInput", {
  description: "Rows of an assessment that a candidate lost.",
  fields: (t) => ({
    name: t.string({ required: true, description: "The assessment: its name or id." }),
    candidate: t.string({ required: true, description: "Who lost: the candidate's name or id." }),
    lost: t.field({
      type: LostKind,
      required: true,
      defaultValue: "wrong",
      description: "Which rows it lost.",
    }),
    against: t.string({ description: "The candidate that has to be better; any other when unsaid." }),
    rows: t.intList({
      description: `Numbers of rows, at most ${limits.collectedRows}, in place of all that were lost.`,
    }),
    right: t.field({
      type: RightAnswer,
      description: "What is right; the reference, where the assessment has one, when unsaid.",
    }),
  }),
});
const FromFeedback = builder.inputType("CollectFeedbackInput", {
  description: "Replies that were judged in conversations that you may read.",
  fields: (t) => ({
    ids: t.idList({
      description: `Only these judgements, at most ${limits.collectedJudgements}; all that you may read when unsaid.`,
    }),
    since: t.field({ type: "DateTime", description: "Only what was said from then on." }),
    model: t.string({ description: "Only on replies of this model: its name then, or its id." }),
  }),
});
const CollectInput = builder.inputType("CollectInput", {
  description: "Which rows are collected, and where they go.",
  fields: (t) => ({
    assessment: t.field({ type: FromAssessment, description: "Lost rows of an assessment." }),
    feedback: t.field({ type: FromFeedback, description: "Or judged replies; it needs the scope chat too." }),
    as: t.field({ type: CollectAs, required: true, description: "What the rows are." }),
    name: t.string({ description: "Name of a new dataset." }),
    dataset: t.string({
      description: "Or the name or id of a dataset: its next version holds its newest rows and these.",
    }),
    split: t.string({
      description:
        "train, validation or test; train when unsaid and the dataset has a column split. A new one gets that column where it is said.",
    }),
    confirm: t.boolean({ description: "True goes on although a warning needs it." }),
  }),
});

const CollectWarning = builder.objectRef<Warning>("CollectWarning").implement({
  description: "What should be known before the rows are learned from.",
  extensions: needs("read"),
  fields: (t) => ({
    code: t.exposeString("code", {
      description: "ROWS_HELD_OUT, ROWS_MEASURED, ROWS_PRIVATE or ROWS_GROUNDED.",
    }),
    message: t.exposeString("message", { description: "What it means." }),
    rows: t.exposeInt("rows", { description: "How many rows it is about." }),
    needsConfirm: t.exposeBoolean("needsConfirm", {
      description: "Whether nothing is collected without `confirm`.",
    }),
  }),
});
const RowsLeftOut = builder.objectRef<LeftOut>("RowsLeftOut").implement({
  description: "What makes no row.",
  extensions: needs("read"),
  fields: (t) => ({
    code: t.exposeString("code", { description: "Why, for programs, e.g. NO_REFERENCE." }),
    reason: t.exposeString("reason", { description: "Why, in English." }),
    rows: t.exposeInt("rows", { description: "How many." }),
  }),
});
const Preview = builder.objectRef<PreviewShape>("CollectPreview").implement({
  description: "What would be collected.",
  extensions: needs("read"),
  fields: (t) => ({
    rowCount: t.exposeInt("rowCount", {
      description: "Rows to be added; those that the dataset holds already are found and counted by the run.",
    }),
    rows: t.field({
      type: ["JSON"],
      description: "The first five, as they will stand in the dataset.",
      resolve: ({ rows }) => rows,
    }),
    leftOut: t.field({
      type: [RowsLeftOut],
      description: "What was chosen and makes no row.",
      resolve: ({ leftOut }) => leftOut,
    }),
    warnings: t.field({
      type: [CollectWarning],
      description: "What should be known before, the gravest first.",
      resolve: ({ warnings }) => warnings,
    }),
  }),
});

const addedShape = z.object({ added: z.number(), alreadyThere: z.number() });
const RowsAdded = builder.objectRef<z.infer<typeof addedShape>>("RowsAdded").implement({
  description: "What came of collecting rows.",
  extensions: needs("read"),
  fields: (t) => ({
    added: t.exposeInt("added", { description: "Rows that are new in the dataset." }),
    alreadyThere: t.exposeInt("alreadyThere", {
      description: "Rows whose content it held already, or that came twice; they are not added.",
    }),
  }),
});
builder.objectField(Dataset, "lastCollected", (t) =>
  t.field({
    type: RowsAdded,
    nullable: true,
    description: "What the latest import added, where that collected rows and has succeeded.",
    extensions: needs("read"),
    resolve: async ({ id }, _, { runs }) => {
      const run = await runs.latestOf(id);
      return addedShape.safeParse(run?.result).data ?? null;
    },
  }),
);

/** The wish of who asks. @throws EspalierError SCOPE_MISSING for feedback without the scope chat */
function wishOf(input: CollectWish, { principal }: Context): CollectWish {
  if (input.feedback && !opens(principal.scopes, "chat")) throw scopeMissing(principal, "chat");
  return input;
}

builder.queryField("collectPreview", (t) =>
  t.field({
    type: Preview,
    description: "What collecting rows would add to a dataset, without adding it.",
    extensions: needs("write"),
    args: { input: t.arg({ type: CollectInput, required: true, description: "What to collect." }) },
    complexity: 20,
    resolve: (_, { input }, context) =>
      context.collecting.preview(askerOf(context.principal), wishOf(input, context)),
  }),
);

const CollectResult = resultUnion<{ dataset: DatasetRow; run: RunRow; preview: PreviewShape }>(
  "CollectRows",
  "What is being added to which dataset.",
  (t) => ({
    dataset: t.field({ type: Dataset, description: "The dataset.", resolve: ({ dataset }) => dataset }),
    run: t.field({ type: Run, description: "The import of the rows.", resolve: ({ run }) => run }),
    collected: t.field({ type: Preview, description: "What is added.", resolve: ({ preview }) => preview }),
  }),
);

builder.mutationField("collectRows", (t) =>
  t.field({
    type: CollectResult.union,
    description:
      "Adds lost answers or judged replies to a dataset, in the background: its next version holds its rows and these, each with where it came from.",
    extensions: needs("write"),
    args: { input: t.arg({ type: CollectInput, required: true, description: "What to collect." }) },
    resolve: (_, { input }, context) =>
      CollectResult.run(async () =>
        context.collecting.start(askerOf(context.principal), wishOf(input, context)),
      ),
  }),
);
