// What somebody should know before collected rows are learned from.
import type { CollectedRow, Split } from "../datasets/datasets.ts";

export type Warning = {
  code: "ROWS_MEASURED" | "ROWS_HELD_OUT" | "ROWS_PRIVATE" | "ROWS_GROUNDED";
  message: string;
  /** How many of the rows it is about. */
  rows: number;
  /** Nothing is collected before somebody confirmed that they know. */
  needsConfirm: boolean;
};
export type Collected = CollectedRow & {
  /** The assessment that the row measured models in, with the split of the row in its dataset; null for feedback. */
  measured: { assessment: string; dataset: string; split: Split | null } | null;
  /** Whether nobody else of the project may read where it comes from. */
  isPrivate: boolean;
  /** Whether passages that are no part of the row went into its replies. */
  isGrounded: boolean;
};
export type Notes = {
  add(row: Collected): void;
  measured: number;
  heldOut: number;
  private: number;
  grounded: number;
  assessment: string;
  dataset: string;
};

/** Counts what rows are warned about. */
export function noteOf(): Notes {
  const notes: Notes = {
    measured: 0,
    heldOut: 0,
    private: 0,
    grounded: 0,
    assessment: "",
    dataset: "",
    add({ measured, isPrivate, isGrounded }) {
      if (isPrivate) notes.private++;
      if (isGrounded) notes.grounded++;
      if (!measured) return;
      notes.assessment = measured.assessment;
      notes.dataset = measured.dataset;
      if (measured.split === null) notes.measured++;
      else if (measured.split !== "train") notes.heldOut++;
    },
  };
  return notes;
}

/** The warnings, the gravest first; rows that go into another split than train spoil no assessment. */
export function warningsOf(notes: Notes, split: Split | null): Warning[] {
  const { measured, heldOut, assessment, dataset } = notes;
  const found: Warning[] = [];
  const isLearned = split === null || split === "train";
  if (isLearned && heldOut > 0)
    found.push({
      code: "ROWS_HELD_OUT",
      message: `${heldOut} of these rows are held out in ${dataset} and measured your models; once they are trained on, the assessment ${assessment} no longer measures anything.`,
      rows: heldOut,
      needsConfirm: true,
    });
  if (isLearned && measured > 0)
    found.push({
      code: "ROWS_MEASURED",
      message: `These ${measured} rows measured your models; once they are trained on, the assessment ${assessment} no longer measures anything.`,
      rows: measured,
      needsConfirm: true,
    });
  if (notes.private > 0)
    found.push({
      code: "ROWS_PRIVATE",
      message: `${notes.private} of these rows come from conversations that only you can read; everybody of the project can read a dataset.`,
      rows: notes.private,
      needsConfirm: false,
    });
  if (notes.grounded > 0)
    found.push({
      code: "ROWS_GROUNDED",
      message: `${notes.grounded} of these rows were answered from knowledge whose passages are no part of the row: a model would learn to say what it cannot know.`,
      rows: notes.grounded,
      needsConfirm: false,
    });
  return found;
}
