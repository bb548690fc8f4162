// Named points at which a test may kill this process, as a power cut would: nothing is flushed, nothing runs after.
import { EspalierError } from "./errors.ts";

let armed: { name: string; hit: number } | undefined;
let hits = 0;

/**
 * Arms one point: `name` kills at its first hit, `name:3` at its third. Called once by the composition root with
 * ESPALIER_CRASH_AT; without that variable every point is a no-op.
 * @throws EspalierError CRASH_POINT_INVALID
 */
export function armCrashPoint(spec: string | undefined): void {
  hits = 0;
  armed = undefined;
  if (spec === undefined || spec === "") return;
  const match = /^([a-z][a-z0-9.-]*)(?::([1-9][0-9]{0,5}))?$/.exec(spec);
  if (!match?.[1])
    throw new EspalierError("CRASH_POINT_INVALID", `"${spec}" is not a crash point`, {
      field: "ESPALIER_CRASH_AT",
      value: spec,
      hint: "Write name or name:count, e.g. store.commit.after:2.",
    });
  armed = { name: match[1], hit: Number(match[2] ?? 1) };
}

/** A point where everything before it may be lost or kept, and the next start has to cope with either. */
export function crashPoint(name: string): void {
  if (armed?.name !== name || ++hits < armed.hit) return;
  process.kill(process.pid, "SIGKILL");
}
