// What a training would take: steps, time and memory, with warnings and refusals before it is started.
import { z } from "zod";
import { sftParameters } from "../../schema/trainer.ts";
import { type CutRows, type Datasets, preferenceNotTrainable, type Shape } from "../datasets/datasets.ts";
import { isEspalierError, shapeOf } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import type { BaseModelRow, Models } from "../models/models.ts";
import type { RunError, Runs } from "../runs/runs.ts";
import type { Store } from "../store/store.ts";
import type { parseParameters } from "./methods.ts";
import type { StartTrainingInput } from "./training.ts";

export type Forecast = {
  steps: number;
  /** From earlier trainings of the same base on this server; null without any. */
  seconds: number | null;
  memoryBytes: number;
  /** What max_length cuts off the rows; null where they cannot be read yet. */
  cut: CutRows | null;
  warnings: string[];
  /** Why it cannot be started as it is. */
  refusals: RunError[];
};

type Checked = {
  base: BaseModelRow;
  parameters: ReturnType<typeof parseParameters>;
  version: {
    id: string;
    shape: Shape;
    rowCount: number;
    sizeBytes: number;
    splits: { train: number };
    statistics: { trainable: boolean };
  };
};
type Deps = { store: Store; runs: Runs; models: Models; datasets: Datasets };

const resultSchema = z.looseObject({ steps: z.number(), durationMs: z.number() });
const specSchema = z.looseObject({
  baseId: z.string(),
  trainSpec: z.looseObject({ parameters: z.unknown() }),
  rows: z.object({ sizeBytes: z.number(), rowCount: z.number() }),
});
const stepSchema = z.looseObject({ at: z.number(), data: z.looseObject({ step: z.number() }) });
/** About what a token of plain text has. */
const BYTES_PER_TOKEN = 4;
/** Repetitions of a row after which a small model mostly learns by heart. */
const MANY_EPOCHS = 10;
/** Below this the sample's task is not learned yet. */
const FEW_STEPS = 40;

/** Forecasts; errors of the input become refusals. */
export async function forecastOf(
  deps: Deps,
  input: StartTrainingInput,
  check: () => Promise<Checked>,
): Promise<Forecast> {
  let it: Checked;
  try {
    it = await check();
  } catch (error) {
    if (!isEspalierError(error)) throw error;
    return { steps: 0, seconds: null, memoryBytes: 0, cut: null, warnings: [], refusals: [shapeOf(error)] };
  }
  const { parameters, base, version } = it;
  const rows = Math.max(1, Math.floor(version.splits.train * (1 - parameters.validation_fraction)));
  const perStep = parameters.per_device_train_batch_size * parameters.gradient_accumulation_steps;
  const stepsPerEpoch = Math.max(1, Math.ceil(rows / perStep));
  const steps =
    parameters.max_steps > 0 ? parameters.max_steps : Math.ceil(stepsPerEpoch * parameters.num_train_epochs);
  const epochs = steps / stepsPerEpoch;
  const warnings: string[] = [];
  if (epochs > MANY_EPOCHS)
    warnings.push(
      `Each row is seen ${Math.round(epochs)} times; past about ${MANY_EPOCHS} a model learns by heart.`,
    );
  if (steps < FEW_STEPS)
    warnings.push(
      `Few steps (${steps}): even a small task takes ${FEW_STEPS} to 100. Raise the epochs or the steps.`,
    );
  if (version.splits.train < 20)
    warnings.push(`Few rows to train on (${version.splits.train}); expect little.`);
  if (parameters.max_length > base.card.contextLength)
    warnings.push(`Rows are cut at the model's ${base.card.contextLength} tokens, before max_length.`);
  const cut = await cutRows(deps, input, it, warnings);
  const refusals: RunError[] = [];
  if (version.shape === "preference" && !input.mapping) refusals.push(shapeOf(preferenceNotTrainable()));
  else if (!version.statistics.trainable && !input.mapping)
    refusals.push({
      code: "MAPPING_NEEDED",
      message: "The dataset is a table without prompt and completion.",
      hint: "Say which of its columns are prompt and completion.",
      field: "mapping",
    });
  return {
    steps,
    seconds: await secondsOf(deps, it, steps),
    memoryBytes: memoryOf(base, parameters),
    cut,
    warnings,
    refusals,
  };
}

