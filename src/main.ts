// Entry of the executable: one of its child processes, or the command line with the verbs of this machine.
import "./boot.ts";

if (process.argv[2] === "engine" && process.argv.length === 3) {
  // Nothing else is loaded: an engine child should be small and start at once.
  const { runEngineChild } = await import("./inference/inference.ts");
  await runEngineChild();
}

/** The other child processes by their mode; each loads only what it needs. */
const children = new Map<string, () => Promise<never>>([
  ["dataset-reader", async () => (await import("./datasets/datasets.ts")).runReaderChild()],
  ["document-reader", async () => (await import("./knowledge/knowledge.ts")).runDocumentReader()],
  ["knowledge-searcher", async () => (await import("./knowledge/knowledge.ts")).runSearcherChild()],
  ["assessment-reporter", async () => (await import("./assessments/assessments.ts")).runReporterChild()],
  ["overlap-finder", async () => (await import("./assessments/assessments.ts")).runOverlapFinder()],
  ["answer-grader", async () => (await import("./assessments/assessments.ts")).runGraderChild()],
]);
await children.get(process.argv[2] ?? "")?.();

const { runCli } = await import("./cli/cli.ts");
const local = await import("./serve/local.ts");
const { loadConnection } = await import("./config.ts");

/** How long an aborted verb may take to say so. */
const ABORT_MS = 1_500;

/** Aborted by the first signal; a verb that does not end soon, or a second signal, ends the process. */
function untilSignal(): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
    setTimeout(() => process.exit(1), ABORT_MS).unref();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, abort);
  return controller.signal;
}

process.exitCode = await runCli(process.argv.slice(2), {
  local: {
    serve: (flags) => local.serve({ ...flags }),
    trainer: local.trainer,
    engine: () => Promise.resolve(2),
    doctor: local.doctor,
    configPrint: async (flags) => local.configPrint(flags),
    backup: local.backup,
    restore: local.restore,
    keyCreate: local.keyCreate,
    userCreate: (flags) => local.putUser(flags, false),
    userReset: (flags) => local.putUser(flags, true),
    rotateSecrets: local.rotateSecrets,
    version: local.versionDocument,
  },
  connection: loadConnection,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: untilSignal,
});
// Their children's pipes and timers must not keep what has ended.
if (["serve", "trainer"].includes(process.argv[2] ?? "")) process.exit();
