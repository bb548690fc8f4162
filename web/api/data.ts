// Reading and acting from components: data that refreshes itself when a run changes state, and mutations with their error.
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { TypedDocumentNode } from "urql";
import { pipe, subscribe } from "wonka";
import { ask, client, type SubscriptionContext } from "./client.ts";
import { type Problem, toProblem } from "./errors.ts";

const remembered = new Map<string, unknown>();
const documentNumbers = new WeakMap<object, number>();
let documentCount = 0;

/** A number for each document, so that answers of different queries never meet under one key. */
function numberOf(document: object): number {
  const known = documentNumbers.get(document);
  if (known !== undefined) return known;
  documentCount += 1;
  documentNumbers.set(document, documentCount);
  return documentCount;
}
let epoch = 0;
const epochListeners = new Set<() => void>();

/** Says that the server's truth moved: every mounted read asks again. */
export function refreshAll(): void {
  epoch += 1;
  for (const listener of epochListeners) listener();
}

function useEpoch(): number {
  return useSyncExternalStore(
    (listener) => {
      epochListeners.add(listener);
      return () => epochListeners.delete(listener);
    },
    () => epoch,
  );
}

export type Reading<D> = {
  data: D | undefined;
  problem: Problem | null;
  isLoading: boolean;
  reload: () => void;
};

const keyOf = (document: object, variables: object): string =>
  `${numberOf(document)} ${JSON.stringify(variables)}`;

/** Reads that others of the same moment share: those begun before the page was drawn, and those of one drawing. */
const begun = new Map<string, Promise<object>>();

/** Begins to read what the page that is being opened will want; that page's first read takes this one's answer. */
export function readAhead<D extends object, V extends Record<string, unknown>>(
  document: TypedDocumentNode<D, V>,
  variables: V,
): void {
  const reading = ask(document, variables);
  // Who takes it sees why it failed.
  reading.catch(() => undefined);
  begun.set(keyOf(document, variables), reading);
}

/** One request for all parts of a page that want the same in the same moment. */
function shared<D extends object, V extends Record<string, unknown>>(
  key: string,
  document: TypedDocumentNode<D, V>,
  variables: V,
  pages?: number,
): Promise<D> {
  const place = pages === undefined ? key : `${key} ${pages}`;
  const known = begun.get(place) as Promise<D> | undefined;
  const reading = known ?? ask(document, variables, pages);
  begun.set(place, reading);
  // Later ones must not get an answer from before a change.
  queueMicrotask(() => begun.delete(place));
  return reading;
}

/** Reads a query; keeps the last answer on screen while a newer one is fetched. `null` variables pause it; `pages` says how far its lists are read, all when unsaid. */
export function useData<D extends object, V extends Record<string, unknown>>(
  document: TypedDocumentNode<D, V>,
  variables: V | null,
  pages?: number,
): Reading<D> {
  const now = useEpoch();
  const [tick, setTick] = useState(0);
  const key = variables === null ? null : keyOf(document, variables);
  const [state, setState] = useState<{ key: string | null; data: D | undefined; problem: Problem | null }>({
    key: null,
    data: undefined,
    problem: null,
  });
  const latest = useRef(variables);
  latest.current = variables;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `now` and `tick` only say "ask again"
  useEffect(() => {
    if (key === null || latest.current === null) return;
    let isCurrent = true;
    shared(key, document, latest.current, pages).then(
      (data) => {
        remembered.set(key, data);
        if (isCurrent) setState({ key, data, problem: null });
      },
      (thrown) => {
        if (isCurrent)
          setState((old) => ({
            key,
            data: old.key === key ? old.data : undefined,
            problem: toProblem(thrown),
          }));
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [document, key, now, tick, pages]);
  const isOwn = state.key === key;
  const data =
    isOwn && state.data !== undefined
      ? state.data
      : key === null
        ? undefined
        : (remembered.get(key) as D | undefined);
  return {
    data,
    problem: isOwn ? state.problem : null,
    isLoading: key !== null && data === undefined && !(isOwn && state.problem),
    reload: useCallback(() => setTick((value) => value + 1), []),
  };
}

/** Runs work for a button: `busy` while it lasts, `problem` when it failed, everything on screen refreshed when it worked. */
export function useWork() {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const run = useCallback(async (work: () => Promise<void>): Promise<boolean> => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
      refreshAll();
      return true;
    } catch (thrown) {
      setProblem(toProblem(thrown));
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { isBusy, problem, setProblem, run };
}

/**
 * Follows a subscription until the returned function is called. `onConnected` is called whenever the stream opens, also
 * after a break: what has changed before that has to be read.
 */
export function follow<D, V extends Record<string, unknown>>(
  document: TypedDocumentNode<D, V>,
  variables: V,
  onData: (data: D) => void,
  { onEnd, ...context }: SubscriptionContext & { onEnd?: () => void } = {},
): () => void {
  const source = client.subscription(
    document as TypedDocumentNode<D, Record<string, unknown>>,
    variables,
    context,
  );
  const { unsubscribe } = pipe(
    source,
    subscribe((result) => {
      if (result.data) onData(result.data);
      if (result.error || result.hasNext === false) onEnd?.();
    }),
  );
  return unsubscribe;
}
