// Processor time of a process and all that it started, by what each is: for benchmarks on machines that others use too.
import { readdirSync, readFileSync } from "node:fs";

const TICKS_A_SECOND = 100;

/** Seconds of user and system time by mode of the executable, e.g. `engine`; those that ended count for their parent as `ended`. */
export function processorSeconds(root: number = process.pid): Record<string, number> {
  const parents = new Map<number, number>();
  const stats = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      parents.set(Number(name), Number(fields[1]));
      stats.set(Number(name), fields.slice(11, 15).map(Number));
    } catch {
      // It ended meanwhile.
    }
  }
  const spent: Record<string, number> = {};
  const add = (name: string, ticks: number): void => {
    spent[name] = (spent[name] ?? 0) + ticks / TICKS_A_SECOND;
  };
  for (const [pid, [user = 0, system = 0, endedUser = 0, endedSystem = 0]] of stats) {
    let at: number | undefined = pid;
    while (at !== undefined && at !== root) at = parents.get(at);
    if (at === undefined) continue;
    add(pid === root ? "server" : modeOf(pid), user + system);
    add("ended", endedUser + endedSystem);
  }
  return spent;
}

/** What was spent since, by mode, in milliseconds for each of `count`; `all` is the sum. */
export function spentSince(before: Record<string, number>, count: number): Record<string, number> {
  const spent: Record<string, number> = { all: 0 };
  for (const [name, seconds] of Object.entries(processorSeconds())) {
    const ms = ((seconds - (before[name] ?? 0)) * 1000) / count;
    spent[name] = Math.round(ms * 100) / 100;
    spent.all = (spent.all ?? 0) + ms;
  }
  spent.all = Math.round((spent.all ?? 0) * 100) / 100;
  return spent;
}

function modeOf(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words.find((word) => /^(engine|document-reader|knowledge-searcher|kb)$/.test(word)) ?? "other";
  } catch {
    return "other";
  }
}
