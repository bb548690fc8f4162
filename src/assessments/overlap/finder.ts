// The process that compares: a child of this program, because a source may be millions of rows and the server must not
// stand still for them.
import { type Row, splitOfRow } from "../../datasets/datasets.ts";
import { type ChildCommand, serveParent, startChild } from "../../kit/child.ts";
import { storeError } from "../../kit/disk.ts";
import { type ErrorParts, EspalierError, errorOf, partsOf } from "../../kit/errors.ts";
import { readChunks } from "../../knowledge/knowledge.ts";
import { openReader } from "../../store/store.ts";
import { entriesOf } from "./entries.ts";
import { type AskedRow, createFinder, type Entry, type Finding } from "./finding.ts";

/** Rows that a training read, as JSONL, or the chunks of a knowledge base's index. */
export type Source =
  | {
      kind: "trained";
      path: string;
      sizeBytes: number;
      /** JSONL of the dataset version where only some of its rows were trained on: their numbers are those there. */
      versionPath: string | null;
    }
  | { kind: "passages"; dataDir: string; knowledgeBaseId: string; chunks: number };
export type Passage = { number: number; documentId: string; document: string };
/** What was found; `passages` says of each entry's number which chunk it is. */
export type Compared = Finding & { passages: [number: number, passage: Passage][] };

type Work = { asked: readonly AskedRow[]; source: Source };
type FromFinder = { ready: true } | { fraction: number } | { result: Compared } | { error: ErrorParts };

/**
 * Compares an assessment's rows with one source in a child process of its own, killed when `signal` aborts.
 * @throws EspalierError CHECK_DIED when the child ended in the middle, and what the store throws
 */
export async function compareInChild(
  program: ChildCommand,
  work: Work,
  { onProgress, signal }: { onProgress: (fraction: number) => void; signal: AbortSignal },
): Promise<Compared> {
  signal.throwIfAborted();
  const answer = Promise.withResolvers<Compared>();
  const child = startChild<FromFinder>(program, {
    message(message) {
      if ("ready" in message) child.send(work);
      else if ("fraction" in message) onProgress(message.fraction);
      else if ("result" in message) answer.resolve(message.result);
      else answer.reject(errorOf(message.error));
    },
    exit: (how) =>
      answer.reject(
        new EspalierError("CHECK_DIED", `The process that compares rows ended in the middle (${how}).`, {
          status: 503,
          hint: "It may have been short of memory: free some, then check again.",
        }),
      ),
  });
  const stop = (): void => {
    answer.reject(signal.reason);
    child.kill("SIGKILL");
  };
  signal.addEventListener("abort", stop);
  try {
    return await answer.promise;
  } finally {
    signal.removeEventListener("abort", stop);
    child.kill("SIGKILL");
    await child.exited;
  }
}

/** The body of `espalier overlap-finder`: does one piece of work for the parent, and ends with it. */
export function runOverlapFinder(): Promise<never> {
  return serveParent<Work, FromFinder>("overlap-finder", { ready: true }, (say) => (work) => {
    let saidAt = 0;
    const progress = (fraction: number): void => {
      const at = performance.now();
      if (at - saidAt < 200) return;
      saidAt = at;
      say({ fraction });
    };
    compare(work, progress).then(
      (result) => say({ result }),
      (error: unknown) => say({ error: partsOf(storeError(error, "the data folder"), "RUN_FAILED") }),
    );
  });
}

async function compare({ asked, source }: Work, progress: (fraction: number) => void): Promise<Compared> {
  const finder = createFinder(asked, source.kind);
  if (source.kind === "passages") {
    const passages = new Map<number, Passage>();
    for (const pass of [0, 1]) {
      let done = 0;
      for await (const chunk of readChunks(openReader(source.dataDir), source.knowledgeBaseId)) {
        const entry: Entry = { number: chunk.number, question: "", answer: chunk.text };
        if (pass === 0) finder.survey(entry);
        else finder.compare(entry);
        passages.set(chunk.number, {
          number: chunk.ordinal,
          documentId: chunk.documentId,
          document: chunk.document,
        });
        progress((pass + ++done / Math.max(1, source.chunks)) / 2);
      }
    }
    const finding = finder.finish();
    const found = new Set(finding.found.map(({ entry }) => entry.number));
    return { ...finding, passages: [...passages].filter(([number]) => found.has(number)) };
  }
  for (const pass of [0, 1])
    for await (const { line, number, bytes } of linesOf(source.path)) {
      for (const exchange of entriesOf(JSON.parse(line)))
        if (pass === 0) finder.survey({ ...exchange, number });
        else finder.compare({ ...exchange, number });
      progress((pass + bytes / Math.max(1, source.sizeBytes)) / 2);
    }
  const finding = finder.finish();
  if (source.versionPath !== null) {
    const numbers = await trainNumbers(source.versionPath);
    for (const { entry } of finding.found) entry.number = numbers[entry.number] ?? entry.number;
    for (const { candidates } of finding.unfound)
      for (const { entry } of candidates) entry.number = numbers[entry.number] ?? entry.number;
  }
  return { ...finding, passages: [] };
}

/** Numbers in a dataset version of the rows that are for training, in order. */
async function trainNumbers(path: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { line, number } of linesOf(path)) {
    const row: Row = JSON.parse(line);
    if (splitOfRow(row) === "train") numbers.push(number);
  }
  return numbers;
}

/** The lines of a file, with their numbers from 0 and how many bytes were read by then. */
async function* linesOf(path: string): AsyncGenerator<{ line: string; number: number; bytes: number }> {
  const decoder = new TextDecoder();
  let rest = "";
  let number = 0;
  let bytes = 0;
  for await (const chunk of Bun.file(path).stream()) {
    bytes += chunk.byteLength;
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield { line, number: number++, bytes };
  }
  if (rest !== "") yield { line: rest, number, bytes };
}
