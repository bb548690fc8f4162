// The documentation stays true: features that are said to work name a test that exists, the README's commands run
// as they stand, and the Dockerfiles run what tests execute.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeToyModel } from "../src/inference/toy.test-kit.ts";
import { command, createUser } from "./command.ts";

setDefaultTimeout(240_000);
const root = join(import.meta.dir, "..");
const user = createUser();
afterAll(() => user.close());
const python = process.env.ESPALIER_TRAINER_PYTHON ?? join(root, "trainer/.venv/bin/python");
const canTrain = existsSync(python) && process.env.ESPALIER_TESTS !== "quick";
const rows = readFileSync(join(root, "docs/features.md"), "utf8")
  .split("\n")
  .filter((line) => /^\| [RPN]\d+ \|/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()));

test("docs/features.md has every row once, with a known state", () => {
  const ids = rows.map((cells) => cells[1]);
  expect(ids.length).toBeGreaterThanOrEqual(90);
  expect(new Set(ids).size).toBe(ids.length);
  for (const cells of rows) expect(cells.at(-3)).toMatch(/^(works|thin: .+|not yet)$/);
});

test("every row that works names a test file that exists", () => {
  for (const cells of rows.filter((row) => row.at(-3) === "works")) {
    const file = cells.at(-2)?.replaceAll("`", "") ?? "";
    expect(`${cells[1]} ${file && existsSync(join(root, file))}`).toBe(`${cells[1]} true`);
  }
});

test("links between documents lead to files that exist", () => {
  for (const name of ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/LOG.md"]) {
    const text = readFileSync(join(root, name), "utf8");
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)\)/g)) {
      const path = join(root, name, "..", target ?? "");
      expect(`${name} → ${target}: ${existsSync(path)}`).toBe(`${name} → ${target}: true`);
    }
  }
});

/** Instructions of a Dockerfile, continued lines joined: [RUN, "apt-get …"]. */
function instructions(file: string): [string, string][] {
  const text = readFileSync(join(root, file), "utf8")
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n\s*/g, "");
  return [...text.matchAll(/^([A-Z]+) (.+)$/gm)].map(([, name = "", rest = ""]) => [name, rest]);
}

/** What prepares an image rather than the product: the system's packages, accounts and folders. */
const SYSTEM = /^(apt-get (update|install) ?.*|rm -rf \/var\/lib\/apt\/lists\/\*|useradd .*|install -d .*)$/;
const tests = ["test", "trainer/tests"].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => /test/.test(name))
    .map((name) => readFileSync(join(root, folder, name), "utf8")),
);

test.each(["Dockerfile", "trainer/Dockerfile"])(
  "%s runs only scripts that are here and that tests execute, and copies what is here",
  (file) => {
    const steps = instructions(file);
    const own = steps
      .filter(([name]) => name === "RUN")
      .flatMap(([, line]) => line.split("&&").map((part) => part.trim()))
      .filter((part) => !SYSTEM.test(part));
    expect(own.length).toBeGreaterThan(0);
    for (const step of own) {
      const [script = "", ...rest] = step.split(" ");
      // The environment's Python is made by the step before; what it runs is a module of ours.
      const path = script.endsWith("/python") ? `trainer/${rest[1]?.replaceAll(".", "/")}.py` : script;
      expect(`${step}: ${existsSync(join(root, path))}`).toBe(`${step}: true`);
      if (path === script) expect(statSync(join(root, path)).mode & 0o111).not.toBe(0);
      const name = path === script ? (script.split("/").pop() ?? "") : (rest[1] ?? "");
      expect(`${name}: ${tests.some((text) => text.includes(`"${name}"`))}`).toBe(`${name}: true`);
    }
    for (const [, line] of steps.filter(([name, rest]) => name === "COPY" && !rest.startsWith("--from")))
      for (const source of line.split(" ").slice(0, -1)) expect(existsSync(join(root, source))).toBe(true);
  },
);

