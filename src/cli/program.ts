// Builds the tree of verbs.

import type { CliDeps } from "./verbs.ts";

/** Runs one command line; see runCli. */
export async function runProgram(_argv: readonly string[], deps: CliDeps): Promise<number> {
  deps.stderr.write("The verbs are being wired.\n");
  return 1;
}
