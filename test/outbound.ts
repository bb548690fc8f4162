// What traced processes tried to reach: reads the files of `strace -ff -e trace=connect,sendto,… -o PREFIX`.
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** What strace is told before the command that it watches. */
export const tracing = (prefix: string): string[] =>
  "strace -ff --seccomp-bpf -qq -s 256 -e trace=connect,sendto,sendmsg,sendmmsg -o".split(" ").concat(prefix);

/** Lines of calls that left the machine or asked for a name, and how many calls were seen at all. */
export function readOutbound(prefix: string): { calls: number; attempts: string[]; lookUps: string[] } {
  const attempts: string[] = [];
  const lookUps: string[] = [];
  let calls = 0;
  for (const file of readdirSync(dirname(prefix)).filter((name) => name.startsWith(basename(prefix)))) {
    for (const line of readFileSync(join(dirname(prefix), file), "utf8").split("\n")) {
      if (line === "") continue;
      calls++;
      const inet = /sa_family=AF_INET6?, .*?htons\((\d+)\).*?"([^"]+)"/.exec(line);
      if (/nscd\/socket|systemd\.resolve/.test(line) || inet?.[1] === "53") lookUps.push(line);
      else if (inet && !/^(127\.|::1$|::ffff:127\.)/.test(inet[2] ?? "")) attempts.push(line);
    }
  }
  return { calls, attempts, lookUps };
}
