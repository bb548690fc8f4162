// For the kill tests: the executable as a server that may be armed to die, its folders, and what a folder holds.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { sha256 } from "../src/kit/hash.ts";
import { createLog } from "../src/kit/log.ts";
import { openStore, type Store } from "../src/store/store.ts";
import { sweepBlobs } from "../src/store/sweep.ts";

const root = join(import.meta.dir, "..");
export const python = process.env.ESPALIER_TRAINER_PYTHON ?? join(root, "trainer/.venv/bin/python");
/** Short, so that a lost lease costs a test little; heartbeats come every quarter of it. */
export const LEASE_MS = 1_000;

/** One test's place: the executable moved there, its data and cache folders, and nothing of this machine's set-up. */
export type Home = { dir: string; command: string[]; env: Record<string, string> };

export function makeHome(dir: string): Home {
  const built = process.env.ESPALIER_BIN;
  const moved = join(dir, "bin", "espalier");
  mkdirSync(join(dir, "bin"), { recursive: true });
  if (built) cpSync(built, moved);
  const env = {
    PATH: "/usr/bin:/bin",
    HOME: dir,
    XDG_CACHE_HOME: join(dir, "cache"),
    ESPALIER_LEASE_MS: String(LEASE_MS),
    ESPALIER_ENGINE_THREADS: "1",
    ESPALIER_LOG: "warn",
    ESPALIER_TRAINER_PYTHON: python,
  };
  return { dir, command: built ? [moved] : [process.execPath, join(root, "src/main.ts")], env };
}

/** A data folder with the engine's cache that belongs to it. */
export type Place = { data: string; cache: string };

export function placeIn(folder: string): Place {
  return { data: join(folder, "data"), cache: join(folder, "cache") };
}

/** A copy with its hard links, as a restored disk would have them. */
export function copyPlace(from: string, to: string): Place {
  mkdirSync(to, { recursive: true });
  const done = Bun.spawnSync(["cp", "-a", "--reflink=auto", `${from}/.`, to]);
  if (!done.success) throw new Error(done.stderr.toString());
  return placeIn(to);
}

const ready = z.object({ ready: z.literal(true), url: z.url() });
const envelope = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.unknown().optional(),
});
const outcome = z.looseObject({ __typename: z.string() });

export type Server = {
  /** Null when it died before it was ready. */
  url: string | null;
  pid: number;
  isDead(): boolean;
  /** The signal that ended it, once it has ended. */
  signal(): string | null;
  exited: Promise<number>;
  /** Points passed so far, as name:count; only of a server that traces. */
  passed(): string[];
  /** Everything it wrote to stderr. */
  said(): string;
  graphql(query: string, variables?: object): Promise<Record<string, unknown>>;
  /** The success of a mutation. @throws Error with the typed error */
  act(query: string, variables?: object): Promise<Record<string, unknown>>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  stop(signal?: NodeJS.Signals): Promise<number>;
};

export type ServeOptions = {
  key: string;
  port?: number | undefined;
  crashAt?: string | undefined;
  args?: string[];
  env?: Record<string, string>;
  /** A command that runs the server's command, e.g. strace. */
  under?: string[];
};

