// The searching process: a child of this program with a read-only connection of its own, because libSQL answers on the
// thread that asks and a search of a large index takes longer than a server may stand still.
import { type ChildCommand, serveParent, startChild } from "../kit/child.ts";
import { type ErrorParts, EspalierError, errorOf, partsOf } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";
import { openReader, type Reader } from "../store/store.ts";
import { type Found, type SearchRequest, searchIndex } from "./search.ts";
import { isWorthSigns, Signs } from "./signs.ts";

/** The command becomes this program's `knowledge-searcher`. */
export type SearcherDeps = ChildCommand & { dataDir: string };
export type Searcher = {
  /**
   * What the rankers of an index find.
   * @throws EspalierError SEARCH_BUSY, SEARCH_DIED, SEARCH_FAILED
   */
  search(request: SearchRequest, signal?: AbortSignal): Promise<Found[]>;
  close(): Promise<void>;
};

type ToSearcher = { open: string } | { id: number; request: SearchRequest };
type FromSearcher = { id: number; found: Found[] } | { id: number; error: ErrorParts } | { isUp: true };
type Waiting = { resolve: (found: Found[]) => void; reject: (error: unknown) => void };
type Child = { process: Bun.Subprocess; isUp: Promise<void> };

/** Starts the process at the first search, ends it when it was idle for long, and replaces it when it died. */
export function createSearcher({ dataDir, ...program }: SearcherDeps): Searcher {
  const waiting = new Map<number, Waiting>();
  let child: Child | undefined;
  let lastId = 0;
  let idle: ReturnType<typeof setTimeout> | undefined;

  function failAll(error: EspalierError): void {
    for (const one of waiting.values()) one.reject(error);
    waiting.clear();
  }

  function start(): Child {
    const up = Promise.withResolvers<void>();
    const started: Child = {
      isUp: up.promise,
      process: startChild<FromSearcher>(program, {
        message(message) {
          if ("isUp" in message) {
            started.process.send({ open: dataDir } satisfies ToSearcher);
            return up.resolve();
          }
          const asked = waiting.get(message.id);
          waiting.delete(message.id);
          if ("found" in message) asked?.resolve(message.found);
          else asked?.reject(errorOf(message.error));
        },
        exit(how) {
          const error = died(how);
          up.reject(error);
          if (child !== started) return;
          child = undefined;
          failAll(error);
        },
      }),
    };
    up.promise.catch(() => undefined);
    return started;
  }

  function stop(): Promise<unknown> {
    clearTimeout(idle);
    const ended = child?.process;
    child = undefined;
    ended?.kill("SIGKILL");
    return ended?.exited ?? Promise.resolve();
  }

  async function ask(request: SearchRequest, signal?: AbortSignal): Promise<Found[]> {
    signal?.throwIfAborted();
    if (waiting.size >= limits.searchesWaiting)
      throw new EspalierError(
        "SEARCH_BUSY",
        `${waiting.size} searches wait already, the limit searchesWaiting is ${limits.searchesWaiting}.`,
        { status: 429, hint: "Ask again in a moment." },
      );
    child ??= start();
    const { process, isUp } = child;
    const id = ++lastId;
    const answer = Promise.withResolvers<Found[]>();
    waiting.set(id, answer);
    // Whatever keeps it silent for so long would keep the next search silent too.
    const patience = setTimeout(() => {
      void stop();
      failAll(died(`silent for ${limits.searchMs / 1000} s`));
    }, limits.searchMs);
    const onAbort = (): void => answer.reject(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    try {
      await isUp;
      process.send({ id, request } satisfies ToSearcher);
      return await answer.promise;
    } finally {
      clearTimeout(patience);
      signal?.removeEventListener("abort", onAbort);
      waiting.delete(id);
      clearTimeout(idle);
      idle = setTimeout(() => void stop(), limits.searchIdleMs);
      idle.unref();
    }
  }

  return {
    search: ask,
    close: async () => {
      await stop();
      failAll(died("the server stops"));
    },
  };
}

function died(how: string): EspalierError {
  return new EspalierError("SEARCH_DIED", `The process that searches knowledge bases ended (${how}).`, {
    status: 503,
    hint: "Ask again: the next search starts another.",
  });
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

/** The body of `espalier knowledge-searcher`: answers its parent's searches, and ends with it. */
export function runSearcherChild(): Promise<never> {
  let reader: ReturnType<typeof openReader> | undefined;
  const held = new Map<number, Signs>();

  /** The index's signs with what has come since; undefined for a small one. */
  async function signsOf(db: Reader, index: number): Promise<Signs | undefined> {
    const signs = held.get(index) ?? ((await isWorthSigns(db, index)) ? new Signs(index) : undefined);
    if (!signs) return undefined;
    // The one asked last stays longest.
    held.delete(index);
    held.set(index, signs);
    for (const old of [...held.keys()].slice(0, -limits.searchSignsHeld)) held.delete(old);
    await signs.refresh(db);
    return signs;
  }

  async function answer(db: Reader, request: SearchRequest): Promise<Found[]> {
    const signs = request.vector ? await signsOf(db, request.index) : undefined;
    return searchIndex(db, request, signs);
  }

  return serveParent<ToSearcher, FromSearcher>("knowledge-searcher", { isUp: true }, (say) => (message) => {
    if ("open" in message) {
      reader = openReader(message.open);
      return;
    }
    const { id, request } = message;
    if (!reader) throw new Error("asked before it was opened");
    answer(reader, request).then(
      (found) => say({ id, found }),
      // The query's own text holds the whole vector: what SQLite said of it is all that helps.
      (error: unknown) => say({ id, error: partsOf(causeOf(error), "SEARCH_FAILED") }),
    );
  });
}
