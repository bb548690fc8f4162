// Datasets and their versions: rows, columns, token lengths, and one row as a model sees it.
import type { DatasetRow, DatasetVersionRow, Histogram as LengthHistogram } from "../../datasets/datasets.ts";
import { EspalierError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import type { RunRow } from "../../runs/runs.ts";
import { builder, needs } from "../builder.ts";
import type { Context } from "../context.ts";
import { LineageNode, NodeInterface, resultUnion } from "./common.ts";
import { connectionOf, paged } from "./connections.ts";
import { DatasetShape } from "./enums.ts";
import { Run } from "./runs.ts";

export const Dataset = builder.objectRef<DatasetRow>("Dataset");
export const DatasetVersion = builder.objectRef<DatasetVersionRow>("DatasetVersion");

const Column = builder.objectRef<{ name: string; type: string; emptyShare: number }>("Column").implement({
  description: "A column of a dataset version.",
  extensions: needs("read"),
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name in the rows." }),
    type: t.exposeString("type", { description: "text, number, boolean, list, object, mixed or empty." }),
    emptyShare: t.exposeFloat("emptyShare", {
      description: "Share of rows, 0 to 1, where it holds nothing.",
    }),
  }),
});

type IndexedRow = { index: number; value: unknown };
const DatasetRowType = builder.objectRef<IndexedRow>("DatasetRow").implement({
  description: "One example of a dataset version.",
  extensions: needs("read"),
  fields: (t) => ({
    index: t.exposeInt("index", { description: "Its place in the version, from 0." }),
    value: t.field({
      type: "JSON",
      description: "The row as it was imported.",
      resolve: ({ value }) => value,
    }),
  }),
});

type RowPageShape = { rows: IndexedRow[]; total: number; nextOffset: number | null };
const RowPage = builder.objectRef<RowPageShape>("RowPage").implement({
  description: "Some rows of a dataset version.",
  extensions: needs("read"),
  fields: (t) => ({
    rows: t.field({ type: [DatasetRowType], description: "The rows.", resolve: ({ rows }) => rows }),
    total: t.exposeInt("total", {
      description: "All rows of the version, or all that the search looked at.",
    }),
    nextOffset: t.exposeInt("nextOffset", {
      nullable: true,
      description: "Where to go on; null at the end.",
    }),
  }),
});

const Histogram = builder.objectRef<LengthHistogram>("Histogram").implement({
  description: "How long rows are, in tokens of a base model.",
  extensions: needs("read"),
  fields: (t) => ({
    edges: t.exposeFloatList("edges", { description: "Bounds of the bars: one more than there are bars." }),
    counts: t.exposeIntList("counts", { description: "Rows in each bar." }),
    p50: t.exposeFloat("p50", { description: "Half of the rows are no longer." }),
    p95: t.exposeFloat("p95", { description: "95 of 100 rows are no longer." }),
    max: t.exposeFloat("max", { description: "The longest row counted." }),
    sampled: t.exposeInt("sampled", { description: "How many rows were counted." }),
  }),
});

type Token = { id: number; text: string; counts: boolean; kept: boolean };
const RenderedToken = builder.objectRef<Token>("RenderedToken").implement({
  description: "A token of a rendered row.",
  extensions: needs("read"),
  fields: (t) => ({
    number: t.exposeInt("id", { description: "Its number in the base model's vocabulary." }),
    text: t.exposeString("text", { description: "Its text." }),
    counts: t.exposeBoolean("counts", { description: "Whether the training learns it." }),
    kept: t.exposeBoolean("kept", {
      description: "False where it stands behind `maxLength` and is cut off.",
    }),
  }),
});
type RenderedShape = { text: string; tokens: Token[] };
const RenderedRow = builder.objectRef<RenderedShape>("RenderedRow").implement({
  description: "A row exactly as the model will see it.",
  extensions: needs("read"),
  fields: (t) => ({
    text: t.exposeString("text", { description: "The rendered text." }),
    tokens: t.field({
      type: [RenderedToken],
      description: "Its tokens in order.",
      resolve: ({ tokens }) => tokens,
    }),
    tokenCount: t.int({
      description: "How many tokens, cut off or not.",
      resolve: ({ tokens }) => tokens.length,
    }),
    keptTokenCount: t.int({
      description: "How many of them the training keeps.",
      resolve: ({ tokens }) => tokens.filter(({ kept }) => kept).length,
    }),
    lossTokenCount: t.int({
      description: "How many of them the training learns.",
      resolve: ({ tokens }) => tokens.filter(({ counts }) => counts).length,
    }),
  }),
});

