// What changed while this page is open: the newest state of every run that moved, word of trainers, new notifications; one
// stream feeds all pages.
import type { ResultOf } from "gql.tada";
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
      notification { id kind name runKind message by role bytes createdAt readAt next { verb name path } }
      unread
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
  | "MAKE_IMAGES"
  | "ASSESS"
  | "CHECK_OVERLAP";
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
const noticeListeners = new Set<(news: { notification: Notification | null; unread: number }) => void>();

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

export type Notification = NonNullable<ResultOf<typeof changed>["changed"]["notification"]>;

/** Calls back with each new notification, and with how many are unread whenever that changed. */
export function useNotificationFeed(
  onNews: (news: { notification: Notification | null; unread: number }) => void,
): void {
  useEffect(() => {
    noticeListeners.add(onNews);
    return () => {
      noticeListeners.delete(onNews);
    };
  }, [onNews]);
}

/** What the page reads first is shown before it is read again. */
const SETTLE_MS = 400;

/** Opens the feed for as long as the caller is mounted. */
export function useRunFeed(): void {
  useEffect(() => {
    let catchingUp: ReturnType<typeof setTimeout> | undefined;
    const leave = follow(
      changed,
      {},
      ({ changed: { run, notification, unread } }) => {
        if (unread !== null) {
          for (const listener of noticeListeners) listener({ notification, unread });
          return;
        }
        // A trainer came, went, fell silent, or took or lost a run: what needs one turns on or off.
        if (!run) return refreshAll();
        const old = runs.get(run.id);
        runs.set(run.id, run);
        for (const listener of listeners) listener();
        if (old?.status !== run.status) refreshAll();
      },
      {
        // A short run may have ended before the stream was open, or while it was broken.
        onConnected: () => {
          clearTimeout(catchingUp);
          catchingUp = setTimeout(refreshAll, SETTLE_MS);
        },
      },
    );
    return () => {
      clearTimeout(catchingUp);
      leave();
    };
  }, []);
}
