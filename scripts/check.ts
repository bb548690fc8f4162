// `bun run check`: everything that is wrong without running the product: types, lint, dead code, the house's
// rules, generated files that differ, Python's lint and types. --junit FILE writes the outcome for bin/test.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

type Check = { name: string; command: string[]; cwd?: string; mend: string };
type Outcome = { name: string; seconds: number; output: string | null };

const root = join(import.meta.dir, "..");
const tool = (name: string): string => join(root, "node_modules/.bin", name);
const venv = join(root, "trainer/.venv/bin");
const { values: options } = parseArgs({ options: { junit: { type: "string" } } });

const checks: Check[] = [
  { name: "types", command: [tool("tsc"), "-p", "."], mend: "mend the types named above" },
  { name: "format and lint", command: [tool("biome"), "check", "."], mend: "bunx biome check --write ." },
  { name: "dead code", command: [tool("knip")], mend: "remove what nothing uses, or export less" },
  {
    name: "house rules",
    command: [process.execPath, "test", "./test/tidy.test.ts"],
    mend: "see docs/architecture.md",
  },
  {
    name: "schema/trainer.json",
    command: [process.execPath, "scripts/trainer-schema.ts", "--check"],
    mend: "bun scripts/trainer-schema.ts --write",
  },
  {
    name: "schema/schema.graphql",
    command: [process.execPath, "scripts/print-schema.ts", "--check"],
    mend: "bun scripts/print-schema.ts --write",
  },
  {
    name: "languages",
    command: [process.execPath, "web/locales/extract.ts", "--check"],
    mend: "bun web/locales/extract.ts, then translate what it names in web/locales/de.json and zh.json",
  },
  {
    name: "THIRD_PARTY_NOTICES.md",
    command: [process.execPath, "scripts/notices.ts", "--check"],
    mend: "bun scripts/notices.ts --write",
  },
];
if (existsSync(join(venv, "ruff"))) {
  const trainer = join(root, "trainer");
  checks.push(
    {
      name: "Python lint",
      command: [join(venv, "ruff"), "check", "."],
      cwd: trainer,
      mend: "ruff check --fix .",
    },
    {
      name: "Python format",
      command: [join(venv, "ruff"), "format", "--check", "."],
      cwd: trainer,
      mend: "ruff format .",
    },
    {
      name: "Python types",
      command: [join(venv, "mypy"), "espalier_trainer"],
      cwd: trainer,
      mend: "mend the types named above",
    },
  );
} else {
  console.log(
    "check: no trainer/.venv with its development tools (bin/prepare-trainer --dev): Python is not checked",
  );
}

const outcomes: Outcome[] = [];
for (const check of checks) outcomes.push(await timed(check.name, () => runCheck(check)));
outcomes.push(await timed("migrations", checkMigrations));
if (options.junit) await Bun.write(options.junit, junit(outcomes));
const bad = outcomes.filter((outcome) => outcome.output !== null);
console.log(`check: ${outcomes.length - bad.length} of ${outcomes.length} clean`);
process.exit(bad.length === 0 ? 0 : 1);

async function timed(name: string, work: () => Promise<string | null>): Promise<Outcome> {
  const started = performance.now();
  const output = await work();
  const seconds = (performance.now() - started) / 1000;
  console.log(`check: ${name}: ${output === null ? "clean" : "FAILED"} (${seconds.toFixed(1)} s)`);
  if (output !== null) console.log(output);
  return { name, seconds, output };
}

/** Null when clean, else what the tool said and the mend. */
async function runCheck({ command, cwd = root, mend }: Check): Promise<string | null> {
  const child = Bun.spawn(command, { cwd, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return code === 0
    ? null
    : `${stdout}${stderr}`.trim().split("\n").slice(-80).concat(`mend: ${mend}`).join("\n");
}

/** Lets drizzle-kit write into a copy: where that makes a new file, the tables have moved on. */
async function checkMigrations(): Promise<string | null> {
  // Inside the clone, because drizzle-kit takes only paths relative to its folder.
  mkdirSync(join(root, ".cache"), { recursive: true });
  const copy = mkdtempSync(join(root, ".cache/migrations-"));
  try {
    cpSync(join(root, "migrations"), copy, { recursive: true });
    const before = readdirSync(copy).length;
    const out = `./${copy.slice(root.length + 1)}`;
    const failed = await runCheck({
      name: "migrations",
      command: [
        tool("drizzle-kit"),
        "generate",
        "--dialect",
        "sqlite",
        "--schema",
        "./schema/tables/*.ts",
        "--out",
        out,
      ],
      mend: "bunx drizzle-kit generate",
    });
    if (failed !== null) return failed;
    return readdirSync(copy).length === before
      ? null
      : "schema/tables/ has changes without a migration\nmend: bunx drizzle-kit generate, then review its SQL";
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function junit(all: Outcome[]): string {
  const cases = all.map(({ name, seconds, output }) => {
    const failure =
      output === null ? "" : `<failure message="see the text">${Bun.escapeHTML(output)}</failure>`;
    return `<testcase name="${Bun.escapeHTML(name)}" time="${seconds.toFixed(3)}">${failure}</testcase>`;
  });
  const failures = all.filter((outcome) => outcome.output !== null).length;
  return `<testsuites name="check" tests="${all.length}" failures="${failures}" errors="0" skipped="0">${cases.join("")}</testsuites>\n`;
}
