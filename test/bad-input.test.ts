// docs/bad-input.md stays true: every row names a code of the product, where it has one, and a test that is there.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const read = (path: string): string =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "";
const rows = read("docs/bad-input.md")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| item "))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

test("every row has its four cells, and an outcome", () => {
  expect(rows.length).toBeGreaterThanOrEqual(50);
  for (const cells of rows)
    expect([cells[0], cells.length, (cells[2] ?? "").length > 10]).toEqual([cells[0], 4, true]);
});

test.each(rows.map(([item = "", code = "", , proof = ""]) => [item, code, proof] as const))(
  "%s",
  (item, code, proof) => {
    const [, file = "", name = ""] = /^`([^`]+)` "(.+)"$/.exec(proof) ?? [];
    // Names stand in the source as texts, those of cases in their tables.
    const source = read(file);
    expect([item, file, source.includes(`"${name}"`)]).toEqual([item, file, true]);
    if (code === "") return;
    const [, word = ""] = /^`([A-Z_]+)`$/.exec(code) ?? [];
    const isKnown = [source, read(file.replace(/\.ts$/, ".test.ts"))].some(
      (text) => text.includes(word) || text.includes(word.toLowerCase()),
    );
    expect([item, word, isKnown || word === "NOT_FOUND"]).toEqual([item, word, true]);
  },
);
