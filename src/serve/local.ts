// The verbs of this machine: serve, trainer, keys and people of a data folder, doctor, config, backup, restore.
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describeConfig, type Flags, loadConfig } from "../config.ts";
import { now } from "../kit/clock.ts";
import { EspalierError, messageOf } from "../kit/errors.ts";
import { createLog } from "../kit/log.ts";
import { NATIVE_SOURCES, type NativeName, nativePath } from "../kit/native.ts";
import { version } from "../kit/version.ts";
import type { Store } from "../store/store.ts";

/** Longest that stopping may take before the process ends anyway. */
const STOP_MS = 10_000;
const GiB = 1024 ** 3;

/** Resolves when this process is asked to end. */
function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => resolve());
  });
}

type ServeFlags = Flags & { sampleModel?: string; withTrainer?: boolean };

/** Serves until it is asked to end; says on stdout when it is ready. */
export async function serve(flags: ServeFlags): Promise<number> {
  const { startServer } = await import("./serve.ts");
  const asked = untilAsked();
  const { sampleModel, withTrainer = false, ...settings } = flags;
  const server = await startServer({ config: loadConfig(settings), sampleModel, withTrainer });
  const { url, setupUrl } = server;
  process.stdout.write(`${JSON.stringify({ ready: true, url, ...(setupUrl ? { setupUrl } : {}) })}\n`);
  await asked;
  // Whatever hangs while stopping must not keep the process.
  const patience = setTimeout(() => process.exit(1), STOP_MS);
  await server.close();
  clearTimeout(patience);
  return 0;
}

/** Runs a trainer until it is asked to end. @throws EspalierError USAGE, TRAINER_NOT_PREPARED, TRAINER_REFUSED */
export async function trainer(flags: { url?: string; token?: string; python?: string }): Promise<number> {
  const { prepareTrainer, startTrainer } = await import("./trainer.ts");
  const { url, token, python } = flags;
  const config = loadConfig({ url, key: token, trainerPython: python });
  if (config.key === undefined)
    throw new EspalierError("USAGE", "The trainer needs a key of the server.", {
      field: "--token",
      hint: "Give --token, or set ESPALIER_KEY; an admin key will do.",
    });
  if (config.trainerPython === undefined) await prepareTrainer(config.cacheDir);
  const child = startTrainer({
    url: config.url,
    token: config.key,
    python: config.trainerPython,
    cacheDir: config.cacheDir,
    log: (line) => void process.stderr.write(`${line}\n`),
    restart: false,
  });
  void untilAsked().then(() => child.stop());
  const status = await child.ended;
  // The trainer's own statuses are the command line's; a signal that we sent is a clean end.
  return status === 143 ? 0 : status;
}

/** Opens the store of a data folder, beside a running server or not, for one piece of work. */
async function withStore<T>(data: string | undefined, work: (store: Store) => Promise<T>): Promise<T> {
  const { openStore } = await import("../store/store.ts");
  const { dataDir } = loadConfig({ data });
  const store = await openStore({ dataDir, log: createLog({ level: "warn" }), beside: true });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** A key made in the data folder; the secret is shown this once. */
export function keyCreate(flags: { data: string; name: string; scopes?: readonly string[] }) {
  return withStore(flags.data, async (store) => {
    const { newKeyRow } = await import("../accounts/accounts.ts");
    const { apiKeys } = await import("../../schema/tables/accounts.ts");
    const { key, secret } = newKeyRow({ name: flags.name, scopes: flags.scopes ?? ["admin"] }, now());
    await store.write(async (tx) => {
      await tx.insert(apiKeys).values(key);
    });
    return { id: key.id, name: key.name, status: "active", scopes: key.scopes, key: secret };
  });
}

/** Makes a person in the data folder, or gives an existing one a new password. */
export function putUser(flags: { data?: string; name: string; password: string }, reset: boolean) {
  return withStore(flags.data, async (store) => {
    const { createAccounts } = await import("../accounts/accounts.ts");
    const { name, password } = flags;
    return createAccounts({ store, clock: now }).putUser({ name, password, reset });
  });
}

/** One backup file of database and blobs. */
export function backup(flags: { data?: string; file: string }) {
  return withStore(flags.data, async (store) => {
    const { backup: write } = await import("../store/backup.ts");
    return write(store, resolve(flags.file));
  });
}

/** Restores a backup into an empty folder. */
export async function restore(flags: { data?: string; file: string; verify: boolean }) {
  const { restore: read } = await import("../store/backup.ts");
  return read(resolve(flags.file), loadConfig({ data: flags.data }).dataDir, { verify: flags.verify });
}

/** Every setting with its value and origin. */
export function configPrint(flags: { data?: string }) {
  return { items: describeConfig(loadConfig({ data: flags.data })) };
}

type Check = { name: string; ok: boolean; detail: string };

/** What this machine has and lacks; `ok` is false when something needed is missing. */
export async function doctor(flags: { data?: string }): Promise<{ ok: boolean; checks: Check[] }> {
  const config = loadConfig({ data: flags.data });
  const checks: Check[] = [];
  const optional = new Set<string>();
  async function check(
    name: string,
    work: () => Promise<string> | string,
    isOptional = false,
  ): Promise<void> {
    if (isOptional) optional.add(name);
    try {
      checks.push({ name, ok: true, detail: await work() });
    } catch (error) {
      checks.push({ name, ok: false, detail: messageOf(error) });
    }
  }
  await check("native libraries", () => {
    const names = Object.keys(NATIVE_SOURCES).filter((name): name is NativeName => name in NATIVE_SOURCES);
    for (const name of names) nativePath(name);
    return `${names.length} found`;
  });
  await check("cache folder", () => {
    mkdirSync(config.cacheDir, { recursive: true });
    const probe = join(config.cacheDir, `.probe-${process.pid}`);
    writeFileSync(probe, "");
    rmSync(probe);
    return config.cacheDir;
  });
  await check("disk of the data folder", () => {
    let parent = resolve(config.dataDir);
    while (!existsSync(parent)) parent = dirname(parent);
    const { bavail, bsize } = statfsSync(parent);
    const free = bavail * bsize;
    if (free < GiB) throw new Error(`${(free / GiB).toFixed(1)} GiB free under ${parent}; models need more`);
    return `${(free / GiB).toFixed(1)} GiB free`;
  });
  await check("memory", () => {
    const budget = config.memoryBudgetBytes;
    const all = `${(freemem() / GiB).toFixed(1)} of ${(totalmem() / GiB).toFixed(1)} GiB free`;
    if (budget > totalmem()) throw new Error(`the memory budget is more than this machine has: ${all}`);
    return `${all}; ${(budget / GiB).toFixed(1)} GiB are set aside for models`;
  });
  await check(
    "trainer's environment",
    async () => {
      const { pythonOf } = await import("./trainer.ts");
      return pythonOf(config.trainerPython, config.cacheDir);
    },
    true,
  );
  await check(
    "server",
    async () => {
      const response = await fetch(`${config.url}/healthz`, { signal: AbortSignal.timeout(2_000) });
      return `${config.url} answers ${response.status}`;
    },
    true,
  );
  return { ok: checks.every((one) => one.ok || optional.has(one.name)), checks };
}

export function versionDocument() {
  return { name: "espalier", version };
}
