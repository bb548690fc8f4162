// The import of a dataset file: parsed in the background into an immutable version, or refused row by row.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { and, desc, eq } from "drizzle-orm";
import { z } from "zod";
import { datasets, datasetVersions } from "../../schema/tables/datasets.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { checkName } from "../kit/names.ts";
import type { RunHandler, RunRow, Runs } from "../runs/runs.ts";
import type { Reader, Store } from "../store/store.ts";
import { type ReaderDeps, readInChild } from "./reader.ts";
import type { RowError } from "./rows-types.ts";
import type { Mapping } from "./shape.ts";

export type ImportDatasetInput = {
  projectId: string;
  name: string;
  /** Takes over the one uploaded file; called when nothing else speaks against the import. */
  claim: () => Promise<string>;
  keepGoodRows?: boolean;
  mapping?: unknown;
  /** Adds the rows (JSONL) to those of the newest version, which its mapping reads, where there is one. */
  append?: boolean;
};

export const mappingSchema = z.strictObject({
  prompt: z.string().min(1),
  completion: z.string().min(1),
  system: z.string().min(1).exactOptional(),
});
const specSchema = z.object({
  datasetId: z.string(),
  incoming: z.string(),
  keepGoodRows: z.boolean(),
  mapping: mappingSchema.nullable(),
  append: z.boolean().default(false),
});

/** Row errors that the run's log shows one by one. */
const LOGGED_ERRORS = 20;

type Deps = { store: Store; runs: Runs; clock: Clock; reader: ReaderDeps };

/** @throws EspalierError MAPPING_INVALID */
export function parseMapping(mapping: unknown): Mapping | null {
  if (mapping === undefined || mapping === null) return null;
  const parsed = mappingSchema.safeParse(mapping);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const at = ["mapping", ...(issue?.path ?? [])].join(".");
  const what = issue?.code === "invalid_type" ? "has to name a column" : `is not usable: ${issue?.message}`;
  throw new EspalierError("MAPPING_INVALID", `${at} ${what}`, {
    field: "mapping",
    value: JSON.stringify(mapping).slice(0, 200),
    hint: "Say which columns are prompt and completion, and if need be system.",
  });
}

/**
 * Queues the import of a new dataset, or of a next version of the one with this name.
 * @throws EspalierError NAME_INVALID, MAPPING_INVALID, and what claiming the upload throws
 */
export async function startImport(
  { store, runs, clock }: Deps,
  input: ImportDatasetInput,
): Promise<{ dataset: typeof datasets.$inferSelect; run: RunRow }> {
  const name = checkName(input.name);
  const mapping = parseMapping(input.mapping);
  const incoming = await input.claim();
  return store.write(async (tx) => {
    const where = and(eq(datasets.projectId, input.projectId), eq(datasets.name, name));
    const known = await tx.query.datasets.findFirst({ where });
    const dataset = known ?? { id: newId("dataset"), projectId: input.projectId, name, createdAt: clock() };
    if (!known) await tx.insert(datasets).values(dataset);
    const run = await runs.createRun(tx, {
      projectId: input.projectId,
      kind: "import-dataset",
      executor: "server",
      name: `Import ${name}`,
      subjectId: dataset.id,
      spec: {
        datasetId: dataset.id,
        incoming,
        keepGoodRows: input.keepGoodRows ?? false,
        mapping,
        append: input.append ?? false,
      } satisfies z.infer<typeof specSchema>,
    });
    return { dataset, run };
  }, "dataset.import.start");
}

