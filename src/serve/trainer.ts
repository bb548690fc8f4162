// The trainer's process: the embedded Python package unpacked, its environment prepared once, and kept running.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import prepareScript from "../../bin/prepare-trainer" with { type: "text" };
import { childEnvironment } from "../config.ts";
import { assetFolder, unpackAssets } from "../kit/assets.ts";
import { EspalierError } from "../kit/errors.ts";

export type TrainerOptions = {
  url: string;
  token: string;
  /** Python with the locked packages; found or prepared when unsaid. */
  python: string | undefined;
  cacheDir: string;
  log: (line: string) => void;
  /** Start it again when it ends by itself. */
  restart: boolean;
};

export type TrainerChild = {
  /** Ends it and waits. */
  stop(): Promise<void>;
  /** Its exit status when it ended by itself and is not restarted. */
  ended: Promise<number>;
};

const RESTART_MS = [1_000, 5_000, 30_000];
/** Exits that another start would only repeat: usage, refused, contract of another version. */
const FINAL = [2, 4, 6];

/** Folder that holds espalier_trainer/: the repository's, or unpacked from the executable. */
function packageFolder(cacheDir: string): string {
  if (!Bun.isStandaloneExecutable) return assetFolder("trainer");
  const target = join(cacheDir, "trainer-package");
  unpackAssets("trainer", target);
  return target;
}

/** @throws EspalierError TRAINER_NOT_PREPARED */
function findPython(said: string | undefined, folder: string): string {
  // The child runs in another folder: a relative path means the caller's.
  const python = said?.includes("/") ? resolve(said) : (said ?? join(folder, ".venv", "bin", "python"));
  if (existsSync(python) || !python.includes("/")) return python;
  throw new EspalierError("TRAINER_NOT_PREPARED", `There is no Python environment at ${python}.`, {
    field: "--trainer-python",
    value: python,
    hint: "Run bin/prepare-trainer, or name a Python that has the trainer's packages.",
  });
}

/** The Python that would run the trainer. @throws EspalierError TRAINER_NOT_PREPARED */
export function pythonOf(said: string | undefined, cacheDir: string): string {
  return findPython(said, packageFolder(cacheDir));
}

/**
 * Makes the trainer's own Python environment beside its package, from the locked versions; at once when it is there.
 * @throws EspalierError TRAINER_NOT_PREPARED; the script has said on stderr what failed and the mend.
 */
export async function prepareTrainer(cacheDir: string): Promise<void> {
  const folder = packageFolder(cacheDir);
  if (existsSync(join(folder, ".venv", "bin", "python")) && !Bun.isStandaloneExecutable) return;
  const script = join(cacheDir, "prepare-trainer.sh");
  await Bun.write(script, prepareScript);
  const child = Bun.spawn({
    cmd: ["sh", script, folder],
    env: childEnvironment(),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  const status = await child.exited;
  if (status === 0) return;
  throw new EspalierError(
    "TRAINER_NOT_PREPARED",
    `The trainer's Python environment could not be made (${status}).`,
    {
      hint: "The lines above say why; --trainer-python names a ready Python instead.",
    },
  );
}

/** Starts the trainer as a child that gets its token by the environment, where `ps` does not show it. */
export function startTrainer(options: TrainerOptions): TrainerChild {
  const folder = packageFolder(options.cacheDir);
  const python = findPython(options.python, folder);
  let isStopping = false;
  let failures = 0;
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  let finish: (status: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    finish = resolve;
  });

  function start(): void {
    child = Bun.spawn({
      cmd: [python, "-m", "espalier_trainer", "--parent-pid", String(process.pid)],
      cwd: folder,
      env: childEnvironment({
        ESPALIER_URL: options.url,
        ESPALIER_KEY: options.token,
        PYTHONPATH: folder,
        PYTHONUNBUFFERED: "1",
        PYTHONDONTWRITEBYTECODE: "1",
      }),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    void pump(child.stdout, options.log);
    void pump(child.stderr, options.log);
    void child.exited.then((status) => {
      if (isStopping || !options.restart || FINAL.includes(status)) {
        if (!isStopping) options.log(`the trainer ended with ${status}`);
        return finish(status);
      }
      const wait = RESTART_MS[Math.min(failures++, RESTART_MS.length - 1)] ?? 30_000;
      options.log(`the trainer ended with ${status}; it starts again in ${wait / 1000} s`);
      setTimeout(() => (isStopping ? finish(status) : start()), wait);
    });
  }
  start();

  return {
    ended,
    async stop() {
      isStopping = true;
      child.kill("SIGTERM");
      const patience = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await child.exited;
      clearTimeout(patience);
    },
  };
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
