// Settings: a flag over the environment over the default, each checked, secrets never printed.
import { expect, test } from "bun:test";
import { childEnvironment, configKeys, describeConfig, loadConfig, SETTINGS } from "../src/config.ts";

test("a flag wins over the environment, the environment over the default, and the origin is told", () => {
  const config = loadConfig({ port: "0" }, { ESPALIER_PORT: "9999", ESPALIER_HOST: "::1" });
  expect(config).toMatchObject({ port: 0, host: "::1", logLevel: "info" });
  expect(config.origins).toMatchObject({ port: "flag", host: "environment", logLevel: "default" });
});

test("folders become absolute, addresses lose their last slash, sizes are read with units", () => {
  const config = loadConfig(
    { data: "here", publicUrl: "https://a.example/" },
    { ESPALIER_MEMORY_BUDGET: "1.5GiB" },
  );
  expect(config.dataDir).toBe(`${process.cwd()}/here`);
  expect(config.publicUrl).toBe("https://a.example");
  expect(config.memoryBudgetBytes).toBe(1.5 * 1024 ** 3);
});

test("defaults follow XDG, and an empty variable counts as unsaid", () => {
  const config = loadConfig({}, { XDG_DATA_HOME: "/d", XDG_CACHE_HOME: "/c", ESPALIER_PORT: "" });
  expect(config).toMatchObject({ dataDir: "/d/espalier", cacheDir: "/c/espalier", port: 7420 });
  expect(config.key).toBeUndefined();
});

test.each([
  [{ port: "70000" }, {}, "--port"],
  [{ memoryBudget: "lots" }, {}, "--memory-budget"],
  [{ publicUrl: "ftp://x" }, {}, "--public-url"],
  [{}, { ESPALIER_LOG: "loud" }, "ESPALIER_LOG"],
  [{}, { ESPALIER_ENGINE_THREADS: "1.5" }, "ESPALIER_ENGINE_THREADS"],
  [{ data: "" }, {}, "--data"],
])("what cannot be used is refused by its name: %p %p", (flags, env, field) => {
  expect(() => loadConfig(flags, env)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID", field }));
});

test("the list shows every setting with its variable and never a secret", () => {
  const rows = describeConfig(loadConfig({}, { ESPALIER_KEY: "very-secret" }));
  expect(rows.map((row) => row.key)).toEqual([...configKeys]);
  expect(rows.find((row) => row.key === "key")).toMatchObject({ value: "…", origin: "environment" });
  expect(JSON.stringify(rows)).not.toContain("very-secret");
  expect(new Set(configKeys.map((key) => SETTINGS[key].env)).size).toBe(configKeys.length);
});

test("a child process gets neither our key nor the crash point", () => {
  const env = childEnvironment({ X: "1" }, { PATH: "/bin", ESPALIER_KEY: "k", ESPALIER_CRASH_AT: "a" });
  expect(env).toEqual({ PATH: "/bin", X: "1" });
});