test("the server's container starts with the Dockerfile's own environment and command", async () => {
  const steps = new Map(instructions("Dockerfile"));
  const words = z.array(z.string());
  const [entry, ...args] = [
    ...words.parse(JSON.parse(steps.get("ENTRYPOINT") ?? "")),
    ...words.parse(JSON.parse(steps.get("CMD") ?? "")),
  ];
  expect([entry, args[0]]).toEqual(["espalier", "serve"]);
  const settings = Object.fromEntries((steps.get("ENV") ?? "").split(" ").map((pair) => pair.split("=", 2)));
  const env = {
    ...z.record(z.string(), z.string()).parse(settings),
    ESPALIER_CACHE_DIR: join(user.folder, "container-cache"),
  };
  const own = args.map((word) =>
    word === "/data" ? join(user.folder, "container") : word === "7420" ? "0" : word,
  );
  const child = user.start(own, { env });
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toContain('"url":"http://localhost:7420"');
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
});

test("the trainer's container starts its trainer: wrong usage without a server is said", () => {
  const entry = z
    .array(z.string())
    .parse(JSON.parse(new Map(instructions("trainer/Dockerfile")).get("ENTRYPOINT") ?? ""));
  expect(entry.slice(0, 3)).toEqual(["/espalier/trainer/.venv/bin/python", "-m", "espalier_trainer"]);
  if (!canTrain) return;
  const child = Bun.spawnSync([python, ...entry.slice(1)], {
    cwd: join(root, "trainer"),
    env: { PATH: "/usr/bin:/bin" },
  });
  expect(child.exitCode).toBe(2);
  expect(child.stderr.toString()).toContain("ESPALIER_URL");
});

/** The commands of the README's block under a heading. */
function commandsUnder(heading: string): string[] {
  const [, rest = ""] = readFileSync(join(root, "README.md"), "utf8").split(`\n## ${heading}\n`);
  const block = /```sh\n([\s\S]*?)```/.exec(rest)?.[1] ?? "";
  return block.split("\n").filter((line) => line.trim() !== "");
}

test("the README's two commands are scripts that are here", () => {
  const scripts = commandsUnder("Two commands").map((line) => line.split(" ")[0] ?? "");
  expect(scripts).toEqual(["bin/start", "bin/test"]);
  for (const script of scripts) expect(statSync(join(root, script)).mode & 0o111).not.toBe(0);
});

test.skipIf(!canTrain)("the README's command line runs as it stands, from import to deployed", async () => {
  const lines = commandsUnder("From the command line");
  expect(lines.filter((line) => /^espalier /.test(line)).length).toBeGreaterThanOrEqual(6);
  // As in the clone's folder: dist/espalier, data/, and the reader's own model and rows.
  mkdirSync(join(user.work, "dist"));
  if (command.length === 1) symlinkSync(command[0] ?? "", join(user.work, "dist/espalier"));
  else
    writeFileSync(join(user.work, "dist/espalier"), `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`, {
      mode: 0o755,
    });
  // Roomy enough for a question with passages.
  await writeToyModel(join(user.work, "my-model"), { config: { max_position_embeddings: 4_096 } });
  mkdirSync(join(user.work, "documents"));
  writeFileSync(join(user.work, "documents/warranty.md"), "# Warranty\n\nThe warranty lasts two years.\n");
  const rows = Array.from(
    { length: 40 },
    (_, i) => `${JSON.stringify({ prompt: `q${i}`, completion: `a${i}` })}\n`,
  );
  writeFileSync(join(user.work, "rows.jsonl"), rows.join(""));
  const server = await user.serve(join(user.work, "data"), ["--with-trainer", "--trainer-python", python]);
  const script = lines.join("\n").replaceAll("http://127.0.0.1:7420", server.url);
  const shell = Bun.spawn(["bash", "-e", "-c", `shopt -s expand_aliases\n${script}`], {
    cwd: user.work,
    env: user.env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(shell.stdout).text(),
    new Response(shell.stderr).text(),
  ]);
  expect({
    code: await shell.exited,
    stderr: stderr.replace(/^.*: (queued|running|succeeded)\n/gm, ""),
    // What the answer cites stands beside it, not in it.
  }).toEqual({ code: 0, stderr: "[1] warranty.md\n" });
  expect(stdout).toContain("my-tuned");
  expect(stdout).toContain("Usage: espalier");
});
