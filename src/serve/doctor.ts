// `espalier doctor`: whether this machine, the data folder and the server are as they should be, each with its mend.
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { join } from "node:path";
import { type Config, type Flags, loadConfig } from "../config.ts";
import { EspalierError, isEspalierError, messageOf } from "../kit/errors.ts";
import { loadNative, NATIVE_SOURCES, nativePath } from "../kit/native.ts";
import { checkWritable, existingParent, inspect } from "../store/inspect.ts";

type Check = { name: string; ok: boolean; isOptional: boolean; detail: string };
/** Returns what was found; throws what is wrong. */
type Probe = (config: Config) => string | Promise<string>;

const GiB = 1024 ** 3;
const ANSWER_MS = 2_000;
const gib = (bytes: number): string => `${(bytes / GiB).toFixed(1)} GiB`;

/** Every check, in the order in which one would look. */
const PROBES: readonly { name: string; isOptional?: true; probe: Probe }[] = [
  { name: "native libraries", probe: natives },
  { name: "cache folder", probe: cacheFolder },
  { name: "data folder", probe: dataFolder },
  { name: "disk", probe: disk },
  { name: "schema", probe: schema },
  { name: "memory", probe: memory },
  { name: "port", probe: port },
  { name: "trainer's environment", isOptional: true, probe: trainerEnvironment },
  { name: "keys", isOptional: true, probe: keys },
  { name: "server", isOptional: true, probe: server },
  { name: "ESPALIER_KEY", probe: ownKey },
];

/** What this machine has and lacks; `ok` is false when something that is not optional is wrong. */
export async function doctor(flags: Flags): Promise<{ ok: boolean; checks: Check[] }> {
  const config = loadConfig(flags);
  const checks: Check[] = [];
  for (const { name, isOptional = false, probe } of PROBES) {
    const [ok, detail] = await Promise.resolve(config)
      .then(probe)
      .then((found) => [true, found] as const)
      .catch((error: unknown) => [false, describe(error)] as const);
    checks.push({ name, ok, isOptional, detail });
  }
  return { ok: checks.every((one) => one.ok || one.isOptional), checks };
}

function describe(error: unknown): string {
  const hint = isEspalierError(error) ? error.hint : undefined;
  return hint === undefined ? messageOf(error) : `${messageOf(error)}. ${hint}`;
}

/** A failure with its mend. */
function wrong(message: string, hint: string): EspalierError {
  return new EspalierError("CHECK_FAILED", message, { hint });
}

function natives({ cacheDir }: Config): string {
  const names = Object.keys(NATIVE_SOURCES);
  try {
    loadNative("libsql.node");
    loadNative("onnxruntime_binding.node");
  } catch (error) {
    if (isEspalierError(error)) throw error;
    throw wrong(messageOf(error), `Remove the folders native-* in ${cacheDir}: they are unpacked again.`);
  }
  return `${names.length} in ${join(nativePath("vec0.so"), "..")}`;
}

function cacheFolder({ cacheDir }: Config): string {
  mkdirSync(cacheDir, { recursive: true });
  const probe = join(cacheDir, `.probe-${process.pid}`);
  writeFileSync(probe, "");
  rmSync(probe);
  return cacheDir;
}

function dataFolder({ dataDir }: Config): string {
  try {
    checkWritable(dataDir);
  } catch (error) {
    throw wrong(`${dataDir} cannot be written: ${messageOf(error)}`, "Name another folder with --data.");
  }
  return dataDir;
}

function disk({ dataDir }: Config): string {
  const parent = existingParent(dataDir);
  const { bavail, bsize } = statfsSync(parent);
  const free = bavail * bsize;
  if (free < GiB) throw wrong(`${gib(free)} free under ${parent}`, "Models need several; free some space.");
  return `${gib(free)} free`;
}

async function schema({ dataDir }: Config): Promise<string> {
  const found = await inspect(dataDir);
  if (found === null) return "no database yet; the first start makes it";
  const { schema: have, known } = found;
  return have === known ? `number ${have}` : `number ${have}; the next start brings it to ${known}`;
}

function memory({ memoryBudgetBytes }: Config): string {
  const all = `${gib(freemem())} of ${gib(totalmem())} free`;
  if (memoryBudgetBytes <= totalmem()) return `${all}; models may take ${gib(memoryBudgetBytes)}`;
  throw wrong(
    `models may take ${gib(memoryBudgetBytes)}, more than this machine has: ${all}`,
    "Lower ESPALIER_MEMORY_BUDGET.",
  );
}

async function port({ host, port: number }: Config): Promise<string> {
  if (number === 0) return "any free one";
  try {
    Bun.listen({ hostname: host, port: number, socket: { data: () => undefined } }).stop(true);
    return `${number} of ${host} is free`;
  } catch (error) {
    const local = host.includes(":") ? `[${host}]` : host;
    if (await isEspalier(`http://${local}:${number}`)) return `${number} of ${host}: Espalier answers there`;
    throw wrong(
      `${number} of ${host} cannot be used: ${messageOf(error)}`,
      "End the program that has it, or choose another one with --port.",
    );
  }
}

async function isEspalier(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/v1/models`, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(
    () => null,
  );
  // Without a key every Espalier refuses in OpenAI's envelope.
  return answer?.status === 401 && (await answer.text()).includes('"error"');
}

async function trainerEnvironment(config: Config): Promise<string> {
  const { pythonOf, venvOf } = await import("./trainer.ts");
  const python = pythonOf({ python: config.trainerPython, venv: venvOf(config) });
  const self = Bun.spawn([python, "-c", "import torch, transformers, peft; print(torch.__version__)"], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [said, failed] = [await new Response(self.stdout).text(), await new Response(self.stderr).text()];
  if ((await self.exited) === 0) return `PyTorch ${said.trim()}, ${python}`;
  const why = failed.trim().split("\n").at(-1) ?? "";
  throw wrong(`${python}: ${why}`, `Remove ${venvOf(config)}: the trainer makes it again.`);
}

async function keys({ dataDir }: Config): Promise<string> {
  const found = await inspect(dataDir);
  if (found !== null && found.keys > 0) return `${found.keys} in ${dataDir}`;
  throw wrong(`no API key in ${dataDir}`, "`espalier key create --data DIR` makes one.");
}

async function server({ url }: Config): Promise<string> {
  try {
    const { status } = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    if (status === 200) return `${url} is ready`;
    throw wrong(`${url} answers ${status}`, "Look at the server's log.");
  } catch (error) {
    if (isEspalierError(error)) throw error;
    throw wrong(`no answer from ${url}`, "Start it with `espalier serve`, or set ESPALIER_URL.");
  }
}

async function ownKey({ url, key }: Config): Promise<string> {
  if (key === undefined) return "not set";
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const body = JSON.stringify({ query: "{ __typename }" });
  const options = { method: "POST", headers, body, signal: AbortSignal.timeout(ANSWER_MS) };
  const answer = await fetch(`${url}/graphql`, options).catch(() => null);
  if (answer?.status === 401)
    throw wrong(`${url} refuses the key`, "Make one with `espalier key create --data DIR`.");
  return answer === null ? "set; there is no server to try it on" : `${url} takes it`;
}
