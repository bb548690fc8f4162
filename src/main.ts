// Entry of the executable: an engine child, or the command line with the verbs of this machine.
import "./boot.ts";

if (process.argv[2] === "engine") {
  // Nothing else is loaded: an engine child should be small and start at once.
  const { runEngineChild } = await import("./inference/inference.ts");
  await runEngineChild();
}

const { runCli } = await import("./cli/cli.ts");
const local = await import("./serve/local.ts");
const { loadConfig } = await import("./config.ts");
const { EspalierError } = await import("./kit/errors.ts");

/** ESPALIER_URL and ESPALIER_KEY; a faulty environment ends every verb as wrong usage. */
function connection(): { url?: string; key?: string } {
  try {
    const { url, key } = loadConfig();
    return { url, ...(key === undefined ? {} : { key }) };
  } catch (error) {
    const { code, message, hint } =
      error instanceof EspalierError ? error : new EspalierError("FAILED", String(error));
    if (process.argv.includes("--json"))
      process.stdout.write(`${JSON.stringify({ error: { code, message, hint: hint ?? null } })}\n`);
    else process.stderr.write(`espalier: ${message}\n${hint ?? ""}\n`);
    process.exit(2);
  }
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
    version: local.versionDocument,
  },
  env: connection(),
  stdout: process.stdout,
  stderr: process.stderr,
});
if (["serve", "trainer"].includes(process.argv[2] ?? "")) process.exit();
