// Graders whose code or schema lies in a file of the caller's machine.
import { resolve } from "node:path";
import { usage } from "./outcome.ts";

/** `javascript:@FILE` and `json-schema:@FILE` with what is in the file; another grader as it is. */
export async function withFile(grader: string): Promise<string> {
  const [, kind, path] = /^\s*(javascript|json-schema)\s*:\s*@(.+)$/s.exec(grader) ?? [];
  if (kind === undefined || path === undefined) return grader;
  const file = Bun.file(resolve(path.trim()));
  if (!(await file.exists()))
    throw usage(`--grader ${kind}: there is no file ${path.trim()}`, "Name a file of this machine after @.");
  return `${kind}:${await file.text()}`;
}
