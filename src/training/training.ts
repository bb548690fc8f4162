// Front door of training: start a training, hand it to a trainer, and turn its delivery into a customized model.
import { eq } from "drizzle-orm";
import { z } from "zod";
import { customizedModels, type ModelFile, trainings } from "../../schema/tables/models.ts";
import {
  type FinishRequest,
  type LeaseFile,
  type LeaseResponse,
  sftParameters,
  trainSpec,
} from "../../schema/trainer.ts";
import type { Datasets } from "../datasets/datasets.ts";
import type { Clock } from "../kit/clock.ts";
import { EspalierError, messageOf } from "../kit/errors.ts";
import { newId } from "../kit/ids.ts";
import { limits } from "../kit/limits.ts";
import { checkName, nameEnding } from "../kit/names.ts";
import {
  type CustomizedModelRow,
  filesHash,
  filesSize,
  generatedName,
  type Models,
  nameEndings,
  refuseTaken,
  settledName,
  type TrainingRow,
} from "../models/models.ts";
import { isEnded, type RunRow, type Runs } from "../runs/runs.ts";
import { type Page, type PageRequest, readPage, type Store, type Tx } from "../store/store.ts";
import { type Forecast, forecastOf } from "./forecast.ts";
import { methods, parseParameters } from "./methods.ts";

export type { TrainingRow } from "../models/models.ts";
export type { Forecast } from "./forecast.ts";
export type { Method } from "./methods.ts";

export type StartTrainingInput = {
  projectId: string;
  /** Name of what is made; generated from base and date when empty. */
  name: string;
  /** Id, or name of a base model. */
  baseId: string;
  datasetVersionId: string;
  method: string;
  parameters?: unknown;
  /** True: the adapter is merged at once and a complete model results. */
  save?: boolean | null | undefined;
  mapping?: unknown;
};

export type TrainingDeps = { store: Store; runs: Runs; models: Models; datasets: Datasets; clock: Clock };
export type Training = ReturnType<typeof createTraining>;

/** What a run of a training keeps: the trainer's spec and the files it needs, frozen. */
const runSpec = z.object({
  trainingId: z.string(),
  trainSpec,
  baseId: z.string(),
  rows: z.object({ sha256: z.string(), sizeBytes: z.number(), rowCount: z.number() }),
  /** Its name where nobody chose one. */
  generatedName: z.string().nullable().default(null),
});
const checkpointData = z.looseObject({ step: z.number(), sha256: z.string(), sizeBytes: z.number() });
const metricData = z.looseObject({
  step: z.number(),
  loss: z.number().optional(),
  evalLoss: z.number().optional(),
  learningRate: z.number().optional(),
  gradNorm: z.number().optional(),
  tokensPerSecond: z.number().optional(),
  memoryBytes: z.number().optional(),
});
export type MetricPoint = z.infer<typeof metricData>;

/** Files without which a delivery is no PEFT adapter. */
const NEEDED = ["adapter_config.json", "adapter_model.safetensors"];
const PAGE = 1_000;

