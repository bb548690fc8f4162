// What is read for each of many calls, such as where a provider is: read once for those that come together.
type Entry<Value> = { version: number; value: Promise<Value>; forgetting: ReturnType<typeof setTimeout> };

/**
 * `read`, remembered by what it is given for `ms` at most, and until `version` says another number, such as that of the
 * store's commits. What fails is not remembered.
 */
export function createRemembered<Given extends readonly (string | number)[], Value>(
  read: (...given: Given) => Promise<Value>,
  ms: number,
  version: () => number = () => 0,
): (...given: Given) => Promise<Value> {
  const entries = new Map<string, Entry<Value>>();
  return (...given) => {
    const key = JSON.stringify(given);
    const now = version();
    const known = entries.get(key);
    if (known?.version === now) return known.value;
    clearTimeout(known?.forgetting);
    const value = read(...given);
    const forget = (): void => {
      if (entries.get(key)?.value === value) entries.delete(key);
    };
    value.catch(forget);
    const forgetting = setTimeout(forget, ms);
    forgetting.unref();
    entries.set(key, { version: now, value, forgetting });
    return value;
  };
}
