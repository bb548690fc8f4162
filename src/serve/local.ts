// The verbs that need no server: each opens what it needs, does its work in this process, and closes it again.
import { access, constants, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { createAccounts } from "../accounts/accounts.ts";
import type { Json, LocalVerbs, ServeFlags, TrainerFlags } from "../cli/verbs.ts";
import { type Config, describeConfig, loadConfig } from "../config.ts";
import { now } from "../kit/clock.ts";
import { EspalierError, messageOf } from "../kit/errors.ts";
import { createLog } from "../kit/log.ts";
import { nativePath } from "../kit/native.ts";
import { version } from "../kit/version.ts";
import { backup, restore, verifyBackup } from "../store/backup.ts";
import { openStore, type Store } from "../store/store.ts";
import { startServer } from "./serve.ts";
import { startTrainer } from "./trainer.ts";

/** The composition root's part of the command line. */
export const localVerbs: LocalVerbs = {
  serve,
  trainer: runTrainer,
  async engine() {
    const { runEngineChild } = await import("../inference/inference.ts");
    await runEngineChild();
    return 0;
  },
  doctor,
  async configPrint(flags) {
    return { items: describeConfig(configOf(flags)) };
  },
  async backup({ data, file }) {
    const summary = await withStore(configOf({ data }), (store) => backup(store, resolve(file)));
    return { ...summary };
  },
  async restore({ data, file, verify }) {
    if (data === undefined && verify) return { file, verified: true, ...(await verifyBackup(resolve(file))) };
    const summary = await restore(resolve(file), configOf({ data }).dataDir, { verify });
    return { ...summary };
  },
  keyCreate({ data, name, scopes }) {
    return withStore(configOf({ data }), async (store) => {
      const accounts = createAccounts({ store, clock: now });
      const { key, secret } = await accounts.createKey({ name, scopes: scopes ?? ["admin"] });
      return { id: key.id, name: key.name, key: secret };
    });
  },
  userCreate: (flags) => putUser(flags, false),
  userReset: (flags) => putUser(flags, true),
  version: () => ({ version, bun: Bun.version, platform: `${process.platform}-${process.arch}` }),
};

function configOf({ data }: { data?: string | undefined }): Config {
  return loadConfig({ data });
}

async function putUser(
  { data, name, password }: { data?: string; name: string; password: string },
  reset: boolean,
): Promise<Json> {
  return withStore(configOf({ data }), (store) =>
    createAccounts({ store, clock: now }).putUser({ name, password, reset }),
  );
}

/** Opens the data folder beside a server that may be running, for one piece of work. */
async function withStore<T>(config: Config, work: (store: Store) => Promise<T>): Promise<T> {
  const log = createLog({ level: "warn" });
  const store = await openStore({ dataDir: config.dataDir, log, beside: true });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function serve(flags: ServeFlags): Promise<number> {
  const { data, host, port, publicUrl, trainerPython, sampleModel, withTrainer } = flags;
  const config = loadConfig({ data, host, port, publicUrl, trainerPython });
  const stopped = signalled();
  const server = await startServer({ config, sampleModel, withTrainer: withTrainer ?? false });
  const { url, setupUrl } = server;
  process.stdout.write(`${JSON.stringify({ ready: true, url, setupUrl })}\n`);
  await stopped;
  await server.close();
  return 0;
}

async function runTrainer(flags: TrainerFlags): Promise<number> {
  const config = loadConfig({ url: flags.url, key: flags.token, trainerPython: flags.python });
  if (config.key === undefined)
    throw new EspalierError("TOKEN_MISSING", "The trainer has no token.", {
      field: "--token",
      hint: "Make one with `espalier key create --name trainer --scope trainer` and give it by --token or ESPALIER_KEY.",
    });
  const stopped = signalled();
  const child = startTrainer({
    url: config.url,
    token: config.key,
    python: config.trainerPython,
    cacheDir: config.cacheDir,
    log: (line) => process.stderr.write(`${line}\n`),
    restart: false,
  });
  const ended = await Promise.race([child.ended, stopped.then(() => null)]);
  if (ended !== null) return ended;
  await child.stop();
  return 0;
}

/** Resolves at SIGTERM, SIGINT or SIGHUP; asked for before the work starts, so that none is missed. */
function signalled(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => done());
  });
}

async function doctor(flags: { data?: string }): Promise<Json> {
  const config = configOf(flags);
  const checks: { name: string; ok: boolean; detail: string }[] = [];
  async function check(name: string, work: () => Promise<string>): Promise<void> {
    try {
      checks.push({ name, ok: true, detail: await work() });
    } catch (error) {
      const hint = error instanceof EspalierError && error.hint ? ` ${error.hint}` : "";
      checks.push({ name, ok: false, detail: `${messageOf(error)}${hint}` });
    }
  }
  await check("native libraries", async () => nativePath("libonnxruntime.so.1"));
  await check("data folder", async () => {
    if (!(await stat(config.dataDir).catch(() => null)))
      return `${config.dataDir} is made at the first start`;
    await access(config.dataDir, constants.R_OK | constants.W_OK);
    const schema = await withStore(config, async (store) => store.schemaVersion);
    return `${config.dataDir}, schema ${schema}`;
  });
  await check("server", async () => {
    const answer = await fetch(new URL("/healthz", config.url), { signal: AbortSignal.timeout(2_000) }).catch(
      () => null,
    );
    return answer?.ok ? `${config.url} answers` : `nothing answers at ${config.url}; start one with serve`;
  });
  await check("trainer's Python", async () => {
    if (config.trainerPython === undefined) return "none named; training needs a trainer (espalier trainer)";
    await access(config.trainerPython, constants.X_OK);
    return config.trainerPython;
  });
  return { ok: checks.every(({ ok }) => ok), checks };
}
