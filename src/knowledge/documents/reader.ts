// Reads and cuts documents in a child process of the executable, one at a time, so that a hostile or huge file takes neither the server's time nor its memory.
import type { Counting } from "../../inference/inference.ts";
import { type ChildCommand, residentBytes, serveParent, startChild } from "../../kit/child.ts";
import { type ErrorParts, EspalierError, errorOf, partsOf } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import type { Chunk, ChunkSettings } from "../chunking.ts";
import { type ParsedDocument, refusal } from "./document.ts";

/** The command becomes this program's `document-reader`. */
export type DocumentReaderDeps = ChildCommand & {
  limits?: Pick<
    Record<keyof typeof limits, number>,
    "documentMs" | "documentReaderBytes" | "documentsPerReader" | "documentReaderIdleMs"
  >;
};
/** How a document is cut, and how tokens are counted for it. */
export type Cutting = { chunking: ChunkSettings; counting: Counting };
/** What was found in a file: `packed` is the whole of it, see pack. */
export type ReadFile = Pick<ParsedDocument, "kind" | "title" | "pages" | "warnings"> & { packed: Uint8Array };
export type DocumentReader = {
  /**
   * The document in the file `path`, called `name` (its path as the user gave it), and its chunks.
   * @throws EspalierError DOCUMENT_…, ARCHIVE_BOMB; DOCUMENT_TOO_LARGE also where reading it took too long or too much
   * memory, DOCUMENT_READER_DIED where the process ended by itself; the signal's reason
   */
  read(
    path: string,
    name: string,
    cutting: Cutting,
    signal?: AbortSignal,
  ): Promise<{ read: ReadFile; chunks: Chunk[] }>;
  /** The chunks of a document that was read before. @throws as read does */
  cut(packed: Uint8Array, name: string, cutting: Cutting, signal?: AbortSignal): Promise<Chunk[]>;
  /** Ends the process; a document that is being read is refused. */
  close(): Promise<void>;
};

type Work = { from: { path: string } | { packed: Uint8Array }; name: string; cutting: Cutting };
type Done = { read: ReadFile | null; chunks: Chunk[] };
type FromReader = { ready: true } | { done: Done } | { error: ErrorParts };
type Child = {
  process: Bun.Subprocess;
  ready: Promise<void>;
  documents: number;
  answer: PromiseWithResolvers<Done> | null;
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

  async function workNow(work: Work, signal?: AbortSignal): Promise<Done> {
    const { name } = work;
    signal?.throwIfAborted();
    clearTimeout(idle);
    if (child && child.documents >= bounds.documentsPerReader) await stop();
    // Nobody listened to the signal while the old process ended.
    signal?.throwIfAborted();
    child ??= startReader(deps);
    const current = child;
    current.documents++;
    const answer = Promise.withResolvers<Done>();
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
        () => {
          if (child !== current) return;
          // A process that is slow to start is not the document's fault.
          late.refresh();
          current.process.send(work);
        },
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

  function inTurn(work: Work, signal?: AbortSignal): Promise<Done> {
    const done = queue.then(() => workNow(work, signal));
    queue = done.catch(() => undefined);
    return done;
  }

  return {
    async read(path, name, cutting, signal) {
      const { read, chunks } = await inTurn({ from: { path }, name, cutting }, signal);
      if (!read) throw new Error(`${name} was cut without being read`);
      return { read, chunks };
    },
    async cut(packed, name, cutting, signal) {
      return (await inTurn({ from: { packed }, name, cutting }, signal)).chunks;
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
        else if ("done" in message) child.answer?.resolve(message.done);
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

/** A document as it is kept, and sent between processes: zstd over JSON. */
export const pack = async (parsed: ParsedDocument): Promise<Uint8Array> =>
  Bun.zstdCompress(JSON.stringify(parsed));

/** The document in what `pack` made; what was damaged does not unpack. */
export async function unpack(packed: Uint8Array): Promise<ParsedDocument> {
  return JSON.parse(Buffer.from(await Bun.zstdDecompress(packed)).toString());
}

/** The body of `espalier document-reader`: reads and cuts what the parent names, one document after the other. */
export function runDocumentReader(): Promise<never> {
  return serveParent<Work, FromReader>("document-reader", { ready: true }, (say) => (work) => {
    answer(work).then(
      (done) => say({ done }),
      (error: unknown) => say({ error: partsOf(error, "DOCUMENT_MALFORMED") }),
    );
  });
}

async function answer({ from, name, cutting }: Work): Promise<Done> {
  const { chunkDocument } = await import("../chunking.ts");
  const { tokenCounter } = await import("../../inference/inference.ts");
  const parsed = "path" in from ? await readFile(from.path, name) : await unpack(from.packed);
  const count = await tokenCounter(cutting.counting);
  const chunks = await chunkDocument(parsed, cutting.chunking, async (texts) => texts.map(count));
  if ("packed" in from) return { read: null, chunks };
  const { kind, title, pages, warnings } = parsed;
  return { read: { kind, title, pages, warnings, packed: await pack(parsed) }, chunks };
}

/** A file over the limit is refused by its size, before it is in memory. */
async function readFile(path: string, name: string): Promise<ParsedDocument> {
  const { parseDocument, checkSize } = await import("./parse.ts");
  const file = Bun.file(path);
  checkSize(file.size, name);
  return parseDocument(await file.bytes(), name);
}
