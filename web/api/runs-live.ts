// The newest state of every run that moved while this page is open, and word of trainers; one subscription feeds all pages.
import { useEffect, useSyncExternalStore } from "react";
import { follow, refreshAll } from "./data.ts";
import { graphql } from "./graphql.ts";

const changed = graphql(`
  subscription Changed {
    changed {
      run {
        id kind name status attempt progress step totalSteps etaSeconds subjectId
        cancelRequestedAt createdAt startedAt endedAt
        error { code message hint field value }
      }
      trainer { id }
    }
  }
`);

export type RunStatus = "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED";
export type RunKind =
  | "IMPORT_DATASET"
  | "IMPORT_MODEL"
  | "TRAIN"
  | "MERGE"
  | "DEPLOY"
  | "EXPORT"
  | "INDEX_DOCUMENTS"
  | "REBUILD_INDEX"
  | "EVALUATE_RETRIEVAL"
  | "MAKE_IMAGES";
export type RunState = {
  id: string;
  kind: RunKind;
  name: string;
  status: RunStatus;
  progress: number | null;
  step: number | null;
  totalSteps: number | null;
  etaSeconds: number | null;
  subjectId?: string | null;
  cancelRequestedAt?: string | null;
  /** How often it was taken. */
  attempt?: number;
  /** Where it was asked for: the trainer that has it, and whether that should have been heard of by now. */
  hold?: { isSilent: boolean } | null;
  error?: {
    code: string;
    message: string;
    hint: string | null;
    field?: string | null;
    value?: string | null;
  } | null;
};

const runs = new Map<string, RunState>();
const listeners = new Set<() => void>();
const endListeners = new Set<(run: RunState) => void>();

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const isOver = (status: RunStatus): boolean =>
  status === "SUCCEEDED" || status === "FAILED" || status === "CANCELLED";

/** The run with whatever is newer from the live feed. */
export function useLiveRun<R extends RunState>(run: R): R {
  const live = useSyncExternalStore(listen, () => runs.get(run.id));
  // A terminal state never changes back: what was read as over stays over.
  return live && !isOver(run.status) ? { ...run, ...live } : run;
}

/** Calls back when a run ends while the page is open. */
export function useRunEnded(onEnded: (run: RunState) => void): void {
  useEffect(() => {
    endListeners.add(onEnded);
    return () => {
      endListeners.delete(onEnded);
    };
  }, [onEnded]);
}

/** Opens the feed for as long as the caller is mounted. */
export function useRunFeed(): void {
  useEffect(
    () =>
      follow(
        changed,
        {},
        ({ changed: { run } }) => {
          // A trainer came, went, fell silent, or took or lost a run: what needs one turns on or off.
          if (!run) return refreshAll();
          const old = runs.get(run.id);
          runs.set(run.id, run);
          for (const listener of listeners) listener();
          if (old?.status !== run.status) {
            refreshAll();
            if (isOver(run.status)) for (const listener of endListeners) listener(run);
          }
        },
        // A short run may have ended before the stream was open, or while it was broken.
        { onConnected: refreshAll },
      ),
    [],
  );
}
