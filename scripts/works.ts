// The README's table of what works, made from docs/features.md: `bun scripts/works.ts --write`; test/features.test.ts
// holds it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Feature = { id: string; name: string; goal: string; state: string; test: string };

const root = join(import.meta.dir, "..");
const region = /(<!-- works: bun scripts\/works\.ts --write -->\n)[\s\S]*?(<!-- \/works -->)/;

/** The rows of docs/features.md, in its order. */
export function readFeatures(text: string): Feature[] {
  return text
    .split("\n")
    .filter((line) => /^\| [RPN]\d+ \|/.test(line))
    .map((line) => {
      const [, id = "", name = "", goal = "", state = "", test = ""] = line
        .split("|")
        .map((cell) => cell.trim());
      return { id, name, goal, state, test };
    });
}

/** What the README says of them: those that work with what that means, and how many are thin or not there. */
export function worksTable(features: readonly Feature[]): string {
  const works = features.filter(({ state }) => state === "works");
  const thin = features.filter(({ state }) => state.startsWith("thin"));
  const lines = works.map(({ id, name, goal }) => `| ${id} ${name} | ${goal} |`);
  return `Of the ${features.length} features that Espalier aims at, ${works.length} work in full: in the web UI and by GraphQL, each with its test through the executable. ${thin.length} are there but thin, ${features.length - works.length - thin.length} not yet; [docs/features.md](docs/features.md) says of each what is missing.

| works | what that means |
|---|---|
${lines.join("\n")}
`;
}

/** README with its region as docs/features.md says now. @throws Error when the README has no such region */
export function withWorks(readme: string, features: string): string {
  if (!region.test(readme)) throw new Error("README.md has no region <!-- works: … --> to <!-- /works -->");
  return readme.replace(
    region,
    (_, begin: string, end: string) => `${begin}${worksTable(readFeatures(features))}${end}`,
  );
}

if (import.meta.main && process.argv.includes("--write")) {
  const readme = join(root, "README.md");
  writeFileSync(
    readme,
    withWorks(readFileSync(readme, "utf8"), readFileSync(join(root, "docs/features.md"), "utf8")),
  );
}
