// The only reader of the environment: every setting with its flag, variable, default, check and meaning.
import { cpus, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { EspalierError } from "./kit/errors.ts";
import { LOG_LEVELS } from "./kit/log.ts";
import { cacheRoots, homeFolder } from "./kit/native.ts";

type Environment = Record<string, string | undefined>;
type Origin = "flag" | "environment" | "default";

type Setting<T> = {
  env: string;
  flag?: string;
  secret?: boolean;
  doc: string;
  schema: z.ZodType<T>;
  default: (env: Environment) => T;
};

/** Keeps each setting's own type in the table. */
const setting = <T>(it: Setting<T>): Setting<T> => it;

const GiB = 1024 ** 3;
const SIZE = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])i?b?|b)?$/i;
const POWER: Record<string, number> = { k: 1, m: 2, g: 3, t: 4 };

/** Bytes as a number, or with a binary unit: 512M, 6GiB. */
const bytes = z.string().transform((text, context): number => {
  const match = SIZE.exec(text.trim());
  if (match?.[1]) return Math.floor(Number(match[1]) * 1024 ** (POWER[(match[2] ?? "").toLowerCase()] ?? 0));
  context.addIssue({ code: "custom", message: "not a size such as 512M or 6GiB" });
  return z.NEVER;
});
const folder = z
  .string()
  .min(1)
  .transform((path) => resolve(path));
const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const httpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ""));
/** Where a user's data go; a service without a home keeps them where services do. */
function dataHome(env: Environment): string {
  const home = homeFolder();
  return env.XDG_DATA_HOME || (home === undefined ? "/var/lib" : join(home, ".local", "share"));
}

export const SETTINGS = {
  dataDir: setting({
    env: "ESPALIER_DATA",
    flag: "data",
    doc: "Folder of the database, the blobs and the models.",
    schema: folder,
    default: (env) => join(dataHome(env), "espalier"),
  }),
  host: setting({
    env: "ESPALIER_HOST",
    flag: "host",
    doc: "Address to listen on. Anything but a loopback address needs public-url.",
    schema: z.string().min(1).max(255),
    default: () => "127.0.0.1",
  }),
  port: setting({
    env: "ESPALIER_PORT",
    flag: "port",
    doc: "Port to listen on; 0 takes a free one.",
    schema: whole(0, 65_535),
    default: () => 7420,
  }),
  publicUrl: setting<string | undefined>({
    env: "ESPALIER_PUBLIC_URL",
    flag: "publicUrl",
    doc: "Address under which people beyond this machine reach the server; its host becomes an allowed one.",
    schema: httpUrl,
    default: () => undefined,
  }),
  cacheDir: setting({
    env: "ESPALIER_CACHE_DIR",
    flag: "cache",
    doc: "Folder of files that can be made again: native libraries, model graphs.",
    schema: folder,
    default: (env) => cacheRoots(env)[0],
  }),
  importDirs: setting<readonly string[] | undefined>({
    env: "ESPALIER_IMPORT_DIRS",
    flag: "importDir",
    doc: "Folders, separated by colons, from which models may be imported by their path. When unsaid, admins may name any path, others none.",
    schema: z
      .string()
      .min(1)
      .transform((text) =>
        text
          .split(":")
          .filter(Boolean)
          .map((path) => resolve(path)),
      ),
    default: () => undefined,
  }),
  memoryBudgetBytes: setting({
    env: "ESPALIER_MEMORY_BUDGET",
    flag: "memoryBudget",
    doc: "Most memory that all loaded models take together, e.g. 6GiB. Half of this machine's when unsaid.",
    schema: bytes.pipe(z.number().min(64 * 1024 * 1024, "at least 64M")),
    default: () => Math.max(GiB / 2, Math.floor(totalmem() / 2)),
  }),
  engineIdleMs: setting({
    env: "ESPALIER_ENGINE_IDLE_MS",
    doc: "A loaded model that nobody used for this long is unloaded.",
    schema: whole(0, 7 * 24 * 3600 * 1000),
    default: () => 10 * 60 * 1000,
  }),
  engineThreads: setting({
    env: "ESPALIER_ENGINE_THREADS",
    doc: "Threads of one engine.",
    schema: whole(1, 512),
    default: () => Math.max(1, Math.min(8, cpus().length)),
  }),
  engineRuntime: setting({
    env: "ESPALIER_ENGINE_RUNTIME",
    doc: "How engines reach ONNX Runtime: auto (its C API; onnxruntime-node where that cannot be linked) or node.",
    schema: z.enum(["auto", "node"]),
    default: () => "auto" as const,
  }),
  leaseMs: setting({
    env: "ESPALIER_LEASE_MS",
    doc: "How long a run stays with a silent worker before another may take it.",
    schema: whole(500, 3_600_000),
    default: () => 30_000,
  }),
  trainerVenv: setting<string | undefined>({
    env: "ESPALIER_TRAINER_VENV",
    flag: "trainerVenv",
    doc: "Folder in which the trainer's Python environment is made, once (1 to 8 GB); in the cache when unsaid.",
    schema: folder,
    default: () => undefined,
  }),
  trainerPython: setting<string | undefined>({
    env: "ESPALIER_TRAINER_PYTHON",
    flag: "trainerPython",
    doc: "Python with the trainer's packages; when unsaid, an environment is made.",
    schema: z.string().min(1),
    default: () => undefined,
  }),
  logLevel: setting({
    env: "ESPALIER_LOG",
    flag: "logLevel",
    doc: `Least level that is logged: ${LOG_LEVELS.join(", ")}.`,
    schema: z.enum(["debug", "info", "warn", "error", "silent"]),
    default: () => "info" as const,
  }),
  url: setting({
    env: "ESPALIER_URL",
    flag: "url",
    doc: "Server that the command line talks to.",
    schema: httpUrl,
    default: () => "http://127.0.0.1:7420",
  }),
  key: setting<string | undefined>({
    env: "ESPALIER_KEY",
    flag: "key",
    secret: true,
    doc: "API key that the command line and the trainer use.",
    schema: z.string().min(1),
    default: () => undefined,
  }),
  secretKey: setting<string | undefined>({
    env: "ESPALIER_SECRET_KEY",
    secret: true,
    doc: "32 bytes in base64 or hex under which stored secrets are sealed, instead of secret.key in the data folder.",
    schema: z.string().min(1),
    default: () => undefined,
  }),
  secretKeyFile: setting<string | undefined>({
    env: "ESPALIER_SECRET_KEY_FILE",
    doc: "File that holds such a key.",
    schema: z
      .string()
      .min(1)
      .transform((path) => resolve(path)),
    default: () => undefined,
  }),
  crashAt: setting<string | undefined>({
    env: "ESPALIER_CRASH_AT",
    doc: "For tests: the named point (name or name:count) at which the process kills itself.",
    schema: z.string(),
    default: () => undefined,
  }),
};

