// The searching process: a child of this program with a read-only connection of its own, because libSQL answers on the
// thread that asks and a search of a large index takes longer than a server may stand still.
import { answerParent, createAskedChild } from "../kit/asked-child.ts";
import type { ChildCommand } from "../kit/child.ts";
import { EspalierError } from "../kit/errors.ts";
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

/** Starts the process at the first search, ends it when it was idle for long, and replaces it when it died. */
export function createSearcher({ dataDir, ...program }: SearcherDeps): Searcher {
  const { ask, close } = createAskedChild<SearchRequest, Found[]>({
    program,
    open: dataDir,
    most: limits.searchesWaiting,
    busy: (waiting) =>
      new EspalierError(
        "SEARCH_BUSY",
        `${waiting} searches wait already, the limit searchesWaiting is ${limits.searchesWaiting}.`,
        { status: 429, hint: "Ask again in a moment." },
      ),
    silentMs: limits.searchMs,
    idleMs: limits.searchIdleMs,
    died: (how) =>
      new EspalierError("SEARCH_DIED", `The process that searches knowledge bases ended (${how}).`, {
        status: 503,
        hint: "Ask again: the next search starts another.",
      }),
  });
  return { search: ask, close };
}

/** The body of `espalier knowledge-searcher`: answers its parent's searches, and ends with it. */
export function runSearcherChild(): Promise<never> {
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

  return answerParent<SearchRequest, Found[]>("knowledge-searcher", "SEARCH_FAILED", (dataDir) => {
    const db = openReader(dataDir);
    return async (request) =>
      searchIndex(db, request, request.vector ? await signsOf(db, request.index) : undefined);
  });
}
