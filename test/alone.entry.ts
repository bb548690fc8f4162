// Runs inside a network namespace without a route and a mount namespace of its own: gives an empty root its /proc and
// /dev, and drives the executable in it, every process watched by strace. Prints what each command and request said.
// Usage: unshare --net --mount -- bun test/alone.entry.ts ROOT TRACE < steps.json
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { readOutbound, tracing } from "./outbound.ts";

const [root = "", trace = ""] = process.argv.slice(2);
const steps = z.array(z.array(z.string())).parse(await Bun.stdin.json());

for (const command of [
  ["ip", "link", "set", "lo", "up"],
  ["mount", "-t", "proc", "proc", join(root, "proc")],
  ["mount", "--bind", "/dev/null", join(root, "dev/null")],
  ["mount", "--bind", "/dev/urandom", join(root, "dev/urandom")],
]) {
  const { success, stderr } = Bun.spawnSync(command);
  if (!success) throw new Error(`${command.join(" ")}: ${stderr}`);
}
mkdirSync(dirname(trace), { recursive: true });
const chroot = Bun.which("chroot", { PATH: "/usr/sbin:/sbin:/usr/bin:/bin" }) ?? "chroot";

/** Starts the executable in the root, with no environment but what is said. */
const start = (args: readonly string[], env: Record<string, string> = {}) =>
  Bun.spawn(
    [
      ...tracing(trace),
      "env",
      "-i",
      ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
      chroot,
      root,
      "/espalier",
      ...args,
    ],
    { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  );

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = start([...args, "--json"], env);
  const text = await new Response(child.stdout).text();
  return { code: await child.exited, document: z.record(z.string(), z.unknown()).parse(JSON.parse(text)) };
}

const said = [await run(["key", "create", "--data", "/data", "--name", "first"])];
const key = z.object({ key: z.string() }).safeParse(said[0]?.document).data?.key;
if (key !== undefined) {
  const server = start(["serve", "--data", "/data", "--port", "0"]);
  const reader = server.stdout.getReader();
  const { value } = await reader.read();
  const { url } = z.object({ url: z.url() }).parse(JSON.parse(new TextDecoder().decode(value)));
  for (const step of steps) said.push(await run(step, { ESPALIER_URL: url, ESPALIER_KEY: key }));
  const answer = await fetch(new URL("/graphql", url), {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ query: "{ processMap { trainerHint stages { key available reason } } }" }),
  });
  said.push({ code: answer.status, document: z.record(z.string(), z.unknown()).parse(await answer.json()) });
  // strace itself is deaf to signals; it ends with its child, and with its child's exit code.
  for (const pid of readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").trim().split(" "))
    process.kill(Number(pid), "SIGTERM");
  said.push({ code: await server.exited, document: {} });
}
console.log(JSON.stringify({ said, ...readOutbound(trace) }));
