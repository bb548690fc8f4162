// Runs inside a network namespace without a route: starts the executable under strace, uses it, stops it, and
// prints what it tried to reach. Usage: unshare -n -- bun test/offline.ts EXECUTABLE DATA TRACE [serve options]
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readOutbound, tracing } from "./outbound.ts";

const [executable = "", data = "", trace = "", ...options] = process.argv.slice(2);
const up = Bun.spawnSync(["ip", "link", "set", "lo", "up"]);
if (!up.success) throw new Error(`loopback cannot be brought up: ${up.stderr}`);
mkdirSync(dirname(trace), { recursive: true });

const server = Bun.spawn(
  [...tracing(trace), executable, "serve", "--data", data, "--port", "0", ...options],
  {
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, HOME: data, XDG_CACHE_HOME: join(data, "cache") },
  },
);
const reader = server.stdout.getReader();
let text = "";
while (!text.includes("\n")) {
  const { value, done } = await reader.read();
  if (done) throw new Error(`the server ended before it was ready: exit code ${await server.exited}`);
  text += new TextDecoder().decode(value);
}
const ready: unknown = JSON.parse(text.slice(0, text.indexOf("\n")));
if (typeof ready !== "object" || ready === null || !("url" in ready))
  throw new Error(`not a ready line: ${text}`);
const statuses: Record<string, number> = {};
for (const path of ["/", "/healthz", "/readyz"])
  statuses[path] = (await fetch(new URL(path, String(ready.url)))).status;
// Long enough for timers that report home shortly after the start.
await Bun.sleep(5000);
// strace itself is deaf to signals; it ends with its child, and with its child's exit code.
for (const pid of readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").trim().split(" "))
  process.kill(Number(pid), "SIGTERM");
const exitCode = await server.exited;

console.log(JSON.stringify({ statuses, exitCode, ...readOutbound(trace) }));
