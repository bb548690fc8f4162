// The trainer's own Python, running a script of this folder.
import { join } from "node:path";

const root = join(import.meta.dir, "..");
export const python = process.env.ESPALIER_TRAINER_PYTHON ?? join(root, "trainer/.venv/bin/python");

/** What a script prints; `input` goes to its stdin as JSON. @throws Error with its stderr when it fails. */
export async function runPython(script: string, args: readonly string[], input?: object): Promise<string> {
  const child = Bun.spawn([python, join(import.meta.dir, script), ...args], {
    env: { ...process.env, PYTHONPATH: join(root, "trainer") },
    stdin: input ? new Blob([JSON.stringify(input)]) : "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, problems, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(problems);
  return out;
}
