// Reads a dataset file in a child process, so that parsing it takes neither the server's time nor its memory.
import { type ChildCommand, serveParent, startChild } from "../kit/child.ts";
import { storeError } from "../kit/disk.ts";
import { type ErrorParts, EspalierError, errorOf, partsOf } from "../kit/errors.ts";
import { type Appended, type AppendPlan, joinRows } from "./append.ts";
import { type WriteOptions, type WriteResult, writeVersion } from "./version.ts";

/** The command becomes this program's `dataset-reader`. */
export type ReaderDeps = ChildCommand;
type Progress = { bytesRead: number; sizeBytes: number };
type Work = {
  path: string;
  options: Pick<WriteOptions, "dataPath" | "indexPath" | "name" | "keepGoodRows" | "mapping"> & {
    /** The file's rows are added to those of a version. */
    append?: AppendPlan;
  };
};
/** What was written, and where rows were added, how many. */
export type ReadResult = WriteResult & { appended: Appended | null };
type FromReader = { ready: true } | { progress: Progress } | { result: ReadResult } | { error: ErrorParts };

/** Longest silence between two words about the progress. */
const PROGRESS_MS = 200;

/**
 * `writeVersion` in a child process of its own; the child is killed when `signal` aborts.
 * @throws EspalierError what `writeVersion` throws, IMPORT_DIED when the child ended in the middle
 */
export async function readInChild(
  program: ReaderDeps,
  path: string,
  {
    onProgress,
    signal,
    ...options
  }: Work["options"] & { onProgress: (at: Progress) => void; signal: AbortSignal },
): Promise<ReadResult> {
  signal.throwIfAborted();
  const answer = Promise.withResolvers<ReadResult>();
  const child = startChild<FromReader>(program, {
    message(message) {
      if ("ready" in message) child.send({ path, options } satisfies Work);
      else if ("progress" in message) onProgress(message.progress);
      else if ("result" in message) answer.resolve(message.result);
      else answer.reject(errorOf(message.error));
    },
    exit: (how) =>
      answer.reject(
        new EspalierError(
          "IMPORT_DIED",
          `The process that read ${options.name ?? path} ended in the middle (${how}).`,
          {
            status: 503,
            hint: "It may have been short of memory: free some, then retry the import.",
          },
        ),
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
    // Its files may be removed by the caller only when nothing writes to them any more.
    await child.exited;
  }
}

/** The body of `espalier dataset-reader`: does one piece of work for the parent, and ends with it. */
export function runReaderChild(): Promise<never> {
  return serveParent<Work, FromReader>("dataset-reader", { ready: true }, (say) => ({ path, options }) => {
    let saidAt = 0;
    const onProgress = ({ bytesRead, sizeBytes }: Progress): void => {
      const at = performance.now();
      if (at - saidAt < PROGRESS_MS) return;
      saidAt = at;
      say({ progress: { bytesRead, sizeBytes } });
    };
    read(path, options, onProgress).then(
      (result) => say({ result }),
      (error: unknown) => say({ error: partsOf(storeError(error, "the data folder"), "RUN_FAILED") }),
    );
  });
}

async function read(
  path: string,
  { append, ...options }: Work["options"],
  onProgress: (at: Progress) => void,
): Promise<ReadResult> {
  const appended = append ? await joinRows(path, append) : null;
  return { ...(await writeVersion(append?.joinedPath ?? path, { ...options, onProgress })), appended };
}
