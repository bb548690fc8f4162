// What a row of a dataset asks: its columns and, where it is trainable, the turns that it is trained on.

import type { SentTurn } from "../../schema/tables/assessments.ts";
import { type DatasetVersionRow, toTrainingRow } from "../datasets/datasets.ts";
import type { ChatMessage } from "../inference/inference.ts";
import { EspalierError, isEspalierError } from "../kit/errors.ts";
import { checkPictureSize, type PictureInfo, readPicture } from "../kit/picture.ts";
import { fillTemplate, type Template } from "./graders/template.ts";

type Turn = { role: string; content: string };
export type Row = Record<string, unknown>;
/** What is sent to a candidate, and what would be right. */
export type Question = { messages: SentTurn[]; reference: string | null };

/** Names that rows of every trainable shape have, beside their own columns. */
export const TURN_NAMES = ["prompt", "completion", "system"] as const;

/** Names that a question and a reference may use with this dataset version. */
export function namesOf({ columns, statistics }: DatasetVersionRow): string[] {
  const own = columns.map(({ name }) => name);
  if (!statistics.trainable) return own;
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

/** What a template may say of a row, by name. */
export function valuesOf(row: Row, version: DatasetVersionRow): Record<string, unknown> {
  return valuesAnd(row, version, turnsOf(row, version));
}

function valuesAnd(row: Row, version: DatasetVersionRow, turns: Turns | null): Record<string, unknown> {
  const said: Row = turns
    ? { prompt: turns.prompt, completion: turns.completion, system: turns.system ?? "" }
    : {};
  for (const { name } of version.columns) said[name] = row[name] ?? "";
  return said;
}

/** The same as texts, for a judge's template. */
export function textsOf(values: Row): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, textOf(value)]));
}

/** A picture in a column: a data address (RFC 2397) in base 64. */
const PICTURE = /^data:image\/[a-z0-9.+-]+;base64,([A-Za-z0-9+/=\s]+)$/;
const isPicture = (value: unknown): value is string => typeof value === "string" && PICTURE.test(value);

/**
 * The question of a row: the template filled with its columns, after the earlier turns of a conversation and under the
 * candidate's system prompt, or the row's own where the candidate has none. A column that holds a picture goes along as
 * one; its name stands where it was named.
 */
export function questionOf(
  row: Row,
  version: DatasetVersionRow,
  wish: { question: Template; reference: string | null; systemPrompt: string | null },
): Question {
  const turns = turnsOf(row, version);
  const system = wish.systemPrompt ?? turns?.system ?? null;
  const values: Row = { ...valuesAnd(row, version, turns), CandidateSystemPrompt: system ?? "" };
  const pictures = wish.question.variables.filter((name) => isPicture(values[name]));
  const right = wish.reference === null ? null : (values[wish.reference] ?? null);
  for (const name of pictures) values[name] = `[${name}]`;
  return {
    messages: [
      ...(system === null ? [] : [{ role: "system", content: system }]),
      ...(turns?.earlier ?? []),
      {
        role: "user",
        content: fillTemplate(wish.question, values),
        ...(pictures.length === 0 ? {} : { pictures }),
      },
    ],
    reference: right === null ? null : textOf(right),
  };
}

/** The messages with the bytes of their pictures. @throws EspalierError PICTURE_UNREADABLE, PICTURE_TOO_LARGE */
export function withPictures(messages: readonly SentTurn[], row: Row): ChatMessage[] {
  return messages.map(({ role, content, pictures = [] }) => {
    if (pictures.length === 0) return { role, content };
    return { role, content, pictures: pictures.map((name) => ({ bytes: bytesOf(name, row[name]) })) };
  });
}

function bytesOf(name: string, value: unknown): Uint8Array {
  const found = pictureIn(name, value);
  if (found) return found.bytes;
  throw new EspalierError("PICTURE_UNREADABLE", `The column ${name} holds no picture any more.`, {
    field: name,
    hint: "Give it as data:image/png;base64,…",
  });
}

/**
 * The picture in a column, which is what its bytes say, whatever the address calls it; null where there is none.
 * @throws EspalierError PICTURE_UNREADABLE, PICTURE_TOO_LARGE
 */
export function pictureIn(
  name: string,
  value: unknown,
): (PictureInfo & { bytes: Uint8Array<ArrayBuffer> }) | null {
  const encoded = typeof value === "string" ? PICTURE.exec(value)?.[1] : undefined;
  if (encoded === undefined) return null;
  const bytes = new Uint8Array(Buffer.from(encoded, "base64"));
  checkPictureSize(bytes.byteLength, name);
  return { ...readPicture(bytes), bytes };
}