const REFUSED_BELOW = new Set(["MAPPING_NEEDED", "PREFERENCE_NOT_TRAINABLE"]);

/** What max_length cuts off, with a warning where it cuts anything. */
async function cutRows(
  { datasets, models }: Deps,
  { mapping }: StartTrainingInput,
  { base, version, parameters }: Checked,
  warnings: string[],
): Promise<CutRows | null> {
  const { contextLength } = base.card;
  const most = Math.min(parameters.max_length, contextLength);
  try {
    const found = await datasets.cutAt(version.id, await models.sourceOf(base.id), most, mapping);
    if (found.sampled === 0) return null;
    const { cut, lost, sampled, p95, max } = found;
    const nothing = lost > 0 ? `, and ${lost} of ${sampled} keep nothing to learn` : "";
    const enough = p95 > most && p95 <= contextLength ? ` ${p95} would hold 95 % of the rows whole.` : "";
    if (cut > 0)
      warnings.push(
        `${cut} of ${sampled} rows looked at are cut after ${most} tokens${nothing}; the longest has ${max}.${enough}`,
      );
    return found;
  } catch (error) {
    if (!isEspalierError(error)) throw error;
    // A table that is not mapped yet is refused below; of a row that the template refuses the trainer says more.
    if (!REFUSED_BELOW.has(error.code)) warnings.push(error.message);
    return null;
  }
}

/** Weights, and the activations of a batch that backpropagation keeps: about 20 numbers per layer, token and channel. */
function memoryOf(base: BaseModelRow, parameters: Checked["parameters"]): number {
  const bytes = parameters.dtype === "bf16" ? 2 : 4;
  const { parameterCount, layers, hiddenSize, vocabSize, contextLength } = base.card;
  const tokens = parameters.per_device_train_batch_size * Math.min(parameters.max_length, contextLength, 256);
  const activations = tokens * (layers * hiddenSize * 20 + vocabSize * 3) * bytes;
  const runtime = 600 * 1024 * 1024;
  return Math.round(runtime + parameterCount * bytes + activations);
}

/** What a training's step computes, in bytes of rows: tokens are not known before a tokenizer has read them all. */
function workOf(parameters: Checked["parameters"], bytesPerRow: number): number {
  const longest = parameters.max_length * BYTES_PER_TOKEN;
  const rows = parameters.per_device_train_batch_size * parameters.gradient_accumulation_steps;
  return rows * Math.min(bytesPerRow, longest);
}

/**
 * From the latest training of the same base and number format: the time that its steps took, by the work of a step,
 * and what it spent before and after them. Null without one.
 */
async function secondsOf({ runs }: Deps, it: Checked, steps: number): Promise<number | null> {
  const { base, parameters, version } = it;
  const page = await runs.list({ kind: "train", status: "succeeded", first: 20 });
  for (const run of page.items) {
    const result = resultSchema.safeParse(run.result);
    const spec = specSchema.safeParse(run.spec);
    if (!result.success || !spec.success || spec.data.baseId !== base.id) continue;
    const earlier = sftParameters.safeParse(spec.data.trainSpec.parameters);
    if (!earlier.success || earlier.data.dtype !== parameters.dtype) continue;
    const points = z
      .array(stepSchema)
      .safeParse(await runs.events(run.id, { first: limits.runEventsPage, types: ["metrics"] }));
    const [first, last] = points.success ? [points.data[0], points.data.at(-1)] : [];
    const { rows } = spec.data;
    if (!first || !last || last.data.step <= first.data.step || rows.rowCount === 0) continue;
    const perStep = (last.at - first.at) / 1000 / (last.data.step - first.data.step);
    const around = Math.max(0, result.data.durationMs / 1000 - perStep * result.data.steps);
    const ratio =
      workOf(parameters, version.sizeBytes / version.rowCount) /
      workOf(earlier.data, rows.sizeBytes / rows.rowCount);
    return around + perStep * ratio * steps;
  }
  return null;
}
