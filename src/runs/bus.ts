// In-process news about runs: who listens hears of a change after it is committed.
import type { RunEventRow, RunRow } from "./states.ts";

export type RunNews =
  | { kind: "event"; runId: string; projectId: string; event: RunEventRow }
  | { kind: "changed"; runId: string; projectId: string; run: RunRow };

export type RunListener = (news: RunNews) => void;

export type RunBus = {
  publish(news: RunNews): void;
  /** Returns the function that ends the subscription. */
  subscribe(listener: RunListener): () => void;
  listenerCount(): number;
};

export function createBus(): RunBus {
  const listeners = new Set<RunListener>();
  return {
    publish: (news) => {
      for (const listener of [...listeners]) listener(news);
    },
    subscribe: (listener) => {
      // A fresh function each time, so that one listener may subscribe twice.
      const own: RunListener = (news) => listener(news);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    listenerCount: () => listeners.size,
  };
}

/**
 * Something to wait on again and again. Take `rings()` before looking for work and give it to `wait`: a ring between
 * the look and the wait then ends the wait at once.
 */
export type Bell = {
  ring(): void;
  rings(): number;
  wait(seen: number, ms: number, signal?: AbortSignal): Promise<void>;
};

export function createBell(): Bell {
  const waiters = new Set<() => void>();
  let rings = 0;
  return {
    ring: () => {
      rings++;
      for (const wake of [...waiters]) wake();
    },
    rings: () => rings,
    wait: (seen, ms, signal) =>
      new Promise((resolve) => {
        if (rings !== seen || signal?.aborted) return resolve();
        const wake = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", wake);
          waiters.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        signal?.addEventListener("abort", wake);
        waiters.add(wake);
      }),
  };
}
