// What the command line asks of the process it runs in: the verbs that need no server, given by the composition root.

/** A value printed as the one JSON document of `--json`, and read by the table writer otherwise. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

export type ServeFlags = {
  data?: string;
  host?: string;
  port?: number;
  publicUrl?: string;
  /** A model folder or .gguf file that is imported at the first start, with the sample dataset. */
  sampleModel?: string;
  withTrainer?: boolean;
  trainerPython?: string;
  trainerVenv?: string;
  cache?: string;
  /** Bytes with a unit, e.g. 6GiB, as src/config.ts reads it. */
  memoryBudget?: string;
  logLevel?: string;
};

export type DoctorFlags = { data?: string; host?: string; port?: number; trainerVenv?: string };
export type TrainerFlags = { url?: string; token?: string; python?: string; venv?: string };

/**
 * The local verbs. Each is called only when its verb was named, so an implementation may import lazily.
 * A verb that returns JSON has it printed by the command line; `serve` and `engine` own the
 * process until they end and return its exit code. Expected failures are EspalierErrors.
 */
export type LocalVerbs = {
  /** Prints {"ready":true,"url","setupUrl"} on stdout itself and returns when the server has stopped. */
  serve(flags: ServeFlags): Promise<number>;
  /** {status: "stopped"} when it was asked to end. */
  trainer(flags: TrainerFlags): Promise<Json>;
  /** The inference child; `args` are passed on untouched. */
  engine(args: readonly string[]): Promise<number>;
  /** {ok, checks: [{name, ok, isOptional, detail}]}; ok false makes the exit code 1. */
  doctor(flags: DoctorFlags): Promise<Json>;
  /** {items: [{key, value, origin, doc}]}, secrets already masked. */
  configPrint(flags: { data?: string }): Promise<Json>;
  backup(flags: { data?: string; file: string }): Promise<Json>;
  restore(flags: { data?: string; file: string; verify: boolean }): Promise<Json>;
  /** {id, name, key}: an admin key made in the data folder, beside or without a server, before set-up too. */
  keyCreate(flags: {
    data: string;
    name: string;
    scopes?: readonly string[];
    project?: string;
  }): Promise<Json>;
  /** {id, name, role, project}: makes a person in the data folder. The command line has read or made the password. */
  userCreate(flags: { data?: string; name: string; password: string; role?: string }): Promise<Json>;
  /** {id, name}: gives an existing person a new password and ends their sessions. */
  userReset(flags: { data?: string; name: string; password: string }): Promise<Json>;
  /** {status, resealed}: seals stored secrets under a new key; `previous` opens them where the data folder has no key file. */
  rotateSecrets(flags: { data?: string; previous?: string }): Promise<Json>;
  version(): Json;
};

/** A stream of text: process.stdout and process.stderr fit. A terminal has columns. */
export type TextSink = { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };

export type CliDeps = {
  local: LocalVerbs;
  /** ESPALIER_URL and ESPALIER_KEY, as src/config.ts reads them when a verb needs them. @throws CONFIG_INVALID */
  connection: () => { url?: string | undefined; key?: string | undefined };
  stdout: TextSink;
  stderr: TextSink;
  /** Called when a verb talks to a server: from then on SIGINT and SIGTERM abort it in an orderly way. */
  signal?: () => AbortSignal;
};
