// The trainer's process: the embedded Python package unpacked, its environment prepared once, and kept running.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Config, childEnvironment } from "../config.ts";
import { assetFolder, findAsset, listAssets, unpackAssets } from "../kit/assets.ts";
import { sleep } from "../kit/clock.ts";
import { EspalierError } from "../kit/errors.ts";
import { sha256 } from "../kit/hash.ts";

export type TrainerOptions = {
  url: string;
  token: string;
  /** Python with the locked packages; an environment is prepared when unsaid. */
  python: string | undefined;
  /** Folder in which the environment is prepared. */
  venv: string;
  cacheDir: string;
  log: (line: string) => void;
  /** Start it again when it ends by itself. */
  restart: boolean;
};

export type TrainerChild = {
  /** Whether its environment is still being made. */
  isPreparing(): boolean;
  /** Ends whatever runs of it, preparation too, and waits. */
  stop(): Promise<void>;
  /**
   * Its exit status when it ended by itself and is not restarted, or was stopped.
   * @throws EspalierError TRAINER_NOT_PREPARED, TRAINER_PYTHON_NOT_FOUND
   */
  ended: Promise<number>;
};

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

const RESTART_MS = [1_000, 5_000, 30_000];
/** Exits that another start would only repeat: usage, refused, contract of another version. */
const FINAL = [2, 4, 6];
/** A trainer that has not ended by then goes on from its checkpoint at its next start. */
const PATIENCE_MS = 1_000;

/** Folder that holds espalier_trainer/: the repository's, or unpacked from the executable, one for each content. */
function packageFolder(cacheDir: string): string {
  if (!Bun.isStandaloneExecutable) return assetFolder("trainer");
  const tags = listAssets("trainer").map((path) => `${path} ${findAsset(`trainer/${path}`)?.etag ?? ""}`);
  const target = join(cacheDir, `trainer-${sha256(tags.join("\n")).slice(0, 16)}`);
  if (existsSync(target)) return target;
  mkdirSync(cacheDir, { recursive: true });
  // A folder of our own, renamed when it is whole: another process may do the same just now.
  const fresh = mkdtempSync(join(cacheDir, ".trainer-"));
  try {
    unpackAssets("trainer", fresh);
    renameSync(fresh, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return target;
}

/** Where a prepared environment has its Python. */
const pythonIn = (venv: string): string => join(venv, "bin", "python");

/** Where the trainer's environment is or will be made. */
export const venvOf = ({ trainerVenv, cacheDir }: Pick<Config, "trainerVenv" | "cacheDir">): string =>
  trainerVenv ?? join(cacheDir, "trainer-venv");

/** The Python that would run the trainer. @throws EspalierError TRAINER_NOT_PREPARED, TRAINER_PYTHON_NOT_FOUND */
export function pythonOf({ python, venv }: Pick<TrainerOptions, "python" | "venv">): string {
  if (python === undefined) {
    // The stamp is written last: without it the environment is the half of an interrupted preparation.
    if (existsSync(join(venv, "espalier.stamp"))) return pythonIn(venv);
    throw new EspalierError("TRAINER_NOT_PREPARED", `there is no finished Python environment in ${venv}`, {
      field: "--trainer-venv",
      value: venv,
      hint: "`espalier trainer` and `espalier serve --with-trainer` make it at their start.",
    });
  }
  // The child runs in another folder: a relative path means the caller's.
  const path = python.includes("/") ? resolve(python) : Bun.which(python);
  if (path !== null && existsSync(path)) return path;
  throw new EspalierError("TRAINER_PYTHON_NOT_FOUND", `there is no Python at ${python}`, {
    field: "--trainer-python",
    value: python,
    hint: "Name a Python that has the trainer's packages, or leave it out: the environment is then prepared.",
  });
}

/** Starts the trainer as a child, after its environment was prepared; at once when that is there. */
export function startTrainer(options: TrainerOptions): TrainerChild {
  const { log } = options;
  const stopping = new AbortController();
  let child: Child | undefined;
  let isPreparing = false;

  /** Runs a command in a process group of its own, its output line by line to the log; returns its status. */
  async function perform(cmd: string[], cwd: string, env: Record<string, string>): Promise<number> {
    child = Bun.spawn({
      cmd,
      cwd,
      env: childEnvironment(env),
      detached: true,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    await Promise.all([pump(child.stdout, log), pump(child.stderr, log)]);
    return child.exited;
  }

  async function prepare(folder: string): Promise<string> {
    const { venv } = options;
    if (Bun.which("sh") === null)
      throw new EspalierError(
        "TRAINER_NOT_PREPARED",
        "this system has no shell, and so no Python to train with",
        {
          field: "--trainer-venv",
          value: venv,
          hint: "Run `espalier trainer --url … --token …` on a machine that has Python 3.11; all but training works here.",
          status: 500,
        },
      );
    isPreparing = true;
    const script = Bun.isStandaloneExecutable
      ? join(folder, "prepare-trainer")
      : join(folder, "..", "bin", "prepare-trainer");
    const status = await perform(["sh", script, "--venv", venv, folder], folder, {});
    isPreparing = false;
    if (status === 0 || stopping.signal.aborted) return pythonIn(venv);
    throw new EspalierError("TRAINER_NOT_PREPARED", "the trainer's Python environment could not be made", {
      field: "--trainer-venv",
      value: venv,
      hint: "The lines above say why and the mend; --trainer-python names a ready Python instead.",
      status: 500,
    });
  }

  async function run(): Promise<number> {
    const folder = packageFolder(options.cacheDir);
    const python = options.python === undefined ? await prepare(folder) : pythonOf(options);
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      const status = await perform(
        [python, "-m", "espalier_trainer", "--parent-pid", String(process.pid)],
        folder,
        {
          ESPALIER_URL: options.url,
          // By the environment, where `ps` does not show it.
          ESPALIER_KEY: options.token,
          PYTHONPATH: folder,
          PYTHONUNBUFFERED: "1",
          PYTHONDONTWRITEBYTECODE: "1",
        },
      );
      if (stopping.signal.aborted) break;
      if (!options.restart || FINAL.includes(status)) {
        log(`the trainer ended with ${status}`);
        return status;
      }
      const wait = RESTART_MS[Math.min(failures, RESTART_MS.length - 1)] ?? 30_000;
      log(`the trainer ended with ${status}; it starts again in ${wait / 1000} s`);
      await sleep(wait, stopping.signal);
    }
    return 0;
  }

  const ended = run();
  return {
    ended,
    isPreparing: () => isPreparing,
    async stop() {
      stopping.abort();
      signalGroup(child, "SIGTERM");
      const patience = setTimeout(() => signalGroup(child, "SIGKILL"), PATIENCE_MS);
      await ended.catch(() => undefined);
      clearTimeout(patience);
    },
  };
}

/** Reaches what the child has started too: pip under the preparation, workers under the trainer. */
function signalGroup(child: Child | undefined, signal: NodeJS.Signals): void {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It ended just now.
  }
}

/** Hands on a stream line by line. */
async function pump(stream: ReadableStream<Uint8Array>, log: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") log(line);
  }
  if (rest.trim() !== "") log(rest);
}
