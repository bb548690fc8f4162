// Named points at which a test may kill this process, as a power cut would: nothing is flushed, nothing runs after.
import { EspalierError } from "./errors.ts";

let armed: { name: string; hit: number } | undefined;
let tracing = false;
const hits = new Map<string, number>();

/**
 * Arms one point: `name` kills at its first hit, `name:3` at its third. `trace` kills nowhere and writes each hit to
 * stderr as a line `crash-point name:count`, by which a test learns what it can ask for. Called once by the
 * composition root with ESPALIER_CRASH_AT; without that variable every point is a no-op.
 * @throws EspalierError CRASH_POINT_INVALID
 */
export function armCrashPoint(spec: string | undefined): void {
  hits.clear();
  armed = undefined;
  tracing = spec === "trace";
  if (tracing || spec === undefined || spec === "") return;
  const match = /^([a-z][a-z0-9.-]*)(?::([1-9][0-9]{0,5}))?$/.exec(spec);
  if (!match?.[1])
    throw new EspalierError("CRASH_POINT_INVALID", `"${spec}" is not a crash point`, {
      field: "ESPALIER_CRASH_AT",
      value: spec,
      hint: "Write name or name:count, e.g. store.commit.after:2, or trace.",
    });
  armed = { name: match[1], hit: Number(match[2] ?? 1) };
}

/** A point where everything before it may be lost or kept, and the next start has to cope with either. */
export function crashPoint(name: string): void {
  if (!tracing && armed?.name !== name) return;
  const count = (hits.get(name) ?? 0) + 1;
  hits.set(name, count);
  if (tracing) process.stderr.write(`crash-point ${name}:${count}\n`);
  else if (count === armed?.hit) process.kill(process.pid, "SIGKILL");
}
