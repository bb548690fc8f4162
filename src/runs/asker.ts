// Who asks for runs: whatever is started while somebody's request or somebody's run is worked on counts as theirs.
import { AsyncLocalStorage } from "node:async_hooks";

const asker = new AsyncLocalStorage<string | null>();

/** Does the work on behalf of a person or API key, by id; null for nobody's. */
export function asking<T>(id: string | null, work: () => T): T {
  return asker.run(id, work);
}

/** On whose behalf this is done; null where nobody asked, such as at the start of the server. */
export function whoAsks(): string | null {
  return asker.getStore() ?? null;
}
