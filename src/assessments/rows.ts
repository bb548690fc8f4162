// What a row of a dataset asks: its columns and, where it is trainable, the turns that it is trained on.
import { type DatasetVersionRow, toTrainingRow } from "../datasets/datasets.ts";
import { isEspalierError } from "../kit/errors.ts";
import { fillTemplate, type Template } from "./graders/template.ts";

export type Turn = { role: string; content: string };
/** What is sent to a candidate, and what would be right. */
export type Question = { messages: Turn[]; reference: string | null };

/** Names that rows of every trainable shape have, beside their own columns. */
export const TURN_NAMES = ["prompt", "completion", "system"] as const;

/** Names that a question and a reference may use with this dataset version. */
export function namesOf({ columns, shape, statistics }: DatasetVersionRow): string[] {
  const own = columns.map(({ name }) => name);
  if (shape === "table" && !statistics.trainable) return own;
  return [...new Set([...own, ...TURN_NAMES])];
}

type Turns = { system: string | null; earlier: Turn[]; prompt: string; completion: string };

/** The last exchange of a row, and what came before it; null for a row that is not trainable. */
function turnsOf(row: Record<string, unknown>, version: DatasetVersionRow): Turns | null {
  let trained: ReturnType<typeof toTrainingRow>;
  try {
    trained = toTrainingRow(
      row as Parameters<typeof toTrainingRow>[0],
      version.shape,
      version.mapping ?? undefined,
    );
  } catch (error) {
    if (isEspalierError(error)) return null;
    throw error;
  }
  if ("prompt" in trained) return { system: null, earlier: [], ...trained };
  const { messages } = trained;
  const reply = messages.findLastIndex(({ role }) => role === "assistant");
  const before = messages.slice(0, reply === -1 ? messages.length : reply);
  const asked = before.findLastIndex(({ role }) => role === "user");
  const isSystem = ({ role }: Turn): boolean => role === "system" || role === "developer";
  return {
    system:
      before
        .filter(isSystem)
        .map(({ content }) => content)
        .join("\n\n") || null,
    earlier: before.slice(0, Math.max(0, asked)).filter((turn) => !isSystem(turn)),
    prompt: before[asked]?.content ?? "",
    completion: messages[reply]?.content ?? "",
  };
}

/** What a row would be trained to answer, whatever an assessment asks; null for a row that is not trainable. */
export const promptOf = (row: Record<string, unknown>, version: DatasetVersionRow): string | null =>
  turnsOf(row, version)?.prompt ?? null;

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value ?? null);

/**
 * The question of a row: the template filled with its columns, after the earlier turns of a conversation and under the
 * candidate's system prompt, or the row's own where the candidate has none.
 */
export function questionOf(
  row: Record<string, unknown>,
  version: DatasetVersionRow,
  wish: { question: Template; reference: string | null; systemPrompt: string | null },
): Question {
  const turns = turnsOf(row, version);
  const system = wish.systemPrompt ?? turns?.system ?? null;
  const own = new Set(version.columns.map(({ name }) => name));
  const said: Record<string, unknown> = turns
    ? { prompt: turns.prompt, completion: turns.completion, system: turns.system ?? "" }
    : {};
  const values: Record<string, unknown> = { ...said };
  for (const name of own) values[name] = row[name] ?? "";
  values["CandidateSystemPrompt"] = system ?? "";
  const right = wish.reference === null ? null : (values[wish.reference] ?? null);
  return {
    messages: [
      ...(system === null ? [] : [{ role: "system", content: system }]),
      ...(turns?.earlier ?? []),
      { role: "user", content: fillTemplate(wish.question, values) },
    ],
    reference: right === null ? null : textOf(right),
  };
}
