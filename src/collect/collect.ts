// Front door of collecting: answers that were lost and replies that were judged become rows of a dataset.
import { open, rm } from "node:fs/promises";
import type { Assessments } from "../assessments/assessments.ts";
import type { Chat } from "../chat/chat.ts";
import {
  type DatasetRow,
  type Datasets,
  fitterFor,
  isSplit,
  type Split,
  splits,
} from "../datasets/datasets.ts";
import { EspalierError } from "../kit/errors.ts";
import { checkName } from "../kit/names.ts";
import type { RunRow } from "../runs/runs.ts";
import type { Store } from "../store/store.ts";
import { type AssessmentSource, fromAssessment } from "./from-assessment.ts";
import { type FeedbackSource, fromFeedback } from "./from-feedback.ts";
import { type LeftOut, REASONS, type Reason } from "./reasons.ts";
import { type Collected, noteOf, type Warning, warningsOf } from "./warnings.ts";

export type { AssessmentSource } from "./from-assessment.ts";
export type { FeedbackSource } from "./from-feedback.ts";
export type { LeftOut } from "./reasons.ts";
export type { Warning } from "./warnings.ts";

export type By = { projectId: string; userId: string | null; keyId: string | null };
export type CollectWish = {
  /** Exactly one of the two sources. */
  assessment?: AssessmentSource | null | undefined;
  feedback?: FeedbackSource | null | undefined;
  /** example: what was asked and the right reply; preference: with a worse reply beside it. */
  as: "example" | "preference";
  /** Name of a new dataset; or else `dataset`. */
  name?: string | null | undefined;
  /** Name or id of the dataset whose next version holds its rows and these. */
  dataset?: string | null | undefined;
  /** train, validation or test; train when unsaid, where the dataset has splits of its own. */
  split?: string | null | undefined;
  /** Goes on although the rows measured models. */
  confirm?: boolean | null | undefined;
};
export type Preview = {
  /** Rows to be added, but for those that the dataset holds already. */
  rowCount: number;
  /** The first of them, as they will stand in the dataset. */
  rows: unknown[];
  leftOut: LeftOut[];
  warnings: Warning[];
};

export type CollectDeps = { store: Store; datasets: Datasets; assessments: Assessments; chat: Chat };
export type Collecting = ReturnType<typeof createCollecting>;
type Target = Awaited<ReturnType<typeof targetOf>>;

/** Rows that a preview shows. */
const SHOWN = 5;
/** Bytes of text gathered before they are written. */
const CHUNK = 1024 * 1024;

/** Builds the front door. */
export function createCollecting(deps: CollectDeps) {
  const { datasets, store } = deps;

  /** Goes through the source once; each row that fits goes to `keep`. */
  async function gather(
    by: By,
    wish: CollectWish,
    target: Target,
    keep: (row: object) => Promise<void> | void,
  ): Promise<Preview> {
    const fit = fitterFor(target, { kind: wish.as, split: target.split });
    const preview: Preview = { rowCount: 0, rows: [], leftOut: [], warnings: [] };
    const reasons = new Map<Reason, number>();
    const notes = noteOf();
    const leaveOut = (reason: Reason): void => void reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    for await (const one of sourceOf(deps, by, wish)) {
      if (typeof one === "string") {
        leaveOut(one);
        continue;
      }
      const row = fit(one);
      if (row === null) {
        leaveOut("DOES_NOT_FIT");
        continue;
      }
      notes.add(one);
      preview.rowCount++;
      if (preview.rows.length < SHOWN) preview.rows.push(row);
      await keep(row);
    }
    preview.leftOut = [...reasons].map(([code, rows]) => ({ code, reason: REASONS[code], rows }));
    preview.warnings = warningsOf(notes, target.split);
    return preview;
  }

  return {
    /**
     * What `start` would add, without adding it.
     * @throws EspalierError COLLECT_INVALID, ASSESSMENT_NOT_FOUND, CANDIDATE_NOT_FOUND, FEEDBACK_NOT_FOUND,
     * FEEDBACK_TOO_MUCH, DATASET_NOT_FOUND, NAME_INVALID, NAME_TAKEN, SHAPE_MISMATCH, SPLIT_NOT_KEPT
     */
    preview: async (by: By, wish: CollectWish): Promise<Preview> =>
      gather(by, wish, await targetOf(datasets, by.projectId, wish), () => undefined),

    /**
     * Queues the import of the rows as the dataset's next version, which appears when the run has succeeded; rows that
     * it holds already are left out there, and counted.
     * @throws EspalierError of `preview`, NOTHING_TO_COLLECT, CONFIRM_NEEDED where the rows measured models
     */
    async start(by: By, wish: CollectWish): Promise<{ dataset: DatasetRow; run: RunRow; preview: Preview }> {
      const target = await targetOf(datasets, by.projectId, wish);
      const path = store.blobs.tempPath();
      try {
        const file = await open(path, "wx");
        let preview: Preview;
        try {
          let waiting = "";
          preview = await gather(by, wish, target, async (row) => {
            waiting += `${JSON.stringify(row)}\n`;
            if (waiting.length < CHUNK) return;
            await file.writeFile(waiting);
            waiting = "";
          });
          await file.writeFile(waiting);
          await file.sync();
        } finally {
          await file.close();
        }
        if (preview.rowCount === 0) throw nothing();
        const grave = preview.warnings.find(({ needsConfirm }) => needsConfirm);
        if (grave && wish.confirm !== true)
          throw new EspalierError("CONFIRM_NEEDED", grave.message, {
            field: "confirm",
            value: String(grave.rows),
            hint: "Confirm it, choose another split, or leave these rows out.",
            status: 409,
          });
        const started = await datasets.importDataset({
          projectId: by.projectId,
          name: target.name,
          claim: () => store.incoming.take([{ path, name: "collected.jsonl" }]),
          append: true,
        });
        return { ...started, preview };
      } finally {
        await rm(path, { force: true });
      }
    },
  };
}

