// Time enters the program here, so that tests can replace it.

export type Clock = () => number;

/** Milliseconds since the Unix epoch. */
export const now: Clock = () => Date.now();

/** Monotonic milliseconds, for durations only. */
export const monotonicMs: Clock = () => performance.now();

/** Resolves after `ms` milliseconds, or at once when the signal aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
  });
}