/** Starts a server on a place; resolves when it is ready or dead. */
export async function serve(home: Home, place: Place, options: ServeOptions): Promise<Server> {
  const { key, port = 0, crashAt, args = [], env = {}, under = [] } = options;
  const child = Bun.spawn({
    cmd: [...under, ...home.command, "serve", "--data", place.data, "--port", String(port), ...args],
    cwd: home.dir,
    env: {
      ...home.env,
      ESPALIER_CACHE_DIR: place.cache,
      ...(crashAt ? { ESPALIER_CRASH_AT: crashAt } : {}),
      ...env,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let stderr = "";
  void (async () => {
    const decoder = new TextDecoder();
    for await (const part of child.stderr) stderr += decoder.decode(part, { stream: true });
  })();
  const line = await firstLine(child.stdout);
  const url = line === null ? null : ready.parse(JSON.parse(line)).url;
  if (url === null) await child.exited;
  let isOver = false;
  void child.exited.then(() => {
    isOver = true;
  });
  const self: Server = {
    url,
    pid: child.pid,
    isDead: () => isOver,
    signal: () => (child.signalCode === null ? null : String(child.signalCode)),
    exited: child.exited,
    passed: () => stderr.split("\n").flatMap((text) => text.match(/^crash-point (\S+)$/)?.[1] ?? []),
    said: () => stderr,
    fetch: (path, init = {}) => {
      const headers = new Headers(init.headers);
      headers.set("authorization", `Bearer ${key}`);
      return fetch(`${url}${path}`, { ...init, headers });
    },
    async graphql(query, variables = {}) {
      const body = JSON.stringify({ query, variables });
      const headers = { "content-type": "application/json" };
      const response = await self.fetch("/graphql", { method: "POST", headers, body });
      const { data, errors } = envelope.parse(await response.json());
      if (errors !== undefined || !data) throw new Error(JSON.stringify(errors));
      return data;
    },
    async act(query, variables) {
      const parsed = outcome.parse(Object.values(await self.graphql(query, variables))[0]);
      if (!parsed.__typename.endsWith("Success")) throw new Error(JSON.stringify(parsed));
      return parsed;
    },
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return child.exited;
    },
  };
  return self;
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string | null> {
  const reader = stream.getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return null;
    text += new TextDecoder().decode(value);
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
  }
}

/** Makes a data folder with an admin key in it, which fits every copy. */
export function makeKey(home: Home, place: Place): string {
  const done = Bun.spawnSync(
    [...home.command, "key", "create", "--data", place.data, "--name", "test", "--json"],
    { env: { ...home.env, ESPALIER_CACHE_DIR: place.cache }, cwd: home.dir },
  );
  return z.looseObject({ key: z.string() }).parse(JSON.parse(done.stdout.toString())).key;
}

export type TrainerProcess = {
  /** The Python process, once it is there. */
  worker(): number | null;
  said(): string;
  stop(signal?: NodeJS.Signals): Promise<number>;
};

/** `espalier trainer` towards a port; it stays while servers come and go. */
export function startTrainer(home: Home, port: number, key: string): TrainerProcess {
  const child = Bun.spawn({
    cmd: [...home.command, "trainer", "--url", `http://127.0.0.1:${port}`],
    cwd: home.dir,
    env: {
      ...home.env,
      ESPALIER_CACHE_DIR: join(home.dir, "trainer-cache"),
      ESPALIER_KEY: key,
      OMP_NUM_THREADS: "1",
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  let said = "";
  void (async () => {
    for await (const part of child.stderr) said += new TextDecoder().decode(part);
  })();
  return {
    worker: () => childrenOf(child.pid)[0] ?? null,
    said: () => said,
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return child.exited;
    },
  };
}

/** Processes directly below one, from /proc. */
export function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").trim().split(/\s+/).filter(Boolean).map(Number);
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Waits until `check` gives something; 20 ms between looks. @throws Error after `ms` */
export async function until<T>(
  check: () => Promise<T | null> | T | null,
  ms: number,
  what: string,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const value = await check();
    if (value !== null) return value;
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await Bun.sleep(20);
  }
}

/** The store of a place, beside its server or without one. */
export async function withStore<T>(place: Place, work: (store: Store) => Promise<T>): Promise<T> {
  const log = createLog({ level: "silent" });
  const store = await openStore({ dataDir: place.data, log, beside: true });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Every file below a folder as path and SHA-256, sorted. */
export function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort()
    .map((path) => `${path} ${sha256(readFileSync(join(folder, path)))}`);
}

/** What is listed though it is not whole; empty in a sound folder at any time. */
export function halfMade(place: Place): Promise<string[]> {
  return withStore(place, async (store) => {
    const wrong: string[] = [];
    const check = async (what: string, hash: string): Promise<void> => {
      const path = store.blobs.path(hash);
      if (!existsSync(path)) wrong.push(`${what}: ${hash} is missing`);
      else if (sha256(readFileSync(path)) !== hash) wrong.push(`${what}: ${hash} is damaged`);
    };
    for (const one of await store.db.query.datasetVersions.findMany())
      for (const hash of [one.sha256, one.indexSha256]) await check(`dataset version ${one.number}`, hash);
    for (const row of [
      ...(await store.db.query.baseModels.findMany()),
      ...(await store.db.query.customizedModels.findMany()),
      ...(await store.db.query.completeModels.findMany()),
    ])
      for (const file of row.files) await check(`${row.name}/${file.path}`, file.sha256);
    const runs = await store.db.query.runs.findMany();
    for (const live of await store.db.query.deployments.findMany()) {
      const run = runs.find((one) => one.subjectId === live.id);
      if (live.status === "live" && run?.status !== "succeeded")
        wrong.push(`${live.name} is live, its run ${run?.status}`);
    }
    return wrong;
  });
}

const step = z.looseObject({
  step: z.number(),
  loss: z.number().optional(),
  evalLoss: z.number().optional(),
});
const said = z.looseObject({ text: z.string() });

/** Everything that an uninterrupted life and an interrupted one must have in common; ids and times left out. */
export async function factsOf(place: Place) {
  return withStore(place, async (store) => {
    await sweepBlobs(store, { olderThanMs: -1000 });
    await store.incoming.sweep(store.db, { olderThanMs: -1000, retryMs: 0 });
    const { query } = store.db;
    const models = async (rows: { id: string; name: string; sha256: string; files: object[] }[]) =>
      rows.map(({ id, name, sha256: hash, files }) => {
        return { name, hash, files, folder: filesOf(join(place.data, "models", id)) };
      });
    const runs = await query.runs.findMany();
    const events = await query.runEvents.findMany();
    const losses: Record<number, object> = {};
    const gaps: string[] = [];
    for (const run of runs) {
      const own = events.filter((event) => event.runId === run.id).sort((a, b) => a.seq - b.seq);
      if (own.some((event, index) => event.seq !== index + 1)) gaps.push(`${run.name}: seq`);
      for (let attempt = 1; attempt <= run.attempt; attempt++) {
        const sent = own.filter((one) => one.attempt === attempt && one.senderSeq !== null);
        if (sent.some((event, index) => event.senderSeq !== index + 1)) gaps.push(`${run.name}: ${attempt}`);
      }
      for (const { type, data } of own) {
        const point = type === "metrics" ? step.safeParse(data) : null;
        if (!point?.success) continue;
        const { loss, evalLoss } = point.data;
        losses[point.data.step] = {
          ...losses[point.data.step],
          ...(loss === undefined ? { evalLoss } : { loss }),
        };
      }
    }
    const known = [
      ...(await query.baseModels.findMany()),
      ...(await query.customizedModels.findMany()),
      ...(await query.completeModels.findMany()),
    ].map(({ id }) => id);
    const folders = existsSync(join(place.data, "models")) ? readdirSync(join(place.data, "models")) : [];
    const blobs: string[] = [];
    for await (const blob of store.blobs.list()) blobs.push(blob.sha256);
    const versions = await query.datasetVersions.findMany();
    return {
      datasets: (await query.datasets.findMany()).map(({ name }) => name),
      versions: versions.map((one) => [one.number, one.sha256, one.indexSha256, one.rowCount]),
      bases: await models(await query.baseModels.findMany()),
      customized: await models(await query.customizedModels.findMany()),
      complete: await models(await query.completeModels.findMany()),
      live: (await query.deployments.findMany()).map(({ name, status, precision, smoke }) => {
        return [name, status, precision, said.safeParse(smoke).data?.text];
      }),
      aliases: (await query.aliases.findMany()).map(({ alias }) => alias),
      runs: runs.map(({ kind, status, error }) => [kind, status, error]).sort(),
      told: (await query.notifications.findMany())
        // With a lease of a second it is chance whether a trainer calls again before its run goes back to the queue.
        .filter(({ kind }) => kind !== "trainer-lost")
        .map(({ kind, about: { name, next } }) => [kind, name, next.verb])
        .sort(),
      losses,
      gaps,
      blobs: blobs.sort(),
      graphs: filesOf(join(place.cache, "engine")),
      workshop: readdirSync(join(place.data, "tmp")),
      strayFolders: folders.filter((id) => !known.includes(id)),
      incoming: filesOf(join(place.data, "incoming")),
      uploads: existsSync(join(place.data, "uploads")) ? readdirSync(join(place.data, "uploads")) : [],
    };
  });
}
export type Facts = Awaited<ReturnType<typeof factsOf>>;

export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