Dataset.implement({
  description: "Examples under a name, in immutable versions.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    name: t.exposeString("name", { description: "Its name; `name@2` is its second version." }),
    versions: t.field({
      type: connectionOf("DatasetVersion", DatasetVersion),
      description: "Its versions, newest first.",
      ...paged,
      resolve: ({ id }, page, { datasets }) => datasets.pageOfVersions(id, page),
    }),
    version: t.field({
      type: DatasetVersion,
      nullable: true,
      description: "The version of a number; null when there is none.",
      args: { number: t.arg.int({ required: true, description: "1, 2, 3 …" }) },
      resolve: ({ id }, { number }, { datasets }) => datasets.findNumber(id, number),
    }),
    latest: t.field({
      type: DatasetVersion,
      nullable: true,
      description: "The newest version; null until the first import is done.",
      resolve: async ({ id }, _, { datasets }) => (await datasets.versions(id))[0] ?? null,
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was first imported." }),
    status: t.string({
      description: "ready, importing, failed or cancelled.",
      resolve: async ({ id }, _, { datasets, runs }) => {
        if ((await datasets.versions(id)).length > 0) return "ready";
        const run = await runs.latestOf(id);
        return run?.status === "failed" || run?.status === "cancelled" ? run.status : "importing";
      },
    }),
    run: t.field({
      type: Run,
      nullable: true,
      description: "Its latest import.",
      resolve: ({ id }, _, { runs }) => runs.latestOf(id),
    }),
    dependants: t.field({
      type: [LineageNode],
      description: `What was trained on it: the first ${limits.dependantsShown}.`,
      resolve: async ({ id }, _, { datasets }) =>
        (await datasets.dependants(id)).slice(0, limits.dependantsShown),
    }),
    dependantCount: t.int({
      description: "How many they are altogether.",
      resolve: async ({ id }, _, { datasets }) => (await datasets.dependants(id)).length,
    }),
  }),
});