export function createTraining({ store, runs, models, datasets, clock }: TrainingDeps) {
  runs.registerHooks("train", {
    retried: async (tx, old, fresh) => {
      await tx.update(trainings).set({ runId: fresh.id }).where(eq(trainings.runId, old.id));
    },
  });

  async function find(id: string): Promise<TrainingRow | null> {
    return (await store.db.query.trainings.findFirst({ where: eq(trainings.id, id) })) ?? null;
  }

  /** Every stored event of some types, over all pages. */
  async function allEvents(runId: string, types: readonly string[], after = 0) {
    const all = [];
    for (let last = after; ; ) {
      const page = await runs.events(runId, { after: last, first: PAGE, types });
      all.push(...page);
      last = page.at(-1)?.seq ?? last;
      if (page.length < PAGE) return all;
    }
  }

  /**
   * What a training that ends now calls its results: the customized model by the training's name as it is by then, or,
   * where it saves, the complete one, unless nobody chose the name. Should a model have it, the work is not lost.
   */
  async function namesOfResult(
    tx: Tx,
    id: string,
    generated: string | null,
  ): Promise<{ name: string; complete: string | null }> {
    const row = await tx.query.trainings.findFirst({ where: eq(trainings.id, id) });
    if (!row) throw trainingNotFound(id);
    const { projectId } = row;
    const name = await settledName(tx, projectId, row.name);
    if (!row.save) return { name, complete: null };
    if (row.name === generated)
      return { name, complete: await generatedName(tx, projectId, name, nameEndings.save) };
    return { name: await settledName(tx, projectId, nameEnding(name, "_adapter")), complete: name };
  }

  async function latestCheckpoint(runId: string): Promise<LeaseResponse["run"]["resumeFrom"]> {
    for (const event of (await allEvents(runId, ["checkpoint"])).reverse()) {
      const parsed = checkpointData.safeParse(event.data);
      if (!parsed.success || !(await store.blobs.has(parsed.data.sha256))) continue;
      const { step, sha256, sizeBytes } = parsed.data;
      return { artifactSha256: sha256, sizeBytes, step, path: store.blobs.path(sha256) };
    }
    return undefined;
  }

  async function leaseOf(run: RunRow, leaseMs: number): Promise<LeaseResponse> {
    const spec = runSpec.parse(run.spec);
    const base = await models.getBase(spec.baseId);
    const file = (role: LeaseFile["role"], name: string, sha256: string, sizeBytes: number): LeaseFile => ({
      role,
      name,
      sha256,
      sizeBytes,
      url: `/trainer/v1/blobs/${sha256}`,
      path: store.blobs.path(sha256),
    });
    const resumeFrom = await latestCheckpoint(run.id);
    return {
      run: {
        id: run.id,
        attempt: run.attempt,
        kind: "train",
        spec: spec.trainSpec,
        ...(resumeFrom ? { resumeFrom } : {}),
      },
      leaseMs,
      files: [
        ...base.files.map((one) => file("base", one.path, one.sha256, one.sizeBytes)),
        file("dataset", "train.jsonl", spec.rows.sha256, spec.rows.sizeBytes),
      ],
    };
  }

  async function checked(input: StartTrainingInput) {
    const base = await models.resolve(input.projectId, input.baseId);
    const asked = input.name.trim() === "" ? null : checkName(input.name);
    if (asked !== null) await refuseTaken(store.db, input.projectId, asked);
    if (base.kind !== "base")
      throw new EspalierError("NOT_A_BASE_MODEL", `${base.name} is a ${base.kind} model.`, {
        field: "baseId",
        value: base.name,
        hint: "Train from a base model.",
      });
    const parameters = parseParameters(input.method, input.parameters);
    const version = await datasets.getVersion(input.datasetVersionId);
    const dataset = await datasets.get(version.datasetId);
    if (dataset.projectId !== input.projectId)
      throw new EspalierError("DATASET_NOT_FOUND", "There is no such dataset version.", {
        field: "datasetVersionId",
        value: input.datasetVersionId.slice(0, 80),
        status: 404,
      });
    const row = await models.getBase(base.modelId);
    if (row.card.chatTemplate === null && (await datasets.areMessages(version.id, input.mapping)))
      throw new EspalierError(
        "CHAT_TEMPLATE_MISSING",
        `${row.name} has no chat template, so it cannot read the conversations of ${dataset.name}.`,
        {
          field: "baseId",
          value: row.name,
          hint: "Choose an instruct model, or a dataset of the columns prompt and completion.",
        },
      );
    return { asked, base: row, parameters, version, dataset };
  }

  const self = {
    /** Every method with the JSON Schema of its parameters. */
    methods,
    find,
    /** @throws EspalierError TRAINING_NOT_FOUND */
    async get(id: string): Promise<TrainingRow> {
      const row = await find(id);
      if (row) return row;
      throw trainingNotFound(id);
    },
    page: (projectId: string, page: PageRequest): Promise<Page<TrainingRow>> =>
      readPage(
        store.db,
        trainings,
        { where: eq(trainings.projectId, projectId), keys: ["id"], order: "descending" },
        page,
      ),
    /** What was frozen when it started, its rows among it; null where its run is gone. */
    frozen: async ({ runId }: TrainingRow) => runSpec.safeParse((await runs.find(runId))?.spec).data ?? null,
    /** The customized model that a training made, or null. */
    customizedOf: async (trainingId: string): Promise<CustomizedModelRow | null> =>
      (await store.db.query.customizedModels.findFirst({
        where: eq(customizedModels.trainingId, trainingId),
      })) ?? null,
    /** Steps, time and memory that a training would take, and what speaks against it. Never throws for input. */
    forecast: (input: StartTrainingInput): Promise<Forecast> =>
      forecastOf({ store, runs, models, datasets }, input, () => checked(input)),

    /**
     * Freezes rows and parameters and queues the training for a trainer.
     * @throws EspalierError NAME_TAKEN, NOT_A_BASE_MODEL, UNKNOWN_METHOD, PARAMETER_INVALID, MAPPING_NEEDED,
     * CHAT_TEMPLATE_MISSING, MAPPED_COLUMN_MISSING, NO_TRAINING_ROWS, ROWS_ALL_TOO_LONG, DATASET_NOT_FOUND, MODEL_NOT_FOUND
     */
    async startTraining(input: StartTrainingInput): Promise<{ training: TrainingRow; run: RunRow }> {
      const { asked, base, parameters, version, dataset } = await checked(input);
      const maxTokens = Math.min(parameters.max_length, base.card.contextLength);
      if (await datasets.areAllTooLong(version.id, await models.sourceOf(base.id), maxTokens, input.mapping))
        throw new EspalierError(
          "ROWS_ALL_TOO_LONG",
          `None of the ${version.splits.train} training rows of ${dataset.name} keeps a token to learn within ${maxTokens} tokens.`,
          {
            field: "max_length",
            value: String(parameters.max_length),
            hint: `Raise max_length (${base.name} holds ${base.card.contextLength} tokens), or shorten the rows.`,
          },
        );
      const rows = await datasets.exportTrainingRows(version.id, input.mapping);
      const save = input.save ?? false;
      const trainingId = newId("training");
      const { projectId } = input;
      return store.write(async (tx) => {
        const name = asked ?? (await generatedName(tx, projectId, base.name, nameEndings.train(clock())));
        await refuseTaken(tx, projectId, name);
        const spec: z.infer<typeof trainSpec> = {
          method: input.method,
          model: { name },
          base: { name: base.name, format: base.format },
          dataset: { name: dataset.name, version: version.number },
          // The trainer cuts where it is told to; behind its context a base model reads nothing.
          parameters: { ...parameters, max_length: maxTokens },
          save,
        };
        const run = await runs.createRun(tx, {
          projectId,
          kind: "train",
          executor: "trainer",
          name: `Train ${name}`,
          subjectId: trainingId,
          spec: {
            trainingId,
            trainSpec: spec,
            baseId: base.id,
            rows,
            generatedName: asked === null ? name : null,
          },
          // A trainer that dies goes on from its checkpoint, so more tries than usual cost little.
          maxAttempts: 10,
        });
        const training = {
          id: trainingId,
          projectId,
          name,
          baseId: base.id,
          datasetVersionId: version.id,
          method: input.method,
          parameters,
          save,
          runId: run.id,
          createdAt: clock(),
        };
        await tx.insert(trainings).values(training);
        return { training, run };
      }, "training.start");
    },

    /** What a trainer that claimed a run is told; a run that cannot be handed out ends as failed. */
    async leaseFor(run: RunRow, leaseMs: number): Promise<LeaseResponse> {
      try {
        return await leaseOf(run, leaseMs);
      } catch (error) {
        await runs.finish(run.id, run.attempt, {
          status: "failed",
          error: { code: "TRAINING_NOT_READY", message: messageOf(error), hint: "Start the training again." },
        });
        throw error;
      }
    },

    /** Whether a training of the project that runs now was told to fetch this blob. */
    async needsBlob(projectId: string, sha256: string): Promise<boolean> {
      const filter = { projectId, kind: "train", status: "running", first: limits.pageItems };
      for (const run of (await runs.list(filter)).items) {
        const { files, run: told } = await leaseOf(run, 0);
        if (JSON.stringify([files, told.resumeFrom]).includes(`"${sha256}"`)) return true;
      }
      return false;
    },

    /**
     * Ends a training's run with what the trainer delivered; on success the customized model appears in the same
     * transaction, and where the training saves, its merge is queued in it too. Saying the same again is fine.
     * @throws EspalierError STALE_ATTEMPT, ADAPTER_INCOMPLETE, RUN_NOT_FOUND
     */
    async acceptTrainerResult(runId: string, body: FinishRequest): Promise<RunRow> {
      const run = await runs.get(runId);
      if (isEnded(run) && run.attempt === body.attempt && run.status === body.status) return run;
      if (body.status !== "succeeded")
        return runs.finish(runId, body.attempt, {
          status: body.status,
          ...(body.result ? { result: body.result } : {}),
          ...(body.error ? { error: body.error } : {}),
        });
      const spec = runSpec.parse(run.spec);
      const training = await self.get(spec.trainingId);
      const files: ModelFile[] = [];
      for (const artifact of body.artifacts) {
        if (!(await store.blobs.has(artifact.sha256))) throw incomplete(artifact.name);
        files.push({ path: artifact.name, sha256: artifact.sha256, sizeBytes: artifact.sizeBytes });
      }
      for (const name of NEEDED) if (!files.some((file) => file.path === name)) throw incomplete(name);
      const customizedId = newId("customizedModel");
      return runs.finish(
        runId,
        body.attempt,
        { status: "succeeded", result: { ...body.result, customizedId } },
        async (tx) => {
          const { projectId } = training;
          const { name, complete } = await namesOfResult(tx, training.id, spec.generatedName);
          await models.addCustomized(tx, {
            id: customizedId,
            projectId,
            name,
            baseId: training.baseId,
            trainingId: training.id,
            files,
            sha256: filesHash(files),
            sizeBytes: filesSize(files),
            card: { method: training.method, parameters: training.parameters, result: body.result ?? null },
            createdAt: clock(),
          });
          if (complete !== null) await models.queueMerge(tx, { projectId, customizedId, name: complete });
        },
      );
    },

    /** The step from which another attempt at a run would go on; null where it would begin. */
    checkpointStep: async (runId: string): Promise<number | null> =>
      (await latestCheckpoint(runId))?.step ?? null,

    /** Points of the training's curves after event `after`, over all attempts; later attempts win a step. */
    async metrics(training: TrainingRow, after = 0): Promise<MetricPoint[]> {
      const points = new Map<number, MetricPoint>();
      for (const event of await allEvents(training.runId, ["metrics"], after)) {
        const parsed = metricData.safeParse(event.data);
        if (!parsed.success) continue;
        const { step } = parsed.data;
        points.set(step, { ...points.get(step), ...parsed.data });
      }
      return [...points.values()].sort((a, b) => a.step - b.step);
    },
    /** Sample answers made while training, in order. */
    async samples(training: TrainingRow): Promise<unknown[]> {
      return (await allEvents(training.runId, ["sample"])).map((event) => event.data);
    },
    /** Rank of a customized model's adapter. */
    rankOf(row: CustomizedModelRow): number {
      const card = z.looseObject({ parameters: sftParameters.pick({ r: true }).loose() }).safeParse(row.card);
      return card.success ? card.data.parameters.r : 0;
    },
  };
  return self;
}

function trainingNotFound(id: string): EspalierError {
  return new EspalierError("TRAINING_NOT_FOUND", `There is no training ${id.slice(0, 80)}.`, {
    field: "id",
    value: id.slice(0, 80),
    hint: "List the trainings.",
    status: 404,
  });
}

function incomplete(name: string): EspalierError {
  return new EspalierError("ADAPTER_INCOMPLETE", `The delivery lacks the file ${name}.`, {
    field: "artifacts",
    value: name,
    hint: "Upload it, then finish again.",
  });
}
