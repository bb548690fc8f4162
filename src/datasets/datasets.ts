// Front door of datasets: imports, immutable versions, pages of rows, token lengths, and what the trainer reads.
import { open, rm } from "node:fs/promises";
import { and, desc, eq, exists, inArray, or } from "drizzle-orm";
import { z } from "zod";
import { datasets, datasetVersions } from "../../schema/tables/datasets.ts";
import { runs as runRows } from "../../schema/tables/runs.ts";
import type { EnginePool, ModelSource } from "../inference/inference.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { incomingHooks, type RunRow, type Runs } from "../runs/runs.ts";
import { mapPage, type Page, type PageRequest, readPage, type Store } from "../store/store.ts";
import {
  type ImportDatasetInput,
  importHandler,
  mappingSchema,
  parseMapping,
  startImport,
} from "./import.ts";
import { type Dependant, datasetNotFound, dependantsOf, remove, rename, restore } from "./keep.ts";
import { cutOf, type Histogram, histogramOf, keepLengths, type RowLength, seenBy } from "./lengths.ts";
import type { ReaderDeps } from "./reader.ts";
import { readRows, readRowsAt, searchRows } from "./rows.ts";
import { checkMapping, type Mapping, shapes, type TrainingRow, toTrainingRow } from "./shape.ts";
import { type Split, splitOfRow } from "./split.ts";

export { type CollectedRow, type FitRow, fitterFor } from "./fit.ts";
export type { ImportDatasetInput } from "./import.ts";
export type { CutRows, Histogram } from "./lengths.ts";
export { runReaderChild } from "./reader.ts";
export type { Row } from "./rows-types.ts";
export {
  type Mapping,
  preferenceNotTrainable,
  type Shape,
  type TrainingMessage,
  type TrainingRow,
  toTrainingRow,
} from "./shape.ts";
export { isSplit, type Split, splitOfRow, splits } from "./split.ts";

const columnsSchema = z.array(z.object({ name: z.string(), type: z.string(), emptyShare: z.number() }));
const splitsSchema = z.object({ train: z.number(), validation: z.number(), test: z.number() });
const statisticsSchema = z.looseObject({ trainable: z.boolean(), hasOwnSplits: z.boolean() });
const shapeSchema = z.enum(shapes);

export type DatasetRow = typeof datasets.$inferSelect;
export type DatasetVersionRow = Omit<
  typeof datasetVersions.$inferSelect,
  "shape" | "columns" | "mapping" | "splits" | "statistics"
> & {
  shape: z.infer<typeof shapeSchema>;
  columns: z.infer<typeof columnsSchema>;
  mapping: Mapping | null;
  /** Rows by split; all in train where the dataset has no column `split`. */
  splits: z.infer<typeof splitsSchema>;
  statistics: z.infer<typeof statisticsSchema>;
};

export type RowPage = { rows: { index: number; value: unknown }[]; total: number; nextOffset: number | null };
export type RenderedDatasetRow = {
  text: string;
  tokens: { id: number; text: string; counts: boolean; kept: boolean }[];
};
/** Rows as the trainer reads them: JSONL in the blob folder. */
export type TrainingRows = { sha256: string; sizeBytes: number; rowCount: number };

export type DatasetsDeps = {
  store: Store;
  runs: Runs;
  engine: EnginePool;
  clock: Clock;
  /** How a child process that reads dataset files is started. */
  reader: ReaderDeps;
};
export type Datasets = ReturnType<typeof createDatasets>;

/** Rows whose tokens a histogram counts. */
const SAMPLE_ROWS = 200;
const PAGE = 1_000;

