// Reads labelled questions from a CSV or JSONL file: which question, which documents answer it, and what is wrong in which line.
import { z } from "zod";
import { csvDelimiter, csvRows } from "../kit/csv.ts";
import { messageOf } from "../kit/errors.ts";

/** One question with the documents that answer it, by name or id; `line` is where it stands, from 1. */
export type FileQuestion = { line: number; text: string; documents: { name: string; grade: number }[] };
export type RefusedLine = { line: number; message: string };

const rowShape = z.object({
  question: z.string("`question` must be a text").trim().min(1, "`question` is empty"),
  documents: z
    .array(z.string("`documents` must be a list of names").trim().min(1, "`documents` holds an empty name"))
    .min(1, "`documents` names nothing that answers it"),
  grade: z.coerce
    .number("`grade` must be a number")
    .int("`grade` must be 1 to 4")
    .min(1, "`grade` must be 1 to 4")
    .max(4, "`grade` must be 1 to 4")
    .default(1),
});

/**
 * Questions of a file: JSONL with `{"question", "documents": [names], "grade"?}` a line, or CSV with the columns
 * `question`, `document` and, if wanted, `grade`. Lines with the same question are one. Wrong lines are left out and said.
 */
export function readQuestionFile(text: string): { questions: FileQuestion[]; refused: RefusedLine[] } {
  const clean = text.replace(/^\uFEFF/, "");
  const refused: RefusedLine[] = [];
  const byText = new Map<string, FileQuestion>();
  for (const { line, row } of /^\s*[{[]/.test(clean) ? jsonRows(clean, refused) : csvRowsOf(clean, refused)) {
    const parsed = rowShape.safeParse(row);
    if (!parsed.success) {
      refused.push({ line, message: parsed.error.issues[0]?.message ?? "the line is wrong" });
      continue;
    }
    const { question, documents, grade } = parsed.data;
    const known = byText.get(question) ?? { line, text: question, documents: [] };
    known.documents.push(...documents.map((name) => ({ name, grade })));
    byText.set(question, known);
  }
  return { questions: [...byText.values()], refused: refused.toSorted((a, b) => a.line - b.line) };
}

type Row = { line: number; row: unknown };

function jsonRows(text: string, refused: RefusedLine[]): Row[] {
  return text.split("\n").flatMap((source, at): Row[] => {
    if (source.trim() === "") return [];
    const line = at + 1;
    try {
      const value: unknown = JSON.parse(source);
      const { documents, document, grade, ...rest } = z.record(z.string(), z.unknown()).parse(value);
      const names = documents ?? (document === undefined ? [] : [document]);
      return [{ line, row: { ...rest, documents: names, grade: grade ?? undefined } }];
    } catch (error) {
      const why = error instanceof z.ZodError ? "it is no object" : messageOf(error);
      refused.push({ line, message: `it cannot be read as JSON: ${why}` });
      return [];
    }
  });
}

function csvRowsOf(text: string, refused: RefusedLine[]): Row[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const [head = [], ...rows] = csvRows(text, csvDelimiter(lines.slice(0, 20)) ?? ",");
  const columns = head.map((name) => name.trim().toLowerCase());
  const place = (name: string): number => columns.indexOf(name);
  for (const name of ["question", "document"])
    if (place(name) === -1) {
      refused.push({ line: 1, message: `there is no column \`${name}\`; the first line names the columns` });
      return [];
    }
  // Rows are told apart from lines: a quoted cell may hold some.
  return rows.flatMap((cells, at): Row[] => {
    if (cells.every((cell) => cell.trim() === "")) return [];
    const cell = (name: string): string => cells[place(name)]?.trim() ?? "";
    const grade = place("grade") === -1 || cell("grade") === "" ? undefined : cell("grade");
    const documents = cell("document") === "" ? [] : [cell("document")];
    return [{ line: at + 2, row: { question: cell("question"), documents, grade } }];
  });
}
