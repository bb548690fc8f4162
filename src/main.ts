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

/** ESPALIER_URL and ESPALIER_KEY; what is wrong with the rest of the environment is the verb's to say. */
function connection(): { url?: string; key?: string } {
  const { url, key } = loadConfig();
  return { url, ...(key === undefined ? {} : { key }) };
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
