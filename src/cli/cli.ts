// The command line: parses the arguments, runs one verb and turns its outcome into output and an exit code.

import type { CliDeps } from "./verbs.ts";

export type { CliDeps, Json, LocalVerbs, ServeFlags, TextSink, TrainerFlags } from "./verbs.ts";

/**
 * Runs one command line (without the executable's name) and returns its exit code:
 * 0 done, 1 failed, 2 usage, 3 not found, 4 refused, 5 unreachable, 6 newer schema. Never throws.
 */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { runProgram } = await import("./program.ts");
  const isVersion = argv[0] === "--version" || argv[0] === "-V";
  return runProgram(isVersion ? ["version", ...argv.slice(1)] : argv, deps);
}
