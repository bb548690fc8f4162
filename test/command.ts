// The executable (or, without one, the source) driven as a user does: in an empty folder, with a home of its own.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

export type Ended = { code: number; stdout: string; stderr: string };
export type Served = {
  url: string;
  setupUrl: string | undefined;
  pid: number;
  log(): string;
  stop(): Promise<number>;
};
type Options = { env?: Record<string, string>; stdin?: string };

const ready = z.object({ ready: z.literal(true), url: z.url(), setupUrl: z.url().optional() });
const root = join(import.meta.dir, "..");
export const command = process.env.ESPALIER_BIN
  ? [process.env.ESPALIER_BIN]
  : [process.execPath, join(root, "src/main.ts")];

/** A user of this machine: a folder with home, cache and data; nothing of this machine's own settings. */
export function createUser(program: readonly string[] = command) {
  const folder = mkdtempSync(join(tmpdir(), "espalier-user-"));
  const work = join(folder, "work");
  mkdirSync(work);
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    HOME: folder,
    XDG_CACHE_HOME: join(folder, "cache"),
    XDG_DATA_HOME: join(folder, "share"),
  };
  const children: Bun.Subprocess[] = [];

  const user = {
    folder,
    /** The folder that commands run in. */
    work,
    env,
    /** Runs one command to its end. */
    async run(args: readonly string[], options: Options = {}): Promise<Ended> {
      const child = user.start(args, options);
      const [stdout, stderr, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { code, stdout, stderr };
    },
    start(args: readonly string[], { env: extra = {}, stdin }: Options = {}) {
      const child = Bun.spawn([...program, ...args], {
        cwd: work,
        env: { ...env, ...extra },
        stdin: stdin === undefined ? "ignore" : new Blob([stdin]),
        stdout: "pipe",
        stderr: "pipe",
      });
      children.push(child);
      return child;
    },
    /** Runs with --json; throws unless stdout is exactly one document. */
    async json(args: readonly string[], options: Options = {}): Promise<{ code: number; document: unknown }> {
      const { code, stdout, stderr } = await user.run([...args, "--json"], options);
      if (!/^[^\n]+\n$/.test(stdout))
        throw new Error(`${args.join(" ")}: stdout is ${JSON.stringify(stdout)}; stderr is ${stderr}`);
      return { code, document: JSON.parse(stdout) };
    },
    /** Starts a server on a free port. */
    async serve(data: string, args: readonly string[] = []): Promise<Served> {
      const child = user.start(["serve", "--data", data, "--port", "0", ...args]);
      const log: string[] = [];
      void drain(child.stderr, log);
      const reader = child.stdout.getReader();
      const { value } = await reader.read();
      if (value === undefined) throw new Error(`serve ended with ${await child.exited}: ${log.join("")}`);
      const { url, setupUrl } = ready.parse(JSON.parse(new TextDecoder().decode(value)));
      return {
        url,
        setupUrl,
        pid: child.pid,
        log: () => log.join(""),
        stop() {
          child.kill("SIGTERM");
          return child.exited;
        },
      };
    },
    /** Ends whatever still runs. */
    async close(): Promise<void> {
      for (const child of children) child.kill("SIGTERM");
      await Promise.all(children.map((child) => child.exited));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return user;
}

async function drain(stream: ReadableStream<Uint8Array>, into: string[]): Promise<void> {
  const decoder = new TextDecoder();
  for await (const part of stream) into.push(decoder.decode(part));
}