function sourceOf(
  { assessments, chat, datasets }: CollectDeps,
  by: By,
  { assessment, feedback, as }: CollectWish,
): AsyncGenerator<Collected | Reason, void, void> {
  if (assessment && !feedback) return fromAssessment({ assessments, datasets }, by.projectId, assessment, as);
  if (feedback && !assessment) return fromFeedback(chat, by, feedback, as);
  throw new EspalierError("COLLECT_INVALID", "Rows are collected from an assessment or from feedback.", {
    field: "assessment",
    hint: "Name exactly one of the two.",
  });
}

async function refuseTaken(datasets: Datasets, projectId: string, name: string): Promise<void> {
  if (!(await datasets.findListed(projectId, name))) return;
  throw new EspalierError("NAME_TAKEN", `There already is a dataset named "${name}".`, {
    field: "name",
    value: name,
    hint: "Choose another name, or add the rows to that dataset.",
    status: 409,
  });
}

/** Where the rows go. @throws EspalierError COLLECT_INVALID, NAME_INVALID, NAME_TAKEN, DATASET_NOT_FOUND */
async function targetOf(datasets: Datasets, projectId: string, { name, dataset, split }: CollectWish) {
  const chosen = splitNamed(split ?? null);
  if ((name ?? "") !== "" && !dataset) {
    const fresh = checkName(name ?? "");
    await refuseTaken(datasets, projectId, fresh);
    return { name: fresh, version: null, sample: null, split: chosen };
  }
  if (!dataset || name)
    throw new EspalierError("COLLECT_INVALID", "Rows go into a new dataset or into one that is there.", {
      field: "name",
      hint: "Name exactly one of the two.",
    });
  const version = await datasets.resolveVersion(projectId, dataset);
  const { id, name: known } = await datasets.get(version.datasetId);
  const [latest] = await datasets.versions(id);
  const newest = latest ?? version;
  const [first] = (await datasets.rows(newest.id, { limit: 1 })).rows;
  return { name: known, version: newest, sample: first?.value ?? null, split: chosen };
}

function splitNamed(said: string | null): Split | null {
  if (said === null || said === "") return null;
  if (isSplit(said)) return said;
  throw new EspalierError("COLLECT_INVALID", `There is no split "${said.slice(0, 80)}".`, {
    field: "split",
    value: said.slice(0, 80),
    hint: `Choose one of ${splits.join(", ")}.`,
  });
}

function nothing(): EspalierError {
  return new EspalierError("NOTHING_TO_COLLECT", "No row is left to collect.", {
    field: "as",
    hint: "Choose other rows, or examples in place of preferences; the preview says why each is left out.",
  });
}
