// Counts failed sign-ins per caller and per name, so that passwords cannot be tried by the thousand.
import type { Clock } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";

export type AttemptGate = {
  /** @throws EspalierError TOO_MANY_ATTEMPTS (429) while any of the keys is blocked. */
  check(keys: readonly string[]): void;
  /** Notes a failure for each of the keys. */
  failed(keys: readonly string[]): void;
  /** Forgets the failures of the keys, after a success. */
  succeeded(keys: readonly string[]): void;
};

/** A gate held in memory: a restart forgives, which costs an attacker more than it gives. */
export function createAttemptGate(clock: Clock): AttemptGate {
  const failures = new Map<string, number[]>();

  function recent(key: string): number[] {
    const since = clock() - limits.signInWindowMs;
    const kept = (failures.get(key) ?? []).filter((at) => at > since);
    if (kept.length === 0) failures.delete(key);
    else failures.set(key, kept);
    return kept;
  }

  return {
    check(keys) {
      for (const key of keys) {
        if (recent(key).length < limits.signInFailures) continue;
        throw new EspalierError(
          "TOO_MANY_ATTEMPTS",
          `more than ${limits.signInFailures} failed sign-ins within ${limits.signInWindowMs / 1000} s`,
          { hint: `Wait ${limits.signInWindowMs / 1000} s and try again.`, status: 429 },
        );
      }
    },
    failed(keys) {
      for (const key of keys) failures.set(key, [...recent(key), clock()]);
      // A flood of invented names must not fill the memory.
      if (failures.size > limits.signInKeys) for (const key of failures.keys()) recent(key);
      while (failures.size > limits.signInKeys) {
        const oldest = failures.keys().next().value;
        if (oldest === undefined) break;
        failures.delete(oldest);
      }
    },
    succeeded(keys) {
      for (const key of keys) failures.delete(key);
    },
  };
}