/** Builds the front door and registers the import with the runs. */
export function createDatasets(deps: DatasetsDeps) {
  const { store, runs, engine } = deps;
  const { db } = store;
  runs.registerHandler("import-dataset", importHandler(deps));
  runs.registerHooks("import-dataset", incomingHooks(store));

  async function getVersion(id: string): Promise<DatasetVersionRow> {
    const row = await db.query.datasetVersions.findFirst({ where: eq(datasetVersions.id, id) });
    return row ? asVersion(row) : datasetNotFound("dataset version", id);
  }

  const pathsOf = (version: DatasetVersionRow): [string, string] => [
    store.blobs.path(version.sha256),
    store.blobs.path(version.indexSha256),
  ];

  async function trainingRow(
    version: DatasetVersionRow,
    index: number,
    mapping?: unknown,
  ): Promise<TrainingRow> {
    const [stored] = await readRows(...pathsOf(version), index, 1);
    if (!stored) return datasetNotFound("row", String(index));
    return toTrainingRow(stored.row, version.shape, parseMapping(mapping) ?? version.mapping ?? undefined);
  }

  const seen = (source: ModelSource, row: TrainingRow) => seenBy(engine, source, row);
  const lengthsOf = keepLengths(async (version: DatasetVersionRow, source, mapping) => {
    const sampled = Math.min(SAMPLE_ROWS, version.rowCount);
    const lengths: RowLength[] = [];
    for (let at = 0; at < sampled; at++) {
      const [stored] = await readRows(...pathsOf(version), Math.floor((at * version.rowCount) / sampled), 1);
      if (!stored) return datasetNotFound("row", String(at));
      const { ids, isTarget } = await seen(source, toTrainingRow(stored.row, version.shape, mapping));
      const isTrained = !version.statistics.hasOwnSplits || splitOfRow(stored.row) === "train";
      lengths.push({ tokens: ids.length, firstLearned: isTarget.indexOf(true), isTrained });
    }
    return lengths;
  });

  const hasVersion = exists(
    db
      .select({ id: datasetVersions.id })
      .from(datasetVersions)
      .where(eq(datasetVersions.datasetId, datasets.id)),
  );
  const isImporting = exists(
    db
      .select({ id: runRows.id })
      .from(runRows)
      .where(and(eq(runRows.subjectId, datasets.id), inArray(runRows.status, ["queued", "running"]))),
  );
  const isListed = or(hasVersion, isImporting);

  const self = {
    /** Queues an import; the new version appears when the run has succeeded. */
    importDataset: (input: ImportDatasetInput): Promise<{ dataset: DatasetRow; run: RunRow }> =>
      startImport(deps, input),

    /** Newest first. One whose only imports failed is none: its run says why, and its name is free. */
    list: (projectId: string): Promise<DatasetRow[]> =>
      db
        .select()
        .from(datasets)
        .where(and(eq(datasets.projectId, projectId), isListed))
        .orderBy(desc(datasets.id)),
    /** Newest first. */
    page: (projectId: string, page: PageRequest): Promise<Page<DatasetRow>> =>
      readPage(
        db,
        datasets,
        { where: and(eq(datasets.projectId, projectId), isListed), keys: ["id"], order: "descending" },
        page,
      ),
    findById: async (id: string): Promise<DatasetRow | null> =>
      (await db.query.datasets.findFirst({ where: eq(datasets.id, id) })) ?? null,
    /** @throws EspalierError DATASET_NOT_FOUND */
    async get(id: string): Promise<DatasetRow> {
      return (await self.findById(id)) ?? datasetNotFound("dataset", id);
    },
    /** By its name; null where no list shows one, and the name is free. */
    async findListed(projectId: string, name: string): Promise<DatasetRow | null> {
      const where = and(eq(datasets.projectId, projectId), eq(datasets.name, name), isListed);
      return (await db.select().from(datasets).where(where))[0] ?? null;
    },
    async findNumber(datasetId: string, number: number): Promise<DatasetVersionRow | null> {
      const where = and(eq(datasetVersions.datasetId, datasetId), eq(datasetVersions.number, number));
      const row = await db.query.datasetVersions.findFirst({ where });
      return row ? asVersion(row) : null;
    },
    /** By name, `name@2` or id; null when there is none. */
    async find(projectId: string, name: string): Promise<DatasetRow | null> {
      const plain = name.replace(/@\d+$/, "");
      const where = and(eq(datasets.projectId, projectId), inArray(datasets.name, [name, plain]));
      const byName = await db.query.datasets.findFirst({ where });
      const found = byName ?? (await self.findById(name));
      return found?.projectId === projectId ? found : null;
    },
    /** Newest first. */
    async versions(datasetId: string): Promise<DatasetVersionRow[]> {
      const rows = await db.query.datasetVersions.findMany({
        where: eq(datasetVersions.datasetId, datasetId),
        orderBy: [desc(datasetVersions.number)],
      });
      return rows.map(asVersion);
    },
    /** Newest first. */
    async pageOfVersions(datasetId: string, page: PageRequest): Promise<Page<DatasetVersionRow>> {
      const where = eq(datasetVersions.datasetId, datasetId);
      const rows = await readPage(
        db,
        datasetVersions,
        { where, keys: ["number"], order: "descending" },
        page,
      );
      return mapPage(rows, asVersion);
    },
    getVersion,
    findVersion: async (id: string): Promise<DatasetVersionRow | null> => {
      const row = await db.query.datasetVersions.findFirst({ where: eq(datasetVersions.id, id) });
      return row ? asVersion(row) : null;
    },
    /** `name` is its newest version, `name@2` its second; a version's id is itself. @throws EspalierError DATASET_NOT_FOUND */
    async resolveVersion(projectId: string, name: string): Promise<DatasetVersionRow> {
      const exact = await self.findVersion(name);
      if (exact && (await self.findById(exact.datasetId))?.projectId === projectId) return exact;
      const dataset = await self.find(projectId, name);
      if (!dataset) return datasetNotFound("dataset", name);
      const number = dataset.name === name ? null : /@(\d+)$/.exec(name)?.[1];
      const all = await self.versions(dataset.id);
      const version = number ? all.find((one) => one.number === Number(number)) : all[0];
      return version ?? datasetNotFound("dataset version", name);
    },

    /** A page of rows, or of those that hold `search` (then `nextOffset` goes on after the last row looked at). */
    async rows(
      versionId: string,
      { offset = 0, limit = 50, search }: { offset?: number; limit?: number; search?: string },
    ): Promise<RowPage> {
      const version = await getVersion(versionId);
      const count = Math.max(1, Math.min(limit, limits.datasetPage));
      const from = Math.max(0, offset);
      if (search) {
        const found = await searchRows(...pathsOf(version), search, {
          limit: count,
          ...(from > 0 ? { after: from - 1 } : {}),
        });
        const next = found.next === null ? null : found.next + 1;
        return { rows: found.rows.map(asIndexed), total: version.rowCount, nextOffset: next };
      }
      const rows = (await readRows(...pathsOf(version), from, count)).map(asIndexed);
      const end = from + rows.length;
      return {
        rows,
        total: version.rowCount,
        nextOffset: end < version.rowCount && rows.length > 0 ? end : null,
      };
    },

    /** Some rows by their numbers, in their order. @throws EspalierError DATASET_DAMAGED for a number that is none */
    rowsAt: async (versionId: string, numbers: readonly number[]): Promise<RowPage["rows"]> =>
      (await readRowsAt(...pathsOf(await getVersion(versionId)), numbers)).map(asIndexed),
    /** The splits of rows by their numbers; null where their version has no column `split`, or is gone. */
    async splitsOf(versionId: string, numbers: readonly number[]): Promise<(Split | null)[]> {
      const version = await self.findVersion(versionId);
      if (!version?.statistics.hasOwnSplits) return numbers.map(() => null);
      return (await readRowsAt(...pathsOf(version), numbers)).map(({ row }) => splitOfRow(row));
    },

    /** Token lengths of evenly spaced rows, as the model sees them. @throws EspalierError MAPPING_NEEDED */
    async histogram(versionId: string, source: ModelSource): Promise<Histogram> {
      const version = await getVersion(versionId);
      return histogramOf(await lengthsOf(version, source, version.mapping ?? undefined));
    },

    /**
     * What a training that keeps `maxTokens` of each row would cut, counted on evenly spaced rows.
     * @throws EspalierError MAPPING_NEEDED, MAPPED_COLUMN_MISSING, and TEMPLATE_* of the base model
     */
    async cutAt(versionId: string, source: ModelSource, maxTokens: number, mapping?: unknown) {
      const version = await getVersion(versionId);
      const used = parseMapping(mapping) ?? version.mapping ?? undefined;
      return cutOf(await lengthsOf(version, source, used), maxTokens);
    },

    /** Whether its rows are conversations, which take a chat template; false where no mapping says so yet. */
    async areMessages(versionId: string, mapping?: unknown): Promise<boolean> {
      const version = await getVersion(versionId);
      const isReadable = version.statistics.trainable || parseMapping(mapping) !== null;
      return isReadable && "messages" in (await trainingRow(version, 0, mapping));
    },

    /**
     * One row exactly as the model will see it, a table's by `mapping` or its own; what stands behind `maxTokens` is
     * not kept, and so not learned.
     * @throws EspalierError MAPPING_NEEDED, MAPPED_COLUMN_MISSING, ROW_NOT_FOUND
     */
    async renderedRow(
      versionId: string,
      source: ModelSource,
      index: number,
      { mapping, maxTokens = Number.POSITIVE_INFINITY }: { mapping?: unknown; maxTokens?: number } = {},
    ): Promise<RenderedDatasetRow> {
      const { text, ids, pieces, isTarget } = await seen(
        source,
        await trainingRow(await getVersion(versionId), index, mapping),
      );
      return {
        text,
        tokens: ids.map((id, at) => ({
          id,
          text: pieces[at] ?? "",
          counts: at < maxTokens && (isTarget[at] ?? false),
          kept: at < maxTokens,
        })),
      };
    },

    /**
     * Training rows of a version as JSONL in the blob folder: those of split `train` where the dataset has its own
     * splits, else all. The same version and mapping give the same bytes.
     * @throws EspalierError MAPPING_NEEDED, MAPPED_COLUMN_MISSING, NO_TRAINING_ROWS
     */
    async exportTrainingRows(versionId: string, mapping?: unknown): Promise<TrainingRows> {
      const version = await getVersion(versionId);
      const used = parseMapping(mapping) ?? version.mapping ?? undefined;
      if (used)
        checkMapping(
          used,
          version.columns.map((column) => column.name),
        );
      const temp = store.blobs.tempPath();
      const file = await open(temp, "wx");
      let rowCount = 0;
      try {
        for (let at = 0; at < version.rowCount; ) {
          const lines: string[] = [];
          const page = await readRows(...pathsOf(version), at, PAGE);
          if (page.length === 0) break;
          at += page.length;
          for (const { row } of page) {
            if (version.statistics.hasOwnSplits && splitOfRow(row) !== "train") continue;
            lines.push(`${JSON.stringify(toTrainingRow(row, version.shape, used))}\n`);
          }
          rowCount += lines.length;
          await file.writeFile(lines.join(""));
        }
      } catch (error) {
        await file.close();
        await rm(temp, { force: true });
        throw error;
      }
      await file.close();
      if (rowCount > 0) return { ...(await store.blobs.putFile(temp)), rowCount };
      await rm(temp, { force: true });
      throw new EspalierError("NO_TRAINING_ROWS", "The dataset version has no row in its split train.", {
        field: "datasetVersionId",
        value: versionId,
        hint: "Mark rows with split train, or leave the column out.",
      });
    },

    /**
     * True where no training row keeps a token to learn within `maxTokens`. Larger datasets than the limit
     * datasetRowsTried, and rows that the template refuses, are left to the trainer, which sees all.
     */
    async areAllTooLong(versionId: string, source: ModelSource, maxTokens: number, mapping?: unknown) {
      const version = await getVersion(versionId);
      if (version.rowCount > limits.datasetRowsTried) return false;
      const used = parseMapping(mapping) ?? version.mapping ?? undefined;
      let looked = 0;
      for (let at = 0; at < version.rowCount; ) {
        const page = await readRows(...pathsOf(version), at, PAGE);
        if (page.length === 0) return false;
        at += page.length;
        for (const { row } of page) {
          if (version.statistics.hasOwnSplits && splitOfRow(row) !== "train") continue;
          looked++;
          const { isTarget } = await seen(source, toTrainingRow(row, version.shape, used)).catch(() => ({
            isTarget: [true],
          }));
          if (isTarget.slice(0, maxTokens).includes(true)) return false;
        }
      }
      return looked > 0;
    },

    /** Trainings on any of its versions. */
    dependants: (id: string): Promise<Dependant[]> => dependantsOf(db, id),
    /** Another name for a dataset. @throws EspalierError NAME_INVALID, NAME_TAKEN, DATASET_NOT_FOUND */
    rename: (id: string, name: string): Promise<{ id: string; name: string }> => rename(deps, id, name),
    /** Deletes a dataset into the trash; its trainings stay. @throws EspalierError HAS_DEPENDANTS, IN_USE */
    remove: (id: string, confirm: boolean): Promise<{ id: string; name: string }> =>
      remove(deps, id, confirm),
    /** Brings back what `remove` took. @throws EspalierError NOT_IN_TRASH */
    restore: (projectId: string, id: string): Promise<{ id: string; name: string }> =>
      restore(deps, projectId, id),
  };
  return self;
}

function asVersion(row: typeof datasetVersions.$inferSelect): DatasetVersionRow {
  return {
    ...row,
    shape: shapeSchema.parse(row.shape),
    columns: columnsSchema.parse(row.columns),
    mapping: mappingSchema.nullable().parse(row.mapping ?? null),
    splits: splitsSchema.parse(row.splits),
    statistics: statisticsSchema.parse(row.statistics),
  };
}

function asIndexed({ number, row }: { number: number; row: unknown }): { index: number; value: unknown } {
  return { index: number, value: row };
}
