// The documentation stays true: features that are said to work name a test that exists.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
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
