// Reads documents in a child process of the executable, one at a time, so that a hostile or huge file takes neither the server's time nor its memory.
import { readFileSync } from "node:fs";
import { type ChildCommand, serveParent, startChild } from "../../kit/child.ts";
import { type ErrorParts, EspalierError, errorOf, partsOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { type ParsedDocument, refusal } from "./document.ts";

/** The command becomes this program's `document-reader`. */
export type DocumentReaderDeps = ChildCommand & {
  limits?: Pick<
    Record<keyof typeof limits, number>,
    "documentMs" | "documentReaderBytes" | "documentsPerReader" | "documentReaderIdleMs"
  >;
};
export type DocumentReader = {
  /**
   * The document in the file `path`, called `name` (its path as the user gave it).
   * @throws EspalierError DOCUMENT_…, ARCHIVE_BOMB; DOCUMENT_TOO_LARGE also where reading it took too long or too much
   * memory, DOCUMENT_READER_DIED where the process ended by itself; the signal's reason
   */
  read(path: string, name: string, signal?: AbortSignal): Promise<ParsedDocument>;
  /** Ends the process; a document that is being read is refused. */
  close(): Promise<void>;
};

type Work = { path: string; name: string };
type FromReader = { ready: true } | { document: ParsedDocument } | { error: ErrorParts };
type Child = {
  process: Bun.Subprocess;
  ready: Promise<void>;
  documents: number;
  answer: PromiseWithResolvers<ParsedDocument> | null;
};

/** How often the child's memory is looked at. */
const WATCH_MS = 100;

/** One reading process, started with the first document, kept for the next ones and ended when none comes. */
export function createDocumentReader(deps: DocumentReaderDeps): DocumentReader {
  const bounds = deps.limits ?? limits;
  let child: Child | null = null;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  const stop = async (old: Child | null = child): Promise<void> => {
    if (child === old) child = null;
    old?.process.kill("SIGKILL");
    await old?.process.exited;
  };

  async function readNow(path: string, name: string, signal?: AbortSignal): Promise<ParsedDocument> {
    signal?.throwIfAborted();
    clearTimeout(idle);
    if (child && child.documents >= bounds.documentsPerReader) await stop();
    child ??= startReader(deps);
    const current = child;
    current.documents++;
    const answer = Promise.withResolvers<ParsedDocument>();
    current.answer = answer;
    const end = (reason: unknown): void => {
      answer.reject(reason);
      if (child === current) child = null;
      current.process.kill("SIGKILL");
    };
    const abort = (): void => end(signal?.reason);
    signal?.addEventListener("abort", abort);
    const late = setTimeout(
      () => end(tooDear(name, `took longer to read than ${bounds.documentMs} ms, the limit documentMs`)),
      bounds.documentMs,
    );
    const watch = setInterval(() => {
      if (residentBytes(current.process.pid) > bounds.documentReaderBytes)
        end(
          tooDear(
            name,
            `took more memory to read than ${bounds.documentReaderBytes} bytes, the limit documentReaderBytes`,
          ),
        );
    }, WATCH_MS);
    try {
      current.ready.then(
        () => child === current && current.process.send({ path, name } satisfies Work),
        (error: unknown) => answer.reject(error),
      );
      return await answer.promise;
    } finally {
      clearTimeout(late);
      clearInterval(watch);
      signal?.removeEventListener("abort", abort);
      current.answer = null;
      // A process that waits must not keep this one from ending.
      idle = setTimeout(() => void stop(), bounds.documentReaderIdleMs);
      idle.unref();
      if (child !== current) await current.process.exited;
    }
  }

  return {
    read(path, name, signal) {
      const read = queue.then(() => readNow(path, name, signal));
      queue = read.catch(() => undefined);
      return read;
    },
    async close() {
      clearTimeout(idle);
      await stop();
    },
  };
}

function startReader(deps: DocumentReaderDeps): Child {
  const ready = Promise.withResolvers<void>();
  const child: Child = {
    ready: ready.promise,
    documents: 0,
    answer: null,
    process: startChild<FromReader>(deps, {
      message(message) {
        if ("ready" in message) ready.resolve();
        else if ("document" in message) child.answer?.resolve(message.document);
        else child.answer?.reject(errorOf(message.error));
      },
      exit(how) {
        const died = new EspalierError(
          "DOCUMENT_READER_DIED",
          `The process that read the document ended in the middle (${how}).`,
          { status: 503, hint: "It may have been short of memory: free some, then retry the document." },
        );
        ready.reject(died);
        child.answer?.reject(died);
      },
    }),
  };
  // Whoever reads waits for it; where nobody does, nothing is lost.
  child.ready.catch(() => undefined);
  return child;
}

const tooDear = (name: string, what: string): EspalierError =>
  refusal("DOCUMENT_TOO_LARGE", name, what, "Split the document and add its parts.", 413);

/** Memory that a process holds; 0 where the system does not say it in /proc. */
function residentBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** The body of `espalier document-reader`: reads what the parent names, one document after the other. */
export function runDocumentReader(): Promise<never> {
  return serveParent<Work, FromReader>("document-reader", { ready: true }, (say) => ({ path, name }) => {
    readFile(path, name).then(
      (document) => say({ document }),
      (error: unknown) => say({ error: partsOf(error, "DOCUMENT_MALFORMED") }),
    );
  });
}

/** A file over the limit is refused by its size, before it is in memory. */
async function readFile(path: string, name: string): Promise<ParsedDocument> {
  const { parseDocument, checkSize } = await import("./parse.ts");
  const file = Bun.file(path);
  checkSize(file.size, name);
  return parseDocument(await file.bytes(), name);
}
