// What is read for each of many calls, such as where a provider is: read once while nothing is written.
import type { Store } from "./store.ts";

type Entry<Value> = { commits: number; value: Promise<Value>; forgetting: ReturnType<typeof setTimeout> };

/**
 * `read`, remembered by what it is given until anything is committed here, and for `ms` at most, because other processes
 * write, too. What fails is not remembered.
 */
export function createRemembered<Given extends readonly (string | number)[], Value>(
  store: Pick<Store, "commits">,
  read: (...given: Given) => Promise<Value>,
  ms: number,
): (...given: Given) => Promise<Value> {
  const entries = new Map<string, Entry<Value>>();
  return (...given) => {
    const key = JSON.stringify(given);
    const commits = store.commits();
    const known = entries.get(key);
    if (known?.commits === commits) return known.value;
    clearTimeout(known?.forgetting);
    const value = read(...given);
    const forget = (): void => {
      if (entries.get(key)?.value === value) entries.delete(key);
    };
    value.catch(forget);
    entries.set(key, { commits, value, forgetting: setTimeout(forget, ms) });
    return value;
  };
}