export type ConfigKey = keyof typeof SETTINGS;
export type ConfigValues = { [K in ConfigKey]: z.infer<(typeof SETTINGS)[K]["schema"]> };
export type Config = ConfigValues & { origins: Record<ConfigKey, Origin> };
/** What the command line said, by the setting's flag name. */
export type Flags = Record<string, string | number | boolean | undefined>;

/**
 * All settings: a flag wins over the environment, the environment over the default.
 * @throws EspalierError CONFIG_INVALID naming the flag or variable and its value.
 */
export function loadConfig(flags: Flags = {}, env: Environment = process.env): Config {
  const origins = {} as Record<ConfigKey, Origin>;
  const values = {} as Record<ConfigKey, unknown>;
  for (const key of configKeys) ({ value: values[key], origin: origins[key] } = readSetting(key, flags, env));
  // Every key of the table was set by its own schema or default just above.
  return { ...(values as ConfigValues), origins };
}

/** Where the command line's server is and the key for it; what the server alone needs is not looked at. */
export function loadConnection(env: Environment = process.env): { url: string; key: string | undefined } {
  const { url, key } = { url: readSetting("url", {}, env).value, key: readSetting("key", {}, env).value };
  // Each came out of its own schema or default.
  return { url, key } as Pick<ConfigValues, "url" | "key">;
}

function readSetting(key: ConfigKey, flags: Flags, env: Environment): { value: unknown; origin: Origin } {
  const it: Setting<unknown> = SETTINGS[key];
  const said = it.flag === undefined ? undefined : flags[it.flag];
  const raw = said !== undefined ? String(said) : env[it.env];
  if (raw === undefined || (raw === "" && said === undefined))
    return { value: it.default(env), origin: "default" };
  const origin = said !== undefined ? "flag" : "environment";
  const parsed = it.schema.safeParse(raw);
  if (parsed.success) return { value: parsed.data, origin };
  throw invalid(it, origin, raw, parsed.error.issues[0]?.message ?? "invalid");
}

function invalid(it: Setting<unknown>, origin: Origin, raw: string, why: string): EspalierError {
  const name = origin === "flag" ? `--${dashed(it.flag ?? "")}` : it.env;
  const value = it.secret ? "…" : raw.slice(0, 200);
  return new EspalierError("CONFIG_INVALID", `${name}=${value} cannot be used: ${why}`, {
    field: name,
    value,
    hint: it.doc,
  });
}

export const configKeys = Object.keys(SETTINGS) as readonly ConfigKey[];

const dashed = (flag: string): string => flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export type ConfigRow = {
  key: ConfigKey;
  /** Secrets are shown as "…". */
  value: string | number | null;
  origin: Origin;
  variable: string;
  flag: string | null;
  doc: string;
};

/** What `config print` shows: every setting, where its value came from, and how to set it. */
export function describeConfig(config: Config): ConfigRow[] {
  return configKeys.map((key) => {
    const it: Setting<unknown> = SETTINGS[key];
    const value = config[key] ?? null;
    const shown = (one: typeof value): string | number | null =>
      typeof one === "string" || typeof one === "number" || one === null ? one : one.join(":");
    return {
      key,
      value: it.secret && value !== null ? "…" : shown(value),
      origin: config.origins[key],
      variable: it.env,
      flag: it.flag === undefined ? null : `--${dashed(it.flag)}`,
      doc: it.doc,
    };
  });
}

/** Environment for a child process: this one's without Espalier's secrets, then `extra`. */
export function childEnvironment(extra: Record<string, string> = {}, env: Environment = process.env) {
  const kept: Record<string, string> = {};
  const withheld: readonly string[] = [SETTINGS.key.env, SETTINGS.secretKey.env, SETTINGS.crashAt.env];
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !withheld.includes(name)) kept[name] = value;
  }
  return { ...kept, ...extra };
}
