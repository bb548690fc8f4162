// Child processes of this same program that talk over Bun's IPC: how the server starts one, and how one serves it.
import { dlopen } from "bun:ffi";
import { readFileSync } from "node:fs";
import { EspalierError } from "./errors.ts";

export type ChildCommand = {
  /** Command that becomes this program's mode, e.g. [process.execPath, "engine"]. */
  command: readonly string[];
  /** The child's whole environment. */
  env: Record<string, string>;
};

/**
 * Starts a child; what it says comes typed, since it is this same program.
 * `onExit` gets how it ended, in words: a signal's name, or `exit N`.
 */
export function startChild<From>(
  { command, env }: ChildCommand,
  on: { message: (message: From) => void; exit: (how: string) => void },
): Bun.Subprocess<"ignore", "ignore", "inherit"> {
  return Bun.spawn({
    cmd: [...command],
    env,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
    serialization: "advanced",
    ipc: (message: From) => on.message(message),
    onExit: (_child, exitCode, signalCode) => on.exit(String(signalCode ?? `exit ${exitCode}`)),
  });
}

/**
 * The body of a child: hands over what the parent says, in order, and ends when the parent is gone. Never returns.
 * `open` gets the way to answer, and gives what hears the parent; `greeting` is the first word, once that is in place.
 * @throws EspalierError NOT_A_CHILD where the mode was started by hand
 */
export function serveParent<To, From>(
  mode: string,
  greeting: From,
  open: (say: (message: From) => void) => (message: To) => void,
): Promise<never> {
  const send = process.send?.bind(process);
  if (!send)
    throw new EspalierError(
      "NOT_A_CHILD",
      `\`espalier ${mode}\` is started by \`espalier serve\`, not by hand.`,
      {
        hint: "Run `espalier serve`.",
      },
    );
  const say = (message: From): void => {
    send(message);
  };
  process.on("disconnect", () => process.exit(0));
  process.on("message", open(say));
  say(greeting);
  return new Promise<never>(() => undefined);
}

/** Memory that a process holds; 0 where the system does not say it in /proc. */
export function residentBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Linux's prctl: the signal that a process gets when its parent is gone. */
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** Has the system end this process with its parent, even in the middle of what hears no message, such as a long match. */
export function endWithParent(): void {
  if (process.platform !== "linux") return;
  const libc = dlopen("libc.so.6", { prctl: { args: ["i32", "u64"], returns: "i32" } });
  libc.symbols.prctl(PR_SET_PDEATHSIG, BigInt(SIGKILL));
}