/** What does the import; the same content twice is one version. */
export function importHandler({ store, clock, reader }: Deps): RunHandler {
  return async ({ run, signal, log, progress, crashPoint }) => {
    const { datasetId, incoming, keepGoodRows, append, mapping: said } = specSchema.parse(run.spec);
    const { folder, names } = await store.incoming.find(incoming);
    const fileName = names[0];
    if (fileName === undefined)
      throw new EspalierError("UPLOAD_GONE", "The uploaded file of this import is no longer kept.", {
        field: "uploadId",
        value: incoming,
        hint: "Upload the file again and import that.",
        status: 404,
      });
    const base = append ? await latestOf(store.db, datasetId) : undefined;
    const mapping = base ? mappingSchema.nullable().parse(base.mapping ?? null) : said;
    const joinedPath = store.blobs.tempPath();
    const dataPath = store.blobs.tempPath();
    const indexPath = store.blobs.tempPath();
    try {
      const written = await readInChild(reader, join(folder, fileName), {
        dataPath,
        indexPath,
        name: fileName,
        keepGoodRows,
        signal,
        ...(mapping ? { mapping } : {}),
        ...(append
          ? {
              append: {
                basePath: base ? store.blobs.path(base.sha256) : null,
                joinedPath,
                mapping: mapping ?? undefined,
              },
            }
          : {}),
        onProgress: ({ bytesRead, sizeBytes }) =>
          progress({ fraction: (0.9 * bytesRead) / Math.max(1, sizeBytes) }),
      });
      for (const error of written.errors.slice(0, LOGGED_ERRORS)) log(sentence(error), "warning");
      const { version, appended } = written;
      if (!version) throw refusal(fileName, written.errors, written.errorCount);
      crashPoint("parsed");
      const data = await store.blobs.putFile(dataPath);
      crashPoint("data-put");
      const index = await store.blobs.putFile(indexPath);
      crashPoint("index-put");
      log(`${version.rowCount} rows of shape ${version.shape}; ${written.errorCount} left out`);
      if (appended) log(`${appended.added} rows are added; ${appended.alreadyThere} were there already`);
      return {
        result: { id: datasetId, rows: version.rowCount, errorCount: written.errorCount, ...appended },
        commit: async (tx) => {
          const latest = await latestOf(tx, datasetId);
          if (append && latest?.id !== base?.id) throw changedMeanwhile(fileName);
          const isSame =
            latest?.sha256 === data.sha256 &&
            JSON.stringify(latest.mapping ?? null) === JSON.stringify(mapping);
          if (isSame) return;
          await tx.insert(datasetVersions).values({
            id: newId("datasetVersion"),
            datasetId,
            number: (latest?.number ?? 0) + 1,
            sha256: data.sha256,
            indexSha256: index.sha256,
            shape: version.shape,
            rowCount: version.rowCount,
            sizeBytes: version.sizeBytes,
            columns: version.columns,
            mapping,
            splits: version.splits ?? { train: version.rowCount, validation: 0, test: 0 },
            statistics: {
              format: version.format,
              duplicateRows: version.duplicateRows,
              trainable: version.trainable,
              hasOwnSplits: version.splits !== null,
              errorCount: written.errorCount,
              errors: written.errors,
              fileName,
              origins: version.origins,
            },
            createdAt: clock(),
          });
        },
      };
    } finally {
      await rm(joinedPath, { force: true });
      await rm(dataPath, { force: true });
      await rm(indexPath, { force: true });
    }
  };
}

const latestOf = (db: Reader, datasetId: string) =>
  db.query.datasetVersions.findFirst({
    where: eq(datasetVersions.datasetId, datasetId),
    orderBy: [desc(datasetVersions.number)],
  });

function changedMeanwhile(fileName: string): EspalierError {
  return new EspalierError(
    "DATASET_CHANGED",
    "The dataset got another version while rows were added to it.",
    {
      field: "dataset",
      value: fileName,
      hint: "Retry the run: it adds them to the newest version.",
      status: 409,
    },
  );
}

function sentence(error: RowError): string {
  return `line ${error.line}, ${error.field}: ${error.message} (${error.code}; ${error.value})`;
}

function refusal(fileName: string, errors: readonly RowError[], count: number): EspalierError {
  const first = errors[0];
  if (!first) return new EspalierError("DATASET_EMPTY", `${fileName} holds no rows.`, { field: "file" });
  const more = count > 1 ? ` And ${count - 1} more rows are wrong; the run's log lists them.` : "";
  return new EspalierError(
    first.code,
    `${fileName}, line ${first.line}, ${first.field}: ${first.message}${more}`,
    {
      field: first.field,
      value: first.value,
      hint: "Mend the rows, or import again and keep only the good rows.",
    },
  );
}
