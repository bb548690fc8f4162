// The verbs of this machine: serve, trainer, keys and people of a data folder, doctor, config, backup, restore.
import { resolve } from "node:path";
import { describeConfig, type Flags, loadConfig } from "../config.ts";
import { now } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { createLog } from "../kit/log.ts";
import { version } from "../kit/version.ts";
import type { Store } from "../store/store.ts";

/** Longest that stopping may take before the process ends anyway. */
const STOP_MS = 10_000;

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

/** What the trainer's exit statuses mean; it has said more on stderr. */
const TRAINER_ENDS: Record<number, readonly [code: string, status: number, message: string, hint: string]> = {
  2: ["USAGE", 400, "the trainer was called wrongly", "The lines above say why."],
  4: [
    "TRAINER_REFUSED",
    403,
    "the server refused this trainer's token",
    "`espalier key create --scopes trainer` makes one that it takes.",
  ],
  6: [
    "CONTRACT_VERSION_MISMATCH",
    409,
    "server and trainer are of different versions",
    "Use the same executable for both.",
  ],
};

/**
 * Runs a trainer until it is asked to end.
 * @throws EspalierError USAGE, TRAINER_REFUSED, CONTRACT_VERSION_MISMATCH, TRAINER_FAILED and those of startTrainer
 */
export async function trainer(flags: { url?: string; token?: string; python?: string; venv?: string }) {
  const { startTrainer, venvOf } = await import("./trainer.ts");
  const { url, token, python, venv } = flags;
  const config = loadConfig({ url, key: token, trainerPython: python, trainerVenv: venv });
  if (config.key === undefined)
    throw new EspalierError("USAGE", "The trainer needs a key of the server.", {
      field: "--token",
      hint: "Give --token, or set ESPALIER_KEY; an admin key will do.",
    });
  const child = startTrainer({
    url: config.url,
    token: config.key,
    python: config.trainerPython,
    venv: venvOf(config),
    cacheDir: config.cacheDir,
    log: (line) => void process.stderr.write(`${line}\n`),
    restart: false,
  });
  void untilAsked().then(() => child.stop());
  const ended = await child.ended;
  if (ended === 0) return { status: "stopped" };
  const [code, status, message, hint] = TRAINER_ENDS[ended] ?? [
    "TRAINER_FAILED",
    500,
    `the trainer ended with ${ended}`,
    "The lines above say why.",
  ];
  throw new EspalierError(code, message, { field: "--url", value: config.url, hint, status });
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
export function keyCreate(flags: {
  data: string;
  name: string;
  scopes?: readonly string[];
  project?: string | undefined;
}) {
  return withStore(flags.data, async (store) => {
    const { createAccounts } = await import("../accounts/accounts.ts");
    const { name, project, scopes = ["admin"] } = flags;
    const made = await createAccounts({ store, clock: now }).createMachineKey({ name, scopes, project });
    return { id: made.key.id, name, status: "active", scopes: made.key.scopes, key: made.secret };
  });
}

/** Makes a person in the data folder, or gives an existing one a new password. */
export function putUser(
  flags: { data?: string; name: string; password: string; role?: string | undefined },
  reset: boolean,
) {
  return withStore(flags.data, async (store) => {
    const { createAccounts, allRoles, isRole } = await import("../accounts/accounts.ts");
    const { name, password, role } = flags;
    if (role !== undefined && !isRole(role))
      throw new EspalierError("ROLE_UNKNOWN", `there is no role "${role.slice(0, 100)}"`, {
        hint: `Choose among ${allRoles.join(", ")}.`,
        field: "role",
        value: role.slice(0, 100),
      });
    return createAccounts({ store, clock: now }).putUser({ name, password, role, reset });
  });
}

/** Moves the stored secrets of a data folder to a new key: a fresh key file, or the key of the environment. */
export function rotateSecrets(flags: { data?: string; previous?: string }) {
  return withStore(flags.data, async (store) => {
    const { createSecrets } = await import("../store/secrets.ts");
    const { rotateSecrets: rotate } = await import("../store/reseal.ts");
    const { secretKey, secretKeyFile } = loadConfig({ data: flags.data });
    const secrets = createSecrets({ dataDir: store.dataDir, key: secretKey, keyFile: secretKeyFile });
    return { status: "rotated", ...(await rotate(store, secrets, flags.previous)) };
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

/** What this machine has and lacks. */
export async function doctor(flags: Flags) {
  return (await import("./doctor.ts")).doctor(flags);
}

export function versionDocument() {
  return { name: "espalier", version };
}
