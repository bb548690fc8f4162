// How fast an engine answers now: the pieces of replies of the last seconds.
import type { Clock } from "../kit/clock.ts";

const WINDOW_MS = 5_000;

export type Pace = {
  /** Notes one piece. */
  note(): void;
  /** Pieces a second over the last five, or over the time since the first of them. */
  perSecond(): number;
};

/** Nothing was noted yet. */
export function createPace(clock: Clock): Pace {
  let times: number[] = [];
  const recent = (): number[] => {
    const from = clock() - WINDOW_MS;
    const first = times.findIndex((at) => at > from);
    times = first < 0 ? [] : times.slice(first);
    return times;
  };
  return {
    note: () => {
      times.push(clock());
      // Looked at seldom; a busy engine must not fill memory meanwhile.
      if (times.length > 10_000) recent();
    },
    perSecond: () => {
      const [first, ...rest] = recent();
      if (first === undefined) return 0;
      return ((rest.length + 1) * 1000) / Math.max(1000, clock() - first);
    },
  };
}
