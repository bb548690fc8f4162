// The days of a range as somebody in a time zone lives them: when each begins and ends, whatever the clocks do.
import { EspalierError } from "../kit/errors.ts";
import { limits } from "../kit/limits.ts";

/** A day YYYY-MM-DD with its bounds in milliseconds since the Unix epoch, `end` without. */
export type Day = { day: string; start: number; end: number };

const DAY_MS = 24 * 3_600_000;

/**
 * The days from `from` to `to`, both YYYY-MM-DD and both included.
 * @throws EspalierError DAY_INVALID, RANGE_INVALID, RANGE_TOO_LONG, TIME_ZONE_UNKNOWN
 */
export function daysOf(from: string, to: string, timeZone: string): Day[] {
  const [first, last] = [midnight(from, "from"), midnight(to, "to")];
  const count = (last - first) / DAY_MS + 1;
  if (count < 1)
    throw new EspalierError("RANGE_INVALID", `The range ends on ${to}, before it begins on ${from}.`, {
      field: "to",
      value: to,
      hint: "Name the earlier day first.",
    });
  if (count > limits.dashboardDays)
    throw new EspalierError("RANGE_TOO_LONG", `${from} to ${to} are ${count} days.`, {
      field: "from",
      value: from,
      hint: `limits.dashboardDays allows ${limits.dashboardDays}.`,
    });
  const offsetAt = offsetsOf(timeZone);
  const starts = Array.from({ length: count + 1 }, (_, at) => startOfDay(first + at * DAY_MS, offsetAt));
  return Array.from({ length: count }, (_, at) => ({
    day: dayOf(first + at * DAY_MS),
    start: starts[at] ?? 0,
    end: starts[at + 1] ?? 0,
  }));
}

const dayOf = (utc: number): string => new Date(utc).toISOString().slice(0, 10);

/** Midnight of the day in UTC. */
function midnight(day: string, field: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  if (!Number.isNaN(at) && dayOf(at) === day) return at;
  throw new EspalierError("DAY_INVALID", `"${day.slice(0, 40)}" is no day.`, {
    field,
    value: day.slice(0, 40),
    hint: "Write it as YYYY-MM-DD.",
  });
}

/** How far the clocks of a time zone are before UTC at a moment, both in milliseconds. */
function offsetsOf(timeZone: string): (at: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    throw new EspalierError("TIME_ZONE_UNKNOWN", `"${timeZone.slice(0, 60)}" is no time zone.`, {
      field: "timeZone",
      value: timeZone.slice(0, 60),
      hint: "Name one such as Europe/Berlin or UTC.",
    });
  }
  return (at) => {
    const said = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const part = (name: Intl.DateTimeFormatPartTypes): number => said.get(name) ?? 0;
    return (
      Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second")) -
      at
    );
  };
}

/** When the local day begins whose midnight would be at `utc` in UTC: later than midnight where the clocks skip it. */
function startOfDay(utc: number, offsetAt: (at: number) => number): number {
  const candidates = [utc - offsetAt(utc - DAY_MS), utc - offsetAt(utc + DAY_MS)].sort((a, b) => a - b);
  const begins = (at: number): boolean => dayOf(at + offsetAt(at)) === dayOf(utc);
  return candidates.find(begins) ?? candidates[0] ?? utc;
}
