// Entry of the executable: an engine child, or the command line with the server in it.
import "./boot.ts";

if (process.argv[2] === "engine") {
  // Nothing else is loaded: an engine child should be small and start at once.
  const { runEngineChild } = await import("./inference/inference.ts");
  await runEngineChild();
} else {
  const [{ runCli }, { localVerbs }, { loadConfig }] = await Promise.all([
    import("./cli/cli.ts"),
    import("./serve/local.ts"),
    import("./config.ts"),
  ]);
  const { url, key } = loadConfig();
  process.exitCode = await runCli(process.argv.slice(2), {
    local: localVerbs,
    env: { url, ...(key === undefined ? {} : { key }) },
    stdout: process.stdout,
    stderr: process.stderr,
  });
}
