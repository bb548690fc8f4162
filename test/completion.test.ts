// Completion in the real shells, and every example of --help tried: what the help says must work as it stands.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { command, createUser } from "./command.ts";

setDefaultTimeout(60_000);
const user = createUser();
const bin = join(user.folder, "bin");
const env = { PATH: `${bin}:${process.env.PATH ?? ""}`, TERM: "dumb" };

beforeAll(async () => {
  mkdirSync(bin);
  // On the PATH under its name, as completion is registered for it.
  writeFileSync(
    join(bin, "espalier"),
    `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(" ")} "$@"\n`,
  );
  chmodSync(join(bin, "espalier"), 0o755);
  writeFileSync(join(user.work, "rows.jsonl"), "{}\n");
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await user.run(["completion", shell]);
    writeFileSync(join(user.folder, `completion.${shell}`), stdout);
  }
});
afterAll(() => user.close());

/** What each shell offers for a line, asked of its own completion machinery. */
const SHELLS: Record<string, (line: string) => string[]> = {
  bash: (line) => [
    ...["bash", "--norc", "-c"],
    `source ../completion.bash; COMP_LINE=$1; COMP_POINT=\${#1}; read -ra COMP_WORDS <<<"$1"
     [[ $1 == *" " ]] && COMP_WORDS+=(""); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
     _espalier espalier "\${COMP_WORDS[COMP_CWORD]}" ""; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ...["-", line],
  ],
  // A terminal of its own: zsh completes only at a prompt. Tab twice lists what fits.
  zsh: (line) => [
    ...["zsh", "-f", "-c"],
    `zmodload zsh/zpty; zpty z zsh -f -i
     zpty -w z 'autoload -U compinit; compinit -u -D; source ../completion.zsh; echo re""ady'
     zpty -r z out '*ready*'; zpty -w -n z "$1"$'\\t\\t'; sleep 1.2
     while zpty -r -t z out; do print -r -- "$out"; done; zpty -d z`,
    ...["-", line],
  ],
  fish: (line) => [
    "fish",
    "--no-config",
    "-c",
    "source ../completion.fish; complete -C $argv[1]",
    "--",
    line,
  ],
};

const CASES: [line: string, offered: string[], not: string][] = [
  ["espalier li", ["list"], "doctor"],
  ["espalier run ", ["show", "wait", "cancel", "retry"], "deploy"],
  ["espalier list re", ["registered"], "bases"],
  ["espalier train --ba", ["--base"], "--precision"],
  ["espalier deploy toy --pre", ["--precision"], "--sample-model"],
  ["espalier dataset import ro", ["rows.jsonl"], "doctor"],
];

for (const [shell, ask] of Object.entries(SHELLS)) {
  const isThere = Bun.which(shell) !== null;
  if (!isThere) console.log(`skipped: completion in ${shell}, which is not installed`);
  test.skipIf(!isThere).each(CASES)(`${shell} completes "%s"`, async (line, offered, not) => {
    const child = Bun.spawn(ask(line), {
      cwd: user.work,
      env: { ...user.env, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect(stderr).toBe("");
    // A single match is completed in the line itself: the typed part and the rest stand together.
    for (const word of offered) expect(stdout).toContain(word);
    expect(stdout).not.toContain(not);
  });
}

/** Words of a shell command line: quotes, and without redirections. */
function wordsOf(line: string): string[] {
  return [...line.replace(/ [<>] \S+/g, "").matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? "",
  );
}

/** Every verb's path, from the help texts themselves. */
async function verbs(path: string[] = []): Promise<string[][]> {
  const { stdout, code } = await user.run([...path, "--help"]);
  expect(code).toBe(0);
  const [, listed] = stdout.split("\nCommands:\n");
  if (listed === undefined) return [path];
  const names = [...listed.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name ?? "");
  return (await Promise.all(names.map((name) => verbs([...path, name])))).flat();
}

test("every verb has an example, and each is understood: none is wrong usage", async () => {
  const all = await verbs();
  expect(all.length).toBeGreaterThan(30);
  for (const path of all) {
    const { stdout } = await user.run([...path, "--help"]);
    const example = /\nExample:\n {2}(espalier .*)\n/.exec(stdout)?.[1] ?? "";
    const words = wordsOf(example);
    expect(words.slice(0, path.length + 1)).toEqual(["espalier", ...path]);
    // Those run until they are asked to end.
    if (["serve", "trainer", "engine"].includes(path.join(" "))) continue;
    const { code, document } = await user.json(words.slice(1), {
      env: { ESPALIER_URL: "http://127.0.0.1:9", ESPALIER_KEY: "esp_none" },
      stdin: "a password for anna\n",
    });
    expect({ example, code }).not.toEqual({ example, code: 2 });
    expect(z.object({}).safeParse(document).success).toBe(true);
  }
});