DatasetVersion.implement({
  description: "Frozen content of a dataset, named by its hash.",
  extensions: needs("read"),
  interfaces: [NodeInterface],
  fields: (t) => ({
    number: t.exposeInt("number", { description: "1, 2, 3 … within the dataset." }),
    hash: t.exposeString("sha256", { description: "SHA-256 of its rows as canonical JSONL." }),
    shape: t.field({
      type: DatasetShape,
      description: "How rows say prompt and answer.",
      resolve: (v) => v.shape,
    }),
    rowCount: t.exposeInt("rowCount", { description: "How many rows." }),
    sizeBytes: t.exposeFloat("sizeBytes", { description: "Bytes as canonical JSONL." }),
    columns: t.field({
      type: [Column],
      description: "Its columns: a list, as wide as the file.",
      resolve: (v) => v.columns,
    }),
    mapping: t.field({
      type: "JSON",
      nullable: true,
      description: "Which columns are prompt and completion, where somebody said so.",
      resolve: (v) => v.mapping,
    }),
    splits: t.field({
      type: "JSON",
      description: "Rows of train, validation and test.",
      resolve: (v) => v.splits,
    }),
    statistics: t.field({
      type: "JSON",
      description: "What the import counted: format, duplicates, rows left out and why.",
      resolve: (v) => v.statistics,
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was imported." }),
    rows: t.field({
      type: RowPage,
      description:
        "Rows from an index on, or of those that contain a text. By index and no cursor, because a version never changes.",
      args: {
        offset: t.arg.int({ required: true, defaultValue: 0, description: "First row, from 0." }),
        limit: t.arg.int({ required: true, defaultValue: 50, description: "At most so many." }),
        search: t.arg.string({ description: "Only rows that contain this text." }),
      },
      resolve: (version, { offset, limit, search }, { datasets }) =>
        datasets.rows(version.id, { offset, limit, ...(search ? { search } : {}) }),
    }),
    tokenHistogram: t.field({
      type: Histogram,
      description: "How long rows are in tokens of a base model.",
      args: { baseId: t.arg.id({ required: true, description: "The base model." }) },
      resolve: async (version, { baseId }, context) =>
        context.datasets.histogram(version.id, await tokenizerOf(context, baseId)),
    }),
    renderedRow: t.field({
      type: RenderedRow,
      description: "One row exactly as a base model will see it, with the tokens that count for the loss.",
      args: {
        baseId: t.arg.id({ required: true, description: "The base model." }),
        index: t.arg.int({ required: true, description: "The row, from 0." }),
        mapping: t.arg({
          type: "JSON",
          description:
            "Columns of a table to try: prompt, completion and, if any, system; its own when unsaid.",
        }),
        maxLength: t.arg.int({ description: "Tokens that a training would keep; all when unsaid." }),
      },
      resolve: async (version, { baseId, index, mapping, maxLength }, context) =>
        context.datasets.renderedRow(version.id, await tokenizerOf(context, baseId), index, {
          mapping,
          ...(maxLength == null ? {} : { maxTokens: maxLength }),
        }),
    }),
  }),
});

/** Weights of a base model by its id or name, for its tokenizer and template. */
async function tokenizerOf({ models, principal }: Context, baseId: string) {
  return models.sourceOf((await models.resolve(principal.projectId, baseId)).modelId);
}

const ImportDatasetResult = resultUnion<{ dataset: DatasetRow; run: RunRow }>(
  "ImportDataset",
  "The import that was started.",
  (t) => ({
    dataset: t.field({ type: Dataset, description: "The dataset.", resolve: ({ dataset }) => dataset }),
    run: t.field({ type: Run, description: "The import.", resolve: ({ run }) => run }),
  }),
);

const ImportDatasetInput = builder.inputType("ImportDatasetInput", {
  description: "A file to read into a dataset's next version.",
  fields: (t) => ({
    name: t.string({ required: true, description: "The dataset; an existing one gets another version." }),
    file: t.field({ type: "File", description: "The file, in a multipart request." }),
    uploadId: t.id({ description: "A finished upload instead." }),
    keepGoodRows: t.boolean({ description: "Leave rows with errors out instead of refusing the file." }),
    mapping: t.field({
      type: "JSON",
      description: "Columns of a table: prompt, completion and, if any, system.",
    }),
  }),
});
builder.queryFields((t) => ({
  datasets: t.field({
    type: connectionOf("Dataset", Dataset),
    description: "Datasets, newest first.",
    extensions: needs("read"),
    ...paged,
    resolve: (_, page, { datasets, principal }) => datasets.page(principal.projectId, page),
  }),
  dataset: t.field({
    type: Dataset,
    nullable: true,
    description: "The dataset of this name or id; null when there is none.",
    extensions: needs("read"),
    args: { name: t.arg.string({ required: true, description: "Its name or id." }) },
    resolve: (_, { name }, { datasets, principal }) => datasets.find(principal.projectId, name),
  }),
}));

builder.mutationField("importDataset", (t) =>
  t.field({
    type: ImportDatasetResult.union,
    description: "Reads a file into a dataset's next version, in the background.",
    extensions: needs("write"),
    args: { input: t.arg({ type: ImportDatasetInput, required: true, description: "What to import." }) },
    resolve: (_, { input }, context) =>
      ImportDatasetResult.run(async () => {
        const { name, file, uploadId, keepGoodRows, mapping } = input;
        const { datasets, uploads, principal } = context;
        if (!file && !uploadId)
          throw new EspalierError("FILE_MISSING", "there is no file to import", {
            hint: "Send one as `file` in a multipart request, or an upload's id as `uploadId`.",
            field: "file",
          });
        return datasets.importDataset({
          projectId: principal.projectId,
          name,
          claim: async () => {
            const id = file
              ? await uploads.keep(file, file instanceof File ? file.name : "file", principal)
              : uploadId;
            return uploads.claim([id ?? ""], principal);
          },
          keepGoodRows: keepGoodRows ?? false,
          mapping,
        });
      }),
  }),
);
