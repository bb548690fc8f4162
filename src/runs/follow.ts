// Live reading of runs as async iterables: stored events first, then the news, without a gap between.
import { limits } from "../kit/limits.ts";
import { createBell, type RunBus } from "./bus.ts";
import type { EventsQuery } from "./events.ts";
import { isEnded, type RunEventRow, type RunRow } from "./states.ts";

/** News can only be missed by a fault; reading again now and then makes even that harmless. */
const REREAD_MS = 5_000;

type FollowDeps = {
  bus: RunBus;
  events: (id: string, query: EventsQuery) => Promise<RunEventRow[]>;
  find: (id: string) => Promise<RunRow | null>;
};

/**
 * Events with `seq` > `after`, then those to come, ending after the last one of an ended run. The news only wakes
 * the reader, who reads the table: a slow one costs no memory and misses nothing.
 */
export async function* follow(
  deps: FollowDeps,
  id: string,
  after: number,
  signal?: AbortSignal,
): AsyncGenerator<RunEventRow, void, void> {
  const bell = createBell();
  const unsubscribe = deps.bus.subscribe((news) => {
    if (news.runId === id) bell.ring();
  });
  try {
    let last = after;
    while (!signal?.aborted) {
      const rings = bell.rings();
      // The state is read before the events, so an end seen here has all its events in the table.
      const run = await deps.find(id);
      const page = await deps.events(id, { after: last, first: limits.runEventsPage });
      for (const event of page) {
        last = event.seq;
        yield event;
        if (signal?.aborted) return;
      }
      if (page.length > 0) continue;
      if (!run || isEnded(run)) return;
      await bell.wait(rings, REREAD_MS, signal);
    }
  } finally {
    unsubscribe();
  }
}

/** Runs of a project as they change; changes that pile up are merged into the latest row of each run. */
export async function* watchChanges(
  bus: RunBus,
  projectId: string,
  signal?: AbortSignal,
): AsyncGenerator<RunRow, void, void> {
  const bell = createBell();
  const pending = new Map<string, RunRow>();
  const unsubscribe = bus.subscribe((news) => {
    if (news.kind !== "changed" || news.projectId !== projectId) return;
    pending.set(news.runId, news.run);
    bell.ring();
  });
  try {
    while (!signal?.aborted) {
      const rings = bell.rings();
      for (const [id, run] of pending) {
        pending.delete(id);
        yield run;
        if (signal?.aborted) return;
      }
      await bell.wait(rings, 60_000, signal);
    }
  } finally {
    unsubscribe();
  }
}
