// Makes collected examples and preferences into rows of the shape of the dataset that they go into.
import { EspalierError } from "../kit/errors.ts";
import type { DatasetVersionRow } from "./datasets.ts";
import { PROVENANCE } from "./provenance.ts";
import { isRow, type JsonValue, type Row } from "./rows-types.ts";
import type { Mapping, TrainingMessage } from "./shape.ts";
import type { Split } from "./split.ts";

export type CollectedRow = {
  /** What was asked, with its system prompt and earlier turns; the last turn is the user's. */
  prompt: readonly TrainingMessage[];
  /** The right reply. */
  chosen: string;
  /** A worse reply; null for an example. */
  rejected: string | null;
  /** Where it came from. */
  whence: Row;
};
/** The row in the dataset's shape; null where that cannot hold its system prompt or earlier turns. */
export type FitRow = (row: CollectedRow) => Row | null;

type Target = {
  /** What it is called in errors. */
  name: string;
  /** The newest version; null for a new dataset. */
  version: DatasetVersionRow | null;
  /** Its first row, where there is one. */
  sample: unknown;
};
type Wanted = { kind: "example" | "preference"; split: Split | null };

const PLAIN = /^[^{}]+$/;
const said = (role: string, content: string): Row => ({ role, content });

/**
 * How rows are written for a dataset. A new one takes messages, or prompt, chosen and rejected as messages. Rows for a
 * dataset with splits of its own go into `split`, train when unsaid, because a row without one would undo them all.
 * @throws EspalierError SHAPE_MISMATCH where its shape cannot hold them, SPLIT_NOT_KEPT where it has no column `split`
 */
export function fitterFor({ name, version, sample }: Target, { kind, split }: Wanted): FitRow {
  const hasSplits = version === null ? split !== null : version.statistics.hasOwnSplits;
  if (split !== null && !hasSplits)
    throw new EspalierError(
      "SPLIT_NOT_KEPT",
      `${name} has no column split: all of its rows are trained on.`,
      {
        field: "split",
        value: split,
        hint: "Leave the split out, or collect into a new dataset.",
      },
    );
  const shaped = shaperFor(name, version, isRow(sample) ? sample : null, kind);
  const marked: Row = hasSplits ? { split: split ?? "train" } : {};
  return (row) => {
    const fitted = shaped(row);
    return fitted && { ...fitted, ...marked, [PROVENANCE]: row.whence };
  };
}

function shaperFor(
  name: string,
  version: DatasetVersionRow | null,
  sample: Row | null,
  kind: Wanted["kind"],
): FitRow {
  const shape = version?.shape ?? (kind === "preference" ? "preference" : "messages");
  const mapping = version?.mapping ?? null;
  if ((shape === "preference") !== (kind === "preference"))
    throw mismatch(
      name,
      shape,
      kind === "preference" ? "preferences" : "examples",
      kind === "preference"
        ? "Collect examples into it, or the preferences into a new dataset."
        : "Collect preferences into it, or the examples into a new dataset.",
    );
  if (mapping) return byMapping(name, shape, mapping);
  switch (shape) {
    case "messages":
      return ({ prompt, chosen }) => ({ messages: [...prompt, said("assistant", chosen)] });
    case "sharegpt":
      return ({ prompt, chosen }) => ({
        conversations: [...prompt, { role: "assistant", content: chosen }].map(({ role, content }) => ({
          from: SHAREGPT[role] ?? role,
          value: content,
        })),
      });
    case "alpaca":
      return ({ prompt, chosen }) => {
        const one = oneQuestion(prompt);
        return (
          one && {
            instruction: one.question,
            input: "",
            output: chosen,
            ...(one.system === null ? {} : { system: one.system }),
          }
        );
      };
    case "prompt-completion":
      if (Array.isArray(sample?.prompt))
        return ({ prompt, chosen }) => ({ prompt: [...prompt], completion: [said("assistant", chosen)] });
      return ({ prompt, chosen }) => {
        const question = bareQuestion(prompt);
        return question === null ? null : { prompt: question, completion: chosen };
      };
    case "preference":
      if (sample !== null && !Array.isArray(sample.prompt))
        return ({ prompt, chosen, rejected }) => {
          const question = bareQuestion(prompt);
          return question === null ? null : { prompt: question, chosen, rejected };
        };
      return ({ prompt, chosen, rejected }) => ({
        prompt: [...prompt],
        chosen: [said("assistant", chosen)],
        rejected: [said("assistant", rejected ?? "")],
      });
    case "table":
      throw mismatch(
        name,
        shape,
        "examples",
        "Import it again with a mapping of its prompt and completion, or collect into a new dataset.",
      );
  }
}

const SHAREGPT: Readonly<Record<string, string>> = { user: "human", assistant: "gpt", developer: "system" };

/** A table by its mapping: prompt, completion and system each in a column of their own. */
function byMapping(name: string, shape: string, mapping: Mapping): FitRow {
  const columns = [mapping.prompt, mapping.completion, ...(mapping.system ? [mapping.system] : [])];
  const isPlain = columns.every((column) => PLAIN.test(column)) && new Set(columns).size === columns.length;
  if (shape !== "table" || !isPlain)
    throw mismatch(
      name,
      shape,
      "rows under its mapping, which is made of templates",
      "Collect into a new dataset.",
    );
  return ({ prompt, chosen }) => {
    const one = oneQuestion(prompt);
    if (one === null || (one.system !== null && !mapping.system)) return null;
    const system: Record<string, JsonValue> = mapping.system ? { [mapping.system]: one.system ?? "" } : {};
    return { [mapping.prompt]: one.question, [mapping.completion]: chosen, ...system };
  };
}

/** The question and system prompt of a conversation of one turn; null for a longer one. */
function oneQuestion(prompt: readonly TrainingMessage[]): { system: string | null; question: string } | null {
  const turns = prompt.filter(({ role }) => role !== "system");
  const [turn] = turns;
  if (turns.length !== 1 || turn?.role !== "user") return null;
  const systems = prompt.filter(({ role }) => role === "system").map(({ content }) => content);
  return { system: systems.join("\n\n") || null, question: turn.content };
}

function bareQuestion(prompt: readonly TrainingMessage[]): string | null {
  const one = oneQuestion(prompt);
  return one?.system === null ? one.question : null;
}

function mismatch(name: string, shape: string, what: string, hint: string): EspalierError {
  return new EspalierError("SHAPE_MISMATCH", `${name} is of shape ${shape}, which holds no ${what}.`, {
    field: "dataset",
    value: name,
    hint,
  });
}
